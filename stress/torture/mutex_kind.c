/* SPDX-License-Identifier: MIT */
/*
 * Work on mutexes: one, or two in the order of their addresses; by lock, trylock and
 * timedlock; every fourth mutex is recursive. Each guards a record (record.h).
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "common/random.h"
#include "kinds.h"
#include "ledger.h"
#include "record.h"

enum { RECURSIVE_EVERY = 4, LONGEST_WAIT_MS = 20, AUDIT_WAIT_MS = 1000 };

static unsigned mutex_objects(const torture_options_t *options)
{
    return options->mutexes;
}

static size_t stride(const torture_options_t *options)
{
    return record_size(2 * options->processes + 1);
}

static size_t mutex_size(const torture_options_t *options)
{
    return options->mutexes * stride(options);
}

static record_t *record_at(const control_t *c, void *area, unsigned i)
{
    return (record_t *)(void *)((char *)area + i * stride(&c->options));
}

static int mutex_prepare(const control_t *c, void *area, unsigned first)
{
    for (unsigned i = 0; i < c->options.mutexes; i++) {
        record_t *r = record_at(c, area, i);
        record_prepare(r, first + i);
        if (i % RECURSIVE_EVERY == RECURSIVE_EVERY - 1) {
            r->recursive = 1;
            int error = hf_mutex_init(&r->lock, HF_RECURSIVE);
            if (error != 0) {
                return error;
            }
        }
    }
    return 0;
}

static bool has_passed(const struct timespec *deadline)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec > deadline->tv_sec ||
           (now.tv_sec == deadline->tv_sec && now.tv_nsec >= deadline->tv_nsec);
}

static int timed(worker_t *w, record_t *r, unsigned ms)
{
    struct timespec deadline = hf_deadline_in_ms(ms);
    worker_call(w, CALL_TIMEDLOCK, r->object);
    int error = hf_mutex_timedlock(&r->lock, &deadline);
    worker_called(w);
    if (error == ETIMEDOUT && !has_passed(&deadline)) {
        violation(w->control, "#%u: ETIMEDOUT before the deadline", r->object);
    }
    return error;
}

static int lock_somehow(worker_t *w, record_t *r, call_t how)
{
    int error;
    if (how == CALL_TIMEDLOCK) {
        return timed(w, r, (unsigned)stress_below(&w->random, LONGEST_WAIT_MS));
    }
    worker_call(w, how, r->object);
    error = how == CALL_TRYLOCK ? hf_mutex_trylock(&r->lock) : hf_mutex_lock(&r->lock);
    worker_called(w);
    return error;
}

static call_t choose_call(worker_t *w)
{
    uint64_t n = stress_below(&w->random, 10);
    return n < 6 ? CALL_LOCK : n < 8 ? CALL_TRYLOCK : CALL_TIMEDLOCK;
}

/* Some repairs take long enough to be killed over. */
static void be_slow(worker_t *w)
{
    if (stress_one_in(&w->random, 2)) {
        for (uint64_t n = stress_any_scale(&w->random, 13); n > 0; n--) {
            worker_step(w);
        }
    }
}

static void recover(worker_t *w, unsigned grip, record_t *r)
{
    if (r->inside != 0 && seat_of(r->inside) < w->control->seats) {
        account_recovery(w->control, r->inside, w->call_began);
    }
    count_up(&w->control->object[r->object].entries);
    count_up(&w->control->object[r->object].recoveries);
    grip_set(&w->control->seat[w->seat], grip, r->object, GRIP_REPAIRS);
    record_repair(w, r);
    worker_linger(w);
    be_slow(w);
    worker_call(w, CALL_CONSISTENT, r->object);
    int error = hf_mutex_consistent(&r->lock);
    worker_called(w);
    worker_expect(w, error, 0, "hf_mutex_consistent", r->object);
    grip_set(&w->control->seat[w->seat], grip, r->object, GRIP_HOLDS);
}

