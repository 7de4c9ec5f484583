/* SPDX-License-Identifier: MIT */
/*
 * Semaphore: a word whose low half is the number of tokens, which sleepers compare, with
 *
 *   SLEEPERS      a thread may sleep on it, while there are no tokens; must be set by it
 *                 before. It is in the compared half because the number 0 comes again.
 *   PROBED        somebody is finding out whether anybody sleeps: who has not come to
 *                 sleep yet enters anew, and so clears it. (So it is there, too.)
 *   ENTRIES       how often somebody went to sleep, modulo 2^28, as in wait/queue.h.
 *
 * Nobody owns it, so no lease tells of the death of a poster: a post that may have to
 * wake is one system call, which adds the token and wakes, and is killed before or after.
 * A woken one may die: two are woken, and the other finds the token.
 *
 * Commit points: the compare-and-swap that takes a token; the one, or the system call,
 * that adds one. After it a post touches nothing: the taker may have freed the semaphore.
 */
#include <holdfast/sem.h>

#include <errno.h>

#include "participant/member.h"
#include "wait/queue.h"
#include "wait/wait.h"

_Static_assert(sizeof(hf_sem_t) == 16, "format");

/* Beyond it a post does not ask for a wake with its token: those before it have. It keeps
 * posters that come together from carrying into the flags. */
#define PLENTY (HF_SEM_VALUE_MAX / 2)

#define PROBED   (UINT64_C(1) << 30)
#define SLEEPERS (UINT64_C(1) << 31)

_Static_assert((HF_SEM_VALUE_MAX & PROBED) == 0, "the flags leave the tokens alone");

static unsigned tokens_of(uint64_t w)
{
    return (unsigned)(w & HF_SEM_VALUE_MAX);
}

static bool has_token(uint64_t w)
{
    return tokens_of(w) != 0;
}

static bool has_sleepers(uint64_t w)
{
    return (w & SLEEPERS) != 0;
}

static bool is_damaged(uint64_t w)
{
    return (w & (HFI_QUEUE_UNUSED | HFI_QUEUE_SLEEPERS)) != 0;
}

/* ---- wait ---- */

/* n tokens -> n - 1 */
static bool take(hf_sem_t *s, uint64_t w)
{
    return hfi_cas64_acquire(&s->hf_word, &w, w - 1);
}

static int attempt(hf_sem_t *s, struct hfi_wait *wait)
{
    uint64_t w = hfi_load64_relaxed(&s->hf_word);
    uint32_t *value = hfi_low_half(&s->hf_word);
    if (is_damaged(w)) {
        return EBADMSG;
    }
    if (has_token(w)) {
        bool taken = hfi_wait_may_take(wait, value, (uint32_t)w) && take(s, w);
        return taken ? 0 : HFI_TRY_AGAIN;
    }
    if (hfi_wait_is_over(wait)) {
        return ETIMEDOUT;
    }
    /* none -> none, sleepers; not probed; one entry more */
    uint64_t asleep = ((w | SLEEPERS) & ~PROBED) + HFI_QUEUE_ENTRY;
    if (!hfi_wait_for_change(wait, &s->hf_word, (uint32_t)w) &&
        hfi_cas64(&s->hf_word, &w, asleep)) {
        hfi_wait_sleep(wait, value, (uint32_t)asleep, NULL, 0);
    }
    return HFI_TRY_AGAIN;
}

static __attribute__((noinline)) int wait_slow(hf_sem_t *s, uint64_t deadline)
{
    const struct hfi_member *me;
    int error = hfi_member_at(s, sizeof *s, &me);
    if (error != 0) {
        return error;
    }
    struct hfi_wait wait = hfi_wait_start(me, s, deadline);
    do {
        error = attempt(s, &wait);
    } while (error == HFI_TRY_AGAIN);
    hfi_wait_finish(&wait);
    return error;
}

static bool wait_fast(hf_sem_t *s)
{
    if (hfi_tag_here(s) == 0) {
        return false;
    }
    uint64_t w = hfi_load64_relaxed(&s->hf_word);
    return has_token(w) && !is_damaged(w) && take(s, w);
}

