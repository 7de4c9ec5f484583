/* SPDX-License-Identifier: MIT */
/*
 * Reader-writer lock: what callers see. The writers' side (the gate and WRITER) is in
 * writer.h, the readers' (their places, and the bias that spares them a fence) in
 * readers.h.
 *
 * Commit points: reading, the look that finds no WRITER; writing, DRAINING cleared;
 * giving back, the place's or WRITER's store of 0.
 */
#include <holdfast/rwlock.h>

#include <errno.h>

#include "mutex/mutex.h"
#include "rwlock/readers.h"
#include "rwlock/writer.h"
#include "wait/wait.h"

_Static_assert(sizeof(hf_rwlock_t) == 32, "format");

/* ---- reading ---- */

/* Whoever takes WRITER away wakes us, from here on. False: it is no longer w. */
static bool ask_for_wake(hf_rwlock_t *l, uint64_t *w)
{
    uint64_t seen = *w;
    *w |= HFI_READERS;
    return seen == *w || hfi_cas64(&l->hf_writer, &seen, *w);
}

/* Sleeps until the writer lets readers in, or dies. */
static int sleep_before(hf_rwlock_t *l, struct hfi_wait *wait, uint64_t w)
{
    if (ask_for_wake(l, &w)) {
        uint64_t writer = hfi_writer_of(w);
        hfi_wait_sleep(wait, hfi_low_half(&l->hf_writer), (uint32_t)w, &writer, 1);
    }
    return HFI_TRY_AGAIN;
}

/*
 * For who was overtaken often, or met a dead writer: within the gate no writer can be.
 * While we queue there we also watch WRITER, because who has the gate need not keep
 * readers out: it may be upgradable, now or later.
 */
static int read_through_gate(
    hf_rwlock_t *l, struct hfi_wait *wait, uint64_t *place, uint64_t w)
{
    if (!ask_for_wake(l, &w)) {
        return HFI_TRY_AGAIN;
    }
    wait->also =
        (struct hfi_watch){.word = hfi_low_half(&l->hf_writer), .expected = (uint32_t)w};
    int error = hfi_enter_gate_within(l, wait);
    wait->also.word = NULL;
    if (error != 0) {
        return error == ECANCELED ? HFI_TRY_AGAIN : error; /* EOWNERDEAD: we write */
    }
    hfi_begin_reading(l, place, hfi_member_offset(&wait->me, l));
    return hfi_leave_gate(l, 0);
}

static int attempt_read(hf_rwlock_t *l, struct hfi_wait *wait, uint64_t *place)
{
    enum { OFTEN = 4 }; /* sleeps */
    hfi_begin_reading(l, place, hfi_member_offset(&wait->me, l));
    uint64_t w = hfi_load64_acquire(&l->hf_writer);
    if (w == 0) {
        if (wait->rang) {
            hfi_wait_count_rescue(wait); /* a writer wakes all who sleep: we were not */
        }
        return 0;
    }
    hfi_end_reading(l, place);
    if ((w & HFI_LOST) != 0) {
        return ENOTRECOVERABLE;
    }
    if (hfi_writer_of(w) == wait->me.tag) {
        return EDEADLK;
    }
    enum hfi_life life = hfi_life_of_writer(&wait->me.at->table, w);
    if (life == HFI_IMPOSSIBLE) {
        return EBADMSG;
    }
    if (life == HFI_DEAD || wait->sleeps >= OFTEN) {
        return read_through_gate(l, wait, place, w);
    }
    return hfi_wait_is_over(wait) ? ETIMEDOUT : sleep_before(l, wait, w);
}

