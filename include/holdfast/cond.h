/* SPDX-License-Identifier: MIT */
/*
 * Condition variable: wait, without holding a mutex, until somebody says that what it
 * guards has changed.
 *
 *     int error = hf_mutex_lock(&queue->lock);
 *     while (error == 0 && queue->length == 0) {
 *         error = hf_cond_wait(&queue->filled, &queue->lock);
 *     }
 *     if (error == EOWNERDEAD) { ... }        // as from hf_mutex_lock: repair
 *
 *     error = hf_cond_signal(&queue->filled); // elsewhere, with the lock
 *     queue->length++;
 *
 * Signal before you change, with the lock held: a process that is killed between the two
 * then leaves waiters who look once more; the other way round, it leaves a change that
 * they are never told of. Who wakes waits for the lock, and sees the change.
 *
 * Kill theorem: if a live thread waits when signal is called, a live thread returns,
 * whichever other thread is killed at whatever instruction; a signal or broadcast that
 * was killed has either happened or not. A killed waiter takes no signal with it, a
 * killed signaller holds nobody up.
 *
 * A wait may return though nobody signalled, as everywhere: test in a loop. A signal
 * wakes two if there are two, so that one may die; the second will find nothing to do.
 *
 * Signal waits for nobody. Without a waiter, signal and broadcast are one load.
 */
#ifndef HOLDFAST_COND_H
#define HOLDFAST_COND_H

#include <holdfast/common.h>
#include <holdfast/mutex.h>

#ifdef __cplusplus
extern "C" {
#endif

/* 16 bytes at an 8-byte boundary; all-zero is one that nobody waits on. Private fields.
 */
typedef struct {
    HF_ALIGN8 uint64_t hf_word;
    uint64_t hf_reserved;
} hf_cond_t;

/*
 * Gives the mutex back, however often it is locked, waits, and locks it as often again.
 * The caller must hold it, consistent. Both may be in different segments. 0: woken, and
 * the mutex is held; EOWNERDEAD: the same, and its last holder died, as from
 * hf_mutex_lock; ENOTRECOVERABLE: the mutex is lost and not held; EPERM: the caller does
 * not hold the mutex; EINVAL: also if it has had EOWNERDEAD, and not called
 * hf_mutex_consistent (to wait would be to unlock it, and lose it for everybody; it is
 * still held); EBADMSG; EACCES; EAGAIN: participants.
 */
HF_API HF_NODISCARD int hf_cond_wait(hf_cond_t *c, hf_mutex_t *m);

/* Waits until the deadline (CLOCK_MONOTONIC) at most. As hf_cond_wait; ETIMEDOUT: the
 * mutex is held. EOWNERDEAD comes before ETIMEDOUT. EINVAL: no valid time; the mutex is
 * still held. */
HF_API HF_NODISCARD int hf_cond_timedwait(
    hf_cond_t *c, hf_mutex_t *m, const struct timespec *deadline);

/* Wakes a waiter, if there is one. 0; EINVAL; EBADMSG; EACCES. */
HF_API HF_NODISCARD int hf_cond_signal(hf_cond_t *c);

/* Wakes all waiters. 0; EINVAL; EBADMSG; EACCES. */
HF_API HF_NODISCARD int hf_cond_broadcast(hf_cond_t *c);

/* Tells who waits (nobody holds it: pid is 0). 0; EINVAL. */
HF_API HF_NODISCARD int hf_cond_owner(const hf_cond_t *c, hf_owner_t *who);

/* Whether its bytes can be a condition variable. 0; EINVAL; EBADMSG. */
HF_API HF_NODISCARD int hf_cond_check(const hf_cond_t *c);

#ifdef __cplusplus
}
#endif

#endif
