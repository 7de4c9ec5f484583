/* SPDX-License-Identifier: MIT */
/*
 * Round trips of two processes: each waits for the other and answers. In short slices,
 * all peers in turn, so that a busy machine is busy for all of them. Where the scheduler
 * puts the two matters more than anything else: so they get a CPU each, then both one.
 */
#include "arena.h"
#include "bench.h"
#include "boost_lock.h"
#include "process.h"
#include "report.h"
#include "series.h"
#include "shared.h"

#include <errno.h>
#include <holdfast/holdfast.h>
#include <math.h>
#include <sched.h>
#include <semaphore.h>
#include <stdio.h>

enum { SLICES_PER_ROUND = 8, TRIPS = 200 };

typedef struct {
    const char *name;
    const char *missing;
    size_t size;
    int (*init)(void *thing);
    int (*side)(void *thing, unsigned side, uint64_t count); /* 0: every call did well */
} traveller_t;

/* ---- condition variables: whose turn it is stands under the mutex ---- */

typedef struct {
    hf_mutex_t mutex;
    hf_cond_t cond;
    unsigned turn;
} holdfast_turn_t;

static int zero_will_do(void *thing)
{
    (void)thing;
    return 0;
}

static int holdfast_turn_side(void *thing, unsigned side, uint64_t count)
{
    holdfast_turn_t *t = thing;
    int failed = 0;
    for (uint64_t i = 0; i < count && failed == 0; i++) {
        failed = hf_mutex_lock(&t->mutex);
        while (failed == 0 && t->turn != side) {
            failed = hf_cond_wait(&t->cond, &t->mutex);
        }
        t->turn = 1 - side;
        failed |= hf_cond_signal(&t->cond);
        failed |= hf_mutex_unlock(&t->mutex);
    }
    return failed;
}

typedef struct {
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    unsigned turn;
} pthread_turn_t;

static int pthread_turn_init(void *thing)
{
    pthread_turn_t *t = thing;
    int error = shared_mutex_init(&t->mutex, PTHREAD_MUTEX_ROBUST);
    return error != 0 ? error : shared_cond_init(&t->cond);
}

static int pthread_turn_side(void *thing, unsigned side, uint64_t count)
{
    pthread_turn_t *t = thing;
    int failed = 0;
    for (uint64_t i = 0; i < count && failed == 0; i++) {
        failed = pthread_mutex_lock(&t->mutex);
        while (failed == 0 && t->turn != side) {
            failed = pthread_cond_wait(&t->cond, &t->mutex);
        }
        t->turn = 1 - side;
        failed |= pthread_cond_signal(&t->cond);
        failed |= pthread_mutex_unlock(&t->mutex);
    }
    return failed;
}

/* ---- pairs of semaphores, of events: one for each direction ---- */

static int holdfast_sems_side(void *thing, unsigned side, uint64_t count)
{
    hf_sem_t *sems = thing;
    int failed = 0;
    for (uint64_t i = 0; i < count && failed == 0; i++) {
        failed = side == 0 ? hf_sem_post(&sems[1]) : hf_sem_wait(&sems[1]);
        failed |= side == 0 ? hf_sem_wait(&sems[0]) : hf_sem_post(&sems[0]);
    }
    return failed;
}

static int posix_sems_init(void *thing)
{
    sem_t *sems = thing;
    return sem_init(&sems[0], 1, 0) == 0 && sem_init(&sems[1], 1, 0) == 0 ? 0 : errno;
}

static int posix_sems_side(void *thing, unsigned side, uint64_t count)
{
    sem_t *sems = thing;
    int failed = 0;
    for (uint64_t i = 0; i < count && failed == 0; i++) {
        failed = side == 0 ? sem_post(&sems[1]) : sem_wait(&sems[1]);
        failed |= side == 0 ? sem_wait(&sems[0]) : sem_post(&sems[0]);
    }
    return failed;
}

static int events_init(void *thing)
{
    hf_event_t *events = thing;
    int error = hf_event_init(&events[0], HF_AUTO_RESET);
    return error != 0 ? error : hf_event_init(&events[1], HF_AUTO_RESET);
}

static int events_side(void *thing, unsigned side, uint64_t count)
{
    hf_event_t *events = thing;
    int failed = 0;
    for (uint64_t i = 0; i < count && failed == 0; i++) {
        failed = side == 0 ? hf_event_set(&events[1]) : hf_event_wait(&events[1]);
        failed |= side == 0 ? hf_event_wait(&events[0]) : hf_event_set(&events[0]);
    }
    return failed;
}

/* ---- barriers of two: a trip is a round ---- */

