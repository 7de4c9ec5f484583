/* SPDX-License-Identifier: MIT */
/*
 * Work on named objects. Most names have an agreement, a reader-writer lock: who uses the
 * object holds it for reading, who destroys it holds it for writing. So the object may be
 * touched, and between two such moments it is constructed to the end once, whoever dies.
 * The others are found, constructed and destroyed by anybody at any time, and only their
 * constructors touch them. Besides, each worker has names of its own (objects.h).
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/random.h"
#include "kinds.h"
#include "ledger.h"
#include "objects.h"

enum {
    NAMES = 16,
    WILD_EVERY = 4, /* has no agreement */
    ALIGNMENT = 64,
    MOST_MEMORY = 1 << 18,
    REFUSED = ECANCELED
};

typedef struct {
    _Alignas(64) hf_rwlock_t agreement;
    uint32_t object;
    _Atomic uint32_t done;        /* somebody was told that it is there */
    _Atomic uint64_t constructor; /* life that is at it; 0: none */
} name_t;

typedef struct {
    name_t name[NAMES];
    own_names_t own[]; /* by seat */
} directory_t;

typedef struct {
    worker_t *worker;
    name_t *name;
    bool began, refused;
} try_t;

static unsigned names_objects(const torture_options_t *options)
{
    (void)options;
    return NAMES;
}

static size_t names_size(const torture_options_t *options)
{
    return sizeof(directory_t) + (2 * options->processes + 1) * sizeof(own_names_t);
}

static int names_prepare(const control_t *c, void *area, unsigned first)
{
    (void)c;
    directory_t *d = area;
    for (unsigned i = 0; i < NAMES; i++) {
        d->name[i].object = first + i;
    }
    return 0;
}

static bool is_wild(const directory_t *d, const name_t *n)
{
    return (n - d->name) % WILD_EVERY == WILD_EVERY - 1;
}

static size_t size_of(const name_t *n)
{
    return PATTERN_LEAST << n->object % 8;
}

static const char *text_of(char *text, const name_t *n)
{
    snprintf(text, HF_NAME_SIZE, "name %u", n->object);
    return text;
}

static void grip(worker_t *w, const name_t *n, grip_t phase)
{
    unsigned object = phase == GRIP_NONE ? 0 : n->object;
    grip_set(&w->control->seat[w->seat], 0, object, phase);
}

static void complain(worker_t *w, const name_t *n, const char *what)
{
    violation(w->control,
        "#%u: worker %u: %s (constructor %" PRIx64 ", known to be there: %u)", n->object,
        w->seat, what, atomic_load_explicit(&n->constructor, memory_order_relaxed),
        atomic_load_explicit(&n->done, memory_order_relaxed));
}

/* ---- constructing ---- */

static void begin_constructing(worker_t *w, name_t *n)
{
    control_t *c = w->control;
    life_t other =
        atomic_exchange_explicit(&n->constructor, w->life, memory_order_relaxed);
    if (other != 0 && (seat_of(other) >= c->seats || !is_doomed(c, other))) {
        complain(w, n, "constructs beside another");
    }
    if (atomic_load_explicit(&n->done, memory_order_relaxed) != 0) {
        complain(w, n, "constructs what is there");
    }
    if (other != 0) {
        account_recovery(c, other, w->seat);
        count_up(&c->object[n->object].recoveries);
        count_up(&c->object[n->object].possible); /* told of it, or not */
    }
}

static int construct(void *object, void *arg)
{
    try_t *try = arg;
    worker_t *w = try->worker;
    name_t *n = try->name;
    try->began = true;
    begin_constructing(w, n);
    grip(w, n, GRIP_SHARES);
    worker_step(w);
    if ((uintptr_t)object % ALIGNMENT != 0 || !is_all_zero(object, 0, size_of(n))) {
        pattern_complain(w, n->object, "constructs on used memory", object, size_of(n));
    }
    worker_linger(w);
    try->refused = stress_one_in(&w->random, 8);
    pattern_fill(w, object, size_of(n));
    atomic_store_explicit(&n->constructor, 0, memory_order_relaxed);
    grip(w, n, GRIP_WANTS);
    return try->refused ? REFUSED : 0;
}

