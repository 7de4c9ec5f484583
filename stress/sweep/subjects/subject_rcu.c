/* SPDX-License-Identifier: MIT */
/*
 * Holdfast's RCU. Who stands in a section must find what it has seen as it was; all others
 * read, synchronize, retire a block of theirs and wait until it is free. When a barrier
 * has freed what was retired, there is what was before the operation or what is after it:
 * a block that is neither shown nor freed shows as room taken.
 */
#include "../operation.h"
#include "../scene.h"
#include "memory.h"
#include "props.h"
#include "reading.h"

#define LENGTH(array) ((unsigned)(sizeof(array) / sizeof((array)[0])))

/* ---- survivors ---- */

/* A block that nobody else sees. The first call is not always the same. */
static struct reply live_on(void)
{
    const uint64_t me = __atomic_fetch_add(&props->visits, 1, __ATOMIC_RELAXED);
    hf_ptr_t *own = &props->own[me % VISITORS];
    int code = me % 2 == 0 ? operate_synchronize() : operate_rcu_section();
    code = code == 0 ? hf_alloc(prop_room, own, PROP_SIZE) : code;
    if (code == 0) {
        prop_fill(hf_ptr_get(own), PROP_SIZE, 'v');
        code = hf_rcu_replace(prop_room, own, NULL);
    }
    code = code == 0 ? operate_barrier() : code;
    return props_judged("living on", code != 0 ? code : operate_rcu_section());
}

static struct reply synchronize(void)
{
    return props_judged("synchronizing", operate_synchronize());
}

static struct reply read_once(void)
{
    return props_judged("reading", operate_rcu_section());
}

static struct reply survive(void)
{
    return props_come_and(live_on);
}

static struct reply wait_for_readers(void)
{
    return props_come_and(synchronize);
}

static struct reply read_beside(void)
{
    return props_come_and(read_once);
}

/* ---- cues ---- */

static struct reply enter_section(void)
{
    const int code = props_open(0);
    return props_judged("beginning a section", code != 0 ? code : operate_read_lock());
}

static struct reply leave_section(void)
{
    const int code = operate_read_unlock(), end = props_close();
    return props_judged("ending a section", code != 0 ? code : end);
}

static void helper_reads(struct scene *s)
{
    helper_does(s, enter_section);
    s->helper_holds = true;
}

static void helper_leaves(struct scene *s)
{
    if (s->helper_holds) {
        s->helper_holds = false;
        helper_does(s, leave_section);
    }
}

static void reader_dies(struct scene *s)
{
    helper_reads(s);
    helper_dies(s);
    scene_recast(s, &s->cast.helper);
}

/* ---- operations ---- */

#define BESIDE_A_READER .opening = helper_reads, .aftermath = helper_leaves
#define WOKEN_BY_ITS_END                                                                 \
    BESIDE_A_READER, .victim_sleeps = helper_leaves, .arrival = BEHIND_VICTIM
#define WOKEN_BY_ITS_DEATH                                                               \
    .opening = helper_reads, .victim_sleeps = helper_dies, .arrival = BEHIND_VICTIM,     \
    .aftermath = helper_leaves, .deaths_coincide = true
/* One who stands still, and is killed when the others have looked around. */
#define BESIDE_READERS                                                                   \
    .stopped = true, .waiter = read_beside, .newcomer = read_beside, .fewest_waiters = 1