static __attribute__((noinline)) int read_slow(hf_rwlock_t *l, uint64_t deadline)
{
    const struct hfi_member *me;
    int error = hfi_member_at(l, sizeof *l, &me);
    if (error != 0) {
        return error;
    }
    uint64_t *place = hfi_place_of(hfi_member_slot(me), 0);
    if (place == NULL) {
        return EAGAIN;
    }
    uint64_t offset = hfi_member_offset(me, l);
    if (hfi_place_of(hfi_member_slot(me), offset) != NULL) {
        /* A writer that keeps others out waits for us: we must not wait for it. */
        hfi_begin_reading(l, place, offset);
        return 0;
    }
    struct hfi_wait wait = hfi_wait_start(me, l, deadline);
    do {
        error = attempt_read(l, &wait, place);
    } while (error == HFI_TRY_AGAIN);
    hfi_wait_finish(&wait);
    return error;
}

/* No writer, no fence: our slot -> reading */
static inline __attribute__((always_inline)) bool read_fast(hf_rwlock_t *l)
{
    if (!hfi_is_here(l)) {
        return false;
    }
    uint64_t *place = &hfi_here.slot->reading[0];
    if (hfi_load64_relaxed(place) != 0) {
        return false;
    }
    hfi_begin_reading(l, place, (uintptr_t)l - hfi_here.start);
    if (hfi_load64_acquire(&l->hf_writer) == 0) {
        if (!hfi_bias_is_plain(hfi_load32_relaxed(&l->hf_bias))) {
            hfi_restore_bias(l);
        }
        return true;
    }
    hfi_end_reading(l, place);
    return false;
}

int hf_rwlock_rdlock(hf_rwlock_t *l)
{
    return read_fast(l) ? 0 : read_slow(l, HFI_NEVER);
}

int hf_rwlock_tryrdlock(hf_rwlock_t *l)
{
    int error = read_fast(l) ? 0 : read_slow(l, 0);
    return error == ETIMEDOUT ? EBUSY : error;
}

int hf_rwlock_timedrdlock(hf_rwlock_t *l, const struct timespec *deadline)
{
    uint64_t until;
    if (!hfi_deadline_from(deadline, &until)) {
        return EINVAL;
    }
    return read_fast(l) ? 0 : read_slow(l, until);
}

/* ---- writing, upgradable ---- */

static __attribute__((noinline)) int look_up(hf_rwlock_t *l, struct hfi_member *me)
{
    const struct hfi_member *member;
    int error = hfi_member_at(l, sizeof *l, &member);
    if (error == 0) {
        *me = *member;
    }
    return error;
}

static int lock_up(hf_rwlock_t *l, uint64_t deadline, bool write)
{
    struct hfi_member me = {.at = hfi_here.at, .tag = hfi_here.tag};
    int error = hfi_is_here(l) ? 0 : look_up(l, &me);
    if (error != 0) {
        return error;
    }
    error = hfi_enter_gate(l, &me, deadline);
    if (error != 0 || !write) {
        return error;
    }
    error = hfi_become_writer(l, &me, deadline);
    return error != 0 ? hfi_leave_gate(l, error) : 0;
}

static int try_up(hf_rwlock_t *l, bool write)
{
    int error = lock_up(l, 0, write);
    return error == ETIMEDOUT ? EBUSY : error;
}

static int timed_up(hf_rwlock_t *l, const struct timespec *deadline, bool write)
{
    uint64_t until;
    return hfi_deadline_from(deadline, &until) ? lock_up(l, until, write) : EINVAL;
}

int hf_rwlock_wrlock(hf_rwlock_t *l)
{
    return lock_up(l, HFI_NEVER, true);
}

int hf_rwlock_trywrlock(hf_rwlock_t *l)
{
    return try_up(l, true);
}

int hf_rwlock_timedwrlock(hf_rwlock_t *l, const struct timespec *deadline)
{
    return timed_up(l, deadline, true);
}

int hf_rwlock_uplock(hf_rwlock_t *l)
{
    return lock_up(l, HFI_NEVER, false);
}

int hf_rwlock_tryuplock(hf_rwlock_t *l)
{
    return try_up(l, false);
}

int hf_rwlock_timeduplock(hf_rwlock_t *l, const struct timespec *deadline)
{
    return timed_up(l, deadline, false);
}

/* ---- changing how it is held ---- */

