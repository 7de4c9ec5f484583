/* SPDX-License-Identifier: MIT */
/* A block that is read under RCU and replaced. */
#ifndef TESTS_RCU_ROOM_H
#define TESTS_RCU_ROOM_H

#include "party.h"

typedef struct {
    uint64_t value, copy; /* ~value */
} element_t;

enum { WASTED = 64 };

typedef struct {
    party_t party;
    hf_ptr_t shown, fresh, other, waste[WASTED];
    uint32_t may_leave;
} room_t;

static hf_segment_t *segment;
static room_t *room;

static inline void set_up_room(void)
{
    segment = open_fresh(sizeof(room_t), 0);
    room = hf_segment_root(segment);
}

/* 0, or what went wrong on the way. */
static inline int show(uint64_t value)
{
    int error = hf_ptr_get(&room->fresh) == NULL
                    ? hf_alloc(segment, &room->fresh, sizeof(element_t))
                    : 0; /* a dead one's */
    if (error == 0) {
        element_t *element = hf_ptr_get(&room->fresh);
        *element = (element_t){.value = value, .copy = ~value};
        error = hf_rcu_replace(segment, &room->shown, &room->fresh);
    }
    return error;
}

static inline bool is_sound(const element_t *element)
{
    return element->copy == ~element->value;
}

static inline hf_rcu_info_t rcu_info(void)
{
    hf_rcu_info_t info;
    assert_ok(hf_rcu_info(segment, &info));
    return info;
}

static inline size_t blocks_in_use(void)
{
    hf_heap_info_t info;
    assert_ok(hf_heap_info(segment, &info));
    return info.blocks;
}

/* In a child: reads until it may leave. */
static inline int read_long(party_t *party)
{
    int error = hf_rcu_read_lock(segment);
    step(party);
    while (error == 0 && __atomic_load_n(&room->may_leave, __ATOMIC_SEQ_CST) == 0) {
        sched_yield();
    }
    return error != 0 ? error : hf_rcu_read_unlock(segment);
}

static inline pid_t spawn_reader(void)
{
    uint32_t steps = room->party.steps;
    pid_t reader = spawn(read_long, &room->party);
    await_steps(&room->party, steps + 1);
    return reader;
}

#endif
