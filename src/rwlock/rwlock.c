/* SPDX-License-Identifier: MIT */
/*
 * Reader-writer lock: a gate (a mutex), which a writer or an upgradable one holds; WRITER, the
 * tag of a writer that keeps readers out; and the readers' own slots, in which each writes the
 * lock's offset. Nothing counts readers, so a dead one leaves nothing: its slot is dead.
 *
 * WRITER, set and cleared by who holds the gate:
 *   DRAINING      the writer waits for readers to leave, and has changed nothing yet.
 *   READERS       a reader may sleep on the word; must be set before it does.
 *   LOST          beside no writer: the gate is lost.
 *
 * A reader writes its slot, then looks at WRITER; a writer writes WRITER, then looks at the slots:
 * one of them sees the other, if there is a fence between in both. The bias spares the reader's:
 *   REVOKED       readers need a fence of their own.
 *   HEEDED        since then there was a fence on every thread (membarrier).
 * A reader looks at the bias after it has written its slot: if it still sees none, the writer's
 * membarrier comes after that write, and the writer will see it.
 *
 * Commit points: reading, the look that finds no WRITER; writing, DRAINING cleared; giving back,
 * the slot's or WRITER's store of 0. A gate whose holder died while WRITER was 0 or DRAINING
 * guards nothing half-done: the taker goes on as if it had been given back.
 */
#include <holdfast/rwlock.h>

#include <errno.h>

#include "mutex/mutex.h"
#include "wait/wait.h"

enum { DRAINING = 1, READERS = 2, LOST = 4 };
enum { REVOKED = 1, HEEDED = 2, RESTORED = 4 };
enum { TRY_AGAIN = -1 }; /* not an errno value */

_Static_assert(sizeof(hf_rwlock_t) == 32, "format");

static uint64_t writer_of(uint64_t w)
{
    return w & ~HFI_FLAGS_MASK;
}

static bool is_plain(uint32_t bias)
{
    return (bias & REVOKED) == 0;
}

/* ---- a thread's own slot: what it reads ---- */

/* A free place, or NULL: 8 are taken. */
static uint64_t *place_of(struct hfi_slot *slot, uint64_t offset)
{
    for (int i = 0; i < HFI_READING_MAX; i++) {
        if (hfi_load64_relaxed(&slot->reading[i]) == offset) {
            return &slot->reading[i];
        }
    }
    return NULL;
}

/* Between a store and a load: the other side's fence does, if the bias says so. */
static void fence_unless_plain(const hf_rwlock_t *l)
{
    __atomic_signal_fence(__ATOMIC_SEQ_CST); /* pairs with hfi_fence_everyone */
    if (!is_plain(hfi_load32_acquire(&l->hf_bias)) || !hfi_reached_by_fences) {
        __atomic_thread_fence(__ATOMIC_SEQ_CST); /* pairs with the one in keep_out */
    }
}

static void begin_reading(const hf_rwlock_t *l, uint64_t *place, uint64_t offset)
{
    hfi_store64_relaxed(place, offset);
    fence_unless_plain(l);
}

/* The writer, if any, sleeps on the reader's place. */
static void end_reading(const hf_rwlock_t *l, uint64_t *place)
{
    hfi_store64_release(place, 0);
    fence_unless_plain(l);
    if (hfi_load64_relaxed(&l->hf_writer) != 0) {
        hfi_wake(hfi_low_half(place), HFI_ALL);
    }
}

/* After many reads without a writer: revoked -> plain. A writer that comes later will revoke it
 * again; one that is about has set WRITER, which who sees it plain sees too. */
static void restore_bias(hf_rwlock_t *l)
{
    enum { EVERY = 256 };
    static _Thread_local unsigned turn;
    uint32_t b = hfi_load32_relaxed(&l->hf_bias);
    if (!is_plain(b) && ++turn % EVERY == 0) {
        hfi_cas32(&l->hf_bias, &b, (b & ~(uint32_t)(REVOKED | HEEDED)) + RESTORED);
    }
}

/* ---- writing ---- */

/* 0 -> us, draining: from here on readers stay out, and those within are seen. False: there is
 * no fence to be had, and they may not be. */
