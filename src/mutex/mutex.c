/* SPDX-License-Identifier: MIT */
/*
 * Mutex: one word, tagged with its holder. docs/recovery.md has transitions and proof.
 *
 *   SLEEPERS      a thread may sleep on the word. A thread must set it before it sleeps;
 *                 only a holder whose wake finds nobody may clear it.
 *   WAKING        an unlocker has woken two sleepers, and none has acted since; while it
 *                 is set, unlocking need wake nobody. Who clears it either goes to sleep
 *                 watching the holder, or has just become the holder after a sleep.
 *   INCONSISTENT  taken from a dead holder, not yet declared repaired; a holder's only.
 *   LOST          unlocked while INCONSISTENT: no holder again, until hf_mutex_init.
 *   RECURSIVE     option; never changes.
 *
 * The bias (wait/bias.h) says that nobody sleeps, so the holder may give the mutex back
 * by a plain store, which would overwrite flags that others set meanwhile. Who is about
 * to sleep revokes it; then the holder uses compare-and-swap.
 *
 * Between taking (a compare-and-swap) and giving back (another, or the store) the word
 * alone says who holds it. Dying before either leaves nothing; dying after leaves a dead
 * tag, which the next comer replaces, and those asleep are woken by the death of the
 * lease that they watch.
 */
#include "mutex/mutex.h"

#include <errno.h>

#include "wait/bias.h"
#include "wait/wait.h"

enum {
    SLEEPERS = 1,
    WAKING = 2,
    INCONSISTENT = 4,
    LOST = 8,
    RECURSIVE = 16,
};

_Static_assert(RECURSIVE >> HFI_FLAG_BITS == 0, "flags leave the tag alone");
_Static_assert(sizeof(hf_mutex_t) == 16, "format");

enum { TRY_AGAIN = -1 }; /* not an errno value */

static uint64_t holder_of(uint64_t w)
{
    return w & ~HFI_FLAGS_MASK;
}

static bool is_held(uint64_t w)
{
    return holder_of(w) != 0;
}

static bool is_unheld(uint64_t w)
{
    return !is_held(w);
}

static bool is_free(uint64_t w)
{
    return !is_held(w) && (w & LOST) == 0;
}

static bool owes_a_wake(uint64_t w)
{
    return (w & (SLEEPERS | WAKING)) == SLEEPERS;
}

/* Bits that no transition leads to. */
static bool is_damaged(uint64_t w)
{
    return is_held(w) ? (w & LOST) != 0 || hfi_tag_generation(w) == 0
                      : (w & INCONSISTENT) != 0 || (w & (SLEEPERS | WAKING)) == WAKING;
}

/* ---- lock ---- */

static int lock_again(hf_mutex_t *m, uint64_t w)
{
    if ((w & RECURSIVE) == 0) {
        return EDEADLK;
    }
    if (m->hf_depth == UINT32_MAX) {
        return EAGAIN;
    }
    m->hf_depth++;
    return 0;
}

/* free -> held by us; dead holder's -> held by us, inconsistent */
static int take(hf_mutex_t *m, uint64_t w, struct hfi_wait *wait)
{
    if (!hfi_wait_may_take(wait, hfi_low_half(&m->hf_word), (uint32_t)w)) {
        return TRY_AGAIN;
    }
    uint64_t flags = w & (SLEEPERS | WAKING | RECURSIVE);
    if (wait->sleeps > 0) {
        flags = (flags | SLEEPERS) & ~(uint64_t)WAKING;
    }
    bool orphan = is_held(w);
    if (orphan) {
        flags |= INCONSISTENT;
    }
    if (!hfi_cas64_acquire(&m->hf_word, &w, wait->me.tag | flags)) {
        return TRY_AGAIN;
    }
    m->hf_depth = 0;
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
        return lock_again(m, w);
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
    if (hfi_wait_is_over(wait)) {
        return ETIMEDOUT;
    }
    if (!hfi_wait_spin(wait, &m->hf_word, is_unheld)) {
        fall_asleep(m, w, wait);
    }
    return TRY_AGAIN;
}

