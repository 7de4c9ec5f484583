/* SPDX-License-Identifier: MIT */
/*
 * Work on vectors, by anybody at any time, read beside who writes: each element tells
 * whether it is whole. Pushes and pops are tallied (control.h), so that in the end a
 * vector has as many elements as were pushed less those popped, give or take the calls
 * that were killed inside. The last one is also cleared, and not counted.
 */
#include <errno.h>
#include <inttypes.h>

#include "common/random.h"
#include "heap.h"
#include "kinds.h"
#include "ledger.h"

enum {
    VECTORS = 3,
    ELEMENTS = 300, /* of a vector, or about so many */
    ELEMENT_WORDS = 16,
    MOST_MEMORY = 1 << 19
};

typedef struct {
    _Alignas(64) uint32_t object;
    hf_vector_t vector[VECTORS];
} shelf_t;

static unsigned vector_objects(const torture_options_t *options)
{
    (void)options;
    return VECTORS;
}

static size_t vector_size(const torture_options_t *options)
{
    (void)options;
    return sizeof(shelf_t);
}

static int vector_prepare(const control_t *c, void *area, unsigned first)
{
    (void)c;
    ((shelf_t *)area)->object = first;
    return 0;
}

static size_t element_size(unsigned i)
{
    return PATTERN_LEAST + 24 * i;
}

/* ---- calls ---- */

static void inspect_element(
    worker_t *w, const shelf_t *s, unsigned i, const uint64_t *element)
{
    if (!pattern_is_whole(element, element_size(i))) {
        pattern_complain(w, s->object + i, "gets an element that is not whole", element,
            element_size(i));
    }
}

static void push(worker_t *w, shelf_t *s, unsigned i)
{
    uint64_t element[ELEMENT_WORDS];
    pattern_fill(w, element, element_size(i));
    worker_call(w, "hf_vector_push_back", s->object + i);
    worker_tally(w, s->object + i, TALLY_GIVES);
    int error = hf_vector_push_back(w->segment, &s->vector[i], element);
    worker_tallied(w, s->object + i, TALLY_GIVES, error == 0);
    worker_called(w);
    heap_had_room(w, error, "hf_vector_push_back", s->object + i);
}

static bool pop(worker_t *w, shelf_t *s, unsigned i)
{
    uint64_t element[ELEMENT_WORDS];
    worker_call(w, "hf_vector_pop_back", s->object + i);
    worker_tally(w, s->object + i, TALLY_TAKES);
    int error = hf_vector_pop_back(w->segment, &s->vector[i], element);
    worker_tallied(w, s->object + i, TALLY_TAKES, error == 0);
    worker_called(w);
    if (error == 0) {
        inspect_element(w, s, i, element);
    } else {
        worker_expect(w, error, ENOENT, "hf_vector_pop_back", s->object + i);
    }
    return error == 0;
}

static void get(worker_t *w, const shelf_t *s, unsigned i)
{
    uint64_t element[ELEMENT_WORDS];
    uint64_t size = hf_vector_size(&s->vector[i]); /* the last ones come and go */
    uint64_t index = size - stress_any_scale(&w->random, 8);
    worker_call(w, "hf_vector_get", s->object + i);
    int error = hf_vector_get(w->segment, &s->vector[i], index, element);
    worker_called(w);
    if (error == 0) {
        inspect_element(w, s, i, element);
    } else {
        worker_expect(w, error, ENOENT, "hf_vector_get", s->object + i);
    }
}

static void reserve(worker_t *w, shelf_t *s, unsigned i)
{
    size_t capacity = stress_below(&w->random, 2 * ELEMENTS);
    worker_call(w, "hf_vector_reserve", s->object + i);
    int error = hf_vector_reserve(w->segment, &s->vector[i], capacity);
    worker_called(w);
    heap_had_room(w, error, "hf_vector_reserve", s->object + i);
}

