/* SPDX-License-Identifier: MIT */
/* Read sections of RCU: ours between processes, liburcu's within one. Called beside
 * called; what liburcu's cost when they are inlined (ours cannot be) is in rcu_inlined.c.
 */
#include "arena.h"
#include "rcu_inlined.h"

#include <urcu/urcu-memb.h>

static int join(void *segment)
{
    *(hf_segment_t **)segment = arena_segment(ARENA_COMMON);
    return 0;
}

static inline int begin(void *segment)
{
    return hf_rcu_read_lock(*(hf_segment_t **)segment);
}

static inline int end(void *segment)
{
    return hf_rcu_read_unlock(*(hf_segment_t **)segment);
}

static int pairs(void *segment, uint64_t count)
{
    return loop_pairs(segment, count, begin, end);
}

static int memb_join(void *unused)
{
    static bool registered;
    (void)unused;
    if (!registered) {
        urcu_memb_register_thread();
        registered = true;
    }
    return 0;
}

static inline int memb_begin(void *unused)
{
    (void)unused;
    urcu_memb_read_lock();
    return 0;
}

static inline int memb_end(void *unused)
{
    (void)unused;
    urcu_memb_read_unlock();
    return 0;
}

static int memb_pairs(void *unused, uint64_t count)
{
    return loop_pairs(unused, count, memb_begin, memb_end);
}

enum { INLINED, OURS, CALLED, PEERS };

static const peer_t peers[PEERS] = {
    [INLINED] = {.name = "liburcu memb, inlined",
        .variant = true,
        .size = 1,
        .init = memb_join,
        .pairs = memb_inlined_pairs},
    [OURS] = {.name = "holdfast, called",
        .size = sizeof(hf_segment_t *),
        .init = join,
        .pairs = pairs},
    [CALLED] = {.name = "liburcu memb, called",
        .size = 1,
        .init = memb_join,
        .pairs = memb_pairs},
};

const peer_set_t section_set = {.peers = peers,
    .count = PEERS,
    .floor = INLINED,
    .reference = CALLED,
    .subject = OURS};