static int holdfast_barrier_init(void *thing)
{
    return hf_barrier_init(thing, 2);
}

static int holdfast_barrier_side(void *thing, unsigned side, uint64_t count)
{
    (void)side;
    int failed = 0;
    for (uint64_t i = 0; i < count && failed == 0; i++) {
        failed = hf_barrier_wait(thing, NULL);
    }
    return failed;
}

static int pthread_barrier_two(void *thing)
{
    return shared_barrier_init(thing, 2);
}

static int pthread_barrier_side(void *thing, unsigned side, uint64_t count)
{
    (void)side;
    int failed = 0;
    for (uint64_t i = 0; i < count && failed == 0; i++) {
        int result = pthread_barrier_wait(thing);
        failed = result == PTHREAD_BARRIER_SERIAL_THREAD ? 0 : result;
    }
    return failed;
}

/* ---- what is measured: the first is ours, the second what it is compared with ---- */

enum { MOST_TRAVELLERS = 3 };

typedef struct {
    table_t table;
    const char *what;
    double most_references; /* 0: no target */
    traveller_t travellers[MOST_TRAVELLERS];
} journey_t;

static const journey_t journeys[] = {
    {.table = {.title = "round trip of two processes: condition variable and mutex",
         .columns = {{"CPU each: us", 2}, {"x glibc", 2}, {"one CPU: us", 2},
             {"x glibc", 2}}},
        .what = "condition variable: round trip",
        .most_references = 0.7,
        .travellers = {{"holdfast", NULL, sizeof(holdfast_turn_t), zero_will_do,
                           holdfast_turn_side},
            {"pthread, robust mutex", NULL, sizeof(pthread_turn_t), pthread_turn_init,
                pthread_turn_side},
#ifdef BENCH_BOOST
            {"Boost interprocess_condition", NULL, BOOST_LOCK_SIZE, boost_cond_init,
                boost_cond_side}}},
#else
            {"Boost interprocess_condition", "not installed", 0, NULL, NULL}}},
#endif
    {.what = "semaphores: round trip",
        .table = {.title = "round trip of two processes: two semaphores",
            .columns = {{"CPU each: us", 2}, {"x sem_t", 2}, {"one CPU: us", 2},
                {"x sem_t", 2}}},
        .travellers = {{"holdfast semaphore", NULL, 2 * sizeof(hf_sem_t), zero_will_do,
                           holdfast_sems_side},
            {"sem_t, shared", NULL, 2 * sizeof(sem_t), posix_sems_init,
                posix_sems_side}}},
    {.what = "events: round trip",
        .table = {.title = "round trip of two processes: two events, automatic",
            .columns = {{"CPU each: us", 2}, {"x sem_t", 2}, {"one CPU: us", 2},
                {"x sem_t", 2}}},
        .travellers = {{"holdfast event", NULL, 2 * sizeof(hf_event_t), events_init,
                           events_side},
            {"sem_t, shared", NULL, 2 * sizeof(sem_t), posix_sems_init,
                posix_sems_side}}},
    {.what = "barrier of two: round",
        .table = {.title = "a round of a barrier of two processes",
            .columns = {{"CPU each: us", 2}, {"x glibc", 2}, {"one CPU: us", 2},
                {"x glibc", 2}}},
        .travellers = {{"holdfast barrier", NULL, sizeof(hf_barrier_t),
                           holdfast_barrier_init, holdfast_barrier_side},
            {"pthread_barrier, shared", NULL, sizeof(pthread_barrier_t),
                pthread_barrier_two, pthread_barrier_side}}},
};

enum { JOURNEYS = sizeof journeys / sizeof journeys[0] };

/* ---- where they run ---- */

enum { A_CPU_EACH, ONE_CPU, PLACES };

static int cpus[2] = {-1, -1}; /* those that we use; the second: none */

static void find_cpus(void)
{
    cpu_set_t all;
    unsigned found = 0;
    sched_getaffinity(0, sizeof all, &all);
    for (int cpu = 0; cpu < CPU_SETSIZE && found < 2; cpu++) {
        if (CPU_ISSET((size_t)cpu, &all)) {
            cpus[found++] = cpu;
        }
    }
}

static void run_on(pid_t process, int cpu)
{
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET((size_t)cpu, &one);
    if (sched_setaffinity(process, sizeof one, &one) != 0) {
        give_up("choosing a CPU", errno);
    }
}

typedef struct {
    const traveller_t *traveller;
    void *thing;
    process_t other;
    series_t times[PLACES];
} pair_t;

static bool can_travel(const traveller_t *traveller)
{
    return traveller->name != NULL && traveller->missing == NULL;
}