/* EPERM: the caller has not got the gate. *me: the caller. */
static int check_held(hf_rwlock_t *l, const struct hfi_member **me)
{
    int error = hfi_member_at(l, sizeof *l, me);
    return error != 0 ? error : hfi_mutex_check_held(&l->hf_gate, me);
}

static int upgrade(hf_rwlock_t *l, uint64_t deadline)
{
    const struct hfi_member *me;
    int error = check_held(l, &me);
    if (error == 0 && hfi_is_writer(l, me->tag)) {
        error = EPERM;
    }
    return error != 0 ? error : hfi_become_writer(l, me, deadline);
}

int hf_rwlock_upgrade(hf_rwlock_t *l)
{
    return upgrade(l, HFI_NEVER);
}

int hf_rwlock_timedupgrade(hf_rwlock_t *l, const struct timespec *deadline)
{
    uint64_t until;
    return hfi_deadline_from(deadline, &until) ? upgrade(l, until) : EINVAL;
}

int hf_rwlock_downgrade(hf_rwlock_t *l)
{
    const struct hfi_member *me;
    int error = check_held(l, &me);
    if (error != 0) {
        return error;
    }
    if (!hfi_mutex_is_consistent(&l->hf_gate)) {
        return EINVAL;
    }
    uint64_t *place = hfi_place_of(hfi_member_slot(me), 0);
    if (place == NULL) {
        return EAGAIN;
    }
    hfi_begin_reading(l, place, hfi_member_offset(me, l));
    if (hfi_is_writer(l, me->tag)) {
        hfi_let_in(l);
    }
    return hfi_leave_gate(l, 0);
}

/* ---- giving back ---- */

static int unlock_gate(hf_rwlock_t *l)
{
    const struct hfi_member *me;
    int error = hfi_mutex_check_held(&l->hf_gate, &me);
    if (error != 0) {
        return error;
    }
    if (!hfi_mutex_is_consistent(&l->hf_gate)) {
        return hfi_give_up(l);
    }
    if (hfi_is_writer(l, me->tag)) {
        hfi_let_in(l);
    }
    return hfi_leave_gate(l, 0);
}

static __attribute__((noinline)) int unlock_slow(hf_rwlock_t *l)
{
    const struct hfi_member *me;
    int error = hfi_member_at(l, sizeof *l, &me);
    if (error != 0) {
        return error;
    }
    uint64_t *place = hfi_place_of(hfi_member_slot(me), hfi_member_offset(me, l));
    if (place == NULL) {
        return unlock_gate(l);
    }
    hfi_end_reading(l, place);
    return 0;
}

/* us -> 0, no reader waits, nothing to repair; then the gate */
static inline bool unlock_writer_fast(hf_rwlock_t *l, uint64_t me)
{
    uint64_t w = me;
    return hfi_load64_relaxed(&l->hf_writer) == me &&
           hfi_mutex_is_plainly(&l->hf_gate, me) &&
           hfi_cas64_release(&l->hf_writer, &w, 0) && hf_mutex_unlock(&l->hf_gate) == 0;
}

/* reading -> nothing in our slot */
static bool unlock_fast(hf_rwlock_t *l)
{
    if (!hfi_is_here(l)) {
        return false;
    }
    uint64_t *place = &hfi_here.slot->reading[0];
    if (hfi_load64_relaxed(place) != (uintptr_t)l - hfi_here.start) {
        return unlock_writer_fast(l, hfi_here.tag);
    }
    hfi_end_reading(l, place);
    return true;
}

int hf_rwlock_unlock(hf_rwlock_t *l)
{
    return unlock_fast(l) ? 0 : unlock_slow(l);
}

int hf_rwlock_consistent(hf_rwlock_t *l)
{
    const struct hfi_member *me;
    int error = check_held(l, &me);
    if (error == 0 && !hfi_is_writer(l, me->tag)) {
        error = EPERM;
    }
    return error != 0 ? error : hf_mutex_consistent(&l->hf_gate);
}
