/* SPDX-License-Identifier: MIT */
/*
 * Work on permits: pools of numbered resources, each of which knows its only user. A
 * worker takes one, often a second one, from the same pool or another.
 */
#include <errno.h>
#include <inttypes.h>

#include "common/random.h"
#include "guard.h"
#include "kinds.h"
#include "ledger.h"

enum { POOLS = 2, FEWEST = GRIPS, MOST = FEWEST + POOLS - 1 };

/* Plain memory that only the permit's holder may touch. */
typedef struct {
    life_t user; /* 0: nobody */
    uint64_t value, copy;
} resource_t;

typedef struct {
    _Alignas(64) hf_permits_t permits;
    uint64_t cells[MOST]; /* of the permits */
    resource_t resource[MOST];
    uint32_t object, count;
} pool_t;

_Static_assert(offsetof(pool_t, cells) == sizeof(hf_permits_t), "cells follow");

static unsigned permits_objects(const torture_options_t *options)
{
    (void)options;
    return POOLS;
}

static size_t permits_size(const torture_options_t *options)
{
    (void)options;
    return POOLS * sizeof(pool_t);
}

static pool_t *pool_at(void *area, unsigned i)
{
    return (pool_t *)area + i;
}

static int permits_prepare(const control_t *c, void *area, unsigned first)
{
    (void)c;
    int error = 0;
    for (unsigned i = 0; error == 0 && i < POOLS; i++) {
        pool_t *p = pool_at(area, i);
        p->object = first + i;
        p->count = FEWEST + i;
        error = hf_permits_init(&p->permits, p->count);
    }
    return error;
}

/* ---- the resource behind a permit ---- */

static void complain(worker_t *w, const pool_t *p, unsigned which, const char *how)
{
    life_t user = p->resource[which].user;
    violation(w->control,
        "#%u: worker %u got permit %u %s: its user is life %" PRIu64
        " of worker %u, value %" PRIu64 ", copy %" PRIu64,
        p->object, w->seat, which, how, number_of(user), seat_of(user),
        p->resource[which].value, p->resource[which].copy);
}

static bool is_dead(const control_t *c, life_t life)
{
    return seat_of(life) < c->seats && is_doomed(c, life);
}

static void begin_use(worker_t *w, pool_t *p, unsigned which, int error)
{
    resource_t *r = &p->resource[which];
    if (error == 0 && (r->user != 0 || r->value != r->copy)) {
        complain(w, p, which, "as a clean one");
    }
    if (error == EOWNERDEAD && r->user != 0) {
        if (!is_dead(w->control, r->user)) {
            complain(w, p, which, "as a dead one's");
        } else {
            account_recovery(w->control, r->user, w->seat);
        }
    }
    if (r->value != r->copy) {
        count_up(&w->control->halves);
    }
    r->user = w->life;
    worker_step(w);
    r->copy = r->value;
    worker_step(w);
}

static void use(worker_t *w, pool_t *p, unsigned which)
{
    resource_t *r = &p->resource[which];
    r->value++;
    worker_step(w);
    r->copy++;
    worker_step(w);
    if (r->user != w->life || r->value != r->copy) {
        complain(w, p, which, "and is not alone with it");
    }
}

/* ---- the permit ---- */

static const char *const acquire_name[] = {
    "hf_permits_acquire", "hf_permits_tryacquire", "hf_permits_timedacquire"};

static int acquire(worker_t *w, pool_t *p, guard_call_t how, unsigned ms, unsigned *which)
{
    struct timespec deadline = hf_deadline_in_ms(ms);
    worker_call(w, acquire_name[how], p->object);
    int error = how == GUARD_LOCK ? hf_permits_acquire(&p->permits, which)
                : how == GUARD_TRYLOCK
                    ? hf_permits_tryacquire(&p->permits, which)
                    : hf_permits_timedacquire(&p->permits, which, &deadline);
    worker_called(w);
    if (how == GUARD_TIMEDLOCK && error == ETIMEDOUT) {
        worker_expect_passed(w, &deadline, acquire_name[how], p->object);
    }
    return error;
}

static bool take(worker_t *w, unsigned grip, pool_t *p, guard_call_t how, unsigned *which)
{
    seat_t *seat = &w->control->seat[w->seat];
    unsigned ms = (unsigned)stress_below(&w->random, GUARD_LONGEST_WAIT_MS);
    grip_set(seat, grip, p->object, GRIP_WANTS);
    worker_step(w);
    int error = acquire(w, p, how, ms, which);
    if (error != 0 && error != EOWNERDEAD) {
        grip_set(seat, grip, 0, GRIP_NONE);
        worker_expect(w, error, guard_vain(how), acquire_name[how], p->object);
        return false;
    }
    if (error == EOWNERDEAD) {
        count_up(&w->control->object[p->object].recoveries);
    }
    grip_set(seat, grip, p->object, GRIP_HOLDS);
    begin_use(w, p, *which, error);
    return true;
}

