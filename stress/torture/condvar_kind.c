/* SPDX-License-Identifier: MIT */
/*
 * Work on condition variables: bounded buffers. Of each the number of things put in is
 * the value of one record and of those got out that of another (record.h), both under the
 * first one's mutex: so whoever dies where, each is counted once, and what was put in is
 * what was got out and what is there.
 *
 * A signal is given with the mutex held. Who dies between a change and its signal then
 * leaves EOWNERDEAD to the next one, who broadcasts to all.
 */
#include <errno.h>
#include <inttypes.h>

#include "common/random.h"
#include "guard.h"
#include "kinds.h"
#include "ledger.h"

enum { BUFFERS = 2, CAPACITY = 2, PUT = 0, GOT = 1, HALVES = 2 };

/* Who waits for room calls with the object of `put`, who waits for a thing with that of
 * `got`. */
typedef struct {
    record_t *put, *got;
    struct {
        _Alignas(64) hf_cond_t room, things;
        _Atomic uint64_t level; /* a hint: what is there */
    } * shared;
} buffer_t;

static unsigned condvar_objects(const torture_options_t *options)
{
    (void)options;
    return BUFFERS * HALVES;
}

static size_t stride(const torture_options_t *options)
{
    return HALVES * record_size(2 * options->processes + 1) +
           sizeof *((buffer_t *)0)->shared;
}

static size_t condvar_size(const torture_options_t *options)
{
    return BUFFERS * stride(options);
}

static buffer_t buffer_at(const control_t *c, void *area, unsigned i)
{
    char *start = (char *)area + i * stride(&c->options);
    size_t size = record_size(c->seats);
    return (buffer_t){.put = (record_t *)(void *)start,
        .got = (record_t *)(void *)(start + size),
        .shared = (void *)(start + HALVES * size)};
}

static buffer_t buffer_of_object(const control_t *c, void *area, unsigned object)
{
    return buffer_at(c, area, object / HALVES);
}

static int condvar_prepare(const control_t *c, void *area, unsigned first)
{
    for (unsigned i = 0; i < BUFFERS; i++) {
        buffer_t b = buffer_at(c, area, i);
        record_prepare(b.put, first + i * HALVES + PUT);
        record_prepare(b.got, first + i * HALVES + GOT);
    }
    return 0;
}

/* ---- with the mutex ---- */

static uint64_t level(worker_t *w, const buffer_t *b)
{
    uint64_t level = b->put->value - b->got->value;
    if (level > CAPACITY) {
        violation(w->control,
            "#%u: %" PRIu64 " were put in, %" PRIu64 " got out of a buffer of %u",
            b->put->object, b->put->value, b->got->value, CAPACITY);
    }
    return level;
}

static void wake(worker_t *w, const buffer_t *b, unsigned half, bool all)
{
    hf_cond_t *cond = half == PUT ? &b->shared->things : &b->shared->room;
    const char *name = all ? "hf_cond_broadcast" : "hf_cond_signal";
    unsigned object = half == PUT ? b->got->object : b->put->object;
    worker_call(w, name, object);
    int error = all ? hf_cond_broadcast(cond) : hf_cond_signal(cond);
    worker_called(w);
    worker_expect(w, error, 0, name, object);
}

/* The mutex has just been taken: what may a dead one have left besides its record? */
static void heal(worker_t *w, const buffer_t *b, int error)
{
    if (b->got->inside != 0) {
        record_repair(w, b->got);
        record_exit(w, b->got);
    }
    if (error == EOWNERDEAD) {
        wake(w, b, PUT, true);
        wake(w, b, GOT, true);
    }
    atomic_store_explicit(&b->shared->level, level(w, b), memory_order_relaxed);
}

static bool taken(worker_t *w, const buffer_t *b, guard_call_t how, int error)
{
    bool is_taken = guard_taken(w, 0, b->put, how, error);
    if (is_taken) {
        heal(w, b, error);
    }
    return is_taken;
}

static bool take(worker_t *w, const buffer_t *b, guard_call_t how)
{
    grip_set(&w->control->seat[w->seat], 0, b->put->object, GRIP_WANTS);
    worker_step(w);
    return taken(w, b, how, guard_lock(w, b->put, how));
}

static bool can(worker_t *w, const buffer_t *b, unsigned half)
{
    return half == PUT ? level(w, b) < CAPACITY : level(w, b) > 0;
}

/* Puts one in or gets one out, and says so. */
static void move(worker_t *w, const buffer_t *b, unsigned half)
{
    if (half == PUT) {
        record_change(w, b->put);
    } else {
        record_enter(w, b->got);
        record_change(w, b->got);
        record_exit(w, b->got);
    }
    atomic_store_explicit(&b->shared->level, level(w, b), memory_order_relaxed);
    wake(w, b, half, stress_one_in(&w->random, 8));
}

/* Gives the mutex back and takes it again. True: it is ours. *in_vain: the deadline has
 * passed. */
