/* SPDX-License-Identifier: MIT */
/*
 * Counters in shared memory, relaxed: they must not order anything for anybody, or they
 * would hide a missing barrier of the library from TSan.
 */
#ifndef STRESS_COUNT_H
#define STRESS_COUNT_H

#include <stdatomic.h>
#include <stdint.h>

static inline void count_up(_Atomic uint64_t *counter)
{
    atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

static inline uint64_t count_read(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

/* For a counter with one writer: no locked instruction. */
static inline void count_own(_Atomic uint64_t *counter)
{
    atomic_store_explicit(counter, count_read(counter) + 1, memory_order_relaxed);
}

#endif