static const struct operation operations[] = {
    {.name = "read_lock", .prepare = arrange_reader, .operate = operate_read_lock},
    {.name = "section, the first",
        .prepare = arrange_nothing,
        .operate = operate_rcu_section},
    {.name = "section", .prepare = arrange_reader, .operate = operate_rcu_section},
    {.name = "section, joining", .prepare = find_room, .operate = operate_rcu_section},
    {.name = "section, nested", .prepare = arrange_reader, .operate = operate_rcu_nested},
    {.name = "section, the first, paused",
        .prepare = arrange_nothing,
        .operate = operate_rcu_section,
        .paused = true,
        .fewest_waiters = 1},
    {.name = "section, paused",
        .prepare = arrange_reader,
        .operate = operate_rcu_section,
        .paused = true,
        .fewest_waiters = 1},
    {.name = "inner section, others wait",
        .prepare = arrange_section,
        .operate = operate_rcu_section,
        .arrival = BEFORE_VICTIM,
        .fewest_waiters = 1},
    {.name = "read_unlock, others wait",
        .prepare = arrange_section,
        .operate = operate_read_unlock,
        .arrival = BEFORE_VICTIM,
        .fewest_waiters = 1},
    {.name = "read_unlock, many synchronize",
        .prepare = arrange_section,
        .operate = operate_read_unlock,
        .arrival = BEFORE_VICTIM,
        .waiter = wait_for_readers,
        .fewest_waiters = CROWD,
        .crowd = true},
    {.name = "read_unlock, paused, others wait",
        .prepare = arrange_section,
        .operate = operate_read_unlock,
        .arrival = BEFORE_VICTIM,
        .paused = true,
        .fewest_waiters = 1},
    {.name = "close in a section, others wait",
        .prepare = arrange_section,
        .operate = props_close,
        .arrival = BEFORE_VICTIM,
        .fewest_waiters = 1},
    {.name = "thread exit in a section",
        .prepare = arrange_nothing,
        .operate = operate_read_lock,
        .by_thread_exit = true},
    {.name = "thread exit in a section, paused",
        .prepare = arrange_nothing,
        .operate = operate_read_lock,
        .by_thread_exit = true,
        .paused = true,
        .fewest_waiters = 1},

    {.name = "synchronize", .prepare = arrange_nothing, .operate = operate_synchronize},
    {.name = "synchronize after a dead reader",
        .opening = reader_dies,
        .prepare = arrange_nothing,
        .operate = operate_synchronize},
    {.name = "synchronize, woken",
        WOKEN_BY_ITS_END,
        .prepare = arrange_nothing,
        .operate = operate_synchronize},
    {.name = "synchronize, woken last",
        BESIDE_A_READER,
        .victim_sleeps = helper_leaves,
        .arrival = BEFORE_VICTIM,
        .prepare = arrange_nothing,
        .operate = operate_synchronize,
        .fewest_waiters = 1},
    {.name = "synchronize, woken by a death",
        WOKEN_BY_ITS_DEATH,
        .prepare = arrange_nothing,
        .operate = operate_synchronize},

    {.name = "replace, the first", .prepare = arrange_first, .operate = operate_replace},
    {.name = "replace", .prepare = arrange_second, .operate = operate_replace},
    {.name = "replace by nothing",
        .prepare = arrange_some_retired,
        .operate = operate_clear},
    {.name = "replace, the ring grows",
        .prepare = arrange_one_too_many,
        .operate = operate_replace},
    {.name = "replace that begins a period",
        .prepare = arrange_end_of_batch,
        .operate = operate_replace},
    {.name = "replace that ends a period",
        .prepare = arrange_end_of_batch_after_few,
        .operate = operate_replace},
    {.name = "replace that ends one, paused",
        .prepare = arrange_end_of_batch_after_few,
        .operate = operate_replace,
        .paused = true,
        .fewest_waiters = 1},
    {.name = "replace beside a section",
        BESIDE_A_READER,
        .prepare = arrange_end_of_second_batch,
        .operate = operate_replace},
    {.name = "replace, stopped, beside readers",
        .prepare = arrange_second,
        .operate = operate_replace,
        BESIDE_READERS},
    {.name = "replace that ends one, stopped",
        .prepare = arrange_end_of_batch_after_few,
        .operate = operate_replace,
        BESIDE_READERS},
    {.name = "retire", .prepare = arrange_lone, .operate = operate_retire},

    {.name = "barrier, nothing is retired",
        .prepare = arrange_nothing,
        .operate = operate_barrier},
    {.name = "barrier", .prepare = arrange_some_retired, .operate = operate_barrier},
    {.name = "barrier, paused",
        .prepare = arrange_some_retired,
        .operate = operate_barrier,
        .paused = true,
        .fewest_waiters = 1},
    {.name = "barrier, woken",
        WOKEN_BY_ITS_END,
        .prepare = arrange_some_retired,
        .operate = operate_barrier},
    {.name = "barrier, woken by a death",
        WOKEN_BY_ITS_DEATH,
        .prepare = arrange_some_retired,
        .operate = operate_barrier},

    {.name = "stalled",
        BESIDE_A_READER,
        .prepare = arrange_some_retired,
        .operate = operate_stalled,
        .arrival = BEFORE_VICTIM},
    {.name = "info", .prepare = arrange_some_retired, .operate = operate_rcu_info},
};

const struct subject holdfast_rcu = {
    .name = "holdfast rcu",
    .ours = true,
    .reset = props_reset,
    .inspect = props_inspect,
    .dissolve = props_dissolve,
    .survivor = survive,
    .operations = operations,
    .operation_count = LENGTH(operations),
};
