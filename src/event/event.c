/* SPDX-License-Identifier: MIT */
/*
 * Event: a queue word whose value is
 *
 *   bit 0         SET
 *   bits 1..31    ROUND: how often it has been reset, or an automatic one has let
 *                 somebody pass. No value comes again. A waiter passes a manual one that
 *                 is set, or has been since: then the round is another.
 *
 * Commit points: of set, the one system call that sets SET and wakes (all, or two of
 * which one will consume), or a compare-and-swap if nobody sleeps; of reset, and of
 * passing an automatic one, the compare-and-swap that clears SET.
 */
#include <holdfast/event.h>

#include <errno.h>

#include "participant/member.h"
#include "wait/queue.h"
#include "wait/wait.h"

enum { SET = 1, ROUND = 2 };

_Static_assert(sizeof(hf_event_t) == 16, "format");

static bool is_set(uint64_t w)
{
    return (w & SET) != 0;
}

static bool is_automatic(const hf_event_t *e)
{
    return (hfi_load32_relaxed(&e->hf_options) & HF_AUTO_RESET) != 0;
}

static bool is_damaged(const hf_event_t *e, uint64_t w)
{
    return (w & HFI_QUEUE_UNUSED) != 0 ||
           hfi_load32_relaxed(&e->hf_options) > HF_AUTO_RESET;
}

static uint64_t cleared(uint64_t w)
{
    uint32_t value = hfi_queue_value(w) & ~(uint32_t)SET;
    return hfi_queue_with(w, value + ROUND);
}

/* ---- wait ---- */

/* set -> not set: we alone pass */
static int consume(hf_event_t *e, struct hfi_wait *wait, uint64_t w)
{
    uint32_t *value = hfi_low_half(&e->hf_word);
    bool consumed = hfi_wait_may_take(wait, value, hfi_queue_value(w)) &&
                    hfi_cas64_acquire(&e->hf_word, &w, cleared(w));
    return consumed ? 0 : HFI_TRY_AGAIN;
}

static int attempt(hf_event_t *e, struct hfi_wait *wait, uint32_t first_seen)
{
    uint64_t w = hfi_load64_acquire(&e->hf_word);
    if (is_damaged(e, w)) {
        return EBADMSG;
    }
    if (is_automatic(e) && is_set(w)) {
        return consume(e, wait, w);
    }
    if (!is_automatic(e) && (is_set(w) || hfi_queue_value(w) != first_seen)) {
        if (wait->rang) {
            hfi_wait_count_rescue(wait); /* a set wakes all who sleep: we were not */
        }
        return 0;
    }
    if (hfi_wait_is_over(wait)) {
        return ETIMEDOUT;
    }
    if (!hfi_wait_for_change(wait, &e->hf_word, hfi_queue_value(w)) &&
        hfi_queue_enter(&e->hf_word, w)) {
        hfi_wait_sleep(wait, hfi_low_half(&e->hf_word), hfi_queue_value(w), NULL, 0);
    }
    return HFI_TRY_AGAIN;
}

static int wait_until(hf_event_t *e, uint64_t deadline)
{
    const struct hfi_member *me;
    int error = hfi_member_at(e, sizeof *e, &me);
    if (error != 0) {
        return error;
    }
    uint32_t first_seen = hfi_queue_value(hfi_load64_acquire(&e->hf_word));
    struct hfi_wait wait = hfi_wait_start(me, e, deadline);
    do {
        error = attempt(e, &wait, first_seen);
    } while (error == HFI_TRY_AGAIN);
    hfi_wait_finish(&wait);
    return error;
}

int hf_event_wait(hf_event_t *e)
{
    return wait_until(e, HFI_NEVER);
}

int hf_event_trywait(hf_event_t *e)
{
    int error = wait_until(e, 0);
    return error == ETIMEDOUT ? EBUSY : error;
}

int hf_event_timedwait(hf_event_t *e, const struct timespec *deadline)
{
    uint64_t until;
    return hfi_deadline_from(deadline, &until) ? wait_until(e, until) : EINVAL;
}

/* ---- set, reset ---- */

static int set(hf_event_t *e)
{
    uint64_t w = hfi_load64_acquire(&e->hf_word);
    do {
        if (is_damaged(e, w)) {
            return EBADMSG;
        }
        if (!is_set(w) && hfi_queue_has_sleepers(w)) {
            /* not set, sleepers -> set, and those woken whom it concerns */
            hfi_queue_set(&e->hf_word, w, is_automatic(e) ? HFI_WAKE_PAIR : HFI_ALL);
            return 0;
        }
        /* not set -> set, nobody sleeps; or set already: whoever passes sees what we
         * wrote */
    } while (!hfi_cas64_release(&e->hf_word, &w, w | SET));
    return 0;
}

/* While a manual one is set nobody sleeps on it, so SLEEPERS can go with SET. */
static int reset(hf_event_t *e)
{
    uint64_t w = hfi_load64_relaxed(&e->hf_word);
    uint64_t to;
    do {
        if (is_damaged(e, w)) {
            return EBADMSG;
        }
        if (!is_set(w)) {
            return 0;
        }
        to = is_automatic(e) ? cleared(w) : cleared(w) & ~HFI_QUEUE_SLEEPERS;
        /* set -> not set */
    } while (!hfi_cas64_release(&e->hf_word, &w, to));
    return 0;
}

static int change_at(hf_event_t *e, int (*change)(hf_event_t *))
{
    if (hfi_tag_here(e) != 0) {
        return change(e);
    }
    const struct hfi_attachment *at = hfi_attachment_look(e, sizeof *e);
    if (at == NULL) {
        return EINVAL;
    }
    int error = at->region.read_only ? EACCES : change(e);
    hfi_attachment_let_go();
    return error;
}

int hf_event_set(hf_event_t *e)
{
    return change_at(e, set);
}

int hf_event_reset(hf_event_t *e)
{
    return change_at(e, reset);
}

/* ---- the rest ---- */

int hf_event_init(hf_event_t *e, unsigned options)
{
    const struct hfi_member *me;
    int error = options <= HF_AUTO_RESET ? hfi_member_at(e, sizeof *e, &me) : EINVAL;
    if (error == 0) {
        e->hf_options = options;
        e->hf_reserved = 0;
        hfi_store64_release(&e->hf_word, 0);
    }
    return error;
}

int hf_event_owner(const hf_event_t *e, hf_owner_t *who)
{
    return hfi_wait_tell(e, sizeof *e, who);
}

int hf_event_check(const hf_event_t *e)
{
    const struct hfi_attachment *at = hfi_attachment_look(e, sizeof *e);
    if (at == NULL) {
        return EINVAL;
    }
    bool damaged = is_damaged(e, hfi_load64_relaxed(&e->hf_word));
    hfi_attachment_let_go();
    return damaged ? EBADMSG : 0;
}
