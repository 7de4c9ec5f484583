/* SPDX-License-Identifier: MIT */
/*
 * A writer is stopped at every instruction of a call: readers get whole values at once.
 * It is killed at many of them, and after each store that others see: the call is done or
 * not begun, and no memory is lost.
 */
#include "heap/index.h"
#include "segment/segment.h"
#include "stepped.h"

enum { ELEMENTS = 5, KEYS = 12, KILLS = 3, STORES_MAX = 200 };

typedef struct {
    uint64_t value, inverse, thrice; /* one that is whole */
} whole_t;

typedef struct {
    party_t party;
    hf_vector_t vector;
    hf_map_t map;
} room_t;

static hf_segment_t *segment;
static room_t *room;

static whole_t whole(uint64_t value)
{
    return (whole_t){value, ~value, 3 * value};
}

static bool is_whole(const whole_t *w)
{
    return w->inverse == ~w->value && w->thrice == 3 * w->value;
}

/* ---- what is done ---- */

static int push(uint64_t value)
{
    whole_t w = whole(value);
    return hf_vector_push_back(segment, &room->vector, &w);
}

static int set(uint64_t key, uint64_t value)
{
    whole_t w = whole(value);
    return hf_map_set(segment, &room->map, &key, sizeof key, &w, sizeof w);
}

static int set_new(void)
{
    return set(100, 7);
}

static int replace(void)
{
    return set(1, 1001);
}

static int insert(void)
{
    uint64_t key = 100;
    whole_t w = whole(7);
    return hf_map_insert(segment, &room->map, &key, sizeof key, &w, sizeof w);
}

static int erase(void)
{
    uint64_t key = 1;
    return hf_map_erase(segment, &room->map, &key, sizeof key);
}

static int clear_map(void)
{
    return hf_map_clear(segment, &room->map);
}

static int free_map(void)
{
    return hf_map_free(segment, &room->map);
}

static int push_one(void)
{
    return push(1000);
}

static int pop_one(void)
{
    whole_t w;
    int error = hf_vector_pop_back(segment, &room->vector, &w);
    return error == 0 && !is_whole(&w) ? EPROTO : error;
}

static int pop_and_push(void)
{
    int error = pop_one();
    return error != 0 ? error : push(1000);
}

static int reserve(void)
{
    return hf_vector_reserve(segment, &room->vector, 100);
}

static int clear_vector(void)
{
    return hf_vector_clear(segment, &room->vector);
}

static int free_vector(void)
{
    return hf_vector_free(segment, &room->vector);
}

static int free_and_push(void)
{
    int error = free_vector();
    return error != 0 ? error : push(1000);
}

/* ---- what there is ---- */

typedef struct {
    uint64_t sum; /* of the values */
    size_t vector, map;
} contents_t;

/* Without a lock, whoever stands where. */
static contents_t read_all(void)
{
    contents_t c = {.vector = 0};
    whole_t w;
    for (size_t i = 0; i <= ELEMENTS + 1; i++) {
        int error = hf_vector_get(segment, &room->vector, i, &w);
        cr_assert(error == ENOENT || (error == 0 && is_whole(&w)), "%s", strerror(error));
        c.vector += error == 0;
        c.sum += error == 0 ? w.value << i : 0;
    }
    for (uint64_t key = 0; key <= 100; key += key == KEYS ? 100 - KEYS : 1) {
        size_t size = sizeof w;
        int error = hf_map_get(segment, &room->map, &key, sizeof key, &w, &size);
        cr_assert(error == ENOENT || (error == 0 && is_whole(&w)), "%s", strerror(error));
        c.map += error == 0;
        c.sum += error == 0 ? w.value * (key + 1) : 0;
    }
    hf_map_cursor_t cursor = {0};
    size_t seen = 0;
    int error;
    for (;
         (error = hf_map_next(segment, &room->map, &cursor, NULL, NULL, NULL, NULL)) == 0;
         seen++) {
    }
    cr_assert_eq(error, ENOENT);
    cr_assert_eq(seen, c.map);
    cr_assert_eq(hf_vector_check(segment, &room->vector), 0);
    return c;
}