static void clear_vector(worker_t *w, shelf_t *s, unsigned i)
{
    bool keep = stress_one_in(&w->random, 2);
    hf_vector_t *v = &s->vector[i];
    worker_call(w, keep ? "hf_vector_clear" : "hf_vector_free", s->object + i);
    int error = keep ? hf_vector_clear(w->segment, v) : hf_vector_free(w->segment, v);
    worker_called(w);
    worker_expect(w, error, 0, "emptying a vector", s->object + i);
}

static void init_vector(worker_t *w, shelf_t *s, unsigned i)
{
    worker_call(w, "hf_vector_init", s->object + i);
    int error = hf_vector_init(w->segment, &s->vector[i], element_size(i));
    worker_called(w);
    worker_expect(w, error, 0, "hf_vector_init", s->object + i);
    worker_expect(w, hf_vector_check(w->segment, &s->vector[i]), 0, "hf_vector_check",
        s->object + i);
}

/* ---- the kind ---- */

static void work_on_vector(worker_t *w, shelf_t *s, unsigned i)
{
    init_vector(w, s, i); /* as everybody may */
    size_t size = hf_vector_size(&s->vector[i]);
    uint64_t chance = stress_below(&w->random, 128);
    if (chance == 0) {
        reserve(w, s, i);
    } else if (chance == 1 && i == VECTORS - 1) {
        clear_vector(w, s, i);
    } else if (chance < 64) {
        get(w, s, i);
    } else if (stress_below(&w->random, 2 * ELEMENTS) < size) {
        pop(w, s, i);
    } else {
        push(w, s, i);
    }
}

static void vector_turn(worker_t *w, void *area)
{
    work_on_vector(w, area, (unsigned)stress_below(&w->random, VECTORS));
}

static void vector_attend(worker_t *w, void *area, unsigned object, bool two)
{
    shelf_t *s = area;
    grip_set(&w->control->seat[w->seat], 0, s->object + object, GRIP_WANTS);
    do {
        bool other = two && object + 1 < VECTORS && w->seat % 2 == 1;
        work_on_vector(w, s, object + other);
    } while (worker_is_assembled(w));
    grip_set(&w->control->seat[w->seat], 0, 0, GRIP_NONE);
}

static void audit_vector(worker_t *auditor, shelf_t *s, unsigned i)
{
    control_t *c = auditor->control;
    tally_sum_t pushed = tally_sum(c, s->object + i, TALLY_GIVES);
    tally_sum_t popped = tally_sum(c, s->object + i, TALLY_TAKES);
    init_vector(auditor, s, i);
    size_t size = hf_vector_size(&s->vector[i]), n = 0;
    while (pop(auditor, s, i)) {
        n++;
    }
    bool is_counted = i != VECTORS - 1;
    if (n != size || (is_counted && (size + popped.begun < pushed.done ||
                                        size + popped.done > pushed.begun))) {
        violation(c,
            "#%u: %" PRIu64 " to %" PRIu64 " elements pushed, %" PRIu64 " to %" PRIu64
            " popped, and there are %zu, or %zu",
            s->object + i, pushed.done, pushed.begun, popped.done, popped.begun, size, n);
        count_up(&c->lost);
    }
    clear_vector(auditor, s, i);
    worker_expect(auditor, hf_vector_free(auditor->segment, &s->vector[i]), 0,
        "hf_vector_free", s->object + i);
}

static void vector_audit(worker_t *auditor, void *area)
{
    heap_info(auditor, ((shelf_t *)area)->object); /* completes what a dead one did */
    for (unsigned i = 0; i < VECTORS; i++) {
        audit_vector(auditor, area, i);
    }
}

static int vector_owner(const control_t *c, void *area, unsigned object, hf_owner_t *who)
{
    (void)c, (void)area, (void)object;
    *who = (hf_owner_t){0}; /* the heap's lock is nobody's business */
    return 0;
}

const kind_t vector_kind = {
    .name = "vector",
    .memory = MOST_MEMORY,
    .objects = vector_objects,
    .size = vector_size,
    .prepare = vector_prepare,
    .turn = vector_turn,
    .attend = vector_attend,
    .audit = vector_audit,
    .owner = vector_owner,
};
