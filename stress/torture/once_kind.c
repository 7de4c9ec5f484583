/* SPDX-License-Identifier: MIT */
/*
 * Work on once-only initialisation. By agreement a once becomes a fresh one: who uses it
 * holds a reader-writer lock for reading, who makes it fresh holds that for writing.
 * Between two such moments the initialiser runs to its end once: a second time only if
 * the first one was killed before its call returned, and never after some call said that
 * it is done.
 */
#include <errno.h>
#include <inttypes.h>

#include "common/random.h"
#include "guard.h"
#include "kinds.h"
#include "ledger.h"

enum { ONCES = 4, REFUSED = ECANCELED };

typedef struct {
    _Alignas(64) hf_rwlock_t agreement;
    hf_once_t once;
    uint32_t object;
    _Atomic uint32_t done;      /* somebody was told so */
    life_t initialiser;         /* who is at it */
    life_t finisher;            /* who has run to the end */
    uint64_t value, copy, next; /* value and copy become the number `next` */
} task_t;

typedef struct {
    worker_t *worker;
    task_t *task;
    bool refused;
} try_t;

static unsigned once_objects(const torture_options_t *options)
{
    (void)options;
    return ONCES;
}

static size_t once_size(const torture_options_t *options)
{
    (void)options;
    return ONCES * sizeof(task_t);
}

static task_t *task_at(void *area, unsigned i)
{
    return (task_t *)area + i;
}

static int once_prepare(const control_t *c, void *area, unsigned first)
{
    (void)c;
    for (unsigned i = 0; i < ONCES; i++) {
        task_at(area, i)->object = first + i;
        task_at(area, i)->next = 1;
    }
    return 0;
}

static void grip(worker_t *w, const task_t *t, grip_t phase)
{
    unsigned object = phase == GRIP_NONE ? 0 : t->object;
    grip_set(&w->control->seat[w->seat], 0, object, phase);
}

static bool is_alive(const control_t *c, life_t life)
{
    return life != 0 && seat_of(life) < c->seats && !is_doomed(c, life);
}

static void complain(worker_t *w, const task_t *t, const char *what)
{
    violation(w->control,
        "#%u: worker %u: %s (initialiser %" PRIx64 ", finisher %" PRIx64
        ", value %" PRIu64 ", copy %" PRIu64 " of %" PRIu64 ")",
        t->object, w->seat, what, t->initialiser, t->finisher, t->value, t->copy,
        t->next);
}

/* ---- initialising ---- */

static void begin_initialising(worker_t *w, task_t *t)
{
    if (is_alive(w->control, t->initialiser)) {
        complain(w, t, "initialises beside another");
    }
    if (atomic_load_explicit(&t->done, memory_order_relaxed) != 0 ||
        is_alive(w->control, t->finisher)) {
        complain(w, t, "initialises what is initialised");
    }
    if (t->initialiser != 0) {
        account_recovery(w->control, t->initialiser, w->seat);
        count_up(&w->control->object[t->object].recoveries);
        count_up(&w->control->object[t->object].possible); /* told of it, or not */
    }
    t->initialiser = w->life;
    grip(w, t, GRIP_SHARES);
    worker_step(w);
}

static int initialise(void *arg)
{
    try_t *try = arg;
    worker_t *w = try->worker;
    task_t *t = try->task;
    begin_initialising(w, t);
    t->value = t->next;
    worker_step(w);
    worker_linger(w);
    try->refused = stress_one_in(&w->random, 8);
    if (!try->refused) {
        t->copy = t->next;
        worker_step(w);
        t->finisher = w->life;
        worker_step(w);
    }
    t->initialiser = 0;
    grip(w, t, GRIP_WANTS);
    return try->refused ? REFUSED : 0;
}