static bool keep_out(hf_rwlock_t *l, uint64_t me)
{
    uint64_t w = hfi_load64_relaxed(&l->hf_writer);
    while (!hfi_cas64(&l->hf_writer, &w, me | DRAINING | (w & READERS))) {
    }
    uint32_t b = hfi_load32_acquire(&l->hf_bias);
    while (is_plain(b) && !hfi_cas32(&l->hf_bias, &b, b | REVOKED)) {
    }
    if ((b & HEEDED) != 0) {
        return true;
    }
    b |= REVOKED;
    bool fenced = hfi_fence_everyone();
    if (fenced) {
        hfi_cas32(&l->hf_bias, &b, b | HEEDED);
    }
    return fenced;
}

/* us -> 0, and the readers that wait */
static void let_in(hf_rwlock_t *l)
{
    uint64_t w = hfi_load64_relaxed(&l->hf_writer);
    while (!hfi_cas64_release(&l->hf_writer, &w, 0)) {
    }
    if ((w & READERS) != 0) {
        hfi_wake(hfi_low_half(&l->hf_writer), HFI_ALL);
    }
}

/* One that reads it, alive, and where that stands; the dead do not read. */
static uint64_t *find_reader(
    const struct hfi_table *table, uint64_t offset, uint64_t *tag)
{
    uint32_t used = hfi_table_used(table);
    for (uint32_t i = 0; i < used; i++) {
        uint64_t *place = place_of(&table->slots[i], offset);
        if (place != NULL && hfi_table_occupied(table, i, tag)) {
            return place;
        }
    }
    return NULL;
}

/* Waits until nobody reads. Requires keep_out. */
static int drain(hf_rwlock_t *l, struct hfi_wait *wait)
{
    uint64_t offset = hfi_member_offset(&wait->me, l);
    uint64_t reader, *place;
    while ((place = find_reader(&wait->me.at->table, offset, &reader)) != NULL) {
        if (reader == wait->me.tag) {
            return EDEADLK;
        }
        if (hfi_wait_is_over(wait)) {
            return ETIMEDOUT;
        }
        hfi_wait_sleep(wait, hfi_low_half(place), (uint32_t)offset, &reader, 1);
    }
    return 0;
}

/* us, draining -> us. Requires the gate. On failure readers are let in again. */
static int become_writer(hf_rwlock_t *l, const struct hfi_member *me, uint64_t deadline)
{
    struct hfi_wait wait = hfi_wait_start(me, l, deadline);
    int error = keep_out(l, me->tag) ? drain(l, &wait) : ENOTSUP;
    hfi_wait_finish(&wait);
    if (error != 0) {
        let_in(l);
        return error;
    }
    uint64_t w = hfi_load64_relaxed(&l->hf_writer);
    while (!hfi_cas64_acquire(&l->hf_writer, &w, w & ~(uint64_t)DRAINING)) {
    }
    return 0;
}

/* ---- the gate ---- */

/*
 * The gate, and whether a writer died over what the lock guards. EOWNERDEAD: then it is ours for
 * writing, with nobody within: readers were kept out, and stay so under the new WRITER.
 */
static int enter_gate(hf_rwlock_t *l, const struct hfi_member *me, uint64_t deadline)
{
    int error = hfi_mutex_lock_until(&l->hf_gate, deadline);
    if (error != EOWNERDEAD) {
        return error;
    }
    uint64_t w = hfi_load64_acquire(&l->hf_writer);
    bool half_done = writer_of(w) != 0 && (w & DRAINING) == 0;
    if (half_done) {
        while (!hfi_cas64(&l->hf_writer, &w, me->tag | (w & READERS))) {
        }
        return EOWNERDEAD;
    }
    error = hf_mutex_consistent(&l->hf_gate);
    if (error == 0 && w != 0) {
        let_in(l);
    }
    return error;
}

static int leave_gate(hf_rwlock_t *l, int result)
{
    int error = hf_mutex_unlock(&l->hf_gate);
    return result != 0 ? result : error;
}

static bool is_writer(const hf_rwlock_t *l, uint64_t me)
{
    return writer_of(hfi_load64_relaxed(&l->hf_writer)) == me;
}

/* ---- reading ---- */

