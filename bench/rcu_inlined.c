/* SPDX-License-Identifier: MIT */
/* liburcu's memb flavour as its header inlines it. */
#define URCU_INLINE_SMALL_FUNCTIONS
#define _LGPL_SOURCE
#include "rcu_inlined.h"

#include <urcu/urcu-memb.h>

static inline int begin(void *unused)
{
    (void)unused;
    urcu_memb_read_lock();
    return 0;
}

static inline int end(void *unused)
{
    (void)unused;
    urcu_memb_read_unlock();
    return 0;
}

int memb_inlined_pairs(void *unused, uint64_t count)
{
    return loop_pairs(unused, count, begin, end);
}
