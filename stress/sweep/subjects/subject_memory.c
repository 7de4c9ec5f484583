/* SPDX-License-Identifier: MIT */
/*
 * Holdfast's managed memory: the heap, named objects, vector and map. Whoever comes after
 * the death makes calls of the heap, which finish or undo what the dead one did; then
 * what is there, and the room that it takes, is what was before the operation, or what is
 * after it.
 */
#include "../operation.h"
#include "../scene.h"
#include "../stage.h"
#include "../tracer.h"
#include "memory.h"
#include "props.h"

#include <errno.h>

#define LENGTH(array) ((unsigned)(sizeof(array) / sizeof((array)[0])))

/* ---- another one has died in the middle of an operation before ---- */

enum { LONGEST = 100000 };

/* The way of that one, which is the same in each scene of a row. */
static struct {
    unsigned long length;  /* positions */
    unsigned long turning; /* the first one at which pointer 0 has changed */
    uintptr_t pc[LONGEST];
} way;

static struct {
    body_fn *prepare;
    int (*operate)(void);
} other;

static bool other_prepares(void)
{
    return other.prepare().ending != BROKE;
}

static void other_operates(void)
{
    (void)!other.operate();
}

static bool other_starts(struct scene *s, struct victim *v)
{
    const struct script script = {other_prepares, other_operates, false};
    const bool started = victim_start(v, script);
    if (!started) {
        scene_breaks(s, BROKEN, "the one who died before could not prepare");
    }
    return started;
}

static void other_dies(struct victim *v)
{
    victim_kill(v);
    victim_bury(v);
}

static struct reply see_pointer(void)
{
    struct reply r = went_on();
    r.value = hf_ptr_get(&props->pointers[0]) != NULL;
    return r;
}

/* Plays it to its end, once a row; then all is made anew. */
static void learn_way(struct scene *s)
{
    struct victim v;
    if (way.length > 0 || !other_starts(s, &v)) {
        return;
    }
    struct actor *witness = &s->cast.stagehand;
    const uint64_t at_first = actor_call(witness, see_pointer)->value;
    for (; v.place == AT_INSTRUCTION && way.length < LONGEST; way.length++) {
        way.pc[way.length] = v.pc;
        if (way.turning == 0 && actor_call(witness, see_pointer)->value != at_first) {
            way.turning = way.length;
        }
        victim_step(&v);
    }
    other_dies(&v);
    actor_call(witness, props_reset);
}

/* Dies this far, in eighths, on its way from one position to another. */
static void other_dies_between(
    struct scene *s, unsigned long from, unsigned long to, unsigned eighths)
{
    const unsigned long at = from + (to - from) * eighths / 8;
    unsigned long passages = 0;
    struct victim v;
    for (unsigned long i = 1; i <= at && at < way.length; i++) {
        passages += way.pc[i] == way.pc[at];
    }
    if (other_starts(s, &v)) {
        if (passages == 0 || !victim_run_to(&v, way.pc[at], passages)) {
            scene_breaks(s, BROKEN, "the one who died before went another way");
        }
        other_dies(&v);
    }
}

static void one_frees(struct scene *s, body_fn *prepare)
{
    other.prepare = prepare;
    other.operate = operate_free;
    learn_way(s);
}

/* Freeing is committed, and some of its stores are made: the last one is not. */
static void one_died_publishing(struct scene *s)
{
    one_frees(s, arrange_row_to_be_freed);
    other_dies_between(s, way.turning, way.length, 2);
}

/* It is not committed, but most of what can be undone is done. */
static void one_died_giving_back(struct scene *s)
{
    one_frees(s, arrange_gap_to_be_closed);
    other_dies_between(s, 0, way.turning, 7);
}

static void one_died_allocating(struct scene *s)
{
    other.prepare = arrange_unallocated;
    other.operate = operate_alloc;
    learn_way(s);
    other_dies_between(s, 0, way.turning, 7);
}

static void one_died_rebuilding(struct scene *s)
{
    other.prepare = arrange_unset;
    other.operate = operate_set;
    learn_way(s);
    other_dies_between(s, 0, way.length, 3);
}

