/* SPDX-License-Identifier: MIT */
/*
 * Work on reader-writer locks: reading, writing, upgradably; by lock, try and timed; up
 * and down. Writers change a record (record.h), one word after the other; readers look
 * whether it is whole. And everyone inside says so, and as what, for the others to see.
 */
#include <errno.h>
#include <inttypes.h>

#include "common/random.h"
#include "guard.h"
#include "kinds.h"
#include "ledger.h"

enum { LOCKS = 4 };

typedef enum { OUTSIDE, READING, UPGRADABLE, WRITING } manner_t;

static const char *const manner_name[] = {"outside", "reads", "may upgrade", "writes"};

/* The record, and who is inside by seat: life and manner. */
typedef struct {
    record_t *record;
    _Atomic uint64_t *inside;
} lock_t;

static unsigned rwlock_objects(const torture_options_t *options)
{
    (void)options;
    return LOCKS;
}

static size_t stride(const torture_options_t *options)
{
    unsigned seats = 2 * options->processes + 1;
    return record_size(seats) + (seats + 7) / 8 * 64;
}

static size_t rwlock_size(const torture_options_t *options)
{
    return LOCKS * stride(options);
}

static lock_t lock_at(const control_t *c, void *area, unsigned i)
{
    char *start = (char *)area + i * stride(&c->options);
    return (lock_t){.record = (record_t *)(void *)start,
        .inside = (void *)(start + record_size(c->seats))};
}

static int rwlock_prepare(const control_t *c, void *area, unsigned first)
{
    for (unsigned i = 0; i < LOCKS; i++) {
        record_prepare(lock_at(c, area, i).record, first + i);
    }
    return 0;
}

/* ---- calls ---- */

static const struct {
    const char *name[GUARD_CALLS];
    int (*lock)(hf_rwlock_t *);
    int (*trylock)(hf_rwlock_t *);
    int (*timedlock)(hf_rwlock_t *, const struct timespec *);
} calls[] = {
    [READING] = {{"hf_rwlock_rdlock", "hf_rwlock_tryrdlock", "hf_rwlock_timedrdlock"},
        hf_rwlock_rdlock, hf_rwlock_tryrdlock, hf_rwlock_timedrdlock},
    [UPGRADABLE] = {{"hf_rwlock_uplock", "hf_rwlock_tryuplock", "hf_rwlock_timeduplock"},
        hf_rwlock_uplock, hf_rwlock_tryuplock, hf_rwlock_timeduplock},
    [WRITING] = {{"hf_rwlock_wrlock", "hf_rwlock_trywrlock", "hf_rwlock_timedwrlock"},
        hf_rwlock_wrlock, hf_rwlock_trywrlock, hf_rwlock_timedwrlock},
};

static int timed(worker_t *w, record_t *r, const char *name,
    int (*call)(hf_rwlock_t *, const struct timespec *), unsigned ms)
{
    struct timespec deadline = hf_deadline_in_ms(ms);
    worker_call(w, name, r->object);
    int error = call(&r->rwlock, &deadline);
    worker_called(w);
    if (error == ETIMEDOUT) {
        worker_expect_passed(w, &deadline, name, r->object);
    }
    return error;
}

static int plain(worker_t *w, record_t *r, const char *name, int (*call)(hf_rwlock_t *))
{
    worker_call(w, name, r->object);
    int error = call(&r->rwlock);
    worker_called(w);
    return error;
}

static int lock_somehow(worker_t *w, record_t *r, manner_t manner, guard_call_t how)
{
    const char *name = calls[manner].name[how];
    if (how == GUARD_TIMEDLOCK) {
        unsigned ms = (unsigned)stress_below(&w->random, GUARD_LONGEST_WAIT_MS);
        return timed(w, r, name, calls[manner].timedlock, ms);
    }
    return plain(
        w, r, name, how == GUARD_TRYLOCK ? calls[manner].trylock : calls[manner].lock);
}

static int rwlock_consistent(record_t *r)
{
    return hf_rwlock_consistent(&r->rwlock);
}

static const guard_consistent_t consistent = {"hf_rwlock_consistent", rwlock_consistent};

/* ---- who is inside ---- */

