/* SPDX-License-Identifier: MIT */
/*
 * Permits: a semaphore whose permits have owners and numbers, so that a dead owner's come
 * back. For a pool of resources of which each may be used by one at a time.
 *
 *     hf_permits_t *pool = ...;              // hf_permits_size(8) bytes in a segment
 *     int error = hf_permits_init(pool, 8);  // by one, before the others use it
 *
 *     unsigned which;
 *     error = hf_permits_acquire(pool, &which);
 *     if (error == EOWNERDEAD) { clean(resource[which]); error = 0; }
 *     ...
 *     error = hf_permits_release(pool, which);
 *
 * Kill theorem: there are always as many permits as at the beginning, each free or held
 * by one. A dead holder's is taken by exactly one other, who is told (EOWNERDEAD).
 *
 * A thread may hold several. A permit is released by the thread that acquired it. A
 * stopped holder is alive and keeps its permits. Sleepers are woken by the death of any
 * of 127 holders; with more holders at once, one of the others' is noticed after at most
 * half a second.
 */
#ifndef HOLDFAST_PERMITS_H
#define HOLDFAST_PERMITS_H

#include <holdfast/common.h>

#ifdef __cplusplus
extern "C" {
#endif

/* 16 bytes at an 8-byte boundary, followed by 8 for each permit. Private fields. */
typedef struct {
    HF_ALIGN8 uint64_t hf_word;
    uint32_t hf_count;
    uint32_t hf_reserved;
} hf_permits_t;

#define HF_PERMITS_MAX 65535U

/* Bytes for so many permits; 0: not 1 to HF_PERMITS_MAX. */
HF_API size_t hf_permits_size(unsigned count);

/*
 * Makes it a pool of so many free permits, whatever it was. For fresh memory: nobody may
 * use it meanwhile. 0; EINVAL: a bad count, or not all of it in a segment; EACCES.
 */
HF_API HF_NODISCARD int hf_permits_init(hf_permits_t *p, unsigned count);

/*
 * Takes a permit, waiting as long as it takes; *which: its number, from 0. 0; EOWNERDEAD:
 * taken from a dead holder; EINVAL: not in a segment, not initialised, or no which;
 * EBADMSG; EACCES; EAGAIN: participants.
 */
HF_API HF_NODISCARD int hf_permits_acquire(hf_permits_t *p, unsigned *which);

/* Takes one if that takes no waiting. As hf_permits_acquire; EBUSY: all are held. */
HF_API HF_NODISCARD int hf_permits_tryacquire(hf_permits_t *p, unsigned *which);

/* Waits until the deadline (CLOCK_MONOTONIC) at most. As hf_permits_acquire; ETIMEDOUT;
 * EINVAL: no valid time. */
HF_API HF_NODISCARD int hf_permits_timedacquire(
    hf_permits_t *p, unsigned *which, const struct timespec *deadline);

/* Gives it back. 0; EPERM: you do not hold it; EINVAL: no such permit; EBADMSG. */
HF_API HF_NODISCARD int hf_permits_release(hf_permits_t *p, unsigned which);

/* Tells who holds a permit, and who waits for any. 0; EINVAL; EBADMSG. */
HF_API HF_NODISCARD int hf_permits_owner(
    const hf_permits_t *p, unsigned which, hf_owner_t *who);

/* Whether its bytes can be permits of this segment. 0; EINVAL; EBADMSG. */
HF_API HF_NODISCARD int hf_permits_check(const hf_permits_t *p);

/* A permit for the rest of the block (GCC and Clang): as HF_SCOPED_LOCK; declares
 * `const int error` and `unsigned number`. */
#define HF_SCOPED_PERMIT(error, number, pool)                                            \
    unsigned number = 0;                                                                 \
    __attribute__((cleanup(hf_scoped_release)))                                          \
    hf_scoped_permit_t hf_scoped_##error = {(pool), &(number)};                          \
    const int error = hf_permits_acquire(hf_scoped_##error.permits, &(number));          \
    if (error != 0 && error != EOWNERDEAD)                                               \
    hf_scoped_##error.permits = NULL

typedef struct {
    hf_permits_t *permits;
    unsigned *which;
} hf_scoped_permit_t;

static inline void hf_scoped_release(hf_scoped_permit_t *held)
{
    if (held->permits != NULL && hf_permits_release(held->permits, *held->which) != 0) {
        held->permits = NULL; /* EPERM: released by hand before */
    }
}

#ifdef __cplusplus
}
#endif

#endif
