/* SPDX-License-Identifier: MIT */
#include "plays.h"

#include "process.h"
#include "scene.h"
#include "stage.h"
#include "tracer.h"

#include <errno.h>
#include <sched.h>
#include <string.h>

const char not_permitted[] = "not permitted here: no new PID namespace";

unsigned lock_number;

static const struct troupe
    *on_stage; /* for the bodies, who are forked in the middle of it */

static struct reply enter(void)
{
    return on_stage->enter != NULL ? on_stage->enter() : went_on();
}

/* All of a play's calls: the first one that breaks ends it. */
static bool call(struct actor *a, body_fn *body, struct reply *r)
{
    *r = *actor_call(a, body);
    return r->ending != BROKE;
}

static bool admit(struct actor *a, struct reply *r)
{
    actor_spawn(a);
    return call(a, enter, r);
}

/* Starts it, and sees it fall asleep. */
static bool put_to_sleep(struct actor *a, body_fn *body, struct reply *r)
{
    actor_start(a, body);
    if (!actor_settles(a) || !a->busy) {
        *r = broke("a waiter did not sleep");
    }
    return r->ending != BROKE;
}

static int64_t patience_from_now(void)
{
    return now_ns() + (int64_t)PATIENCE_MS * NS_PER_MS;
}

static bool goes_on(struct actor *a, const char *who, int64_t deadline, struct reply *r)
{
    if (!actor_ended(a, deadline)) {
        *r = broke("%s does not go on within %d ms", who, PATIENCE_MS);
    } else {
        *r = a->reply;
    }
    return r->ending != BROKE;
}

/* ---- a woken waiter dies behind a barger ---- */

static bool prepare(void)
{
    return enter().ending != BROKE;
}

static void operate(void)
{
    stage->prepared = lock_section();
}

/* Starts it, and sees it fall asleep under trace: when it is woken, it stops at once. */
static bool lull(struct victim *v, struct script script, struct reply *r)
{
    if (!victim_start(v, script)) {
        *r = broke("a waiter could not begin");
        return false;
    }
    while (v->place == AT_INSTRUCTION) {
        victim_run_call(v);
    }
    if (v->place != ASLEEP) {
        *r = broke("a waiter did not sleep");
    }
    return r->ending != BROKE;
}

/*
 * The owner gives it up, which wakes the first waiter; before that one does anything, a
 * barger takes the lock, the first waiter dies, and the barger gives the lock up. Does
 * anybody think of the second waiter?
 */
static bool barge(struct actor *owner, struct actor *barger, struct victim *first,
    struct victim *second, struct reply *r)
{
    const struct script script = {prepare, operate, false};
    if (!call(owner, lock_hold, r) || !lull(first, script, r) ||
        !lull(second, script, r) || !call(owner, lock_release, r)) {
        return false;
    }
    if (!victim_step(first)) {
        *r = broke("the first waiter was not woken");
        return false;
    }
    if (!call(barger, lock_hold, r)) {
        return false;
    }
    victim_kill(first);
    victim_bury(first);
    if (!call(barger, lock_release, r)) {
        return false;
    }
    if (!victim_finishes(second, patience_from_now())) {
        *r = broke("the second waiter sleeps on, beside a free lock");
        return false;
    }
    *r = stage->prepared;
    return r->ending == WENT_ON;
}

struct reply play_barger(const struct troupe *troupe)
{
    struct actor owner = {0}, barger = {0};
    struct victim first = {0}, second = {0};
    struct reply r = went_on();
    on_stage = troupe;
    lock_number = 0;
    if (admit(&owner, &r) && admit(&barger, &r)) {
        barge(&owner, &barger, &first, &second, &r);
    }
    victim_kill(&first);
    victim_bury(&first);
    victim_kill(&second);
    victim_bury(&second);
    actor_kill(&owner);
    actor_kill(&barger);
    return r;
}

