/* SPDX-License-Identifier: MIT */
/* A segment with pointers in its root. */
#ifndef TESTS_SEGMENT_ROOM_H
#define TESTS_SEGMENT_ROOM_H

#include "party.h"

enum { SLOTS = 64 };

typedef struct {
    party_t party;
    hf_ptr_t slot[SLOTS];
} room_t;

static hf_segment_t *segment;
static room_t *room;

static inline void open_room(size_t size, size_t max_size)
{
    hf_segment_config_t config = {
        .size = size, .max_size = max_size, .root_size = sizeof *room};
    const char *name = fresh_name();
    assert_ok(hf_segment_open(&segment, name, HF_CREATE | HF_EXCLUSIVE, &config));
    assert_ok(hf_segment_remove(name));
    room = hf_segment_root(segment);
}

static inline hf_heap_info_t info_of(void)
{
    hf_heap_info_t info;
    assert_ok(hf_heap_info(segment, &info));
    cr_assert_eq(info.size, info.used + info.free);
    return info;
}

static inline void assert_same(const hf_heap_info_t *before)
{
    hf_heap_info_t now = info_of();
    cr_assert_eq(memcmp(&now, before, sizeof now), 0, "%zu of %zu used, not %zu of %zu",
        now.used, now.size, before->used, before->size);
}

static inline bool is_filled(const void *bytes, size_t size, int with)
{
    const unsigned char *b = bytes;
    for (size_t i = 0; i < size; i++) {
        if (b[i] != (unsigned char)with) {
            return false;
        }
    }
    return true;
}

#endif