static void set_up(size_t elements, uint64_t keys)
{
    segment = open_fresh(sizeof *room, 8);
    room = hf_segment_root(segment);
    assert_ok(hf_vector_init(segment, &room->vector, sizeof(whole_t)));
    for (uint64_t i = 0; i < elements; i++) {
        assert_ok(push(i));
    }
    for (uint64_t key = 0; key < keys; key++) {
        assert_ok(set(key, key));
    }
}

static void tear_down(void)
{
    hf_heap_info_t info;
    assert_ok(hf_vector_free(segment, &room->vector));
    assert_ok(hf_map_free(segment, &room->map));
    assert_ok(hf_heap_info(segment, &info));
    cr_assert_eq(info.blocks, 0, "no memory is lost");
    cr_assert_eq(info.largest_free + 8, info.size);
    assert_ok(hf_segment_close(segment));
}

/* ---- one instruction at a time ---- */

typedef struct {
    const char *name;
    int (*run)(void);
    size_t elements;
    uint64_t keys;
    unsigned commits; /* 1: done or not begun; more: in steps */
} deed_t;

static int (*run)(void);

static int join_stop_run(party_t *unused)
{
    (void)unused;
    hf_heap_info_t info;
    if (hf_heap_info(segment, &info) != 0 || !trace_me()) {
        return EPROTO;
    }
    stop_here();
    return run();
}

static pid_t spawn_stopped(void)
{
    pid_t child = spawn(join_stop_run, &room->party);
    await_stop(child);
    return child;
}

static bool is_same(const contents_t *a, const contents_t *b)
{
    return a->sum == b->sum && a->vector == b->vector && a->map == b->map;
}

/* What a reader comes across who begins now. */
typedef struct {
    uint64_t vector_version, data, size;
    uint64_t map_version, table, entry;
    uint64_t marks[3];
} reach_t;

/* Of a block: its size, whether it is free, its first word. Freeing it changes that. */
static uint64_t mark_of(uint64_t block)
{
    const uint64_t *word = hfi_heap_address(&segment->heap, block);
    return block != 0 ? (word[-1] & ~UINT64_C(2)) << 16 ^ word[0] * 3 : 0;
}

static void mark(reach_t *reach)
{
    reach->marks[0] = mark_of(reach->data);
    reach->marks[1] = mark_of(reach->table);
    reach->marks[2] = mark_of(reach->entry);
}

static reach_t reach(void)
{
    uint64_t bytes = 1;
    struct hfi_key key = hfi_key(&bytes, sizeof bytes);
    struct hfi_found found = {.entry = 0};
    const struct hfi_index *index = (const struct hfi_index *)(const void *)&room->map;
    if (hfi_index_look(&segment->heap, index, &key, &found) != 0) {
        found.entry = 0;
    }
    return (reach_t){.vector_version = room->vector.hf_version,
        .data = hfi_ptr_target(segment, &room->vector.hf_data),
        .size = room->vector.hf_size,
        .map_version = index->version,
        .table = index->table,
        .entry = found.entry};
}

static bool has_gone(uint64_t then, uint64_t now)
{
    return then != 0 && then != now;
}

/* Who began when the version was first this one, and ends now, finds it unchanged. */
static void check_reach(const reach_t *then, const reach_t *now, const char *name)
{
    cr_assert(then->vector_version != now->vector_version ||
                  (!has_gone(then->data, now->data) && then->size <= now->size),
        "%s: the vector's version was not raised, or too early", name);
    cr_assert(
        then->map_version != now->map_version ||
            (!has_gone(then->table, now->table) && !has_gone(then->entry, now->entry)),
        "%s: the map's version was not raised, or too early", name);
}

/* Who began when a version was first this one may still be reading what he found. */
static void follow(reach_t *since, const char *name)
{
    reach_t now = reach(), then = *since;
    if (now.vector_version != since->vector_version) {
        since->vector_version = now.vector_version;
        since->data = now.data;
        since->size = now.size;
    }
    if (now.map_version != since->map_version) {
        since->map_version = now.map_version;
        since->table = now.table;
        since->entry = now.entry;
    }
    mark(since);
    for (int i = 0; i < 3; i++) {
        bool raised = i == 0 ? then.vector_version != since->vector_version
                             : then.map_version != since->map_version;
        cr_assert(raised || then.marks[i] == since->marks[i],
            "%s: freed before the version was raised", name);
    }
}

