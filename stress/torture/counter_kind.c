/* SPDX-License-Identifier: MIT */
/*
 * Work on counters, by anybody at any time. An object is a family of counters, created by
 * whoever comes first; what is added to it and taken from it is tallied (control.h), so
 * that at any time and in the end its sum is what was added less what was taken, give or
 * take the calls that are under way or were killed inside.
 *
 * Counters stay. In the end threads add in every slot: then as many blocks are theirs as
 * can be said from here.
 */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/random.h"
#include "heap.h"
#include "kinds.h"
#include "ledger.h"

enum {
    FAMILIES = 4,
    MEMBERS = 64,
    COUNTERS = FAMILIES * MEMBERS,
    IN_GROUP = 64, /* as in docs/format.md */
    GROUPS = COUNTERS / IN_GROUP,
    SLOTS = 1024, /* that a segment has, unless asked otherwise */
    STACK = 1 << 18,
    BURST_BITS = 8,
    MOST_MEMORY = 1 << 22
};

typedef struct {
    _Alignas(64) uint32_t object;
} counters_t;

static unsigned counter_objects(const torture_options_t *options)
{
    (void)options;
    return FAMILIES;
}

static size_t counter_size(const torture_options_t *options)
{
    (void)options;
    return sizeof(counters_t);
}

static int counter_prepare(const control_t *c, void *area, unsigned first)
{
    (void)c;
    ((counters_t *)area)->object = first;
    return 0;
}

/* ---- calls ---- */

/* False: there is no room for a new one. */
static bool open_counter(
    worker_t *w, const counters_t *s, unsigned family, unsigned member, hf_counter_t *c)
{
    char name[32];
    snprintf(name, sizeof name, "counter %u.%u", family, member);
    worker_call(w, "hf_counter_open", s->object + family);
    int error = hf_counter_open(w->segment, name, c);
    worker_called(w);
    return heap_had_room(w, error, "hf_counter_open", s->object + family);
}

static bool add(worker_t *w, const counters_t *s, unsigned family, hf_counter_t c, int n)
{
    tally_column_t column = n > 0 ? TALLY_GIVES : TALLY_TAKES;
    worker_tally(w, s->object + family, column);
    int error = hf_counter_add(c, n);
    worker_tallied(w, s->object + family, column, error == 0);
    return heap_had_room(w, error, "hf_counter_add", s->object + family);
}

static void add_burst(worker_t *w, const counters_t *s, unsigned family)
{
    hf_counter_t c;
    unsigned member = (unsigned)stress_below(&w->random, MEMBERS);
    if (!open_counter(w, s, family, member, &c)) {
        return;
    }
    int n = stress_one_in(&w->random, 3) ? -1 : 1;
    bool room = true;
    worker_call(w, "hf_counter_add", s->object + family);
    for (uint64_t i = stress_any_scale(&w->random, BURST_BITS); room && i > 0; i--) {
        room = add(w, s, family, c, n);
    }
    worker_called(w);
}

typedef struct {
    int64_t sum[FAMILIES];
    unsigned seen, strange;
} view_t;

static void see(const char *name, int64_t sum, void *arg)
{
    view_t *view = arg;
    unsigned family = FAMILIES, member = 0;
    if (sscanf(name, "counter %u.%u", &family, &member) == 2 && family < FAMILIES) {
        view->sum[family] += sum;
    } else {
        view->strange++;
    }
    view->seen++;
}

/* What was done before it is in the sum, and nothing that was begun after it. */
static void look(worker_t *w, const counters_t *s, unsigned family)
{
    control_t *c = w->control;
    unsigned object = s->object + family;
    view_t view = {.seen = 0};
    uint64_t given = tally_sum(c, object, TALLY_GIVES).done;
    uint64_t taken = tally_sum(c, object, TALLY_TAKES).done;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    worker_call(w, "hf_counter_each", object);
    int error = hf_counter_each(w->segment, see, &view);
    worker_called(w);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    worker_expect(w, error, 0, "hf_counter_each", object);
    int64_t least = (int64_t)(given - tally_sum(c, object, TALLY_TAKES).begun);
    int64_t most = (int64_t)(tally_sum(c, object, TALLY_GIVES).begun - taken);
    int64_t sum = view.sum[family];
    if (sum < least || sum > most || view.strange != 0 || view.seen > COUNTERS) {
        violation(c,
            "#%u: %" PRId64 " is not from %" PRId64 " to %" PRId64
            ", or %u strange ones of %u",
            object, sum, least, most, view.strange, view.seen);
        count_up(&c->lost);
    }
}