static void give(worker_t *w, unsigned grip, pool_t *p, unsigned which)
{
    seat_t *seat = &w->control->seat[w->seat];
    p->resource[which].user = 0;
    worker_step(w);
    grip_set(seat, grip, p->object, GRIP_YIELDS);
    worker_call(w, "hf_permits_release", p->object);
    int error = hf_permits_release(&p->permits, which);
    worker_called(w);
    worker_expect(w, error, 0, "hf_permits_release", p->object);
    grip_set(seat, grip, 0, GRIP_NONE);
}

/* ---- the kind ---- */

static pool_t *choose_pool(worker_t *w, void *area)
{
    return pool_at(area, (unsigned)stress_below(&w->random, POOLS));
}

/* Not waiting for ever: another may do the same the other way round. */
static void use_a_second(worker_t *w, pool_t *first, pool_t *p)
{
    unsigned which, another;
    guard_call_t how = stress_one_in(&w->random, 2) ? GUARD_TRYLOCK : GUARD_TIMEDLOCK;
    if (!take(w, 1, p, how, &which)) {
        return;
    }
    use(w, p, which);
    if (p == first && p->count == FEWEST) {
        worker_expect(w, acquire(w, p, GUARD_TRYLOCK, 0, &another), EBUSY,
            "taking one more when holding all", p->object);
    }
    give(w, 1, p, which);
}

static void permits_turn(worker_t *w, void *area)
{
    pool_t *p = choose_pool(w, area);
    unsigned which;
    if (!take(w, 0, p, guard_choose_call(w), &which)) {
        return;
    }
    use(w, p, which);
    if (stress_one_in(&w->random, 2)) {
        use_a_second(w, p, choose_pool(w, area));
    }
    if (worker_forked(w)) {
        worker_expect(w, hf_permits_release(&p->permits, which), EPERM,
            "releasing what the parent holds", p->object);
        return;
    }
    use(w, p, which);
    give(w, 0, p, which);
}

static void permits_hold(worker_t *w, void *area)
{
    pool_t *p = choose_pool(w, area);
    unsigned which;
    if (take(w, 0, p, GUARD_LOCK, &which)) {
        p->resource[which].value++;
        worker_step(w);
    }
}

static void permits_attend(worker_t *w, void *area, unsigned object, bool two)
{
    (void)two;
    pool_t *p = pool_at(area, object);
    unsigned which;
    if (take(w, 0, p, GUARD_LOCK, &which)) {
        worker_linger(w);
        use(w, p, which);
        give(w, 0, p, which);
    }
}

/* All of them can be had, and no more. */
static void audit_pool(worker_t *auditor, pool_t *p)
{
    control_t *c = auditor->control;
    unsigned had = 0, which;
    int error;
    while ((error = acquire(auditor, p, GUARD_TRYLOCK, 0, &which)) == 0 ||
           error == EOWNERDEAD) {
        if (error == EOWNERDEAD) {
            count_up(&c->object[p->object].recoveries);
        }
        begin_use(auditor, p, which, error);
        had++;
    }
    worker_expect(auditor, error, EBUSY, "one permit too many", p->object);
    if (had != p->count) {
        violation(c, "#%u: %u of %u permits can be had though nobody is left", p->object,
            had, p->count);
    }
    for (which = 0; which < p->count; which++) {
        worker_expect(auditor, hf_permits_release(&p->permits, which), 0,
            "the last hf_permits_release", p->object);
    }
}

static void permits_audit(worker_t *auditor, void *area)
{
    for (unsigned i = 0; i < POOLS; i++) {
        audit_pool(auditor, pool_at(area, i));
    }
}

static int permits_owner(const control_t *c, void *area, unsigned object, hf_owner_t *who)
{
    (void)c;
    return hf_permits_owner(&pool_at(area, object)->permits, 0, who);
}

const kind_t permits_kind = {
    .name = "permits",
    .objects = permits_objects,
    .size = permits_size,
    .prepare = permits_prepare,
    .turn = permits_turn,
    .hold = permits_hold,
    .attend = permits_attend,
    .audit = permits_audit,
    .owner = permits_owner,
};
