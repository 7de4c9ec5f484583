/* SPDX-License-Identifier: MIT */
/*
 * A thousand wait: the threads of four processes, asleep on one thing until all of them
 * are released. Counted is who woke; timed is the way from the release to the last one.
 */
#include "crowd.h"

#include "arena.h"
#include "bench.h"
#include "process.h"
#include "report.h"
#include "series.h"
#include "shared.h"

#include <errno.h>
#include <math.h>
#include <semaphore.h>
#include <stdio.h>
#include <time.h>

enum { PROCESSES = 4, SMALL_STACK = 1 << 17, SETTLE_MS = 30, PATIENCE_S = 10 };

/* Shared by all. */
typedef struct {
    pthread_barrier_t start; /* of a turn: the crowd and we */
    unsigned which;          /* gathering; written before the start */
    unsigned entering, woken, failed;
    uint64_t last; /* when the last one woke */
    sem_t all_woken;
    void *things[GATHERINGS];
} stage_t;

static void take_part(stage_t *stage)
{
    const gathering_t *gathering = &gatherings[stage->which];
    __atomic_fetch_add(&stage->entering, 1, __ATOMIC_SEQ_CST);
    if (gathering->wait(stage->things[stage->which]) != 0) {
        __atomic_fetch_add(&stage->failed, 1, __ATOMIC_SEQ_CST);
    }
    if (__atomic_add_fetch(&stage->woken, 1, __ATOMIC_SEQ_CST) == CROWD) {
        stage->last = now_ns();
        sem_post(&stage->all_woken);
    }
}

static void *be_one_of_many(void *context)
{
    stage_t *stage = context;
    for (;;) {
        pthread_barrier_wait(&stage->start);
        take_part(stage);
    }
    return NULL;
}

static void be_many(int channel, void *context)
{
    pthread_attr_t attributes;
    pthread_t thread = pthread_self();
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, SMALL_STACK);
    for (unsigned i = 0; i < CROWD / PROCESSES; i++) {
        int error = pthread_create(&thread, &attributes, be_one_of_many, context);
        if (error != 0) {
            give_up("starting a thread", error);
        }
    }
    channel_send(channel, "", 1);
    pthread_join(thread, NULL); /* never: we are killed */
}

static void rest(unsigned ms)
{
    struct timespec t = {.tv_nsec = (long)ms * 1000000};
    clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL);
}

/* Until all are within a hair of sleeping; those few who are not make no difference. */
static void gather(stage_t *stage, unsigned which)
{
    stage->which = which;
    stage->entering = stage->woken = stage->failed = 0;
    pthread_barrier_wait(&stage->start);
    while (__atomic_load_n(&stage->entering, __ATOMIC_SEQ_CST) < CROWD) {
        rest(1);
    }
    rest(SETTLE_MS);
}

typedef struct {
    series_t times;   /* us a waiter */
    series_t release; /* how long the releasing call took, us a waiter */
    unsigned least_woken;
} cell_t;

static void run_turn(stage_t *stage, unsigned which, cell_t *cell)
{
    const gathering_t *gathering = &gatherings[which];
    gather(stage, which);
    uint64_t start = now_ns();
    int failed = gathering->release(stage->things[which], CROWD);
    uint64_t released = now_ns();
    struct timespec limit;
    clock_gettime(CLOCK_REALTIME, &limit);
    limit.tv_sec += PATIENCE_S;
    int late = sem_timedwait(&stage->all_woken, &limit);
    unsigned woken = __atomic_load_n(&stage->woken, __ATOMIC_SEQ_CST);
    cell->least_woken = woken < cell->least_woken ? woken : cell->least_woken;
    if (late != 0) {
        fprintf(stderr, "bench: %s: %u of %d woke\n", gathering->name, woken, CROWD);
        give_up("waiting for a crowd", ETIMEDOUT);
    }
    if (failed != 0 || stage->failed != 0 ||
        (gathering->again != NULL && gathering->again(stage->things[which]) != 0)) {
        give_up(gathering->name, EPROTO);
    }
    series_add(&cell->times, (double)(stage->last - start) / 1e3 / CROWD);
    series_add(&cell->release, (double)(released - start) / 1e3 / CROWD);
}

static stage_t *set_up(void)
{
    stage_t *stage = arena_take_of(ARENA_CROWD, sizeof *stage);
    int error = shared_barrier_init(&stage->start, CROWD + 1);
    if (error != 0 || sem_init(&stage->all_woken, 1, 0) != 0) {
        give_up("preparing a crowd", error != 0 ? error : errno);
    }
    for (unsigned g = 0; g < GATHERINGS; g++) {
        stage->things[g] = arena_take_of(ARENA_CROWD, gatherings[g].size);
        error = gatherings[g].init(stage->things[g]);
        if (error != 0) {
            give_up(gatherings[g].name, error);
        }
    }
    return stage;
}

static void print(const cell_t cells[GATHERINGS])
{
    static const table_t table = {
        .title =
            "1,000 threads of 4 processes wait: from the release to the last, a waiter",
        .columns = {
            {"us", 2}, {"x peer", 2}, {"worst us", 2}, {"call us", 2}, {"all woke", 0}}};
    report_heads(&table);
    for (unsigned g = 0; g < GATHERINGS; g++) {
        double values[] = {series_median(&cells[g].times),
            series_ratio(&cells[g].times, &cells[g | 1].times),
            series_quantile(&cells[g].times, 1), series_median(&cells[g].release),
            cells[g].least_woken};
        report_row(&table, gatherings[g].name, values);
        report_bar(REPORT_WAITS, gatherings[g & ~1u].bar,
            g % 2 == 0 ? REPORT_OURS : gatherings[g].name, values[0]);
    }
    report_at_most("broadcast to 1,000: time to the last",
        series_ratio(&cells[0].times, &cells[1].times), 1, "x glibc");
}

void crowd_run(const bench_options_t *options)
{
    static cell_t cells[GATHERINGS];
    stage_t *stage = set_up();
    process_t crowd[PROCESSES];
    for (unsigned i = 0; i < PROCESSES; i++) {
        char ready;
        crowd[i] = process_start(be_many, stage);
        channel_receive(crowd[i].channel, &ready, sizeof ready);
    }
    unsigned turns = options->rounds * 2;
    for (unsigned g = 0; g < GATHERINGS; g++) {
        cells[g].least_woken = CROWD;
        run_turn(stage, g, &cells[g]); /* join, fault in */
        series_clear(&cells[g].times);
        series_clear(&cells[g].release);
    }
    for (unsigned turn = 0; turn < turns; turn++) {
        report_progress("crowd", turn, turns);
        for (unsigned g = 0; g < GATHERINGS; g++) {
            run_turn(stage, g, &cells[g]);
        }
    }
    for (unsigned i = 0; i < PROCESSES; i++) {
        process_kill(&crowd[i]);
    }
    print(cells);
}
