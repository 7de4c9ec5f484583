/* SPDX-License-Identifier: MIT */
/*
 * The measured loops. They are inlined into one function for each peer, with that peer's
 * calls as constants, so that each peer is called directly, as its users call it. Read by
 * C and C++.
 */
#ifndef BENCH_LOOPS_H
#define BENCH_LOOPS_H

#include <pthread.h>
#include <stdint.h>

#define BENCH_INLINE static inline __attribute__((always_inline))

enum { CONTEST_LINE = 128 };

/* What the parties of a contest share; each field that is written has lines of its own.
 */
typedef struct {
    pthread_barrier_t start;
    uint32_t outside; /* steps of work between unlock and the next lock */
    char gap1[CONTEST_LINE];
    uint32_t stop;
    char gap2[CONTEST_LINE];
    uint64_t counter; /* under the lock */
    char gap3[CONTEST_LINE];
} contest_t;

typedef int peer_call_t(void *thing);

#define CONTEST_FAILED UINT64_MAX

/* 0 if every call returned 0. */
BENCH_INLINE int loop_pairs(
    void *thing, uint64_t count, peer_call_t *acquire, peer_call_t *release)
{
    int failed = 0;
    for (uint64_t i = 0; i < count; i++) {
        failed |= acquire(thing);
        failed |= release(thing);
    }
    return failed;
}

BENCH_INLINE void loop_work(uint32_t steps)
{
    uint64_t x = steps;
    for (uint32_t i = 0; i < steps; i++) {
        x = x * 6364136223846793005u + 1;
        __asm__ volatile("" : "+r"(x));
    }
}

/* How often this party got its turn before the stop. */
BENCH_INLINE uint64_t loop_contest(
    contest_t *contest, void *thing, peer_call_t *acquire, peer_call_t *release)
{
    uint64_t turns = 0;
    while (__atomic_load_n(&contest->stop, __ATOMIC_RELAXED) == 0) {
        if (acquire(thing) != 0) {
            return CONTEST_FAILED;
        }
        contest->counter += 1;
        if (release(thing) != 0) {
            return CONTEST_FAILED;
        }
        turns++;
        loop_work(contest->outside);
    }
    return turns;
}

/* The same of a party that only reads: nothing is written between. */
BENCH_INLINE uint64_t loop_reads(
    contest_t *contest, void *thing, peer_call_t *acquire, peer_call_t *release)
{
    uint64_t turns = 0;
    while (__atomic_load_n(&contest->stop, __ATOMIC_RELAXED) == 0) {
        if (acquire(thing) != 0 || release(thing) != 0) {
            return CONTEST_FAILED;
        }
        turns++;
    }
    return turns;
}

#endif