/* ---- whose deadline has passed by the time they look ---- */

enum { LATE_MS = 100 };

static void try_for_a_while(void)
{
    const int code = on_stage->timed(LATE_MS);
    const int end = code == 0 ? on_stage->lock.give() : code;
    stage->prepared =
        end == 0 || end == ETIMEDOUT ? went_on() : broke("trying: %s", strerror(end));
}

static bool lull_for_a_while(struct victim *v, struct reply *r)
{
    const struct script script = {prepare, try_for_a_while, false};
    return lull(v, script, r);
}

static bool ends_late(struct victim *v, struct reply *r)
{
    if (!victim_finishes(v, patience_from_now())) {
        *r = broke("who was to wait for %d ms does not return", LATE_MS);
    } else if (stage->prepared.ending == BROKE) {
        *r = stage->prepared;
    }
    return r->ending != BROKE;
}

/*
 * The owner gives it up, and two are woken, who are slow: when they look, their deadlines
 * have passed. Nobody dies. Does anybody think of the third, who waits without a deadline?
 */
static bool be_late(struct actor *owner, struct actor *barger, struct victim *two,
    struct actor *third, struct reply *r)
{
    if (!call(owner, lock_hold, r) || !lull_for_a_while(&two[0], r) ||
        !lull_for_a_while(&two[1], r) || !put_to_sleep(third, lock_section, r)) {
        return false;
    }
    const int64_t deadline = now_ns() + (int64_t)LATE_MS * NS_PER_MS;
    if (!call(owner, lock_release, r) ||
        (barger != NULL && !call(barger, lock_hold, r))) {
        return false;
    }
    while (now_ns() <= deadline) {
        sched_yield();
    }
    return ends_late(&two[0], r) && ends_late(&two[1], r) &&
           (barger == NULL || call(barger, lock_release, r)) &&
           goes_on(third, "the third waiter", patience_from_now(), r);
}

static struct reply play_with_late_ones(const struct troupe *troupe, bool barged)
{
    struct actor owner = {0}, barger = {0}, third = {0};
    struct victim two[2] = {{0}, {0}};
    struct reply r = went_on();
    on_stage = troupe;
    lock_number = 0;
    if (admit(&owner, &r) && admit(&barger, &r) && admit(&third, &r)) {
        be_late(&owner, barged ? &barger : NULL, two, &third, &r);
    }
    for (int i = 0; i < 2; i++) {
        victim_kill(&two[i]);
        victim_bury(&two[i]);
    }
    actor_kill(&owner);
    actor_kill(&barger);
    actor_kill(&third);
    return r;
}

struct reply play_late(const struct troupe *troupe)
{
    return play_with_late_ones(troupe, false);
}

struct reply play_late_barger(const struct troupe *troupe)
{
    return play_with_late_ones(troupe, true);
}

/* ---- the dead held much ---- */

static struct reply take_many(void)
{
    int code = 0;
    for (lock_number = 0; code == 0 && lock_number < MANY_LOCKS; lock_number++) {
        code = on_stage->lock.take();
    }
    return code == 0 ? went_on() : broke("lock %u: %s", lock_number, strerror(code));
}

/* Takes this lock from a dead holder, and gives it back in order. */
static struct reply inherit(unsigned number)
{
    lock_number = number;
    const int code = on_stage->lock.take();
    if (code != EOWNERDEAD) {
        return broke("lock %u: returned %d, not EOWNERDEAD", number, code);
    }
    const bool good = on_stage->lock.repaired() == 0 && on_stage->lock.give() == 0;
    return good ? went_on() : broke("lock %u: cannot be repaired", number);
}

static struct reply inherit_first(void)
{
    return inherit(0);
}

static struct reply inherit_last(void)
{
    return inherit(MANY_LOCKS - 1);
}

static struct reply inherit_elsewhere(void)
{
    return inherit(ELSEWHERE);
}

