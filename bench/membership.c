/* SPDX-License-Identifier: MIT */
/* For information: what it costs to change between segments, to join one and to leave it.
 */
#include "arena.h"
#include "bench.h"
#include "loops.h"
#include "report.h"
#include "series.h"

#include <holdfast/holdfast.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>

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

static void *lock_once(void *context)
{
    hf_mutex_t *lock = context;
    if (lock != NULL) {
        int error = hf_mutex_lock(lock);
        error = error != 0 ? error : hf_mutex_unlock(lock);
        if (error != 0) {
            give_up("the first lock of a thread", error);
        }
    }
    return NULL;
}

/* Microseconds for a thread to begin, to lock and unlock once (null: nothing), and to
 * end. */
static double time_threads(hf_mutex_t *lock, unsigned threads)
{
    uint64_t start = now_ns();
    for (unsigned i = 0; i < threads; i++) {
        pthread_t thread;
        int error = pthread_create(&thread, NULL, lock_once, lock);
        if (error != 0) {
            give_up("starting a thread", error);
        }
        pthread_join(thread, NULL);
    }
    return (double)(now_ns() - start) / 1e3 / threads;
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
        report_progress("membership", round, 2 * options->rounds);
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

static void measure_joining(const bench_options_t *options, hf_mutex_t *lock)
{
    static const table_t table = {
        .title = "a thread's first lock and its exit, us", .columns = {{"us", 2}}};
    series_t bare = {0};
    series_t joining = {0};
    series_t difference = {0};
    unsigned threads = options->quick ? 100 : 500;
    time_threads(lock, threads / 10);
    for (unsigned round = 0; round < options->rounds; round++) {
        report_progress("membership", options->rounds + round, 2 * options->rounds);
        series_add(&bare, time_threads(NULL, threads));
        series_add(&joining, time_threads(lock, threads));
        series_add(&difference, joining.values[round] - bare.values[round]);
    }
    report_heads(&table);
    report_row(&table, "thread, empty", (double[]){series_median(&bare)});
    report_row(&table, "thread, one lock + unlock", (double[]){series_median(&joining)});
    report_row(&table, "hence: join + leave", (double[]){series_median(&difference)});
    series_clear(&bare);
    series_clear(&joining);
    series_clear(&difference);
}

void membership_run(const bench_options_t *options)
{
    hf_mutex_t *first = arena_take(sizeof *first);
    hf_mutex_t *neighbour = arena_take(sizeof *neighbour);
    hf_mutex_t *stranger = arena_take_of(ARENA_STRANGER, sizeof *stranger);
    two_locks_t near = {first, neighbour};
    two_locks_t far = {first, stranger};
    measure_segments(options, near, far);
    measure_joining(options, first);
}