/* Null: there is no room, or the constructor refused. */
static const void *find_or_construct(worker_t *w, name_t *n)
{
    char text[HF_NAME_SIZE];
    void *object = NULL;
    try_t try = {.worker = w, .name = n};
    worker_call(w, "hf_object_find_or_construct", n->object);
    int error = hf_object_find_or_construct(
        w->segment, text_of(text, n), size_of(n), construct, &try, &object);
    worker_called(w);
    if (try.refused || (error == ENOSPC && !try.began)) {
        worker_expect(w, error, try.refused ? REFUSED : ENOSPC,
            "hf_object_find_or_construct", n->object);
        return NULL;
    }
    worker_expect(w, error, 0, "hf_object_find_or_construct", n->object);
    return error == 0 ? object : NULL;
}

/* ---- finding ---- */

/* One that nobody destroys meanwhile must be shown once; the others, as what they are. */
static void look_through(worker_t *w, directory_t *d, const name_t *there)
{
    char text[HF_NAME_SIZE];
    hf_object_cursor_t cursor = {0};
    size_t size;
    unsigned times = 0;
    int error;
    do {
        worker_call(w, "hf_object_next", there->object);
        error = hf_object_next(w->segment, &cursor, text, NULL, &size);
        worker_called(w);
        unsigned number;
        bool is_own = error == 0 && own_names_match(text);
        bool is_shared = error == 0 && sscanf(text, "name %u", &number) == 1;
        if (is_shared && number - d->name[0].object < NAMES) {
            const name_t *n = &d->name[number - d->name[0].object];
            times += n == there;
            is_shared = size == size_of(n);
        }
        if (error == 0 && !is_own && !is_shared) {
            violation(w->control, "#%u: worker %u: is shown '%s', of %zu bytes",
                there->object, w->seat, text, size);
        }
    } while (error == 0);
    worker_expect(w, error, ENOENT, "hf_object_next", there->object);
    if (times != 1) {
        violation(w->control, "#%u: worker %u: is shown what is there %u times",
            there->object, w->seat, times);
    }
}

static void count(worker_t *w, const name_t *there)
{
    size_t n = 0;
    worker_call(w, "hf_object_count", there->object);
    int error = hf_object_count(w->segment, &n);
    worker_called(w);
    worker_expect(w, error, 0, "hf_object_count", there->object);
    if (n < 1 || n > NAMES + w->control->seats * OWN_NAMES) {
        violation(
            w->control, "#%u: worker %u: counts %zu objects", there->object, w->seat, n);
    }
}

/* Has the agreement, and knows that it is there. */
static void use(worker_t *w, directory_t *d, name_t *n, const void *object)
{
    int error;
    char text[HF_NAME_SIZE];
    atomic_store_explicit(&n->done, 1, memory_order_relaxed);
    if (!pattern_is_whole(object, size_of(n))) {
        pattern_complain(w, n->object, "finds what is not whole", object, size_of(n));
    }
    if (object_find(w, text_of(text, n), n->object, &error) != object || error != 0) {
        complain(w, n, "does not find what is there");
    }
    if (stress_one_in(&w->random, 32)) {
        look_through(w, d, n);
    }
    if (stress_one_in(&w->random, 32)) {
        count(w, n);
    }
}

/* ---- pieces of work ---- */

static void visit(worker_t *w, directory_t *d, name_t *n)
{
    bool wild = is_wild(d, n);
    if (!wild) {
        heap_lock(w, n->object, &n->agreement, hf_rwlock_rdlock);
    }
    grip(w, n, GRIP_WANTS);
    const void *object = find_or_construct(w, n);
    if (!wild && object) {
        use(w, d, n, object);
    }
    grip(w, n, GRIP_NONE);
    if (!wild) {
        heap_unlock(w, n->object, &n->agreement);
    }
}

