/* SPDX-License-Identifier: MIT */
/*
 * Two beside one, readers of a lock or who add to a counter: do they hold each other up?
 * Measured in slices, one process, then two, for each peer in turn; each process's own
 * CPU time tells whether it had a CPU to itself.
 */
#include "arena.h"
#include "bench.h"
#include "peer.h"
#include "process.h"
#include "report.h"
#include "series.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { SLICES_PER_ROUND = 6, PARTIES = 2 };

#define FREE_SHARE 0.97 /* of the slice, on a CPU */

typedef struct {
    const peer_t *peer;
    void *lock;
    contest_t *contest;
    process_t parties[PARTIES];
    series_t one, two;            /* million turns a second */
    series_t growth, growth_free; /* two / one; of slices in which both had a CPU */
} subject_t;

typedef struct {
    uint64_t turns;
    double rate;  /* million a second of its own slice */
    double share; /* of a CPU */
} reply_t;

static double cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void read_at_order(int channel, void *context)
{
    const subject_t *subject = context;
    for (;;) {
        char order;
        channel_receive(channel, &order, sizeof order);
        uint64_t start = now_ns();
        double before = cpu_ns();
        reply_t reply = {.turns = subject->peer->reads(subject->contest, subject->lock)};
        double used = cpu_ns() - before;
        double passed = (double)(now_ns() - start);
        reply.rate = (double)reply.turns * 1e3 / passed;
        reply.share = used / passed;
        channel_send(channel, &reply, sizeof reply);
    }
}

/* Returns whether each had a CPU. */
static bool run_slice(subject_t *subject, unsigned parties, unsigned ms, double *rate)
{
    __atomic_store_n(&subject->contest->stop, 0, __ATOMIC_SEQ_CST);
    for (unsigned i = 0; i < parties; i++) {
        channel_send(subject->parties[i].channel, "", 1);
    }
    struct timespec length = {.tv_nsec = (long)ms * 1000000};
    clock_nanosleep(CLOCK_MONOTONIC, 0, &length, NULL);
    __atomic_store_n(&subject->contest->stop, 1, __ATOMIC_SEQ_CST);
    bool free = true;
    *rate = 0;
    for (unsigned i = 0; i < parties; i++) {
        reply_t reply;
        channel_receive(subject->parties[i].channel, &reply, sizeof reply);
        if (reply.turns == CONTEST_FAILED) {
            give_up(subject->peer->name, EPROTO);
        }
        *rate += reply.rate;
        free = free && reply.share >= FREE_SHARE;
    }
    return free;
}

static void measure(subject_t *subject, unsigned ms)
{
    double one, two;
    bool free = run_slice(subject, 1, ms, &one);
    free = run_slice(subject, PARTIES, ms, &two) && free;
    series_add(&subject->one, one);
    series_add(&subject->two, two);
    series_add(&subject->growth, two / one);
    if (free) {
        series_add(&subject->growth_free, two / one);
    }
}

static void begin(subject_t *subject, const peer_t *peer)
{
    subject->peer = peer;
    subject->lock = arena_take(peer->size);
    subject->contest = arena_take(sizeof *subject->contest);
    peer_init(peer, subject->lock);
    for (unsigned i = 0; i < PARTIES; i++) {
        subject->parties[i] = process_start(read_at_order, subject);
    }
}

/* Of free slices where there are any: what a busy CPU cannot give, no lock can. */
static double growth_of(const subject_t *subject)
{
    const series_t *free = &subject->growth_free;
    return series_median(free->count > 0 ? free : &subject->growth);
}

typedef struct {
    const char *title, *what;
    const peer_set_t *set;
} kind_t;

static const kind_t kinds[] = {
    {"reading: two processes beside one", "reading: two processes beside one, throughput",
        &read_set},
    {"counting: two processes beside one",
        "counting: two processes beside one, throughput", &count_set},
};

static void print(const kind_t *kind, subject_t *subjects, unsigned slices)
{
    const table_t table = {.title = kind->title,
        .columns = {{"1: million/s", 1}, {"2: million/s", 1}, {"x one, all", 2},
            {"x one, free", 2}, {"free slices", 0}, {"of", 0}}};
    report_heads(&table);
    for (unsigned p = 0; p < kind->set->count; p++) {
        subject_t *s = &subjects[p];
        if (s->peer == NULL) {
            report_missing(kind->set->peers[p].name, kind->set->peers[p].missing);
            continue;
        }
        double values[] = {series_median(&s->one), series_median(&s->two),
            series_median(&s->growth), series_median(&s->growth_free),
            (double)s->growth_free.count, slices};
        report_row(&table, s->peer->name, values);
        for (unsigned i = 0; i < PARTIES; i++) {
            process_kill(&s->parties[i]);
        }
    }
    printf(
        "  (free: each process had a CPU for %.0f %% of the slice)\n", 100 * FREE_SHARE);
    if (subjects[kind->set->subject].growth_free.count == 0) {
        printf("  the CPUs were never free: these ratios say little\n");
    }
}

static void run(const kind_t *kind, const bench_options_t *options)
{
    subject_t subjects[MAX_PEERS] = {{0}};
    for (unsigned p = 0; p < kind->set->count; p++) {
        if (kind->set->peers[p].missing == NULL) {
            begin(&subjects[p], &kind->set->peers[p]);
        }
    }
    unsigned slices = options->rounds * SLICES_PER_ROUND;
    for (unsigned slice = 0; slice < slices; slice++) {
        report_progress("readers", slice, slices);
        for (unsigned p = 0; p < kind->set->count; p++) {
            if (subjects[p].peer != NULL) {
                measure(&subjects[p], options->quick ? 20 : 40);
            }
        }
    }
    print(kind, subjects, slices);
    report_at_least(kind->what, growth_of(&subjects[kind->set->subject]), 1.8, "x one");
}

void readers_run(const bench_options_t *options)
{
    for (unsigned k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        run(&kinds[k], options);
    }
}
