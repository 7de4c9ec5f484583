/* SPDX-License-Identifier: MIT */
/* A map in a segment that grows. */
#ifndef TESTS_CONTAINERS_MAP_ROOM_H
#define TESTS_CONTAINERS_MAP_ROOM_H

#include "crowd.h"

typedef struct {
    party_t party;
    hf_map_t map;
} room_t;

static hf_segment_t *segment;
static room_t *room;
static hf_map_t *map;

static inline void set_up(void)
{
    hf_segment_config_t config = {
        .size = 1 << 18, .root_size = sizeof *room, .max_size = 1 << 24};
    const char *name = fresh_name();
    assert_ok(hf_segment_open(&segment, name, HF_CREATE, &config));
    assert_ok(hf_segment_remove(name));
    room = hf_segment_root(segment);
    map = &room->map;
}

static inline size_t count(void)
{
    size_t n;
    assert_ok(hf_map_count(segment, map, &n));
    return n;
}

static inline hf_heap_info_t info_of(void)
{
    hf_heap_info_t info;
    assert_ok(hf_heap_info(segment, &info));
    return info;
}

static inline void assert_nothing_is_lost(void)
{
    assert_ok(hf_map_free(segment, map));
    cr_assert_eq(count(), 0);
    cr_assert_eq(info_of().blocks, 0);
    cr_assert_eq(info_of().largest_free + 8, info_of().size);
}

static inline int set(uint64_t key, uint64_t value)
{
    return hf_map_set(segment, map, &key, sizeof key, &value, sizeof value);
}

static inline int get(uint64_t key, uint64_t *value)
{
    size_t size = sizeof *value;
    return hf_map_get(segment, map, &key, sizeof key, value, &size);
}

static inline int erase(uint64_t key)
{
    return hf_map_erase(segment, map, &key, sizeof key);
}

#endif
