/* SPDX-License-Identifier: MIT */
/*
 * Holdfast's counters. Each survivor adds to the counter that the victim works on and to
 * one beside it, and writes down that it did: in the end both are exact to what the
 * victim may have added. Then threads take all slots there are and add, too: all cells
 * are there now, whoever made them, and any block more than there were when it was played
 * alone is one that the dead have lost.
 */
#include <holdfast/holdfast.h>

#include "../operation.h"
#include "../scene.h"
#include "../stage.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define LENGTH(array) ((unsigned)(sizeof(array) / sizeof((array)[0])))

enum { VICTIMS = 1 << 20, KEPT = 1000, MOST_SLOTS = MOST_WAITERS + 8, IN_GROUP = 64 };

/* Written by those who live. */
struct books {
    hf_mutex_t spare; /* for who shall join without a call to a counter */
    int64_t thing, shown;
};

static hf_segment_t *segment;
static struct books *books;
static hf_counter_t thing, shown;

static struct reply judged(const char *what, int code)
{
    return code == 0 ? went_on() : broke("%s: %s", what, strerror(code));
}

static unsigned slots(void)
{
    return stage->cast_size + 4;
}

static int open_segment(unsigned flags)
{
    const hf_segment_config_t config = {
        .root_size = sizeof(struct books), .size = 1 << 16, .max_participants = slots()};
    const int code = hf_segment_open(&segment, stage->segment_name, flags, &config);
    books = code == 0 ? hf_segment_root(segment) : NULL;
    return code;
}

static int open_thing(void)
{
    return hf_counter_open(segment, "thing", &thing);
}

static int add(hf_counter_t c, int64_t n, int64_t *book)
{
    const int code = hf_counter_add(c, n);
    if (code == 0) {
        __atomic_fetch_add(book, n, __ATOMIC_SEQ_CST);
    }
    return code;
}

static int add_to_both(int64_t n)
{
    int code = hf_counter_open(segment, "shown", &shown);
    code = code != 0 ? code : open_thing();
    code = code != 0 ? code : add(shown, n, &books->shown);
    return code != 0 ? code : add(thing, n, &books->thing);
}

/* ---- preparations ---- */

static int join(void)
{
    int code = open_segment(0);
    code = code != 0 ? code : hf_mutex_lock(&books->spare);
    return code != 0 ? code : hf_mutex_unlock(&books->spare);
}

static struct reply arrange_nothing(void)
{
    return judged("opening and joining", join());
}

/* In a group of which there are cells. */
static struct reply arrange_thing(void)
{
    const int code = join();
    return judged("arranging", code != 0 ? code : open_thing());
}

static struct reply arrange_cell(void)
{
    const struct reply r = arrange_thing();
    return r.ending != BROKE ? judged("adding before", hf_counter_add(thing, 0)) : r;
}

/* In a group of which there are none. */
static struct reply arrange_thing_apart(void)
{
    int code = join();
    for (unsigned i = 0; i < IN_GROUP && code == 0; i++) {
        hf_counter_t other;
        char name[16];
        snprintf(name, sizeof name, "other %u", i);
        code = hf_counter_open(segment, name, &other);
    }
    return judged("arranging", code != 0 ? code : open_thing());
}

/* Its slot is the next one to be taken. */
static struct reply add_and_stay(void)
{
    const int code = join();
    return judged("adding before", code != 0 ? code : add_to_both(KEPT));
}

static void one_has_died(struct scene *s)
{
    helper_does(s, add_and_stay);
    scene_recast(s, &s->cast.helper);
}

/* ---- operations ---- */

static int operate_add(void)
{
    return hf_counter_add(thing, VICTIMS);
}

static int operate_add_and_close(void)
{
    const int code = operate_add();
    return code != 0 ? code : hf_segment_close(segment);
}

static int operate_read(void)
{
    int64_t sum;
    return hf_counter_read(thing, &sum);
}

static void see(const char *name, int64_t sum, void *arg)
{
    if (strcmp(name, "shown") == 0) {
        *(int64_t *)arg = sum;
    }
}