static struct reply inherit_many(void)
{
    unsigned stuck = 0;
    for (lock_number = 1; lock_number < MANY_LOCKS - 1; lock_number++) {
        stuck += on_stage->attempt() != EOWNERDEAD;
    }
    return stuck == 0
               ? went_on()
               : broke("%u of %d locks are stuck with a dead holder", stuck, MANY_LOCKS);
}

struct reply play_many_locks(const struct troupe *troupe)
{
    struct actor holder = {0}, first = {0}, last = {0}, heir = {0};
    struct reply r = went_on();
    on_stage = troupe;
    if (admit(&holder, &r) && admit(&first, &r) && admit(&last, &r) && admit(&heir, &r) &&
        call(&holder, take_many, &r) && put_to_sleep(&first, inherit_first, &r) &&
        put_to_sleep(&last, inherit_last, &r)) {
        actor_kill(&holder);
        const int64_t deadline = patience_from_now();
        if (goes_on(&last, "who sleeps on the last lock", deadline, &r) &&
            goes_on(&first, "who sleeps on the first lock", deadline, &r)) {
            call(&heir, inherit_many, &r);
        }
    }
    actor_kill(&holder);
    actor_kill(&first);
    actor_kill(&last);
    actor_kill(&heir);
    return r;
}

/* ---- the dead had left another segment ---- */

static struct reply take_here_and_elsewhere(void)
{
    lock_number = 0;
    int code = on_stage->lock.take();
    lock_number = ELSEWHERE;
    code = code == 0 ? on_stage->lock.take() : code;
    return code == 0 ? went_on() : broke("locking: %s", strerror(code));
}

struct reply play_left_segment(const struct troupe *troupe)
{
    struct actor holder = {0}, here = {0}, elsewhere = {0};
    struct reply r = went_on();
    on_stage = troupe;
    if (admit(&holder, &r) && admit(&here, &r) && admit(&elsewhere, &r) &&
        call(&holder, take_here_and_elsewhere, &r) &&
        put_to_sleep(&here, inherit_first, &r) &&
        put_to_sleep(&elsewhere, inherit_elsewhere, &r) &&
        call(&holder, troupe->leave_elsewhere, &r)) {
        actor_kill(&holder);
        const int64_t deadline = patience_from_now();
        if (goes_on(&here, "who sleeps on its other lock", deadline, &r)) {
            goes_on(&elsewhere, "who sleeps on the lock it left", deadline, &r);
        }
    }
    actor_kill(&holder);
    actor_kill(&here);
    actor_kill(&elsewhere);
    return r;
}

/* ---- two namespaces ---- */

static struct reply must_be_held(void)
{
    const int code = on_stage->attempt();
    return code == EBUSY
               ? went_on()
               : broke("a live owner's lock is given away (%s)", strerror(code));
}

/* Owner and waiter are both process 1. The waiter dies; the owner must keep the lock. */
static bool clash(
    struct actor *owner, struct actor *waiter, struct actor *other, struct reply *r)
{
    if (!call(owner, enter, r) || !call(waiter, enter, r) || !call(owner, lock_hold, r) ||
        !put_to_sleep(waiter, lock_section, r)) {
        return false;
    }
    actor_kill(waiter);
    return call(other, must_be_held, r) && call(owner, lock_release, r) &&
           call(other, lock_section, r);
}

struct reply play_namespaces(const struct troupe *troupe)
{
    struct actor owner = {0}, waiter = {0}, other = {0};
    struct reply r = broke("%s", not_permitted);
    on_stage = troupe;
    lock_number = 0;
    if (actor_spawn_as_init(&owner) && actor_spawn_as_init(&waiter)) {
        r = went_on();
        if (admit(&other, &r)) {
            clash(&owner, &waiter, &other, &r);
        }
    }
    actor_kill(&owner);
    actor_kill(&waiter);
    actor_kill(&other);
    return r;
}