/* What a lock call returned: true if it is ours now. */
static bool taken(worker_t *w, unsigned grip, record_t *r, call_t how, int error)
{
    seat_t *seat = &w->control->seat[w->seat];
    if (error == EOWNERDEAD) {
        recover(w, grip, r);
        return true;
    }
    if (error == 0) {
        count_up(&w->control->object[r->object].entries);
        grip_set(seat, grip, r->object, GRIP_HOLDS);
        record_enter(w, r);
        return true;
    }
    grip_set(seat, grip, 0, GRIP_NONE);
    if (how == CALL_LOCK) {
        worker_expect(w, error, 0, "hf_mutex_lock", r->object);
    } else if (how == CALL_TRYLOCK) {
        worker_expect(w, error, EBUSY, "hf_mutex_trylock", r->object);
    } else {
        worker_expect(w, error, ETIMEDOUT, "hf_mutex_timedlock", r->object);
    }
    return false;
}

static bool take(worker_t *w, unsigned grip, record_t *r, call_t how)
{
    grip_set(&w->control->seat[w->seat], grip, r->object, GRIP_WANTS);
    worker_step(w);
    int error = lock_somehow(w, r, how);
    return taken(w, grip, r, how, error);
}

static void give(worker_t *w, unsigned grip, record_t *r)
{
    record_exit(w, r);
    grip_set(&w->control->seat[w->seat], grip, r->object, GRIP_YIELDS);
    worker_call(w, CALL_UNLOCK, r->object);
    int error = hf_mutex_unlock(&r->lock);
    worker_called(w);
    worker_expect(w, error, 0, "hf_mutex_unlock", r->object);
    grip_set(&w->control->seat[w->seat], grip, 0, GRIP_NONE);
}

static void lock_deeper(worker_t *w, record_t *r)
{
    unsigned levels = 1 + (unsigned)stress_below(&w->random, 3);
    for (unsigned i = 0; i < levels; i++) {
        worker_expect(
            w, lock_somehow(w, r, choose_call(w)), 0, "locking again", r->object);
        worker_step(w);
    }
    record_change(w, r);
    for (unsigned i = 0; i < levels; i++) {
        worker_call(w, CALL_UNLOCK, r->object);
        int error = hf_mutex_unlock(&r->lock);
        worker_called(w);
        worker_expect(w, error, 0, "unlocking a level", r->object);
        worker_step(w);
    }
}

/* What the holder of a normal mutex may not do. */
static void lock_again_in_vain(worker_t *w, record_t *r)
{
    worker_expect(w, lock_somehow(w, r, CALL_LOCK), EDEADLK, "locking again", r->object);
    worker_expect(w, lock_somehow(w, r, CALL_TRYLOCK), EBUSY, "trying again", r->object);
    worker_call(w, CALL_CONSISTENT, r->object);
    int error = hf_mutex_consistent(&r->lock);
    worker_called(w);
    worker_expect(w, error, EINVAL, "consistent with nothing to repair", r->object);
}

/* A fork gives the child nothing. True in the child. */
static bool fork_inside(worker_t *w, record_t *r)
{
    if (!worker_forked(w)) {
        return false;
    }
    worker_expect(w, hf_mutex_unlock(&r->lock), EPERM, "unlocking what the parent holds",
        r->object);
    return true;
}

static bool work_inside(worker_t *w, record_t *r)
{
    record_change(w, r);
    if (r->recursive && stress_one_in(&w->random, 2)) {
        lock_deeper(w, r);
    } else if (!r->recursive && stress_one_in(&w->random, 64)) {
        lock_again_in_vain(w, r);
    }
    return !fork_inside(w, r);
}

static void work_on_one(worker_t *w, record_t *r)
{
    if (take(w, 0, r, choose_call(w)) && work_inside(w, r)) {
        give(w, 0, r);
    }
}

/* Addresses grow from a to b. */
static void work_on_two(worker_t *w, record_t *a, record_t *b)
{
    if (!take(w, 0, a, choose_call(w))) {
        return;
    }
    if (take(w, 1, b, choose_call(w))) {
        if (!work_inside(w, a) || !work_inside(w, b)) {
            return;
        }
        if (stress_one_in(&w->random, 2)) {
            give(w, 0, a);
            give(w, 1, b);
            return;
        }
        give(w, 1, b);
    }
    give(w, 0, a);
}

/* What a bystander may do to a mutex that it does not hold. */
static void look_from_outside(worker_t *w, record_t *r)
{
    hf_owner_t who;
    worker_call(w, CALL_OWNER, r->object);
    int error = hf_mutex_owner(&r->lock, &who);
    worker_called(w);
    worker_expect(w, error, 0, "hf_mutex_owner", r->object);
    worker_expect(w, hf_mutex_check(&r->lock), 0, "hf_mutex_check", r->object);
    worker_call(w, CALL_UNLOCK, r->object);
    error = hf_mutex_unlock(&r->lock);
    worker_called(w);
    worker_expect(w, error, EPERM, "unlocking what another holds", r->object);
}