static bool go_together(manner_t a, manner_t b) /* neither outside */
{
    return a == READING ? b != WRITING : b == READING && a != WRITING;
}

static void say(worker_t *w, const lock_t *l, manner_t manner)
{
    atomic_store_explicit(&l->inside[w->seat],
        manner == OUTSIDE ? 0 : w->life << 2 | manner, memory_order_relaxed);
}

/* First says so, then looks at the others: of two, one sees the other. */
static void be_inside(worker_t *w, const lock_t *l, manner_t manner)
{
    say(w, l, manner);
    for (unsigned i = 0; i < w->control->seats; i++) {
        uint64_t word = atomic_load_explicit(&l->inside[i], memory_order_relaxed);
        manner_t other = (manner_t)(word & 3);
        if (i != w->seat && word != 0 && !go_together(manner, other) &&
            !is_doomed(w->control, word >> 2)) {
            violation(w->control, "#%u: worker %u %s while worker %u %s",
                l->record->object, w->seat, manner_name[manner], i, manner_name[other]);
        }
    }
}

/* ---- taking and giving back ---- */

static void grip(worker_t *w, const lock_t *l, grip_t phase)
{
    unsigned object = phase == GRIP_NONE ? 0 : l->record->object;
    grip_set(&w->control->seat[w->seat], 0, object, phase);
}

static manner_t write_now(worker_t *w, const lock_t *l, int error)
{
    say(w, l, OUTSIDE); /* one that upgrades was inside */
    guard_enter(w, 0, l->record, error, &consistent);
    be_inside(w, l, WRITING);
    return WRITING;
}

static manner_t taken(worker_t *w, const lock_t *l, manner_t manner, int error)
{
    if (error == EOWNERDEAD || (error == 0 && manner == WRITING)) {
        return write_now(w, l, error);
    }
    if (error != 0) {
        grip(w, l, GRIP_NONE);
        return OUTSIDE;
    }
    grip(w, l, GRIP_SHARES);
    be_inside(w, l, manner);
    return manner;
}

static manner_t take(worker_t *w, const lock_t *l, manner_t manner, guard_call_t how)
{
    grip(w, l, GRIP_WANTS);
    worker_step(w);
    int error = lock_somehow(w, l->record, manner, how);
    if (error != 0 && error != EOWNERDEAD) {
        worker_expect(
            w, error, guard_vain(how), calls[manner].name[how], l->record->object);
    }
    return taken(w, l, manner, error);
}

/* Out of the record, if it was written, and about to make a call. */
static void leave(worker_t *w, const lock_t *l, manner_t manner)
{
    say(w, l, OUTSIDE);
    if (manner == WRITING) {
        record_exit(w, l->record);
    }
    grip(w, l, GRIP_YIELDS);
}

static void give(worker_t *w, const lock_t *l, manner_t manner)
{
    leave(w, l, manner);
    int error = plain(w, l->record, "hf_rwlock_unlock", hf_rwlock_unlock);
    worker_expect(w, error, 0, "hf_rwlock_unlock", l->record->object);
    grip(w, l, GRIP_NONE);
}

static manner_t upgrade(worker_t *w, const lock_t *l)
{
    bool is_timed = stress_one_in(&w->random, 3);
    unsigned ms = (unsigned)stress_below(&w->random, GUARD_LONGEST_WAIT_MS);
    grip(w, l, GRIP_WANTS);
    int error = is_timed ? timed(w, l->record, "hf_rwlock_timedupgrade",
                               hf_rwlock_timedupgrade, ms)
                         : plain(w, l->record, "hf_rwlock_upgrade", hf_rwlock_upgrade);
    if (error == 0) {
        return write_now(w, l, 0);
    }
    worker_expect(w, error, is_timed ? ETIMEDOUT : 0, "upgrading", l->record->object);
    grip(w, l, GRIP_SHARES);
    return UPGRADABLE;
}

static manner_t downgrade(worker_t *w, const lock_t *l, manner_t manner)
{
    leave(w, l, manner);
    int error = plain(w, l->record, "hf_rwlock_downgrade", hf_rwlock_downgrade);
    worker_expect(w, error, 0, "hf_rwlock_downgrade", l->record->object);
    grip(w, l, GRIP_SHARES);
    be_inside(w, l, READING);
    return READING;
}

