/* SPDX-License-Identifier: MIT */
/*
 * Permits: a cell for each, tagged with its holder; so their number cannot change. The
 * queue word's value counts releases that somebody may have waited for.
 *
 * Commit points: free -> us, or a dead one's -> us; us -> free. A releaser that dies
 * between the last and the wake is seen by those who sleep: they watch the holders that
 * they found. Who releases wakes two, who look at all cells again and watch whoever holds
 * them then.
 */
#include <holdfast/permits.h>

#include <errno.h>

#include "participant/member.h"
#include "wait/queue.h"
#include "wait/wait.h"

_Static_assert(sizeof(hf_permits_t) == 16, "format");

enum { FREE = 0, WATCHED = HFI_WATCHES_MAX - 1 };

size_t hf_permits_size(unsigned count)
{
    bool sensible = count >= 1 && count <= HF_PERMITS_MAX;
    return sensible ? sizeof(hf_permits_t) + count * sizeof(uint64_t) : 0;
}

static uint64_t *cells_of(const hf_permits_t *p)
{
    return (uint64_t *)(void *)(p + 1);
}

/* The number of permits, as somebody wrote it: checked against the segment's end. */
static int check_count(
    const struct hfi_attachment *at, const hf_permits_t *p, unsigned *count)
{
    *count = hfi_load32_relaxed(&p->hf_count);
    if (*count == 0) {
        return EINVAL;
    }
    size_t size = hf_permits_size(*count);
    return size != 0 && hfi_attachment_backs(at, p, size) ? 0 : EBADMSG;
}

static int enter_call(const hf_permits_t *p, struct hfi_member *me, unsigned *count)
{
    const struct hfi_member *member;
    int error = hfi_member_at(p, sizeof *p, &member);
    if (error != 0) {
        return error;
    }
    *me = *member;
    return check_count(me->at, p, count);
}

/* ---- acquire ---- */

/* Where this thread found its last one. */
static _Thread_local unsigned last_taken;

/* free -> us; a dead one's -> us */
static bool take(
    hf_permits_t *p, unsigned i, uint64_t found, uint64_t me, unsigned *which)
{
    *which = last_taken = i;
    return hfi_cas64(&cells_of(p)[i], &found, me);
}

static int take_free(hf_permits_t *p, unsigned count, uint64_t me, unsigned *which)
{
    unsigned i = last_taken < count ? last_taken : 0;
    for (unsigned n = 0; n < count; n++) {
        if (hfi_load64_relaxed(&cells_of(p)[i]) == FREE && take(p, i, FREE, me, which)) {
            return 0;
        }
        i = i + 1 < count ? i + 1 : 0;
    }
    return EBUSY;
}

struct holders {
    uint64_t tags[WATCHED];
    unsigned count;
};

static void note(struct holders *holders, uint64_t tag)
{
    for (unsigned i = 0; i < holders->count; i++) {
        if (holders->tags[i] == tag) {
            return;
        }
    }
    if (holders->count < WATCHED) {
        holders->tags[holders->count++] = tag;
    }
}

/* Everybody's cell was just seen held: takes a dead one's, and notes who holds the
 * others. A free one is that of a dead one who left nothing to repair: 0. Lost to somebody
 * else it is noted all the same, for nobody sleeps who has noted a dead one: who freed it
 * may have died before its wake. */
static int take_orphan(hf_permits_t *p, unsigned count, const struct hfi_member *me,
    unsigned *which, struct holders *holders)
{
    holders->count = 0;
    for (unsigned i = 0; i < count; i++) {
        uint64_t holder = hfi_load64_acquire(&cells_of(p)[i]);
        enum hfi_life life = hfi_table_life(&me->at->table, holder);
        if (life == HFI_IMPOSSIBLE) {
            return EBADMSG;
        }
        if (life == HFI_DEAD && take(p, i, holder, me->tag, which)) {
            return holder == FREE ? 0 : EOWNERDEAD;
        }
        note(holders, holder);
    }
    return EBUSY;
}

static int attempt(
    hf_permits_t *p, unsigned count, struct hfi_wait *wait, unsigned *which)
{
    struct holders holders;
    /* First say that we may sleep, then look: a release comes before the look or wakes
     * us. */
    uint64_t w = hfi_load64_acquire(&p->hf_word);
    if (wait->deadline != 0 && !hfi_queue_enter(&p->hf_word, w)) {
        return HFI_TRY_AGAIN;
    }
    int error = take_free(p, count, wait->me.tag, which);
    if (error == EBUSY) {
        error = take_orphan(p, count, &wait->me, which, &holders);
    }
    if (error != EBUSY) {
        /* Its release is told by now, or in a moment: else the timer was needed. */
        (void)hfi_wait_may_take(wait, hfi_low_half(&p->hf_word), hfi_queue_value(w));
        return error;
    }
    if (hfi_wait_is_over(wait)) {
        return ETIMEDOUT;
    }
    hfi_wait_sleep(
        wait, hfi_low_half(&p->hf_word), hfi_queue_value(w), holders.tags, holders.count);
    return HFI_TRY_AGAIN;
}