static bool wait(worker_t *w, const buffer_t *b, unsigned half, bool timed, bool *in_vain)
{
    hf_cond_t *cond = half == PUT ? &b->shared->room : &b->shared->things;
    const char *name = timed ? "hf_cond_timedwait" : "hf_cond_wait";
    struct timespec deadline =
        hf_deadline_in_ms((unsigned)stress_below(&w->random, GUARD_LONGEST_WAIT_MS));
    record_exit(w, b->put);
    grip_set(&w->control->seat[w->seat], 0, b->put->object, GRIP_WANTS);
    worker_call(w, name, half == PUT ? b->put->object : b->got->object);
    int error = timed ? hf_cond_timedwait(cond, &b->put->lock, &deadline)
                      : hf_cond_wait(cond, &b->put->lock);
    worker_called(w);
    *in_vain = timed && error == ETIMEDOUT;
    if (*in_vain) {
        worker_expect_passed(w, &deadline, name, b->put->object);
        error = 0;
    }
    return taken(w, b, GUARD_LOCK, error);
}

/* ---- the kind ---- */

static void work(worker_t *w, const buffer_t *b, unsigned half, bool timed)
{
    bool ours = take(w, b, GUARD_LOCK);
    bool in_vain = false;
    while (ours && !can(w, b, half) && !in_vain) {
        ours = wait(w, b, half, timed, &in_vain);
    }
    if (ours && can(w, b, half)) {
        move(w, b, half);
    }
    if (ours) {
        guard_give(w, 0, b->put);
    }
}

static void condvar_turn(worker_t *w, void *area)
{
    buffer_t b = buffer_at(w->control, area, (unsigned)stress_below(&w->random, BUFFERS));
    work(w, &b, (unsigned)stress_below(&w->random, HALVES), stress_one_in(&w->random, 4));
}

static void condvar_hold(worker_t *w, void *area)
{
    buffer_t b = buffer_at(w->control, area, (unsigned)stress_below(&w->random, BUFFERS));
    if (take(w, &b, GUARD_LOCK) && can(w, &b, PUT)) {
        record_change_half(w, b.put);
    }
}

/* Those who wait have to be woken by one who comes when they sleep. */
static void condvar_attend(worker_t *w, void *area, unsigned object, bool two)
{
    (void)two;
    buffer_t b = buffer_of_object(w->control, area, object);
    if (w->seat % GIVER_EVERY == 0) {
        worker_linger(w);
    }
    work(w, &b, w->seat % GIVER_EVERY == 0 ? PUT : GOT, false);
}

/* Not while a dead one has the mutex: who comes next is told, and wakes all. */
static bool condvar_can_go_on(const control_t *c, void *area, unsigned object)
{
    buffer_t b = buffer_of_object(c, area, object);
    hf_owner_t who;
    if (hf_mutex_owner(&b.put->lock, &who) == 0 && who.pid != 0 && !who.alive) {
        return false;
    }
    uint64_t there = atomic_load_explicit(&b.shared->level, memory_order_relaxed);
    return object % HALVES == PUT ? there < CAPACITY : there > 0;
}

static bool condvar_help(worker_t *w, void *area, unsigned object)
{
    buffer_t b = buffer_of_object(w->control, area, object);
    unsigned half = object % HALVES == PUT ? GOT : PUT;
    if (!condvar_can_go_on(w->control, area, object) && take(w, &b, GUARD_TRYLOCK)) {
        if (can(w, &b, half)) {
            move(w, &b, half);
        }
        guard_give(w, 0, b.put);
    }
    return true;
}

static void condvar_audit(worker_t *auditor, void *area)
{
    for (unsigned i = 0; i < BUFFERS; i++) {
        buffer_t b = buffer_at(auditor->control, area, i);
        if (guard_take_at_last(auditor, b.put)) {
            heal(auditor, &b, EOWNERDEAD);
            record_audit(auditor, b.put);
            record_audit(auditor, b.got);
            guard_give(auditor, 0, b.put);
        }
    }
}

static int condvar_owner(const control_t *c, void *area, unsigned object, hf_owner_t *who)
{
    buffer_t b = buffer_of_object(c, area, object);
    int error =
        hf_cond_owner(object % HALVES == PUT ? &b.shared->room : &b.shared->things, who);
    hf_owner_t holder;
    if (error == 0) {
        error = hf_mutex_owner(&b.put->lock, &holder);
        who->pid = holder.pid;
        who->tid = holder.tid;
        who->alive = holder.alive;
    }
    return error;
}

const kind_t condvar_kind = {
    .name = "condvar",
    .objects = condvar_objects,
    .size = condvar_size,
    .prepare = condvar_prepare,
    .turn = condvar_turn,
    .hold = condvar_hold,
    .attend = condvar_attend,
    .can_go_on = condvar_can_go_on,
    .help = condvar_help,
    .audit = condvar_audit,
    .owner = condvar_owner,
};
