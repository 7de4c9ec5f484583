/* SPDX-License-Identifier: MIT */
/* For information: what it costs to change between segments. */
#include "arena.h"
#include "bench.h"
#include "loops.h"
#include "report.h"
#include "series.h"

#include <holdfast/holdfast.h>
#include <math.h>

typedef struct {
    hf_mutex_t *first, *second;
} two_locks_t;

static inline int acquire_one(void *lock)
{
    return hf_mutex_lock(lock);
}

static inline int release_one(void *lock)
{
    return hf_mutex_unlock(lock);
}

/* Alternately: what is remembered about one of them is of no use for the next. */
static double time_locks(two_locks_t locks, uint64_t pairs)
{
    uint64_t start = now_ns();
    int failed = 0;
    for (uint64_t i = 0; i < pairs / 2; i++) {
        failed |= loop_pairs(locks.first, 1, acquire_one, release_one);
        failed |= loop_pairs(locks.second, 1, acquire_one, release_one);
    }
    uint64_t end = now_ns();
    if (failed != 0) {
        give_up("locking two mutexes in turn", failed);
    }
    return (double)(end - start) / (double)pairs;
}

static void measure_segments(
    const bench_options_t *options, two_locks_t near, two_locks_t far)
{
    static const table_t table = {.title = "lock + unlock of two mutexes in turn",
        .columns = {{"ns", 2}, {"x one segment", 2}}};
    series_t one = {0};
    series_t two = {0};
    uint64_t pairs = options->quick ? 100000 : 500000;
    time_locks(far, pairs / 10);
    for (unsigned round = 0; round < options->rounds; round++) {
        report_progress("membership", round, options->rounds);
        series_add(&one, time_locks(near, pairs));
        series_add(&two, time_locks(far, pairs));
    }
    report_heads(&table);
    report_row(&table, "both in one segment", (double[]){series_median(&one), NAN});
    report_row(&table, "each in its own segment",
        (double[]){series_median(&two), series_ratio(&two, &one)});
    series_clear(&one);
    series_clear(&two);
}

void membership_run(const bench_options_t *options)
{
    hf_mutex_t *first = arena_take(sizeof *first);
    hf_mutex_t *neighbour = arena_take(sizeof *neighbour);
    hf_mutex_t *stranger = arena_take_of(ARENA_STRANGER, sizeof *stranger);
    two_locks_t near = {first, neighbour};
    two_locks_t far = {first, stranger};
    measure_segments(options, near, far);
}
