/* SPDX-License-Identifier: MIT */
/*
 * bench: what every section shares. A section measures one thing for all peers in turn,
 * round by round (A B C A B C), so that a drift of the machine hits all of them alike.
 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    unsigned rounds;
    bool quick;
    const char *only; /* run only the sections whose name contains it; null: all */
    const char *csv;  /* file that gets every figure; null: none */
} bench_options_t;

/* One per section; each prints its tables and hands its acceptance figures to report.h.
 */
void uncontended_run(const bench_options_t *options);
void contended_run(const bench_options_t *options);
void wake_run(const bench_options_t *options);
void recovery_run(const bench_options_t *options);
void sleeper_run(const bench_options_t *options);
void membership_run(const bench_options_t *options);
void trips_run(const bench_options_t *options);
void readers_run(const bench_options_t *options);
void participants_run(const bench_options_t *options);
void starvation_run(const bench_options_t *options);
void crowd_run(const bench_options_t *options);
void heap_run(const bench_options_t *options);
void vector_run(const bench_options_t *options);
void counters_run(const bench_options_t *options);
void snapshots_run(const bench_options_t *options);

/* CLOCK_MONOTONIC: the same clock in all processes. */
uint64_t now_ns(void);

/* The measurement cannot go on: says why, exit status 1. */
_Noreturn void give_up(const char *what, int error);

#endif
