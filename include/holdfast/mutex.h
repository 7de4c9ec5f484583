/* SPDX-License-Identifier: MIT */
/*
 * Mutex: one holder at a time, whichever process it is in, and no lock lost with its
 * holder.
 *
 *     typedef struct { hf_mutex_t lock; long balance; } account_t;   // in a segment
 *
 *     int error = hf_mutex_lock(&account->lock);
 *     if (error == EOWNERDEAD) {
 *         repair(account);                          // the last holder died half-way
 *         error = hf_mutex_consistent(&account->lock);
 *     }
 *     if (error == 0) {
 *         account->balance += 1;
 *         error = hf_mutex_unlock(&account->lock);
 *     }
 *
 * Kill theorem: a holder killed at any instruction passes the mutex on, with EOWNERDEAD,
 * to one live thread that waits for it or comes to it next; any other thread killed at
 * any instruction inside these calls changes nothing for the others. A holder that is
 * stopped is alive and keeps its mutex. A waiter needs no help from a timer after a
 * single death; when several come within some 200 ms, a sleeper may find out by itself,
 * within half a second (hf_segment_info_t.rescues counts it). docs/recovery.md has the
 * proof.
 *
 * Order. Lock acquires what the last unlock released. It is not fair: whoever is running
 * may overtake the sleepers, but who was overtaken often looks longer.
 *
 * Cost. Without contention, a lock is one compare-and-swap and an unlock one plain store.
 * A waiter spins for some microseconds, unless there is only one CPU, then sleeps.
 *
 * Limits. 2^31 - 1 levels of recursion. A thread that holds more than 2,000 robust
 * pthread mutexes of its own, or has unmapped one that it holds, hides its death from the
 * kernel.
 */
#ifndef HOLDFAST_MUTEX_H
#define HOLDFAST_MUTEX_H

#include <holdfast/common.h>

#ifdef __cplusplus
extern "C" {
#endif

/* 16 bytes at an 8-byte boundary; all-zero is a free, normal mutex. The fields are
 * private. */
typedef struct {
    HF_ALIGN8 uint64_t hf_word; /* holder and flags */
    uint32_t hf_depth; /* recursion: option; locks beyond the first, the holder's */
    uint32_t hf_bias;  /* whether the holder may give it back by a plain store */
} hf_mutex_t;

enum { HF_RECURSIVE = 1 };

/*
 * Makes it a free mutex with these options (0 or HF_RECURSIVE), whatever it was. For
 * fresh memory, or by agreement after ENOTRECOVERABLE: nobody may hold it or be about to.
 * 0; EINVAL.
 */
HF_API HF_NODISCARD int hf_mutex_init(hf_mutex_t *m, unsigned options);

/*
 * Locks it, waiting as long as it takes.
 * 0; EOWNERDEAD: locked, its holder died; ENOTRECOVERABLE; EDEADLK: you hold it, and it
 * is not recursive; EAGAIN: recursion or participants beyond the limit; EINVAL; EBADMSG;
 * EACCES.
 */
HF_API HF_NODISCARD int hf_mutex_lock(hf_mutex_t *m);

/* Locks it if that takes no waiting. As hf_mutex_lock; EBUSY: somebody (or you) holds it.
 */
HF_API HF_NODISCARD int hf_mutex_trylock(hf_mutex_t *m);

/*
 * Locks it, waiting until the deadline (CLOCK_MONOTONIC) at most. A free mutex is taken
 * though the deadline has passed. As hf_mutex_lock; ETIMEDOUT; EINVAL: no valid time.
 */
HF_API HF_NODISCARD int hf_mutex_timedlock(
    hf_mutex_t *m, const struct timespec *deadline);

/*
 * Gives it back; a recursive one when it has been unlocked as often as locked. Without
 * hf_mutex_consistent after an EOWNERDEAD, it becomes ENOTRECOVERABLE.
 * 0; EPERM: you do not hold it; EINVAL.
 */
HF_API HF_NODISCARD int hf_mutex_unlock(hf_mutex_t *m);

/* Says that the data is repaired. 0; EPERM: you do not hold it; EINVAL: nothing to
 * repair. */
HF_API HF_NODISCARD int hf_mutex_consistent(hf_mutex_t *m);

/* Tells who holds it and who waits. Takes no lock; works on a read-only segment too.
 * 0; EINVAL; EBADMSG. */
HF_API HF_NODISCARD int hf_mutex_owner(const hf_mutex_t *m, hf_owner_t *who);

/* Whether its bytes can be a mutex of this segment. 0; EINVAL; EBADMSG. */
HF_API HF_NODISCARD int hf_mutex_check(const hf_mutex_t *m);

/*
 * A lock for the rest of the block, released on every path out of it (GCC and Clang):
 *
 *     HF_SCOPED_LOCK(error, &account->lock);
 *     if (error == EOWNERDEAD) { ... }
 *     else if (error) { return error; }      // not locked; nothing is released
 *
 * declares `const int error`, what hf_mutex_lock returned. Unlocking by hand before the
 * end of the block is allowed.
 */
#define HF_SCOPED_LOCK(error, mutex)                                                     \
    __attribute__((cleanup(hf_scoped_unlock))) hf_mutex_t *hf_scoped_##error = (mutex);  \
    const int error = hf_mutex_lock(hf_scoped_##error);                                  \
    if (error != 0 && error != EOWNERDEAD)                                               \
    hf_scoped_##error = NULL

static inline void hf_scoped_unlock(hf_mutex_t **m)
{
    if (*m != NULL && hf_mutex_unlock(*m) != 0) {
        *m = NULL; /* EPERM: unlocked by hand before */
    }
}

#ifdef __cplusplus
}
#endif

#endif