/* A few are crowded; some are so seldom taken that a dead holder's slot has a new owner
 * by the time somebody comes. */
static unsigned choose_mutex(worker_t *w)
{
    uint64_t n = w->control->options.mutexes;
    for (int i = 0; i < 2; i++) {
        n = 1 + stress_below(&w->random, n);
    }
    return (unsigned)stress_below(&w->random, n);
}

static void mutex_turn(worker_t *w, void *area)
{
    unsigned i = choose_mutex(w);
    unsigned k = choose_mutex(w);
    if (stress_one_in(&w->random, 64)) {
        look_from_outside(w, record_at(w->control, area, i));
    }
    if (i < k && stress_one_in(&w->random, 2)) {
        work_on_two(w, record_at(w->control, area, i), record_at(w->control, area, k));
    } else {
        work_on_one(w, record_at(w->control, area, i));
    }
}

static void mutex_hold(worker_t *w, void *area)
{
    unsigned i = (unsigned)stress_below(&w->random, w->control->options.mutexes);
    record_t *r = record_at(w->control, area, i);
    if (take(w, 0, r, CALL_LOCK)) {
        record_change_half(w, r);
    }
}

static void attend_one(worker_t *w, record_t *r)
{
    if (take(w, 0, r, CALL_LOCK)) {
        worker_linger(w);
        record_change(w, r);
        give(w, 0, r);
    }
}

/* The first to come takes both. The kernel tells one sleeper of its death; those asleep
 * on the other mutex must hear of it from that one. */
static void attend_two(worker_t *w, record_t *a, record_t *b)
{
    if (!take(w, 0, a, CALL_TRYLOCK)) {
        attend_one(w, w->seat % 2 == 0 ? a : b);
        return;
    }
    if (take(w, 1, b, CALL_LOCK)) {
        worker_linger(w);
        record_change(w, a);
        record_change(w, b);
        give(w, 1, b);
    }
    give(w, 0, a);
}

static void mutex_attend(worker_t *w, void *area, unsigned object, bool two)
{
    record_t *r = record_at(w->control, area, object);
    if (two && object + 1 < w->control->options.mutexes) {
        attend_two(w, r, record_at(w->control, area, object + 1));
    } else {
        attend_one(w, r);
    }
}

static void mutex_audit(worker_t *auditor, void *area)
{
    control_t *c = auditor->control;
    for (unsigned i = 0; i < c->options.mutexes; i++) {
        record_t *r = record_at(c, area, i);
        grip_set(&c->seat[auditor->seat], 0, r->object, GRIP_WANTS);
        int error = timed(auditor, r, AUDIT_WAIT_MS);
        if (error == ETIMEDOUT) {
            char text[MESSAGE_SIZE / 2];
            kinds_describe(c, auditor->root, r->object, text, sizeof text);
            violation(
                c, "#%u: can't be locked though nobody is left: %s", r->object, text);
            grip_set(&c->seat[auditor->seat], 0, 0, GRIP_NONE);
        } else if (taken(auditor, 0, r, CALL_LOCK, error)) {
            record_audit(auditor, r);
            give(auditor, 0, r);
        }
    }
}

static void mutex_describe(
    const control_t *c, void *area, unsigned object, char *text, size_t size)
{
    hf_owner_t who;
    int error = hf_mutex_owner(&record_at(c, area, object)->lock, &who);
    if (error != 0) {
        snprintf(text, size, "hf_mutex_owner: error %d", error);
        return;
    }
    snprintf(text, size,
        "owner %d/%d %s, %u waiters, the first is %d/%d for %" PRIu64 " ms", (int)who.pid,
        (int)who.tid,
        who.pid == 0 ? "(free)"
        : who.alive  ? "alive"
                     : "dead",
        who.waiters, (int)who.waiter_pid, (int)who.waiter_tid, who.waited_ns / 1000000);
}

const kind_t mutex_kind = {
    .objects = mutex_objects,
    .size = mutex_size,
    .prepare = mutex_prepare,
    .turn = mutex_turn,
    .hold = mutex_hold,
    .attend = mutex_attend,
    .audit = mutex_audit,
    .describe = mutex_describe,
};