static void one_died_constructing(struct scene *s)
{
    enum { STEPS = 12 };
    struct victim v;
    other.prepare = arrange_nothing;
    other.operate = operate_construct;
    if (other_starts(s, &v)) {
        if (!victim_run_to(&v, (uintptr_t)prop_build, 1)) {
            scene_breaks(s, BROKEN, "no constructor was called");
        }
        for (unsigned i = 0; i < STEPS; i++) {
            victim_step(&v);
        }
        other_dies(&v);
    }
}

/* ---- another one constructs ---- */

static void helper_constructs(struct scene *s)
{
    actor_start(&s->cast.helper, construct_slowly);
    if (!actor_settles(&s->cast.helper)) {
        scene_breaks(s, BROKEN, "the helper does not construct");
    }
}

static void helper_may_end(struct scene *s)
{
    (void)s;
    stage->builder_may_end = true;
}

static void builder_dies(struct scene *s)
{
    if (s->cast.helper.pid != 0) {
        stage->deaths++;
        actor_kill(&s->cast.helper);
    }
}

/* ---- operations ---- */

/* One who stands still, and is killed when the others have looked around. */
#define BESIDE_READERS                                                                   \
    .stopped = true, .waiter = props_look, .newcomer = props_look, .fewest_waiters = 1,  \
    .most_waiters = 1