static __attribute__((noinline)) int lock_slow(hf_mutex_t *m, uint64_t deadline)
{
    const struct hfi_member *me;
    int error = hfi_member_at(m, sizeof *m, &me);
    if (error != 0) {
        return error;
    }
    struct hfi_wait wait = hfi_wait_start(me, m, deadline);
    do {
        error = attempt(m, &wait);
    } while (error == TRY_AGAIN);
    hfi_wait_finish(&wait);
    if (wait.sleeps > 0 && error != 0 && error != EOWNERDEAD) {
        hfi_wake(hfi_low_half(&m->hf_word),
            HFI_WAKE_PAIR); /* one may have been meant for us */
    }
    return error;
}

/* free -> held by us, nobody about */
static bool lock_fast(hf_mutex_t *m)
{
    uint64_t me = hfi_tag_here(m);
    uint64_t free = 0;
    return me != 0 && hfi_cas64_acquire(&m->hf_word, &free, me);
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
    uint64_t to = w & (SLEEPERS | WAKING | RECURSIVE);
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
           hfi_cas64_release(&m->hf_word, &w, w & RECURSIVE);
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
    if (m->hf_depth > 0) {
        m->hf_depth--;
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

/* ---- the rest ---- */

int hf_mutex_init(hf_mutex_t *m, unsigned options)
{
    const struct hfi_member *me;
    if ((options & ~(unsigned)HF_RECURSIVE) != 0) {
        return EINVAL;
    }
    int error = hfi_member_at(m, sizeof *m, &me);
    if (error != 0) {
        return error;
    }
    m->hf_depth = 0;
    hfi_store32_relaxed(&m->hf_bias, 0);
    hfi_store64_release(&m->hf_word, (options & HF_RECURSIVE) != 0 ? RECURSIVE : 0);
    hfi_wake(hfi_low_half(&m->hf_word), HFI_ALL);
    return 0;
}

int hfi_mutex_check_held(hf_mutex_t *m, const struct hfi_member **me)
{
    int error = hfi_member_at(m, sizeof *m, me);
    if (error != 0) {
        return error;
    }
    return holder_of(hfi_load64_relaxed(&m->hf_word)) == (*me)->tag ? 0 : EPERM;
}

bool hfi_mutex_is_consistent(const hf_mutex_t *m)
{
    return (hfi_load64_relaxed(&m->hf_word) & INCONSISTENT) == 0;
}

int hf_mutex_consistent(hf_mutex_t *m)
{
    const struct hfi_member *me;
    int error = hfi_mutex_check_held(m, &me);
    if (error != 0) {
        return error;
    }
    if (hfi_mutex_is_consistent(m)) {
        return EINVAL;
    }
    uint64_t w = hfi_load64_relaxed(&m->hf_word);
    /* inconsistent -> consistent, held by us both */
    while (!hfi_cas64_release(&m->hf_word, &w, w & ~(uint64_t)INCONSISTENT)) {
    }
    return 0;
}

static int report(const struct hfi_attachment *at, const hf_mutex_t *m, hf_owner_t *who)
{
    uint64_t w = hfi_load64_acquire(&m->hf_word);
    if (is_damaged(w)) {
        return EBADMSG;
    }
    *who = (hf_owner_t){.pid = 0};
    hfi_wait_report(at, m, who);
    return is_held(w) ? hfi_table_report(&at->table, holder_of(w), who) : 0;
}

int hf_mutex_owner(const hf_mutex_t *m, hf_owner_t *who)
{
    const struct hfi_attachment *at = hfi_attachment_look(m, sizeof *m);
    if (at == NULL) {
        return EINVAL;
    }
    int error = who != NULL ? report(at, m, who) : EINVAL;
    hfi_attachment_let_go();
    return error;
}

int hf_mutex_check(const hf_mutex_t *m)
{
    hf_owner_t who;
    return hf_mutex_owner(m, &who);
}