int hf_sem_wait(hf_sem_t *s)
{
    return wait_fast(s) ? 0 : wait_slow(s, HFI_NEVER);
}

int hf_sem_trywait(hf_sem_t *s)
{
    if (wait_fast(s)) {
        return 0;
    }
    int error = wait_slow(s, 0);
    return error == ETIMEDOUT ? EBUSY : error;
}

int hf_sem_timedwait(hf_sem_t *s, const struct timespec *deadline)
{
    uint64_t until;
    if (!hfi_deadline_from(deadline, &until)) {
        return EINVAL;
    }
    return wait_fast(s) ? 0 : wait_slow(s, until);
}

/* ---- post ---- */

/*
 * n, sleepers -> n + 1, now and then, if nobody sleeps. Who entered before PROBED was set
 * sleeps already, and is found, or will not sleep for it; who enters after it changes
 * ENTRIES.
 */
static bool add_quietly(hf_sem_t *s, uint64_t w)
{
    enum { EVERY = 32 };
    static _Thread_local unsigned turn;
    uint64_t probed = w | PROBED;
    return ++turn % EVERY == 0 && hfi_cas64(&s->hf_word, &w, probed) &&
           hfi_wake(hfi_low_half(&s->hf_word), HFI_WAKE_PAIR) == 0 &&
           hfi_cas64(&s->hf_word, &probed, (probed & ~(SLEEPERS | PROBED)) + 1);
}

static int add_token(hf_sem_t *s)
{
    uint64_t w = hfi_load64_relaxed(&s->hf_word);
    do {
        if (is_damaged(w)) {
            return EBADMSG;
        }
        if (tokens_of(w) == HF_SEM_VALUE_MAX) {
            return EOVERFLOW;
        }
        if (has_sleepers(w) && tokens_of(w) < PLENTY) {
            if (!add_quietly(s, w)) {
                /* n, sleepers -> n + 1, sleepers, and two of them woken */
                hfi_add_and_wake(hfi_low_half(&s->hf_word), 1, HFI_WAKE_PAIR);
            }
            return 0;
        }
        /* n -> n + 1 */
    } while (!hfi_cas64_release(&s->hf_word, &w, w + 1));
    return 0;
}

/* Joins nothing and takes no lock: it may run in a signal handler, in the middle of a
 * join. */
static __attribute__((noinline)) int post_slow(hf_sem_t *s)
{
    const struct hfi_attachment *at = hfi_attachment_look(s, sizeof *s);
    if (at == NULL) {
        return EINVAL;
    }
    int error = at->region.read_only ? EACCES : add_token(s);
    hfi_attachment_let_go();
    return error;
}

int hf_sem_post(hf_sem_t *s)
{
    return hfi_tag_here(s) != 0 ? add_token(s) : post_slow(s);
}

/* ---- the rest ---- */

int hf_sem_init(hf_sem_t *s, unsigned value)
{
    const struct hfi_member *me;
    int error = value <= HF_SEM_VALUE_MAX ? hfi_member_at(s, sizeof *s, &me) : EINVAL;
    if (error == 0) {
        s->hf_reserved = 0;
        hfi_store64_release(&s->hf_word, value);
    }
    return error;
}

int hf_sem_getvalue(const hf_sem_t *s, unsigned *value)
{
    const struct hfi_attachment *at = hfi_attachment_look(s, sizeof *s);
    if (at == NULL) {
        return EINVAL;
    }
    uint64_t w = hfi_load64_relaxed(&s->hf_word);
    hfi_attachment_let_go();
    if (value == NULL) {
        return EINVAL;
    }
    *value = tokens_of(w);
    return is_damaged(w) ? EBADMSG : 0;
}

int hf_sem_owner(const hf_sem_t *s, hf_owner_t *who)
{
    return hfi_wait_tell(s, sizeof *s, who);
}

int hf_sem_check(const hf_sem_t *s)
{
    unsigned value;
    return hf_sem_getvalue(s, &value);
}