/* Alone with it. One that nobody was told of may be there or not. */
static void destroy_agreed(worker_t *w, name_t *n)
{
    char text[HF_NAME_SIZE];
    int error;
    bool there = atomic_load_explicit(&n->done, memory_order_relaxed) != 0;
    if (there) {
        object_find(w, text_of(text, n), n->object, &error);
        worker_expect(w, error, 0, "hf_object_find", n->object);
    }
    /* Killed behind this, it is taken for one that nobody was told of. */
    atomic_store_explicit(&n->done, 0, memory_order_relaxed);
    worker_step(w);
    error = object_destroy(w, text_of(text, n), n->object);
    if (there || error != ENOENT) {
        worker_expect(w, error, 0, "hf_object_destroy", n->object);
    }
    object_find(w, text, n->object, &error);
    worker_expect(w, error, ENOENT, "hf_object_find, when destroyed", n->object);
}

static void destroy_shared(worker_t *w, directory_t *d, name_t *n)
{
    char text[HF_NAME_SIZE];
    if (!is_wild(d, n)) {
        heap_lock(w, n->object, &n->agreement, hf_rwlock_wrlock);
        destroy_agreed(w, n);
        heap_unlock(w, n->object, &n->agreement);
        return;
    }
    int error = object_destroy(w, text_of(text, n), n->object);
    if (error != ENOENT && error != EBUSY) {
        worker_expect(w, error, 0, "hf_object_destroy", n->object);
    }
}

static void names_turn(worker_t *w, void *area)
{
    directory_t *d = area;
    name_t *n = &d->name[stress_below(&w->random, NAMES)];
    own_names_take_over(w, &d->own[w->seat], d->name[0].object);
    if (stress_one_in(&w->random, 3)) {
        own_names_work(w, &d->own[w->seat], d->name[0].object);
    } else if (stress_one_in(&w->random, 4)) {
        destroy_shared(w, d, n);
    } else {
        visit(w, d, n);
    }
}

/* ---- the kind ---- */

static void names_attend(worker_t *w, void *area, unsigned object, bool two)
{
    (void)two;
    directory_t *d = area;
    own_names_take_over(w, &d->own[w->seat], d->name[0].object);
    if (w->seat % GIVER_EVERY == 0) {
        destroy_shared(w, d, &d->name[object]);
    }
    visit(w, d, &d->name[object]);
}

static void names_audit(worker_t *auditor, void *area)
{
    directory_t *d = area;
    char text[HF_NAME_SIZE];
    for (unsigned i = 0; i < NAMES; i++) {
        name_t *n = &d->name[i];
        visit(auditor, d, n);
        if (!is_wild(d, n) && atomic_load_explicit(&n->done, memory_order_relaxed)) {
            look_through(auditor, d, n);
        }
        atomic_store_explicit(&n->done, 0, memory_order_relaxed);
        object_destroy_at_last(auditor, text_of(text, n), n->object);
    }
    for (unsigned seat = 0; seat < auditor->control->seats; seat++) {
        own_names_audit(auditor, &d->own[seat], seat, d->name[0].object);
    }
    hf_object_cursor_t cursor = {0};
    int error = hf_object_next(auditor->segment, &cursor, text, NULL, NULL);
    worker_expect(auditor, error, ENOENT, "hf_object_next, of what is destroyed",
        d->name[0].object);
}

static int names_owner(const control_t *c, void *area, unsigned object, hf_owner_t *who)
{
    (void)c;
    return hf_rwlock_owner(&((directory_t *)area)->name[object].agreement, who);
}

const kind_t names_kind = {
    .name = "names",
    .memory = MOST_MEMORY,
    .objects = names_objects,
    .size = names_size,
    .prepare = names_prepare,
    .turn = names_turn,
    .attend = names_attend,
    .audit = names_audit,
    .owner = names_owner,
};
