/* SPDX-License-Identifier: MIT */
/*
 * Semaphore: a number of tokens; anybody may post one, whoever waits takes one.
 *
 *     typedef struct { hf_sem_t items, room; ... } queue_t;      // in a segment
 *
 *     int error = hf_sem_wait(&queue->items);   // consumer
 *     ...
 *     error = hf_sem_post(&queue->items);       // producer
 *
 * Kill theorem: the number of tokens is exactly that of posts less that of waits that
 * took one, and while there are tokens nobody sleeps, whoever is killed at whatever
 * instruction. A post that was killed has either happened or not. A token that its taker
 * takes to its grave is gone: tokens have no owners. Where they should, use permits
 * (holdfast/permits.h).
 *
 * Order. A wait acquires what the post released. Not fair: whoever runs may overtake
 * sleepers. Cost. Without a sleeper, one compare-and-swap each. Signals. hf_sem_post may
 * be called from a signal handler.
 */
#ifndef HOLDFAST_SEM_H
#define HOLDFAST_SEM_H

#include <holdfast/common.h>

#ifdef __cplusplus
extern "C" {
#endif

/* 16 bytes at an 8-byte boundary; all-zero is one without tokens. The fields are private.
 */
typedef struct {
    HF_ALIGN8 uint64_t hf_word;
    uint64_t hf_reserved;
} hf_sem_t;

#define HF_SEM_VALUE_MAX 1073741823U

/*
 * Gives it this many tokens, whatever it was. For fresh memory: nobody may use it
 * meanwhile. 0; EINVAL: more than HF_SEM_VALUE_MAX, or not in a segment; EACCES.
 */
HF_API HF_NODISCARD int hf_sem_init(hf_sem_t *s, unsigned value);

/* Takes a token, waiting as long as it takes. 0; EINVAL; EBADMSG; EACCES; EAGAIN:
 * participants. */
HF_API HF_NODISCARD int hf_sem_wait(hf_sem_t *s);

/* Takes one if there is one. As hf_sem_wait; EBUSY: there is none. */
HF_API HF_NODISCARD int hf_sem_trywait(hf_sem_t *s);

/* Waits until the deadline (CLOCK_MONOTONIC) at most. As hf_sem_wait; ETIMEDOUT; EINVAL:
 * no valid time. */
HF_API HF_NODISCARD int hf_sem_timedwait(hf_sem_t *s, const struct timespec *deadline);

/* Adds a token. 0; EOVERFLOW: there are HF_SEM_VALUE_MAX; EINVAL; EBADMSG; EACCES. */
HF_API HF_NODISCARD int hf_sem_post(hf_sem_t *s);

/* How many tokens there are now. 0; EINVAL. */
HF_API HF_NODISCARD int hf_sem_getvalue(const hf_sem_t *s, unsigned *value);

/* Tells who waits (a semaphore has no holder: pid is 0). 0; EINVAL. */
HF_API HF_NODISCARD int hf_sem_owner(const hf_sem_t *s, hf_owner_t *who);

/* Whether its bytes can be a semaphore. 0; EINVAL; EBADMSG. */
HF_API HF_NODISCARD int hf_sem_check(const hf_sem_t *s);

#ifdef __cplusplus
}
#endif

#endif