/* What stands where a commit's stores go. */
typedef struct {
    uint64_t count, words[HFI_PUBLISH_MAX];
} stores_t;

static stores_t stores(void)
{
    const struct hfi_journal *journal = &segment->heap.control->journal;
    bool committed = journal->state >> 32 != 0;
    stores_t s = {.count = committed ? (uint32_t)journal->state : 0};
    for (uint64_t i = 0; i < s.count; i++) {
        const uint64_t *word =
            hfi_heap_address(&segment->heap, journal->publish[i].offset);
        s.words[i] = *word;
    }
    return s;
}

/* How many instructions a call takes, and after which of them others see a store. */
typedef struct {
    unsigned steps, count, at[STORES_MAX];
} course_t;

static course_t read_beside_all_of(
    const deed_t *deed, contents_t *before, contents_t *after)
{
    course_t course = {.steps = 0};
    set_up(deed->elements, deed->keys);
    contents_t now = *before = read_all();
    reach_t since = reach();
    mark(&since);
    stores_t stored = stores();
    pid_t child = spawn_stopped();
    unsigned changes = 0;
    for (; single_step(child); course.steps++) {
        stores_t were = stored;
        stored = stores();
        follow(&since, deed->name);
        if (course.steps % EACH == 0) {
            contents_t then = now;
            now = read_all();
            changes += !is_same(&then, &now);
        }
        if (memcmp(&were, &stored, sizeof were) != 0 && course.count < STORES_MAX) {
            course.at[course.count++] = course.steps + 1;
        }
    }
    *after = read_all();
    cr_assert_leq(changes, deed->commits, "%s changed %u times", deed->name, changes);
    reach_t end = reach();
    check_reach(&since, &end, deed->name);
    tear_down();
    return course;
}

static void kill_at(
    const deed_t *deed, unsigned step, const contents_t *before, const contents_t *after)
{
    set_up(deed->elements, deed->keys);
    pid_t child = spawn_stopped();
    while (step-- > 0) {
        cr_assert(single_step(child));
    }
    kill_and_reap(child);
    hf_heap_info_t info;
    assert_ok(hf_heap_info(segment, &info));
    contents_t now = read_all();
    cr_assert(deed->commits > 1 || is_same(&now, before) || is_same(&now, after),
        "%s: half done", deed->name);
    tear_down();
}

static void stop_and_kill(const deed_t *deed)
{
    contents_t before, after;
    run = deed->run;
    course_t course = read_beside_all_of(deed, &before, &after);
    for (unsigned i = 0; i < KILLS; i++) {
        kill_at(deed, (course.steps - 1) * i / (KILLS - 1), &before, &after);
    }
    for (unsigned i = 0; i < course.count; i += EACH) {
        kill_at(deed, course.at[i], &before, &after);
    }
}

static const deed_t deeds[] = {
    {"push, the first", push_one, 0, 0, 1},
    {"push", push_one, 3, 0, 1},
    {"push, growing from the first", push_one, 2, 0, 1},
    {"push, growing", push_one, 4, 0, 1},
    {"pop", pop_one, ELEMENTS, 0, 1},
    {"pop, push", pop_and_push, ELEMENTS, 0, 2},
    {"reserve", reserve, ELEMENTS, 0, 1},
    {"clear", clear_vector, ELEMENTS, 0, 1},
    {"free", free_vector, ELEMENTS, 0, 1},
    {"free, push", free_and_push, ELEMENTS, 0, 2},
    {"set, the first", set_new, 0, 0, 1},
    {"set", set_new, 0, 3, 1},
    {"set, another table", set_new, 0, KEYS, 1},
    {"replace", replace, 0, 3, 1},
    {"replace, another table", replace, 0, KEYS, 1},
    {"insert", insert, 0, 3, 1},
    {"erase", erase, 0, 3, 1},
    {"clear map", clear_map, 0, 3, 3},
    {"free map", free_map, 0, 3, 3},
};

Test(killed, at_any_instruction_it_is_done_or_not_begun, .timeout = 110)
{
    for (size_t i = 0; i < sizeof deeds / sizeof *deeds; i++) {
        stop_and_kill(&deeds[i]);
    }
}
