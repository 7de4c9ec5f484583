/* SPDX-License-Identifier: MIT */
/*
 * Who starves at a reader-writer lock: one writer among readers without end, who overlap
 * so that there is always one; one reader among writers without end.
 */
#include "arena.h"
#include "bench.h"
#include "loops.h"
#include "process.h"
#include "report.h"
#include "series.h"
#include "shared.h"

#include <errno.h>
#include <holdfast/holdfast.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { CROWD = 2, TRIALS = 8, PATIENCE_MS = 100, HOLD_STEPS = 20000, REST_US = 500 };

typedef struct {
    const char *name;
    size_t size;
    int (*init)(void *lock);
    int (*read)(void *lock);
    int (*write)(void *lock);
    int (*unlock)(void *lock);
    /* ETIMEDOUT: the patience was not enough */
    int (*try_reading)(void *lock);
    int (*try_writing)(void *lock);
} lock_t;

static int holdfast_init(void *lock)
{
    return hf_rwlock_init(lock);
}

static int holdfast_read(void *lock)
{
    return hf_rwlock_rdlock(lock);
}

static int holdfast_write(void *lock)
{
    return hf_rwlock_wrlock(lock);
}

static int holdfast_unlock(void *lock)
{
    return hf_rwlock_unlock(lock);
}

static int holdfast_try_reading(void *lock)
{
    struct timespec deadline = hf_deadline_in_ms(PATIENCE_MS);
    return hf_rwlock_timedrdlock(lock, &deadline);
}

static int holdfast_try_writing(void *lock)
{
    struct timespec deadline = hf_deadline_in_ms(PATIENCE_MS);
    return hf_rwlock_timedwrlock(lock, &deadline);
}

static int pthread_init(void *lock)
{
    return shared_rwlock_init(lock);
}

static int pthread_read(void *lock)
{
    return pthread_rwlock_rdlock(lock);
}

static int pthread_write(void *lock)
{
    return pthread_rwlock_wrlock(lock);
}

static int pthread_unlock(void *lock)
{
    return pthread_rwlock_unlock(lock);
}

/* Deadlines are on CLOCK_REALTIME there. */
static struct timespec patience(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    long ns = t.tv_nsec + PATIENCE_MS * 1000000L;
    t.tv_sec += ns / 1000000000;
    t.tv_nsec = ns % 1000000000;
    return t;
}

static int pthread_try_reading(void *lock)
{
    struct timespec deadline = patience();
    return pthread_rwlock_timedrdlock(lock, &deadline);
}

static int pthread_try_writing(void *lock)
{
    struct timespec deadline = patience();
    return pthread_rwlock_timedwrlock(lock, &deadline);
}

static const lock_t locks[] = {
    {"holdfast rwlock", sizeof(hf_rwlock_t), holdfast_init, holdfast_read, holdfast_write,
        holdfast_unlock, holdfast_try_reading, holdfast_try_writing},
    {"pthread_rwlock, shared", sizeof(pthread_rwlock_t), pthread_init, pthread_read,
        pthread_write, pthread_unlock, pthread_try_reading, pthread_try_writing},
};

enum { LOCKS = sizeof locks / sizeof locks[0], WAYS = 2 };

typedef struct {
    const lock_t *lock;
    void *thing;
    int (*take)(void *lock);
    uint32_t *stop;
} crowd_t;

static void take_for_ever(int channel, void *context)
{
    const crowd_t *crowd = context;
    channel_send(channel, "", 1);
    while (__atomic_load_n(crowd->stop, __ATOMIC_RELAXED) == 0) {
        int error = crowd->take(crowd->thing);
        loop_work(HOLD_STEPS);
        error = error != 0 ? error : crowd->lock->unlock(crowd->thing);
        if (error != 0) {
            give_up(crowd->lock->name, error);
        }
    }
    channel_send(channel, "", 1);
}

typedef struct {
    series_t waits; /* us */
    double failures;
} cell_t;

static void wait_once(const crowd_t *crowd, int (*attempt)(void *), cell_t *cell)
{
    uint64_t start = now_ns();
    int error = attempt(crowd->thing);
    series_add(&cell->waits, (double)(now_ns() - start) / 1e3);
    if (error == ETIMEDOUT) {
        cell->failures++;
    } else if (error != 0 || crowd->lock->unlock(crowd->thing) != 0) {
        give_up(crowd->lock->name, error);
    }
    struct timespec rest = {.tv_nsec = REST_US * 1000};
    clock_nanosleep(CLOCK_MONOTONIC, 0, &rest, NULL);
}

static void measure(
    const lock_t *lock, void *thing, bool write_alone, unsigned trials, cell_t *cell)
{
    static uint32_t *stop; /* shared */
    stop = stop != NULL ? stop : arena_take(sizeof *stop);
    *stop = 0;
    crowd_t crowd = {.lock = lock,
        .thing = thing,
        .take = write_alone ? lock->read : lock->write,
        .stop = stop};
    memset(thing, 0, lock->size);
    int error = lock->init(thing);
    if (error != 0) {
        give_up(lock->name, error);
    }
    process_t others[CROWD];
    for (unsigned i = 0; i < CROWD; i++) {
        char ready;
        others[i] = process_start(take_for_ever, &crowd);
        channel_receive(others[i].channel, &ready, sizeof ready);
    }
    for (unsigned trial = 0; trial < trials; trial++) {
        wait_once(&crowd, write_alone ? lock->try_writing : lock->try_reading, cell);
    }
    __atomic_store_n(crowd.stop, 1, __ATOMIC_RELAXED);
    for (unsigned i = 0; i < CROWD; i++) {
        char done;
        channel_receive(others[i].channel, &done, sizeof done);
        process_kill(&others[i]);
    }
}

void starvation_run(const bench_options_t *options)
{
    static const table_t tables[WAYS] = {
        {.title = "starvation: a reader among two writers without end, us",
            .columns = {{"p50", 0}, {"worst", 0}, {"trials", 0}, {"gave up", 0}}},
        {.title = "starvation: a writer among two readers without end, us",
            .columns = {{"p50", 0}, {"worst", 0}, {"trials", 0}, {"gave up", 0}}},
    };
    static cell_t cells[WAYS][LOCKS];
    void *thing = arena_take(2 * ARENA_LINE);
    for (unsigned round = 0; round < options->rounds; round++) {
        report_progress("starvation", round, options->rounds);
        for (unsigned way = 0; way < WAYS; way++) {
            for (unsigned l = 0; l < LOCKS; l++) {
                measure(&locks[l], thing, way == 1, options->quick ? TRIALS / 2 : TRIALS,
                    &cells[way][l]);
            }
        }
    }
    for (unsigned way = 0; way < WAYS; way++) {
        report_heads(&tables[way]);
        for (unsigned l = 0; l < LOCKS; l++) {
            const cell_t *cell = &cells[way][l];
            double values[] = {series_median(&cell->waits),
                series_quantile(&cell->waits, 1), (double)cell->waits.count,
                cell->failures};
            report_row(&tables[way], locks[l].name, values);
        }
    }
    printf("  (each holds it for some %d us; who waits gives up after %d ms)\n",
        HOLD_STEPS / 1000, PATIENCE_MS);
}