/* ---- the kind ---- */

static void look(worker_t *w, const lock_t *l)
{
    for (unsigned i = 0; i < 3; i++) {
        record_look(w, l->record);
        worker_step(w);
    }
}

/* What one may not do who is inside. */
static void err(worker_t *w, const lock_t *l, manner_t manner)
{
    record_t *r = l->record;
    unsigned object = r->object;
    if (manner == READING) {
        worker_expect(w, plain(w, r, "hf_rwlock_upgrade", hf_rwlock_upgrade), EPERM,
            "upgrading what is only read", object);
    } else {
        worker_expect(w, plain(w, r, "hf_rwlock_wrlock", hf_rwlock_wrlock), EDEADLK,
            "locking again", object);
    }
    if (manner == WRITING) {
        worker_expect(w, plain(w, r, consistent.name, hf_rwlock_consistent), EINVAL,
            "consistent with nothing to repair", object);
    }
}

static manner_t change(worker_t *w, const lock_t *l, manner_t manner)
{
    if (manner == UPGRADABLE) {
        look(w, l);
        manner = stress_one_in(&w->random, 2) ? upgrade(w, l) : manner;
    }
    if (manner == WRITING) {
        record_change(w, l->record);
    }
    if (manner != READING && stress_one_in(&w->random, 4)) {
        manner = downgrade(w, l, manner);
    }
    if (manner != WRITING) {
        look(w, l);
    }
    return manner;
}

static manner_t choose_manner(worker_t *w)
{
    uint64_t n = stress_below(&w->random, 10);
    return n < 5 ? READING : n < 7 ? UPGRADABLE : WRITING;
}

static void rwlock_turn(worker_t *w, void *area)
{
    lock_t l = lock_at(w->control, area, (unsigned)stress_below(&w->random, LOCKS));
    manner_t manner = take(w, &l, choose_manner(w), guard_choose_call(w));
    if (manner == OUTSIDE) {
        return;
    }
    manner = change(w, &l, manner);
    if (stress_one_in(&w->random, 64)) {
        err(w, &l, manner);
    }
    if (worker_forked(w)) {
        worker_expect(w, hf_rwlock_unlock(&l.record->rwlock), EPERM,
            "unlocking what the parent holds", l.record->object);
        return;
    }
    give(w, &l, manner);
}

static void rwlock_hold(worker_t *w, void *area)
{
    lock_t l = lock_at(w->control, area, (unsigned)stress_below(&w->random, LOCKS));
    if (take(w, &l, choose_manner(w), GUARD_LOCK) == WRITING) {
        record_change_half(w, l.record);
    }
}

static void rwlock_attend(worker_t *w, void *area, unsigned object, bool two)
{
    lock_t l = lock_at(w->control, area, object);
    manner_t manner = two && w->seat % 2 == 0 ? READING : WRITING;
    manner = take(w, &l, manner, GUARD_LOCK);
    worker_linger(w);
    give(w, &l, change(w, &l, manner));
}

static void rwlock_audit(worker_t *auditor, void *area)
{
    for (unsigned i = 0; i < LOCKS; i++) {
        lock_t l = lock_at(auditor->control, area, i);
        grip(auditor, &l, GRIP_WANTS);
        int error = timed(auditor, l.record, "hf_rwlock_timedwrlock",
            hf_rwlock_timedwrlock, GUARD_AUDIT_WAIT_MS);
        if (taken(auditor, &l, WRITING, error) == OUTSIDE) {
            worker_expect(
                auditor, error, 0, "the last hf_rwlock_timedwrlock", l.record->object);
            continue;
        }
        record_audit(auditor, l.record);
        give(auditor, &l, WRITING);
    }
}

static int rwlock_owner(const control_t *c, void *area, unsigned object, hf_owner_t *who)
{
    return hf_rwlock_owner(&lock_at(c, area, object).record->rwlock, who);
}

const kind_t rwlock_kind = {
    .name = "rwlock",
    .objects = rwlock_objects,
    .size = rwlock_size,
    .prepare = rwlock_prepare,
    .turn = rwlock_turn,
    .hold = rwlock_hold,
    .attend = rwlock_attend,
    .audit = rwlock_audit,
    .owner = rwlock_owner,
};