/* ---- the kind ---- */

static void work_on_family(worker_t *w, const counters_t *s, unsigned family)
{
    enum { LOOK_EVERY = 32 };
    if (stress_one_in(&w->random, LOOK_EVERY)) {
        look(w, s, family);
    } else {
        add_burst(w, s, family);
    }
}

static void counter_turn(worker_t *w, void *area)
{
    work_on_family(w, area, (unsigned)stress_below(&w->random, FAMILIES));
}

static void counter_attend(worker_t *w, void *area, unsigned object, bool two)
{
    const counters_t *s = area;
    grip_set(&w->control->seat[w->seat], 0, s->object + object, GRIP_WANTS);
    do {
        bool other = two && object + 1 < FAMILIES && w->seat % 2 == 1;
        work_on_family(w, s, object + other);
    } while (worker_is_assembled(w));
    grip_set(&w->control->seat[w->seat], 0, 0, GRIP_NONE);
}

/* ---- audit ---- */

typedef struct {
    pthread_barrier_t all_have_added;
    hf_counter_t counter[COUNTERS];
    _Atomic unsigned failures;
} filling_t;

static void *add_to_all(void *arg)
{
    filling_t *f = arg;
    for (unsigned i = 0; i < COUNTERS; i++) {
        f->failures += hf_counter_add(f->counter[i], 0) != 0;
    }
    pthread_barrier_wait(&f->all_have_added);
    return NULL;
}

/* The auditor sits in one of them; nobody else is left. */
static void fill_slots(filling_t *f)
{
    static pthread_t thread[SLOTS];
    pthread_attr_t small;
    pthread_barrier_init(&f->all_have_added, NULL, SLOTS);
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, STACK);
    for (unsigned i = 1; i < SLOTS; i++) {
        if (pthread_create(&thread[i], &small, add_to_all, f) != 0) {
            fprintf(stderr, "torture: no memory for %u threads at once\n", SLOTS);
            abort();
        }
    }
    add_to_all(f);
    for (unsigned i = 1; i < SLOTS; i++) {
        pthread_join(thread[i], NULL);
    }
    pthread_attr_destroy(&small);
    pthread_barrier_destroy(&f->all_have_added);
}

/* One by one they come to what they come to at once. */
static void compare_reads(
    worker_t *auditor, const counters_t *s, const filling_t *f, unsigned family)
{
    view_t view = {.seen = 0};
    int64_t sum = 0, one = 0;
    int error = hf_counter_each(auditor->segment, see, &view);
    for (unsigned i = 0; i < MEMBERS && error == 0; i++) {
        error = hf_counter_read(f->counter[family * MEMBERS + i], &one);
        sum += one;
    }
    worker_expect(auditor, error, 0, "reading counters", s->object + family);
    if (sum != view.sum[family] || view.seen != COUNTERS) {
        violation(auditor->control,
            "#%u: read one by one %" PRId64 ", at once %" PRId64 " of %u counters",
            s->object + family, sum, view.sum[family], view.seen);
        count_up(&auditor->control->lost);
    }
}

static void counter_audit(worker_t *auditor, void *area)
{
    const counters_t *s = area;
    filling_t filling = {.failures = 0};
    heap_info(auditor, s->object); /* completes what a dead one did */
    for (unsigned i = 0; i < COUNTERS; i++) {
        filling.failures +=
            !open_counter(auditor, s, i / MEMBERS, i % MEMBERS, &filling.counter[i]);
    }
    fill_slots(&filling);
    if (filling.failures != 0) {
        violation(auditor->control, "#%u: %u times there was no room for counters",
            s->object, filling.failures);
    }
    for (unsigned family = 0; family < FAMILIES; family++) {
        look(auditor, s, family);
        compare_reads(auditor, s, &filling, family);
    }
}

static int counter_owner(const control_t *c, void *area, unsigned object, hf_owner_t *who)
{
    (void)c, (void)area, (void)object;
    *who = (hf_owner_t){0}; /* nobody holds a counter */
    return 0;
}

const kind_t counter_kind = {
    .name = "counter",
    .memory = MOST_MEMORY,
    /* names and their table; of each group, its block and its cells in each slot */
    .lasting = COUNTERS + 1 + GROUPS * (1 + SLOTS),
    .objects = counter_objects,
    .size = counter_size,
    .prepare = counter_prepare,
    .turn = counter_turn,
    .attend = counter_attend,
    .audit = counter_audit,
    .owner = counter_owner,
};