static int operate_each(void)
{
    int64_t sum = 0;
    const int code = hf_counter_each(segment, see, &sum);
    return code == 0 && sum < KEPT ? ESTALE : code;
}

/* ---- survivors ---- */

static struct reply come_and(int (*act)(void))
{
    const int code = open_segment(0);
    if (code != 0) {
        return judged("opening", code);
    }
    const struct reply r = judged("counting", act());
    return r.ending != BROKE ? judged("closing", hf_segment_close(segment)) : r;
}

static int add_one(void)
{
    int64_t sum;
    int code = add_to_both(1);
    code = code != 0 ? code : hf_counter_read(shown, &sum);
    return code == 0 && sum < KEPT + 1 ? ESTALE : code;
}

static struct reply visit(void)
{
    return come_and(add_one);
}

static struct reply look(void)
{
    return come_and(operate_each);
}

/* ---- the stagehand ---- */

static pthread_barrier_t all_have_added;

static void *add_in_a_slot(void *code)
{
    *(int *)code = add(thing, 1, &books->thing);
    *(int *)code = *(int *)code != 0 ? *(int *)code : add(shown, 1, &books->shown);
    pthread_barrier_wait(&all_have_added);
    return NULL;
}

/* All slots but the stagehand's are free. */
static int add_in_every_slot(void)
{
    pthread_t threads[MOST_SLOTS];
    int codes[MOST_SLOTS];
    int worst = add_to_both(1);
    pthread_barrier_init(&all_have_added, NULL, slots() - 1);
    for (unsigned i = 1; i < slots(); i++) {
        pthread_create(&threads[i], NULL, add_in_a_slot, &codes[i]);
    }
    for (unsigned i = 1; i < slots(); i++) {
        pthread_join(threads[i], NULL);
        worst = codes[i] != 0 ? codes[i] : worst;
    }
    pthread_barrier_destroy(&all_have_added);
    return worst;
}

static int count_blocks(size_t *blocks)
{
    hf_heap_info_t info;
    int code = add_in_every_slot();
    code = code != 0 ? code : hf_heap_info(segment, &info);
    *blocks = code == 0 ? info.blocks : 0;
    return code;
}

static struct reply leave(void)
{
    int code = 0;
    while (code == 0) {
        code = hf_segment_close(segment); /* as often as opened */
    }
    segment = NULL;
    return judged("hf_segment_remove", hf_segment_remove(stage->segment_name));
}

static struct reply set_up(void)
{
    int code = open_segment(HF_CREATE | HF_EXCLUSIVE);
    code = code != 0 ? code : hf_counter_open(segment, "shown", &shown);
    return judged("setting up", code != 0 ? code : add(shown, KEPT, &books->shown));
}

static size_t blocks_alone; /* in use in the end, when nobody died */

static struct reply rehearse(void)
{
    struct reply r = set_up();
    r = r.ending != BROKE ? stage->operation->prepare() : r;
    r = r.ending != BROKE ? judged("rehearsing", count_blocks(&blocks_alone)) : r;
    const struct reply end = leave();
    return r.ending != BROKE ? end : r;
}

static struct reply reset(void)
{
    struct reply r = segment != NULL ? leave() : went_on();
    if (r.ending != BROKE && blocks_alone == 0) {
        r = rehearse();
    }
    return r.ending != BROKE ? set_up() : r;
}

static struct reply dissolve(void)
{
    return segment != NULL ? leave() : went_on();
}

/* Once with the victim's, or without. */
static struct reply compare(void)
{
    int64_t sum = -1, sum_shown = -1, seen = -1;
    int code = open_thing();
    code = code != 0 ? code : hf_counter_read(thing, &sum);
    code = code != 0 ? code : hf_counter_read(shown, &sum_shown);
    code = code != 0 ? code : hf_counter_each(segment, see, &seen);
    const int64_t done = books->thing + stage->operation->balance;
    const bool right = (stage->may_be_undone && sum == books->thing) ||
                       (stage->may_be_done && sum == done);
    return code != 0 ? judged("reading", code)
           : right && sum_shown == books->shown && seen == sum_shown
               ? went_on()
               : broke("%lld, not %lld or %lld; beside it %lld, %lld, not %lld",
                     (long long)sum, (long long)books->thing, (long long)done,
                     (long long)sum_shown, (long long)seen, (long long)books->shown);
}