static void be_the_other(int channel, void *context)
{
    const pair_t *pair = context;
    for (;;) {
        uint64_t count;
        channel_receive(channel, &count, sizeof count);
        int failed = pair->traveller->side(pair->thing, 1, count);
        channel_send(channel, &failed, sizeof failed);
    }
}

/* The trip that the other needs to start is in it: one of many. */
static double travel(pair_t *pair, uint64_t count)
{
    int failed;
    uint64_t start = now_ns();
    channel_send(pair->other.channel, &count, sizeof count);
    int ours = pair->traveller->side(pair->thing, 0, count);
    channel_receive(pair->other.channel, &failed, sizeof failed);
    if (ours != 0 || failed != 0) {
        give_up(pair->traveller->name, ours != 0 ? ours : failed);
    }
    return (double)(now_ns() - start) / 1e3 / (double)count;
}

static void travel_at(pair_t *pair, unsigned place, uint64_t count)
{
    int far = place == A_CPU_EACH ? cpus[1] : cpus[0];
    if (far >= 0) {
        run_on(0, cpus[0]);
        run_on(pair->other.pid, far);
        series_add(&pair->times[place], travel(pair, count));
    }
}

static void begin(pair_t *pair, const traveller_t *traveller)
{
    pair->traveller = traveller;
    pair->thing = arena_take(traveller->size);
    int error = traveller->init(pair->thing);
    if (error != 0) {
        give_up(traveller->name, error);
    }
    pair->other = process_start(be_the_other, pair);
    travel(pair, TRIPS * 2); /* join, fault in, see how many CPUs there are */
}

static void report_trip(
    const journey_t *journey, unsigned t, const char *place, double us)
{
    char what[80];
    snprintf(what, sizeof what, "%s, %s", journey->what, place);
    report_bar(
        REPORT_WAITS, what, t == 0 ? REPORT_OURS : journey->travellers[t].name, us);
}

static void print(const journey_t *journey, pair_t pairs[MOST_TRAVELLERS])
{
    report_heads(&journey->table);
    for (unsigned t = 0; t < MOST_TRAVELLERS; t++) {
        if (pairs[t].traveller != NULL) {
            const series_t *times = pairs[t].times;
            double values[] = {series_median(&times[A_CPU_EACH]),
                series_ratio(&times[A_CPU_EACH], &pairs[1].times[A_CPU_EACH]),
                series_median(&times[ONE_CPU]),
                series_ratio(&times[ONE_CPU], &pairs[1].times[ONE_CPU])};
            report_row(&journey->table, journey->travellers[t].name, values);
            report_trip(journey, t, "a CPU each", values[0]);
            report_trip(journey, t, "one CPU", values[2]);
            process_kill(&pairs[t].other);
        } else if (journey->travellers[t].name != NULL) {
            report_missing(journey->travellers[t].name, journey->travellers[t].missing);
        }
    }
    for (unsigned place = 0; journey->most_references > 0 && place < PLACES; place++) {
        char what[80];
        snprintf(what, sizeof what, "%s, %s", journey->what,
            place == A_CPU_EACH ? "a CPU each" : "one CPU");
        report_at_most(what, series_ratio(&pairs[0].times[place], &pairs[1].times[place]),
            journey->most_references, journey->table.columns[1].head);
    }
}

void trips_run(const bench_options_t *options)
{
    static pair_t pairs[JOURNEYS][MOST_TRAVELLERS];
    cpu_set_t before;
    sched_getaffinity(0, sizeof before, &before);
    find_cpus();
    for (unsigned j = 0; j < JOURNEYS; j++) {
        for (unsigned t = 0; t < MOST_TRAVELLERS; t++) {
            if (can_travel(&journeys[j].travellers[t])) {
                begin(&pairs[j][t], &journeys[j].travellers[t]);
            }
        }
    }
    unsigned slices = options->rounds * SLICES_PER_ROUND;
    for (unsigned slice = 0; slice < slices; slice++) {
        report_progress("trips", slice, slices);
        for (unsigned j = 0; j < JOURNEYS; j++) {
            for (unsigned t = 0; t < MOST_TRAVELLERS; t++) {
                for (unsigned p = 0; pairs[j][t].traveller != NULL && p < PLACES; p++) {
                    travel_at(&pairs[j][t], p, options->quick ? TRIPS / 2 : TRIPS);
                }
            }
        }
    }
    sched_setaffinity(0, sizeof before, &before);
    for (unsigned j = 0; j < JOURNEYS; j++) {
        print(&journeys[j], pairs[j]);
    }
}