static void call_once(worker_t *w, task_t *t)
{
    try_t try = {.worker = w, .task = t};
    worker_call(w, "hf_once", t->object);
    int error = hf_once(&t->once, initialise, &try);
    worker_called(w);
    worker_expect(w, error, try.refused ? REFUSED : 0, "hf_once", t->object);
    if (error == 0) {
        atomic_store_explicit(&t->done, 1, memory_order_relaxed);
        if (t->finisher == 0 || t->value != t->next || t->copy != t->next) {
            complain(w, t, "is told that it is initialised");
        }
    }
}

/* ---- agreement ---- */

/* Nobody else is inside. */
static void make_fresh(worker_t *w, task_t *t)
{
    if (is_alive(w->control, t->initialiser)) {
        complain(w, t, "has the agreement while another initialises");
    }
    t->once = (hf_once_t){0};
    worker_step(w);
    t->initialiser = t->finisher = 0;
    worker_step(w);
    t->value = t->copy = 0;
    worker_step(w);
    t->next++;
    atomic_store_explicit(&t->done, 0, memory_order_relaxed);
    worker_step(w);
}

static int lock(worker_t *w, task_t *t, const char *name, int (*call)(hf_rwlock_t *))
{
    worker_call(w, name, t->object);
    int error = call(&t->agreement);
    worker_called(w);
    return error;
}

static void give(worker_t *w, task_t *t)
{
    worker_expect(w, lock(w, t, "hf_rwlock_unlock", hf_rwlock_unlock), 0,
        "hf_rwlock_unlock", t->object);
}

/* Who made it fresh was killed over that: done again. */
static void make_fresh_again(worker_t *w, task_t *t)
{
    make_fresh(w, t);
    worker_expect(w, lock(w, t, "hf_rwlock_consistent", hf_rwlock_consistent), 0,
        "hf_rwlock_consistent", t->object);
}

static void initialise_once(worker_t *w, task_t *t)
{
    grip(w, t, GRIP_WANTS);
    worker_step(w);
    int error = lock(w, t, "hf_rwlock_rdlock", hf_rwlock_rdlock);
    if (error == EOWNERDEAD) {
        make_fresh_again(w, t);
    } else {
        worker_expect(w, error, 0, "hf_rwlock_rdlock", t->object);
        call_once(w, t);
    }
    give(w, t);
    grip(w, t, GRIP_NONE);
}

static void start_anew(worker_t *w, task_t *t)
{
    grip(w, t, GRIP_WANTS);
    worker_step(w);
    int error = lock(w, t, "hf_rwlock_wrlock", hf_rwlock_wrlock);
    if (error == EOWNERDEAD) {
        make_fresh_again(w, t);
    } else {
        worker_expect(w, error, 0, "hf_rwlock_wrlock", t->object);
        make_fresh(w, t);
    }
    give(w, t);
    grip(w, t, GRIP_NONE);
}

/* ---- the kind ---- */

static void once_turn(worker_t *w, void *area)
{
    task_t *t = task_at(area, (unsigned)stress_below(&w->random, ONCES));
    if (stress_one_in(&w->random, 4)) {
        start_anew(w, t);
    }
    initialise_once(w, t);
}

static void once_attend(worker_t *w, void *area, unsigned object, bool two)
{
    (void)two;
    task_t *t = task_at(area, object);
    if (w->seat % 4 == 0) {
        start_anew(w, t);
    }
    initialise_once(w, t);
}

static void once_audit(worker_t *auditor, void *area)
{
    for (unsigned i = 0; i < ONCES; i++) {
        start_anew(auditor, task_at(area, i));
        initialise_once(auditor, task_at(area, i));
    }
}

static int once_owner(const control_t *c, void *area, unsigned object, hf_owner_t *who)
{
    (void)c;
    return hf_once_owner(&task_at(area, object)->once, who);
}

const kind_t once_kind = {
    .name = "once",
    .objects = once_objects,
    .size = once_size,
    .prepare = once_prepare,
    .turn = once_turn,
    .attend = once_attend,
    .audit = once_audit,
    .owner = once_owner,
};