static struct reply inspect_all(void)
{
    size_t blocks;
    hf_segment_info_t info;
    struct reply r = judged("hf_segment_check", hf_segment_check(segment, NULL, NULL));
    r = r.ending != BROKE ? compare() : r;
    r = r.ending != BROKE ? judged("adding everywhere", count_blocks(&blocks)) : r;
    r = r.ending != BROKE ? compare() : r;
    if (r.ending != BROKE && blocks != blocks_alone) {
        r = broke("%zu blocks in use, not %zu", blocks, blocks_alone);
    }
    int code = hf_segment_check(segment, NULL, NULL);
    code = code != 0 ? code : hf_segment_info(segment, &info);
    if (r.ending == BROKE || code != 0) {
        return r.ending == BROKE ? r : judged("hf_segment_check in the end", code);
    }
    r.value = info.rescues;
    return info.participants == 1 ? r : broke("%u take part", info.participants);
}

static struct reply inspect(void)
{
    static uint64_t rescues; /* each scene has a segment of its own */
    struct reply r = inspect_all();
    rescues += r.ending != BROKE ? r.value : 0;
    r.value = rescues;
    return r;
}

/* ---- the table ---- */

/* One who stands still, and is killed when the others have looked around. */
#define BESIDE_READERS                                                                   \
    .stopped = true, .waiter = look, .newcomer = look, .fewest_waiters = 1,              \
    .most_waiters = 1

static const struct operation operations[] = {
    {.name = "counter_open", .prepare = arrange_nothing, .operate = open_thing},
    {.name = "counter_open, paused",
        .prepare = arrange_nothing,
        .operate = open_thing,
        .paused = true,
        .fewest_waiters = 1,
        .most_waiters = 1},
    {.name = "counter_open that finds",
        .prepare = arrange_thing,
        .operate = open_thing,
        .most_waiters = 1},
    {.name = "counter_open, stopped, readers",
        .prepare = arrange_nothing,
        .operate = open_thing,
        BESIDE_READERS},
    {.name = "add", .prepare = arrange_cell, .operate = operate_add, .balance = VICTIMS},
    {.name = "add, the first of a thread",
        .prepare = arrange_thing,
        .operate = operate_add,
        .balance = VICTIMS},
    {.name = "add, the first of a group",
        .prepare = arrange_thing_apart,
        .operate = operate_add,
        .balance = VICTIMS},
    {.name = "add, the first of a group, paused",
        .prepare = arrange_thing_apart,
        .operate = operate_add,
        .balance = VICTIMS,
        .paused = true,
        .fewest_waiters = 1,
        .most_waiters = 1},
    {.name = "add, the first, stopped, readers",
        .prepare = arrange_thing_apart,
        .operate = operate_add,
        .balance = VICTIMS,
        BESIDE_READERS},
    {.name = "add in a dead one's cell",
        .opening = one_has_died,
        .prepare = arrange_thing,
        .operate = operate_add,
        .balance = VICTIMS},
    {.name = "add, and the thread's exit",
        .prepare = arrange_cell,
        .operate = operate_add,
        .balance = VICTIMS,
        .by_thread_exit = true},
    {.name = "add, and close",
        .prepare = arrange_cell,
        .operate = operate_add_and_close,
        .balance = VICTIMS,
        .most_waiters = 1},
    {.name = "read", .prepare = arrange_cell, .operate = operate_read, .most_waiters = 1},
    {.name = "each", .prepare = arrange_cell, .operate = operate_each, .most_waiters = 1},
};

const struct subject holdfast_counter = {
    .name = "holdfast counter",
    .ours = true,
    .reset = reset,
    .inspect = inspect,
    .dissolve = dissolve,
    .survivor = visit,
    .operations = operations,
    .operation_count = LENGTH(operations),
};