/* Sleeps until the writer lets readers in, or dies. */
static void sleep_before(hf_rwlock_t *l, struct hfi_wait *wait, uint64_t w)
{
    uint64_t asleep = w | READERS;
    uint64_t writer = writer_of(w);
    if (w == asleep || hfi_cas64(&l->hf_writer, &w, asleep)) {
        hfi_wait_sleep(wait, hfi_low_half(&l->hf_writer), (uint32_t)asleep, &writer, 1);
    }
}

/* Through the gate no writer can be within: for who was overtaken often, or met a dead one. */
static int read_through_gate(
    hf_rwlock_t *l, const struct hfi_member *me, uint64_t *place, uint64_t deadline)
{
    int error = enter_gate(l, me, deadline);
    if (error != 0) {
        return error; /* EOWNERDEAD: we write */
    }
    begin_reading(l, place, hfi_member_offset(me, l));
    return leave_gate(l, 0);
}

static uint64_t soon(uint64_t deadline)
{
    uint64_t then = hfi_now() + 5 * HFI_MILLISECOND;
    return then < deadline ? then : deadline;
}

static int attempt_read(hf_rwlock_t *l, struct hfi_wait *wait, uint64_t *place)
{
    enum { OFTEN = 4 }; /* sleeps */
    begin_reading(l, place, hfi_member_offset(&wait->me, l));
    uint64_t w = hfi_load64_acquire(&l->hf_writer);
    if (w == 0) {
        return 0;
    }
    end_reading(l, place);
    if ((w & LOST) != 0) {
        return ENOTRECOVERABLE;
    }
    if (writer_of(w) == wait->me.tag) {
        return EDEADLK;
    }
    enum hfi_life life = hfi_table_life(&wait->me.at->table, writer_of(w));
    if (life == HFI_IMPOSSIBLE) {
        return EBADMSG;
    }
    if (life == HFI_DEAD) {
        return read_through_gate(l, &wait->me, place, wait->deadline);
    }
    if (hfi_wait_is_over(wait)) {
        return ETIMEDOUT;
    }
    if (wait->sleeps >= OFTEN) {
        int error = read_through_gate(l, &wait->me, place, soon(wait->deadline));
        return error == ETIMEDOUT ? TRY_AGAIN : error;
    }
    sleep_before(l, wait, w);
    return TRY_AGAIN;
}

static __attribute__((noinline)) int read_slow(hf_rwlock_t *l, uint64_t deadline)
{
    const struct hfi_member *me;
    int error = hfi_member_at(l, sizeof *l, &me);
    if (error != 0) {
        return error;
    }
    uint64_t *place = place_of(hfi_member_slot(me), 0);
    if (place == NULL) {
        return EAGAIN;
    }
    struct hfi_wait wait = hfi_wait_start(me, l, deadline);
    do {
        error = attempt_read(l, &wait, place);
    } while (error == TRY_AGAIN);
    hfi_wait_finish(&wait);
    return error;
}

