/* SPDX-License-Identifier: MIT */
/* A segment, and what is asked of counters in it. */
#ifndef TESTS_COUNTER_ROOM_H
#define TESTS_COUNTER_ROOM_H

#include <pthread.h>

#include "party.h"

enum { ADDS = 300000 };

static hf_segment_t *segment;

static inline hf_counter_t counter(const char *name)
{
    hf_counter_t c;
    assert_ok(hf_counter_open(segment, name, &c));
    return c;
}

static inline int64_t sum_of(hf_counter_t c)
{
    int64_t sum;
    assert_ok(hf_counter_read(c, &sum));
    return sum;
}

static inline void assert_sound(void)
{
    assert_ok(hf_segment_check(segment, NULL, NULL));
}

static inline int add_often(hf_counter_t c, int64_t n)
{
    int error = 0;
    for (int i = 0; i < ADDS && error == 0; i++) {
        error = hf_counter_add(c, n);
    }
    return error;
}

#endif
