/* SPDX-License-Identifier: MIT */
/*
 * Condition variable: a queue word whose value counts signals and broadcasts. A waiter
 * reads it under the mutex, gives the mutex back, and looks, then sleeps, while it has
 * not changed. No waiter state is kept here, so none can be left behind.
 *
 *   WAITERS       a thread waits; set by it under the mutex. It may go when the value
 *                 changes, for then all who have not come to sleep return.
 *   UNANSWERED    signals have been given since a waiter last returned. Tells a sleeper
 *                 whose timer rang whether it was forgotten (a rescue) or just not the
 *                 one woken.
 *
 * Commit point of signal and broadcast: while nobody sleeps, the compare-and-swap that
 * adds 1; else the one system call that adds 1 and wakes. Two are woken by a signal: if
 * one dies, the other returns.
 */
#include <holdfast/cond.h>

#include <errno.h>

#include "mutex/mutex.h"
#include "wait/queue.h"
#include "wait/wait.h"

#define UNANSWERED (UINT64_C(1) << 34)
#define WAITERS    (UINT64_C(1) << 35)

_Static_assert(sizeof(hf_cond_t) == 16, "format");

static bool is_damaged(uint64_t w)
{
    return (w & HFI_QUEUE_UNUSED & ~(UNANSWERED | WAITERS)) != 0;
}

/* ---- wait ---- */

/* Whatever the others do to the flags meanwhile. Returns the value entered on. */
static uint32_t enter(hf_cond_t *c)
{
    uint64_t w = hfi_load64_relaxed(&c->hf_word);
    while ((w & WAITERS) == 0 && !hfi_cas64(&c->hf_word, &w, w | WAITERS)) {
    }
    return hfi_queue_value(w);
}

/* unanswered -> answered */
static void answer(hf_cond_t *c, struct hfi_wait *wait)
{
    uint64_t w = hfi_load64_acquire(&c->hf_word);
    if ((w & UNANSWERED) != 0 && wait->rang) {
        hfi_wait_count_rescue(wait);
    }
    while ((w & UNANSWERED) != 0 && !hfi_cas64(&c->hf_word, &w, w & ~UNANSWERED)) {
    }
}

/* A change comes first, so a thread that was woken does not return as if it had not been.
 */
static int sleep_until_signalled(hf_cond_t *c, struct hfi_wait *wait, uint32_t key)
{
    uint32_t *value = hfi_low_half(&c->hf_word);
    for (;;) {
        uint64_t w = hfi_load64_acquire(&c->hf_word);
        if (hfi_queue_value(w) != key) {
            answer(c, wait);
            return 0;
        }
        if (hfi_wait_is_over(wait)) {
            return ETIMEDOUT;
        }
        if (!hfi_wait_for_change(wait, &c->hf_word, key) &&
            hfi_queue_enter(&c->hf_word, w)) {
            hfi_wait_sleep(wait, value, key, NULL, 0);
        }
    }
}

static int relock(hf_mutex_t *m, uint32_t depth)
{
    int error = hf_mutex_lock(m);
    if (error == 0 || error == EOWNERDEAD) {
        hfi_mutex_swap_depth(m, depth);
    }
    return error;
}

static int unlock_and_wait(
    hf_cond_t *c, hf_mutex_t *m, const struct hfi_member *me, uint64_t deadline)
{
    struct hfi_wait wait = hfi_wait_start(me, c, deadline);
    uint32_t key = enter(c);
    uint32_t depth = hfi_mutex_swap_depth(m, 0);
    int error = hf_mutex_unlock(m);
    if (error != 0) {
        return error;
    }
    int result = sleep_until_signalled(c, &wait, key);
    hfi_wait_finish(&wait);
    error = relock(m, depth);
    return error != 0 ? error : result;
}

static int wait_until(hf_cond_t *c, hf_mutex_t *m, uint64_t deadline)
{
    const struct hfi_member *me;
    int error = hfi_mutex_check_held(m, &me);
    if (error == 0 && !hfi_mutex_is_consistent(m)) {
        error = EINVAL; /* to give it back as it is would lose it for all */
    }
    if (error == 0) {
        error = hfi_member_at(c, sizeof *c, &me);
    }
    if (error == 0 && is_damaged(hfi_load64_relaxed(&c->hf_word))) {
        error = EBADMSG;
    }
    return error != 0 ? error : unlock_and_wait(c, m, me, deadline);
}

int hf_cond_wait(hf_cond_t *c, hf_mutex_t *m)
{
    return wait_until(c, m, HFI_NEVER);
}

int hf_cond_timedwait(hf_cond_t *c, hf_mutex_t *m, const struct timespec *deadline)
{
    uint64_t until;
    return hfi_deadline_from(deadline, &until) ? wait_until(c, m, until) : EINVAL;
}

/* ---- signal, broadcast ---- */

static uint64_t next(uint64_t w)
{
    return hfi_queue_with(w, hfi_queue_value(w) + 1) & ~(WAITERS | UNANSWERED);
}

static int wake(hf_cond_t *c, unsigned count)
{
    uint64_t w = hfi_load64_acquire(&c->hf_word);
    if (is_damaged(w)) {
        return EBADMSG;
    }
    do {
        while (!hfi_queue_has_sleepers(w)) {
            /* n, waiters -> n + 1, none: those who look return */
            if ((w & WAITERS) == 0 || hfi_cas64(&c->hf_word, &w, next(w))) {
                return 0;
            }
        }
        /* n, sleepers -> the same, unanswered */
    } while (!hfi_cas64(&c->hf_word, &w, w | UNANSWERED));
    hfi_queue_add(&c->hf_word, w | UNANSWERED, count);
    return 0;
}

static int wake_at(hf_cond_t *c, unsigned count)
{
    if (hfi_tag_here(c) != 0) {
        return wake(c, count);
    }
    const struct hfi_attachment *at = hfi_attachment_look(c, sizeof *c);
    if (at == NULL) {
        return EINVAL;
    }
    int error = at->region.read_only ? EACCES : wake(c, count);
    hfi_attachment_let_go();
    return error;
}

int hf_cond_signal(hf_cond_t *c)
{
    return wake_at(c, HFI_WAKE_PAIR);
}

int hf_cond_broadcast(hf_cond_t *c)
{
    return wake_at(c, HFI_ALL);
}

/* ---- the rest ---- */

int hf_cond_owner(const hf_cond_t *c, hf_owner_t *who)
{
    return hfi_wait_tell(c, sizeof *c, who);
}

int hf_cond_check(const hf_cond_t *c)
{
    const struct hfi_attachment *at = hfi_attachment_look(c, sizeof *c);
    if (at == NULL) {
        return EINVAL;
    }
    uint64_t w = hfi_load64_relaxed(&c->hf_word);
    hfi_attachment_let_go();
    return is_damaged(w) ? EBADMSG : 0;
}
