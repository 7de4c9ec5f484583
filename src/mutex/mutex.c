/* SPDX-License-Identifier: MIT */
/* Mutex: locking and unlocking. Its state is described in word.h. */
#include "mutex/mutex.h"

#include <errno.h>

#include "mutex/word.h"
#include "wait/bias.h"
#include "wait/wait.h"

/* ---- lock ---- */

static int lock_again(hf_mutex_t *m)
{
    uint32_t depth = hfi_load32_relaxed(&m->hf_depth);
    if ((depth & RECURSIVE) == 0) {
        return EDEADLK;
    }
    if (depth == UINT32_MAX) {
        return EAGAIN;
    }
    hfi_store32_relaxed(&m->hf_depth, depth + 1);
    return 0;
}

/* free -> held by us; dead holder's -> held by us, inconsistent */
static int take(hf_mutex_t *m, uint64_t w, struct hfi_wait *wait)
{
    if (!hfi_wait_may_take(wait, hfi_low_half(&m->hf_word), (uint32_t)w)) {
        return HFI_TRY_AGAIN;
    }
    uint64_t flags = w & (SLEEPERS | WAKING);
    if (wait->sleeps > 0) {
        flags = (flags | SLEEPERS) & ~(uint64_t)WAKING;
    }
    bool orphan = is_held(w);
    if (orphan) {
        flags |= INCONSISTENT;
    }
    if (!hfi_cas64_acquire(&m->hf_word, &w, wait->me.tag | flags)) {
        return HFI_TRY_AGAIN;
    }
    set_depth(m, 0);
    if (orphan && wait->sleeps > 0) {
        /* Others may watch holders of long ago: let two of them watch us. */
        hfi_wake(hfi_low_half(&m->hf_word), HFI_WAKE_PAIR);
    }
    return orphan ? EOWNERDEAD : 0;
}

/* held -> held, with sleepers; then we sleep, and watch that holder */
static void fall_asleep(hf_mutex_t *m, uint64_t w, struct hfi_wait *wait)
{
    uint64_t asleep = (w | SLEEPERS) & ~(uint64_t)WAKING;
    uint64_t holder = holder_of(w);
    uint32_t bias;
    int error = hfi_bias_revoke(&m->hf_bias, &bias);
    wait->unsure = error == ENOTSUP;
    if (error == EAGAIN || (w != asleep && !hfi_cas64(&m->hf_word, &w, asleep))) {
        return;
    }
    /* A holder that restored the bias before it saw SLEEPERS would not wake us. */
    if (hfi_load32_acquire(&m->hf_bias) == bias) {
        hfi_wait_sleep(wait, hfi_low_half(&m->hf_word), (uint32_t)asleep, &holder, 1);
    }
}

static int attempt(hf_mutex_t *m, struct hfi_wait *wait)
{
    uint64_t w = hfi_load64_acquire(&m->hf_word);
    if (is_damaged(w)) {
        return EBADMSG;
    }
    if (holder_of(w) == wait->me.tag) {
        return lock_again(m);
    }
    if (is_free(w)) {
        return take(m, w, wait);
    }
    if ((w & LOST) != 0) {
        return ENOTRECOVERABLE;
    }
    enum hfi_life life = hfi_table_life(&wait->me.at->table, holder_of(w));
    if (life != HFI_ALIVE) {
        return life == HFI_DEAD ? take(m, w, wait) : EBADMSG;
    }
    if (hfi_wait_is_called_off(wait)) {
        return ECANCELED;
    }
    if (hfi_wait_is_over(wait)) {
        return ETIMEDOUT;
    }
    if (!hfi_wait_spin(wait, &m->hf_word, is_unheld)) {
        fall_asleep(m, w, wait);
    }
    return HFI_TRY_AGAIN;
}

int hfi_mutex_lock_within(hf_mutex_t *m, struct hfi_wait *wait)
{
    int error;
    do {
        error = attempt(m, wait);
    } while (error == HFI_TRY_AGAIN);
    if (wait->sleeps > 0 && error != 0 && error != EOWNERDEAD) {
        hfi_wake(hfi_low_half(&m->hf_word),
            HFI_WAKE_PAIR); /* one may have been meant for us */
    }
    return error;
}

static __attribute__((noinline)) int lock_slow(hf_mutex_t *m, uint64_t deadline)
{
    const struct hfi_member *me;
    int error = hfi_member_at(m, sizeof *m, &me);
    if (error != 0) {
        return error;
    }
    struct hfi_wait wait = hfi_wait_start(me, m, deadline);
    error = hfi_mutex_lock_within(m, &wait);
    hfi_wait_finish(&wait);
    return error;
}

/* free -> held by us, nobody about; or, quiet as it is, once more */
static inline bool lock_fast(hf_mutex_t *m)
{
    uint64_t me = hfi_tag_here(m);
    uint64_t w = 0;
    if (me == 0) {
        return false;
    }
    return hfi_cas64_acquire(&m->hf_word, &w, me) || (w == me && lock_again(m) == 0);
}

int hfi_mutex_lock_until(hf_mutex_t *m, uint64_t deadline)
{
    return lock_fast(m) ? 0 : lock_slow(m, deadline);
}

int hf_mutex_lock(hf_mutex_t *m)
{
    return hfi_mutex_lock_until(m, HFI_NEVER);
}

