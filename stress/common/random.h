/* SPDX-License-Identifier: MIT */
/*
 * Seeded random numbers (splitmix64: Steele, Lea, Flood, 2014) and the monotonic clock.
 */
#ifndef STRESS_RANDOM_H
#define STRESS_RANDOM_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

static inline uint64_t stress_mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static inline uint64_t stress_random(uint64_t *state)
{
    *state += 0x9e3779b97f4a7c15u;
    return stress_mix(*state);
}

/* 0 .. n - 1; n > 0. */
static inline uint64_t stress_below(uint64_t *state, uint64_t n)
{
    return stress_random(state) % n;
}

/* True once in n. */
static inline bool stress_one_in(uint64_t *state, uint64_t n)
{
    return stress_below(state, n) == 0;
}

/* 1 .. 2^bits, small ones as likely as large ones in powers of two. */
static inline uint64_t stress_any_scale(uint64_t *state, unsigned bits)
{
    return 1 + stress_below(state, (uint64_t)1 << stress_below(state, bits + 1));
}

static inline uint64_t stress_now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

#endif