/* No writer, no fence: our slot -> reading */
static bool read_fast(hf_rwlock_t *l)
{
    if (hfi_tag_here(l) == 0) {
        return false;
    }
    uint64_t *place = &hfi_here.slot->reading[0];
    if (hfi_load64_relaxed(place) != 0) {
        return false;
    }
    begin_reading(l, place, (uintptr_t)l - hfi_here.start);
    if (hfi_load64_acquire(&l->hf_writer) == 0) {
        restore_bias(l);
        return true;
    }
    end_reading(l, place);
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

static int lock_up(hf_rwlock_t *l, uint64_t deadline, bool write)
{
    const struct hfi_member *member;
    int error = hfi_member_at(l, sizeof *l, &member);
    if (error != 0) {
        return error;
    }
    struct hfi_member me = *member;
    error = enter_gate(l, &me, deadline);
    if (error != 0 || !write) {
        return error;
    }
    error = become_writer(l, &me, deadline);
    return error != 0 ? leave_gate(l, error) : 0;
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

static int upgrade(hf_rwlock_t *l, uint64_t deadline)
{
    const struct hfi_member *me;
    int error = hfi_mutex_check_held(&l->hf_gate, &me);
    if (error == 0 && is_writer(l, me->tag)) {
        error = EPERM;
    }
    return error != 0 ? error : become_writer(l, me, deadline);
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
    int error = hfi_mutex_check_held(&l->hf_gate, &me);
    if (error != 0) {
        return error;
    }
    if (!hfi_mutex_is_consistent(&l->hf_gate)) {
        return EINVAL;
    }
    uint64_t *place = place_of(hfi_member_slot(me), 0);
    if (place == NULL) {
        return EAGAIN;
    }
    begin_reading(l, place, hfi_member_offset(me, l));
    if (is_writer(l, me->tag)) {
        let_in(l);
    }
    return leave_gate(l, 0);
}

/* ---- giving back ---- */

/* us -> lost. The gate is already: a reader that finds us dead instead will meet it. */
static void give_up(hf_rwlock_t *l)
{
    hfi_store64_release(&l->hf_writer, LOST);
    hfi_wake(hfi_low_half(&l->hf_writer), HFI_ALL);
}

static int unlock_gate(hf_rwlock_t *l)
{
    const struct hfi_member *me;
    int error = hfi_mutex_check_held(&l->hf_gate, &me);
    if (error != 0) {
        return error;
    }
    bool lost = !hfi_mutex_is_consistent(&l->hf_gate);
    if (is_writer(l, me->tag) && !lost) {
        let_in(l);
    }
    error = leave_gate(l, 0);
    if (lost) {
        give_up(l);
    }
    return error;
}

static __attribute__((noinline)) int unlock_slow(hf_rwlock_t *l)
{
    const struct hfi_member *me;
    int error = hfi_member_at(l, sizeof *l, &me);
    if (error != 0) {
        return error;
    }
    uint64_t *place = place_of(hfi_member_slot(me), hfi_member_offset(me, l));
    if (place == NULL) {
        return unlock_gate(l);
    }
    end_reading(l, place);
    return 0;
}

/* reading -> nothing in our slot */
static bool unlock_fast(hf_rwlock_t *l)
{
    if (hfi_tag_here(l) == 0) {
        return false;
    }
    uint64_t *place = &hfi_here.slot->reading[0];
    if (hfi_load64_relaxed(place) != (uintptr_t)l - hfi_here.start) {
        return false;
    }
    end_reading(l, place);
    return true;
}

int hf_rwlock_unlock(hf_rwlock_t *l)
{
    return unlock_fast(l) ? 0 : unlock_slow(l);
}

int hf_rwlock_consistent(hf_rwlock_t *l)
{
    return hf_mutex_consistent(&l->hf_gate);
}

/* ---- the rest ---- */

int hf_rwlock_init(hf_rwlock_t *l)
{
    const struct hfi_member *me;
    int error = hfi_member_at(l, sizeof *l, &me);
    if (error != 0) {
        return error;
    }
    hfi_store32_relaxed(&l->hf_bias, 0);
    l->hf_reserved = 0;
    hfi_store64_release(&l->hf_writer, 0);
    return hf_mutex_init(&l->hf_gate, 0);
}

static int tell_reader(
    const struct hfi_attachment *at, const hf_rwlock_t *l, hf_owner_t *who)
{
    uint64_t offset = (uintptr_t)l - (uintptr_t)at->region.memory;
    uint64_t reader;
    bool read = find_reader(&at->table, offset, &reader) != NULL;
    return read ? hfi_table_report(&at->table, reader, who) : 0;
}

/* Those who wait for the gate wait at the same address. */
int hf_rwlock_owner(const hf_rwlock_t *l, hf_owner_t *who)
{
    const struct hfi_attachment *at = hfi_attachment_look(l, sizeof *l);
    if (at == NULL) {
        return EINVAL;
    }
    int error = hf_mutex_owner(&l->hf_gate, who);
    if (error == 0 && who->pid == 0) {
        error = tell_reader(at, l, who);
    }
    hfi_attachment_let_go();
    return error;
}

int hf_rwlock_check(const hf_rwlock_t *l)
{
    const struct hfi_attachment *at = hfi_attachment_look(l, sizeof *l);
    if (at == NULL) {
        return EINVAL;
    }
    uint64_t writer = writer_of(hfi_load64_acquire(&l->hf_writer));
    bool possible = writer == 0 || hfi_table_life(&at->table, writer) != HFI_IMPOSSIBLE;
    hfi_attachment_let_go();
    return possible ? hf_mutex_check(&l->hf_gate) : EBADMSG;
}
