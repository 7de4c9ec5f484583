/* SPDX-License-Identifier: MIT */
/*
 * The shared memory of the measurements: the root of a holdfast segment, for all peers
 * alike, so that none of them has the better mapping. Children inherit it.
 */
#ifndef BENCH_ARENA_H
#define BENCH_ARENA_H

#include <holdfast/holdfast.h>
#include <stddef.h>
#include <stdint.h>

enum { ARENA_LINE = 128 }; /* two cache lines: neighbours are prefetched in pairs */

/* Segments of their own for what depends on who else has joined, or who ever has. */
enum arena { ARENA_COMMON, ARENA_STRANGER, ARENA_GROWING, ARENA_CROWD, ARENAS };

/* A zeroed piece that shares no cache line with another. It is there to stay. */
void *arena_take(size_t size); /* of the common one */
void *arena_take_of(enum arena which, size_t size);

/* Null before something was taken of it. */
hf_segment_t *arena_segment(enum arena which);

/* Sleepers that the library's timer had to save so far: there is no reason for any. */
uint64_t arena_rescues(void);

#endif
