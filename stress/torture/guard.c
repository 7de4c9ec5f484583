/* SPDX-License-Identifier: MIT */
#include "guard.h"

#include <errno.h>

#include "common/random.h"
#include "kinds.h"
#include "ledger.h"

guard_call_t guard_choose_call(worker_t *w)
{
    uint64_t n = stress_below(&w->random, 10);
    return n < 6 ? GUARD_LOCK : n < 8 ? GUARD_TRYLOCK : GUARD_TIMEDLOCK;
}

int guard_vain(guard_call_t how)
{
    static const int vain[] = {0, EBUSY, ETIMEDOUT};
    return vain[how];
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

static void recover(
    worker_t *w, unsigned grip, record_t *r, const guard_consistent_t *consistent)
{
    if (r->inside != 0 && seat_of(r->inside) < w->control->seats) {
        account_recovery(w->control, r->inside, w->seat);
    }
    count_up(&w->control->object[r->object].entries);
    count_up(&w->control->object[r->object].recoveries);
    grip_set(&w->control->seat[w->seat], grip, r->object, GRIP_REPAIRS);
    record_repair(w, r);
    worker_linger(w);
    be_slow(w);
    worker_call(w, consistent->name, r->object);
    int error = consistent->call(r);
    worker_called(w);
    worker_expect(w, error, 0, consistent->name, r->object);
    grip_set(&w->control->seat[w->seat], grip, r->object, GRIP_HOLDS);
}

void guard_enter(worker_t *w, unsigned grip, record_t *r, int error,
    const guard_consistent_t *consistent)
{
    if (error == EOWNERDEAD) {
        recover(w, grip, r, consistent);
        return;
    }
    count_up(&w->control->object[r->object].entries);
    grip_set(&w->control->seat[w->seat], grip, r->object, GRIP_HOLDS);
    record_enter(w, r);
}

void guard_leave(worker_t *w, unsigned grip, record_t *r)
{
    record_exit(w, r);
    grip_set(&w->control->seat[w->seat], grip, r->object, GRIP_YIELDS);
}

void guard_left(worker_t *w, unsigned grip)
{
    grip_set(&w->control->seat[w->seat], grip, 0, GRIP_NONE);
}

/* ---- mutex ---- */

static const char *const call_name[] = {
    "hf_mutex_lock", "hf_mutex_trylock", "hf_mutex_timedlock"};

static int mutex_consistent(record_t *r)
{
    return hf_mutex_consistent(&r->lock);
}

static int timed(worker_t *w, record_t *r, unsigned ms)
{
    struct timespec deadline = hf_deadline_in_ms(ms);
    worker_call(w, call_name[GUARD_TIMEDLOCK], r->object);
    int error = hf_mutex_timedlock(&r->lock, &deadline);
    worker_called(w);
    if (error == ETIMEDOUT) {
        worker_expect_passed(w, &deadline, call_name[GUARD_TIMEDLOCK], r->object);
    }
    return error;
}

int guard_lock(worker_t *w, record_t *r, guard_call_t how)
{
    if (how == GUARD_TIMEDLOCK) {
        return timed(w, r, (unsigned)stress_below(&w->random, GUARD_LONGEST_WAIT_MS));
    }
    worker_call(w, call_name[how], r->object);
    int error =
        how == GUARD_TRYLOCK ? hf_mutex_trylock(&r->lock) : hf_mutex_lock(&r->lock);
    worker_called(w);
    return error;
}

bool guard_taken(worker_t *w, unsigned grip, record_t *r, guard_call_t how, int error)
{
    static const guard_consistent_t consistent = {
        "hf_mutex_consistent", mutex_consistent};
    if (error == 0 || error == EOWNERDEAD) {
        guard_enter(w, grip, r, error, &consistent);
        return true;
    }
    guard_left(w, grip);
    worker_expect(w, error, guard_vain(how), call_name[how], r->object);
    return false;
}

bool guard_take(worker_t *w, unsigned grip, record_t *r, guard_call_t how)
{
    grip_set(&w->control->seat[w->seat], grip, r->object, GRIP_WANTS);
    worker_step(w);
    return guard_taken(w, grip, r, how, guard_lock(w, r, how));
}

void guard_give(worker_t *w, unsigned grip, record_t *r)
{
    guard_leave(w, grip, r);
    worker_call(w, "hf_mutex_unlock", r->object);
    int error = hf_mutex_unlock(&r->lock);
    worker_called(w);
    worker_expect(w, error, 0, "hf_mutex_unlock", r->object);
    guard_left(w, grip);
}

bool guard_take_at_last(worker_t *auditor, record_t *r)
{
    control_t *c = auditor->control;
    grip_set(&c->seat[auditor->seat], 0, r->object, GRIP_WANTS);
    int error = timed(auditor, r, GUARD_AUDIT_WAIT_MS);
    if (error == ETIMEDOUT) {
        char text[STRESS_COMPLAINT_SIZE / 2];
        kinds_describe(c, auditor->root, r->object, text, sizeof text);
        violation(c, "#%u: can't be locked though nobody is left: %s", r->object, text);
    }
    return guard_taken(auditor, 0, r, GUARD_TIMEDLOCK, error);
}