int hf_mutex_trylock(hf_mutex_t *m)
{
    if (lock_fast(m)) {
        return 0;
    }
    int error = lock_slow(m, 0);
    return error == ETIMEDOUT || error == EDEADLK ? EBUSY : error;
}

int hf_mutex_timedlock(hf_mutex_t *m, const struct timespec *deadline)
{
    uint64_t until;
    if (!hfi_deadline_from(deadline, &until)) {
        return EINVAL;
    }
    return hfi_mutex_lock_until(m, until);
}

/* ---- unlock ---- */

/* What the holder's word becomes: free or lost, with a wake under way if one is owed. */
static uint64_t given_back(uint64_t w)
{
    uint64_t to = w & (SLEEPERS | WAKING);
    if ((w & INCONSISTENT) != 0) {
        to |= LOST;
    }
    return owes_a_wake(w) ? to | WAKING : to;
}

/*
 * While WAKING is set nobody is woken, and if those it was for have gone, the word keeps
 * the slow path busy for nothing. So the holder now and then wakes two for certain. If
 * there are none, SLEEPERS and WAKING may go: a sleeper that comes in between clears
 * WAKING, and our compare-and-swap fails; who is awake sets SLEEPERS again before it
 * sleeps, or as it takes.
 */
static bool give_back_quietly(hf_mutex_t *m, uint64_t w)
{
    enum { EVERY = 32 };
    static _Thread_local unsigned turn;
    bool due = (w & (SLEEPERS | WAKING | INCONSISTENT)) == (SLEEPERS | WAKING) &&
               ++turn % EVERY == 0;
    return due && hfi_wake(hfi_low_half(&m->hf_word), HFI_WAKE_PAIR) == 0 &&
           hfi_cas64_release(&m->hf_word, &w, 0);
}

/*
 * held by us -> free or lost. Once it is given back, the mutex may be gone, with its
 * memory: a wake does no harm to what is there then, a store would. Dying between the
 * two, we wake the sleeper that watches our lease.
 */
static void give_back(hf_mutex_t *m, uint64_t w)
{
    uint32_t *sleepers = hfi_low_half(&m->hf_word);
    do {
        if (give_back_quietly(m, w)) {
            return;
        }
        /* others set and clear SLEEPERS and WAKING meanwhile */
    } while (!hfi_cas64_release(&m->hf_word, &w, given_back(w)));
    if ((w & INCONSISTENT) != 0) {
        hfi_wake(sleepers, HFI_ALL);
    } else if (owes_a_wake(w)) {
        hfi_wake(sleepers, HFI_WAKE_PAIR);
    }
}

/*
 * For who holds it and sees no sleepers: revoked -> plain, now and then. If a sleeper set
 * its bit before it saw that, our own compare-and-swap on the word will fail: then not
 * so.
 */
static void restore_bias(hf_mutex_t *m, uint64_t w)
{
    enum { EVERY = 32 };
    uint32_t plain;
    if ((w & SLEEPERS) == 0 && hfi_bias_restore(&m->hf_bias, &plain, EVERY) &&
        hfi_load64_acquire(&m->hf_word) != w) {
        hfi_cas32(&m->hf_bias, &plain, plain | HFI_BIAS_REVOKED);
    }
}

static __attribute__((noinline)) int unlock_slow(hf_mutex_t *m)
{
    const struct hfi_member *me;
    int error = hfi_mutex_check_held(m, &me);
    if (error != 0) {
        return error;
    }
    uint32_t depth = hfi_load32_relaxed(&m->hf_depth);
    if (is_deep(depth)) {
        hfi_store32_relaxed(&m->hf_depth, depth - 1);
        return 0;
    }
    uint64_t w = hfi_load64_relaxed(&m->hf_word);
    restore_bias(m, w);
    give_back(m, w);
    return 0;
}

/*
 * Nobody about: held by us -> free, by a store. If the bias is another afterwards,
 * somebody came about and may sleep, with its bit overwritten: also if it is plain again,
 * for it may be the next holder, seeing no bit, that has restored it. The wake is in vain
 * at worst, whatever has come to stand here.
 */
static bool unlock_fast(hf_mutex_t *m, uint64_t me)
{
    uint32_t bias = hfi_load32_relaxed(&m->hf_bias);
    bool quiet = hfi_bias_is_plain(bias) && hfi_reached_by_fences &&
                 hfi_load64_relaxed(&m->hf_word) == me;
    if (!quiet) {
        return false;
    }
    uint32_t depth = hfi_load32_relaxed(&m->hf_depth);
    if (is_deep(depth)) {
        hfi_store32_relaxed(&m->hf_depth, depth - 1);
        return true;
    }
    hfi_store64_release(&m->hf_word, 0);
    __atomic_signal_fence(__ATOMIC_SEQ_CST); /* pairs with hfi_fence_everyone */
    if (hfi_load32_relaxed(&m->hf_bias) != bias) {
        hfi_wake(hfi_low_half(&m->hf_word), HFI_WAKE_PAIR);
    }
    return true;
}

int hf_mutex_unlock(hf_mutex_t *m)
{
    uint64_t me = hfi_tag_here(m);
    return me != 0 && unlock_fast(m, me) ? 0 : unlock_slow(m);
}
