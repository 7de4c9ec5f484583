/* SPDX-License-Identifier: MIT */
/*
 * A reader is suspended at every third instruction of a call (the map's: every seventh).
 * Meanwhile writers come and go, and the memory that they gave back is used for something
 * else; or one of them stops between two stores of its commit. Then the reader goes on:
 * it gets what somebody stored whole, or nothing.
 */
#include "segment/segment.h"
#include "stepped.h"

enum { FIRST = 4, ELEMENT = 40 };

typedef struct {
    party_t party;
    hf_vector_t vector;
    hf_map_t map;
    hf_ptr_t litter[16];
} room_t;

static hf_segment_t *segment;
static room_t *room;

static int push(int with)
{
    char element[ELEMENT];
    memset(element, with, sizeof element);
    return hf_vector_push_back(segment, &room->vector, element);
}

static int set(uint64_t key, int with)
{
    char value[ELEMENT];
    memset(value, with, sizeof value);
    return hf_map_set(segment, &room->map, &key, sizeof key, value, sizeof value);
}

static void set_up(void)
{
    segment = open_fresh(sizeof *room, 8);
    room = hf_segment_root(segment);
    assert_ok(hf_vector_init(segment, &room->vector, ELEMENT));
    for (int i = 1; i <= FIRST; i++) {
        assert_ok(push(i));
    }
    for (int i = 1; i <= 12; i++) { /* a full table */
        assert_ok(set((uint64_t)i, i));
    }
}

/* All that is free is used for something else. */
static void litter(void)
{
    hf_heap_info_t info;
    for (int i = 0; i < 16; i++) {
        assert_ok(hf_heap_info(segment, &info));
        if (info.largest_free != 0) {
            assert_ok(hf_alloc(segment, &room->litter[i], info.largest_free));
            memset(hf_ptr_get(&room->litter[i]), 0xc0 | i, info.largest_free);
        }
    }
}

/* ---- what comes between ---- */

static void pop_and_push(void)
{
    assert_ok(hf_vector_pop_back(segment, &room->vector, NULL));
    assert_ok(push(99));
}

static void grow(void)
{
    while (hf_vector_size(&room->vector) <= 3 * FIRST) {
        assert_ok(push(98));
    }
}

static void free_vector(void)
{
    assert_ok(hf_vector_free(segment, &room->vector));
}

/* Between the first two stores of a free, and of growing from nothing. */
static void stop_in_free(void)
{
    room->vector.hf_size = 0;
    room->vector.hf_data.hf_distance = 0;
}

static void stop_in_growing(void)
{
    void *old = hf_vector_data(&room->vector);
    assert_ok(hf_alloc(segment, &room->litter[0], 2 * FIRST * ELEMENT));
    memcpy(hf_ptr_get(&room->litter[0]), old, FIRST * ELEMENT);
    hf_ptr_set(&room->vector.hf_data, hf_ptr_get(&room->litter[0]));
}

static void replace(void)
{
    assert_ok(set(3, 97));
}

static void erase(void)
{
    uint64_t key = 3;
    assert_ok(hf_map_erase(segment, &room->map, &key, sizeof key));
}

static void rebuild(void)
{
    for (uint64_t key = 100; key < 120; key++) {
        assert_ok(set(key, 96));
    }
}

static void free_map(void)
{
    assert_ok(hf_map_free(segment, &room->map));
}

/* ---- who reads ---- */

static bool is_one_of(const char *bytes, int stored, int later)
{
    for (int i = 0; i < ELEMENT; i++) {
        if (bytes[i] != bytes[0]) {
            return false;
        }
    }
    return bytes[0] == stored || bytes[0] == later;
}

static int later; /* what may be there instead; 0: nothing */

static int get_last(void)
{
    char copy[ELEMENT];
    int error = hf_vector_get(segment, &room->vector, FIRST - 1, copy);
    return error == 0 ? (is_one_of(copy, FIRST, later) ? 0 : EPROTO) : error;
}

static int look_up(void)
{
    char copy[ELEMENT];
    uint64_t key = 3;
    size_t size = sizeof copy;
    int error = hf_map_get(segment, &room->map, &key, sizeof key, copy, &size);
    return error == 0 ? (is_one_of(copy, 3, later) ? 0 : EPROTO) : error;
}

typedef struct {
    const char *name;
    int (*read)(void);
    void (*change)(void);
    bool litters, may_be_gone;
    int later;
} play_t;

static const play_t *play;

static int stop_and_read(party_t *unused)
{
    (void)unused;
    if (!trace_me()) {
        return EPROTO;
    }
    stop_here();
    int error = play->read();
    return error == ENOENT && play->may_be_gone ? 0 : error;
}

/* False: the reader ended before that step. */
static bool suspend_at(unsigned step)
{
    set_up();
    later = play->later;
    pid_t reader = spawn(stop_and_read, &room->party);
    await_stop(reader);
    bool going = true;
    for (unsigned i = 0; i < step && going; i++) {
        going = single_step(reader);
    }
    if (going) {
        play->change();
        if (play->litters) {
            litter();
        }
        cr_assert_eq(ptrace(PTRACE_CONT, reader, NULL, NULL), 0);
        int status;
        cr_assert_eq(waitpid(reader, &status, 0), reader);
        cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%s, step %u: \"%s\"",
            play->name, step, strerror(WEXITSTATUS(status)));
    }
    assert_ok(hf_segment_close(segment));
    return going;
}

static const play_t plays[] = {
    {"pop, push", get_last, pop_and_push, true, true, 99},
    {"grow", get_last, grow, true, false, 0},
    {"free", get_last, free_vector, true, true, 0},
    {"stopped in free", get_last, stop_in_free, false, true, 0},
    {"stopped in growing", get_last, stop_in_growing, false, false, 0},
    {"replace", look_up, replace, true, false, 97},
    {"erase", look_up, erase, true, true, 0},
    {"rebuild", look_up, rebuild, true, false, 0},
    {"free map", look_up, free_map, true, true, 0},
};

Test(slow_reader, gets_whole_values_whatever_came_between, .timeout = 110)
{
    for (size_t i = 0; i < sizeof plays / sizeof *plays; i++) {
        play = &plays[i];
        unsigned apart = EACH * EACH * EACH * (play->read == look_up ? 7U : 3U);
        for (unsigned step = 0; suspend_at(step); step += apart) {
        }
    }
}

/* Nobody is in the heap: a writer need not wait for the reader that stands. */
static bool may_write(void)
{
    hf_owner_t who;
    assert_ok(hf_mutex_owner(&segment->heap.control->lock, &who));
    return who.pid == 0;
}

/* Every few steps another key is replaced: without the lock it would never end. */
Test(slow_reader, always_overtaken_it_ends_all_the_same)
{
    enum { OFTEN = 100, FAR = 100000 };
    static const play_t lookup = {.name = "overtaken", .read = look_up};
    set_up();
    play = &lookup;
    later = 0;
    pid_t reader = spawn(stop_and_read, &room->party);
    await_stop(reader);
    unsigned steps = 0;
    while (steps < FAR && single_step(reader)) {
        if (++steps % OFTEN == 0 && may_write()) {
            assert_ok(set(5, 5));
        }
    }
    cr_assert_gt(steps, 8 * OFTEN, "it was overtaken");
    cr_assert_lt(steps, FAR, "it goes on and on");
}
