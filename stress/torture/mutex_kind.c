/* SPDX-License-Identifier: MIT */
/*
 * Work on mutexes: one, or two in the order of their addresses; by lock, trylock and
 * timedlock; every fourth mutex is recursive. Each guards a record (record.h).
 */
#include <errno.h>

#include "common/random.h"
#include "guard.h"
#include "kinds.h"

enum { RECURSIVE_EVERY = 4 };

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

static void lock_deeper(worker_t *w, record_t *r)
{
    unsigned levels = 1 + (unsigned)stress_below(&w->random, 3);
    for (unsigned i = 0; i < levels; i++) {
        worker_expect(
            w, guard_lock(w, r, guard_choose_call(w)), 0, "locking again", r->object);
        worker_step(w);
    }
    record_change(w, r);
    for (unsigned i = 0; i < levels; i++) {
        worker_call(w, "hf_mutex_unlock", r->object);
        int error = hf_mutex_unlock(&r->lock);
        worker_called(w);
        worker_expect(w, error, 0, "unlocking a level", r->object);
        worker_step(w);
    }
}

/* What the holder of a normal mutex may not do. */
static void lock_again_in_vain(worker_t *w, record_t *r)
{
    worker_expect(w, guard_lock(w, r, GUARD_LOCK), EDEADLK, "locking again", r->object);
    worker_expect(w, guard_lock(w, r, GUARD_TRYLOCK), EBUSY, "trying again", r->object);
    worker_call(w, "hf_mutex_consistent", r->object);
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
    if (guard_take(w, 0, r, guard_choose_call(w)) && work_inside(w, r)) {
        guard_give(w, 0, r);
    }
}

/* Addresses grow from a to b. */
static void work_on_two(worker_t *w, record_t *a, record_t *b)
{
    if (!guard_take(w, 0, a, guard_choose_call(w))) {
        return;
    }
    if (guard_take(w, 1, b, guard_choose_call(w))) {
        if (!work_inside(w, a) || !work_inside(w, b)) {
            return;
        }
        if (stress_one_in(&w->random, 2)) {
            guard_give(w, 0, a);
            guard_give(w, 1, b);
            return;
        }
        guard_give(w, 1, b);
    }
    guard_give(w, 0, a);
}

/* What a bystander may do to a mutex that it does not hold. */
static void look_from_outside(worker_t *w, record_t *r)
{
    hf_owner_t who;
    worker_call(w, "hf_mutex_owner", r->object);
    int error = hf_mutex_owner(&r->lock, &who);
    worker_called(w);
    worker_expect(w, error, 0, "hf_mutex_owner", r->object);
    worker_expect(w, hf_mutex_check(&r->lock), 0, "hf_mutex_check", r->object);
    worker_call(w, "hf_mutex_unlock", r->object);
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
    if (guard_take(w, 0, r, GUARD_LOCK)) {
        record_change_half(w, r);
    }
}

static void attend_one(worker_t *w, record_t *r)
{
    if (guard_take(w, 0, r, GUARD_LOCK)) {
        worker_linger(w);
        record_change(w, r);
        guard_give(w, 0, r);
    }
}

/* The first to come takes both. The kernel tells one sleeper of its death; those asleep
 * on the other mutex must hear of it from that one. */
static void attend_two(worker_t *w, record_t *a, record_t *b)
{
    if (!guard_take(w, 0, a, GUARD_TRYLOCK)) {
        attend_one(w, w->seat % 2 == 0 ? a : b);
        return;
    }
    if (guard_take(w, 1, b, GUARD_LOCK)) {
        worker_linger(w);
        record_change(w, a);
        record_change(w, b);
        guard_give(w, 1, b);
    }
    guard_give(w, 0, a);
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
        if (guard_take_at_last(auditor, r)) {
            record_audit(auditor, r);
            guard_give(auditor, 0, r);
        }
    }
}

static int mutex_owner(const control_t *c, void *area, unsigned object, hf_owner_t *who)
{
    return hf_mutex_owner(&record_at(c, area, object)->lock, who);
}

const kind_t mutex_kind = {
    .name = "mutex",
    .objects = mutex_objects,
    .size = mutex_size,
    .prepare = mutex_prepare,
    .turn = mutex_turn,
    .hold = mutex_hold,
    .attend = mutex_attend,
    .audit = mutex_audit,
    .owner = mutex_owner,
};