static const struct operation operations[] = {
    {.name = "alloc", .prepare = arrange_nothing, .operate = operate_alloc},
    {.name = "alloc, a block that fits",
        .prepare = arrange_hole,
        .operate = operate_alloc,
        .most_waiters = 1},
    {.name = "alloc_aligned",
        .prepare = arrange_nothing,
        .operate = operate_alloc_aligned,
        .most_waiters = 1},
    {.name = "alloc that grows the segment",
        .prepare = arrange_full_heap,
        .operate = operate_alloc_much,
        .retract = retract_alloc,
        .fewest_waiters = 1},
    {.name = "segment_grow",
        .prepare = arrange_nothing,
        .operate = operate_grow,
        .fewest_waiters = 1},
    {.name = "free, neighbours in use", .prepare = arrange_row, .operate = operate_free},
    {.name = "free, the one before is free",
        .prepare = arrange_row_first_free,
        .operate = operate_free,
        .most_waiters = 1},
    {.name = "free, the one behind is free",
        .prepare = arrange_row_last_free,
        .operate = operate_free,
        .most_waiters = 1},
    {.name = "free between two free ones",
        .prepare = arrange_row_both_free,
        .operate = operate_free},
    {.name = "realloc in place",
        .prepare = arrange_row_last_free,
        .operate = operate_realloc_here,
        .most_waiters = 1},
    {.name = "realloc in place, smaller",
        .prepare = arrange_two_blocks,
        .operate = operate_shrink,
        .most_waiters = 1},
    {.name = "realloc that moves",
        .prepare = arrange_row,
        .operate = operate_realloc_elsewhere},
    {.name = "ptr_swap", .prepare = arrange_two_blocks, .operate = operate_swap},
    {.name = "heap_info",
        .prepare = arrange_block,
        .operate = operate_info,
        .fewest_waiters = 1,
        .most_waiters = 1},

    {.name = "recover, it died publishing",
        .opening = one_died_publishing,
        .prepare = arrange_freed_row,
        .operate = operate_info},
    {.name = "recover, it died giving back",
        .opening = one_died_giving_back,
        .prepare = arrange_gap_to_be_closed,
        .operate = operate_info},
    {.name = "recover, it died allocating",
        .opening = one_died_allocating,
        .prepare = arrange_unallocated,
        .operate = operate_info},
    {.name = "recover, it died rebuilding",
        .opening = one_died_rebuilding,
        .prepare = arrange_unset,
        .operate = operate_info,
        .most_waiters = 1},

    {.name = "construct", .prepare = arrange_nothing, .operate = operate_construct},
    {.name = "construct, others want it",
        .prepare = arrange_nothing,
        .operate = operate_construct,
        .completion = props_construct,
        .fewest_waiters = 1},
    {.name = "construct, others want it, paused",
        .prepare = arrange_nothing,
        .operate = operate_construct,
        .paused = true,
        .completion = props_construct,
        .fewest_waiters = 1},
    {.name = "construct that fails, others want it",
        .prepare = arrange_nothing,
        .operate = operate_construct_and_refuse,
        .returns = ECANCELED,
        .completion = props_construct,
        .fewest_waiters = 1},
    {.name = "construct that fails, paused",
        .prepare = arrange_nothing,
        .operate = operate_refuse_or_find,
        .paused = true,
        .completion = props_construct,
        .fewest_waiters = 1},
    {.name = "construct that fails",
        .prepare = arrange_nothing,
        .operate = operate_construct_and_refuse,
        .returns = ECANCELED,
        .fewest_waiters = 1,
        .most_waiters = 1},
    {.name = "construct in a dead one's place",
        .opening = one_died_constructing,
        .prepare = arrange_nothing,
        .operate = operate_construct,
        .arrival = BEHIND_VICTIM,
        .completion = props_construct,
        .fewest_waiters = 1},
    {.name = "construct, woken by its end",
        .opening = helper_constructs,
        .prepare = arrange_nothing,
        .operate = operate_construct,
        .victim_sleeps = helper_may_end,
        .arrival = BEHIND_VICTIM,
        .aftermath = helper_may_end,
        .completion = props_construct},
    {.name = "construct, woken by its death",
        .opening = helper_constructs,
        .prepare = arrange_nothing,
        .operate = operate_construct,
        .victim_sleeps = builder_dies,
        .arrival = BEHIND_VICTIM,
        .aftermath = helper_may_end,
        .completion = props_construct,
        .deaths_coincide = true},
    {.name = "object_find",
        .prepare = arrange_object,
        .operate = operate_find,
        .fewest_waiters = 1,
        .most_waiters = 1},
    {.name = "object_next",
        .prepare = arrange_object,
        .operate = operate_next,
        .fewest_waiters = 1,
        .most_waiters = 1},
    {.name = "object_destroy", .prepare = arrange_object, .operate = operate_destroy},

    {.name = "vector push_back",
        .prepare = arrange_room,
        .operate = operate_push,
        .fewest_waiters = 1},
    {.name = "vector push_back that grows",
        .prepare = arrange_full_vector,
        .operate = operate_push_and_grow,
        .fewest_waiters = 1},
    {.name = "vector pop_back",
        .prepare = arrange_room,
        .operate = operate_pop,
        .fewest_waiters = 1},
    {.name = "vector get",
        .prepare = arrange_room,
        .operate = operate_vector_get,
        .fewest_waiters = 1,
        .most_waiters = 1},
    {.name = "map set, the first",
        .prepare = arrange_nothing,
        .operate = operate_set_first,
        .retract = retract_set_first,
        .fewest_waiters = 1},
    {.name = "map set that replaces",
        .prepare = arrange_entry,
        .operate = operate_set,
        .fewest_waiters = 1},
    {.name = "map set that rebuilds",
        .prepare = arrange_full_map,
        .operate = operate_set,
        .retract = retract_set,
        .fewest_waiters = 1},
    {.name = "map insert",
        .prepare = arrange_nothing,
        .operate = operate_insert,
        .fewest_waiters = 1},
    {.name = "map erase",
        .prepare = arrange_entry,
        .operate = operate_erase,
        .fewest_waiters = 1},
    {.name = "map get",
        .prepare = arrange_entry,
        .operate = operate_map_get,
        .fewest_waiters = 1,
        .most_waiters = 1},

    /* Lookups beside one who stands still. */
    {.name = "construct, stopped, beside readers",
        .prepare = arrange_nothing,
        .operate = operate_construct,
        BESIDE_READERS},
    {.name = "object_destroy, stopped, the same",
        .prepare = arrange_object,
        .operate = operate_destroy,
        BESIDE_READERS},
    {.name = "push_back, stopped, the same",
        .prepare = arrange_full_vector,
        .operate = operate_push_and_grow,
        BESIDE_READERS},
    {.name = "map set, stopped, the same",
        .prepare = arrange_full_map,
        .operate = operate_set,
        .retract = retract_set,
        BESIDE_READERS},
};

const struct subject holdfast_memory = {
    .name = "holdfast memory",
    .ours = true,
    .reset = props_reset,
    .inspect = props_inspect,
    .dissolve = props_dissolve,
    .survivor = props_visit,
    .operations = operations,
    .operation_count = LENGTH(operations),
};
