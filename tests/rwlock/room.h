/* SPDX-License-Identifier: MIT */
/* A lock, what it guards, and how long one waits for it at most. */
#ifndef TESTS_RWLOCK_ROOM_H
#define TESTS_RWLOCK_ROOM_H

#include "crowd.h"

enum { READS = 8 };

typedef struct {
    party_t party;
    uint32_t broken;      /* how often they were seen to differ */
    uint64_t value, copy; /* equal, but while somebody writes */
    hf_rwlock_t many[READS], lock;
} room_t;

static hf_segment_t *segment;
static room_t *room;
static party_t *party;
static hf_rwlock_t *lock;

static inline void set_up(void)
{
    segment = open_fresh(sizeof *room, 0);
    room = hf_segment_root(segment);
    party = &room->party;
    lock = &room->lock;
}

static inline unsigned waiters(void)
{
    hf_owner_t who;
    assert_ok(hf_rwlock_owner(lock, &who));
    return who.waiters;
}

static inline int timedrdlock(hf_rwlock_t *l)
{
    struct timespec soon = hf_deadline_in_ms(20);
    return hf_rwlock_timedrdlock(l, &soon);
}

static inline int timedwrlock(hf_rwlock_t *l)
{
    struct timespec soon = hf_deadline_in_ms(20);
    return hf_rwlock_timedwrlock(l, &soon);
}

static inline int timeduplock(hf_rwlock_t *l)
{
    struct timespec soon = hf_deadline_in_ms(20);
    return hf_rwlock_timeduplock(l, &soon);
}

static inline int timedupgrade(hf_rwlock_t *l)
{
    struct timespec soon = hf_deadline_in_ms(20);
    return hf_rwlock_timedupgrade(l, &soon);
}

#endif