static int acquire(hf_permits_t *p, unsigned *which, uint64_t deadline)
{
    struct hfi_member me;
    unsigned count;
    int error = which != NULL ? enter_call(p, &me, &count) : EINVAL;
    if (error != 0) {
        return error;
    }
    error = take_free(p, count, me.tag, which);
    if (error == 0) {
        return 0;
    }
    struct hfi_wait wait = hfi_wait_start(&me, p, deadline);
    do {
        error = attempt(p, count, &wait, which);
    } while (error == HFI_TRY_AGAIN);
    hfi_wait_finish(&wait);
    if (wait.sleeps > 0 && error == ETIMEDOUT) {
        hfi_wake(
            hfi_low_half(&p->hf_word), HFI_WAKE_PAIR); /* they may have to watch for us */
    }
    return error;
}

int hf_permits_acquire(hf_permits_t *p, unsigned *which)
{
    return acquire(p, which, HFI_NEVER);
}

int hf_permits_tryacquire(hf_permits_t *p, unsigned *which)
{
    int error = acquire(p, which, 0);
    return error == ETIMEDOUT ? EBUSY : error;
}

int hf_permits_timedacquire(
    hf_permits_t *p, unsigned *which, const struct timespec *deadline)
{
    uint64_t until;
    return hfi_deadline_from(deadline, &until) ? acquire(p, which, until) : EINVAL;
}

/* ---- release ---- */

int hf_permits_release(hf_permits_t *p, unsigned which)
{
    struct hfi_member me;
    unsigned count;
    int error = enter_call(p, &me, &count);
    if (error == 0 && which >= count) {
        error = EINVAL;
    }
    if (error != 0) {
        return error;
    }
    uint64_t mine = me.tag;
    if (!hfi_cas64(&cells_of(p)[which], &mine, FREE)) { /* us -> free */
        return EPERM;
    }
    uint64_t w = hfi_load64_acquire(&p->hf_word);
    if (hfi_queue_has_sleepers(w)) {
        hfi_queue_add(&p->hf_word, w, HFI_WAKE_PAIR);
    }
    return 0;
}

/* ---- the rest ---- */

int hf_permits_init(hf_permits_t *p, unsigned count)
{
    const struct hfi_member *me;
    size_t size = hf_permits_size(count);
    int error = size != 0 ? hfi_member_at(p, size, &me) : EINVAL;
    if (error != 0) {
        return error;
    }
    p->hf_count = count;
    p->hf_reserved = 0;
    hfi_store64_relaxed(&p->hf_word, 0);
    for (unsigned i = 0; i < count; i++) {
        hfi_store64_release(&cells_of(p)[i], FREE);
    }
    return 0;
}

static int tell(const struct hfi_attachment *at, const hf_permits_t *p, unsigned which,
    hf_owner_t *who)
{
    unsigned count;
    int error = check_count(at, p, &count);
    if (error == 0 && which >= count) {
        error = EINVAL;
    }
    if (error != 0) {
        return error;
    }
    *who = (hf_owner_t){.pid = 0};
    hfi_wait_report(at, p, who);
    uint64_t holder = hfi_load64_acquire(&cells_of(p)[which]);
    return holder == FREE ? 0 : hfi_table_report(&at->table, holder, who);
}

int hf_permits_owner(const hf_permits_t *p, unsigned which, hf_owner_t *who)
{
    const struct hfi_attachment *at =
        who != NULL ? hfi_attachment_look(p, sizeof *p) : NULL;
    if (at == NULL) {
        return EINVAL;
    }
    int error = tell(at, p, which, who);
    hfi_attachment_let_go();
    return error;
}

int hf_permits_check(const hf_permits_t *p)
{
    const struct hfi_attachment *at = hfi_attachment_look(p, sizeof *p);
    if (at == NULL) {
        return EINVAL;
    }
    unsigned count = 0;
    int error = check_count(at, p, &count);
    for (unsigned i = 0; error == 0 && i < count; i++) {
        uint64_t holder = hfi_load64_acquire(&cells_of(p)[i]);
        bool possible =
            holder == FREE || hfi_table_life(&at->table, holder) != HFI_IMPOSSIBLE;
        error = possible ? 0 : EBADMSG;
    }
    hfi_attachment_let_go();
    return error;
}
