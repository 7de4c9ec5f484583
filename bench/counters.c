/* SPDX-License-Identifier: MIT */
/*
 * Counters: an add beside the atomic one that it replaces, by one process (uncontended.c)
 * and by two at once (readers.c); and what it costs to read very many of very many.
 */
#include "bench.h"
#include "peer.h"
#include "report.h"
#include "series.h"

#include <errno.h>
#include <holdfast/holdfast.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void heed(int error)
{
    if (error != 0) {
        give_up("counters", error);
    }
}

static hf_segment_t *open_segment(unsigned slots)
{
    char name[64];
    hf_segment_t *segment;
    snprintf(name, sizeof name, "holdfast-bench-%ld-counters", (long)getpid());
    hf_segment_config_t config = {
        .size = 1 << 20, .max_size = 1 << 28, .max_participants = slots};
    heed(hf_segment_open(&segment, name, HF_CREATE | HF_EXCLUSIVE, &config));
    heed(hf_segment_remove(name));
    return segment;
}

/* ---- peers: an add is all, there is nothing to release ---- */

static inline int nothing(void *counter)
{
    (void)counter;
    return 0;
}

/* The floor: a word of the process's own. */

static inline int plain_add(void *unused)
{
    static volatile uint64_t word;
    (void)unused;
    word++;
    return 0;
}

static int plain_pairs(void *unused, uint64_t count)
{
    return loop_pairs(unused, count, plain_add, nothing);
}

static uint64_t plain_reads(contest_t *contest, void *unused)
{
    return loop_reads(contest, unused, plain_add, nothing);
}

static inline int atomic_add(void *counter)
{
    __atomic_fetch_add((uint64_t *)counter, 1, __ATOMIC_RELAXED);
    return 0;
}

static int atomic_pairs(void *counter, uint64_t count)
{
    return loop_pairs(counter, count, atomic_add, nothing);
}

static uint64_t atomic_reads(contest_t *contest, void *counter)
{
    return loop_reads(contest, counter, atomic_add, nothing);
}

static int holdfast_init(void *counter)
{
    static hf_segment_t *segment;
    if (segment == NULL) {
        segment = open_segment(0);
    }
    return hf_counter_open(segment, "counter", counter);
}

static inline int holdfast_add(void *counter)
{
    return hf_counter_add(*(const hf_counter_t *)counter, 1);
}

/* A handle is a value, which its user has in a variable of his own. */

static int holdfast_pairs(void *counter, uint64_t count)
{
    hf_counter_t c = *(const hf_counter_t *)counter;
    return loop_pairs(&c, count, holdfast_add, nothing);
}

static uint64_t holdfast_reads(contest_t *contest, void *counter)
{
    hf_counter_t c = *(const hf_counter_t *)counter;
    return loop_reads(contest, &c, holdfast_add, nothing);
}

enum { COUNT_PLAIN, COUNT_ATOMIC, COUNT_HOLDFAST, COUNT_PEERS };

static const peer_t count_peers[COUNT_PEERS] = {
    [COUNT_PLAIN] = {.name = "floor: a plain add to a word of one's own",
        .size = sizeof(uint64_t),
        .init = nothing,
        .pairs = plain_pairs,
        .reads = plain_reads},
    [COUNT_ATOMIC] = {.name = "atomic fetch-and-add",
        .size = sizeof(uint64_t),
        .init = nothing,
        .pairs = atomic_pairs,
        .reads = atomic_reads},
    [COUNT_HOLDFAST] = {.name = "hf_counter_add",
        .size = sizeof(hf_counter_t),
        .init = holdfast_init,
        .pairs = holdfast_pairs,
        .reads = holdfast_reads},
};

const peer_set_t count_set = {.peers = count_peers,
    .count = COUNT_PEERS,
    .floor = COUNT_PLAIN,
    .reference = COUNT_ATOMIC,
    .subject = COUNT_HOLDFAST};

/* ---- very many ---- */

enum { COUNTERS = 10000, SLOTS = 1024, IN_GROUP = 64, STACK = 1 << 16 };

static hf_counter_t counters[COUNTERS];
static pthread_barrier_t one_has_added, all_may_end;

static void add_to_each_group(void)
{
    for (unsigned i = 0; i < COUNTERS; i += IN_GROUP) {
        heed(hf_counter_add(counters[i], 1));
    }
}

static void *add_and_stay(void *unused)
{
    add_to_each_group();
    pthread_barrier_wait(&one_has_added);
    pthread_barrier_wait(&all_may_end);
    return unused;
}

static void fill_slots(pthread_t threads[SLOTS])
{
    pthread_attr_t small;
    pthread_barrier_init(&one_has_added, NULL, 2);
    pthread_barrier_init(&all_may_end, NULL, SLOTS);
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, STACK);
    add_to_each_group();
    for (unsigned i = 1; i < SLOTS; i++) {
        heed(pthread_create(&threads[i], &small, add_and_stay, NULL));
        pthread_barrier_wait(&one_has_added);
    }
    pthread_attr_destroy(&small);
}

static void empty_slots(pthread_t threads[SLOTS])
{
    pthread_barrier_wait(&all_may_end);
    for (unsigned i = 1; i < SLOTS; i++) {
        pthread_join(threads[i], NULL);
    }
}

typedef struct {
    unsigned seen;
    int64_t sum;
} view_t;

static void see(const char *name, int64_t sum, void *arg)
{
    view_t *view = arg;
    (void)name;
    view->seen++;
    view->sum += sum;
}

static double time_each(hf_segment_t *segment)
{
    view_t view = {.seen = 0};
    uint64_t start = now_ns();
    heed(hf_counter_each(segment, see, &view));
    double ms = (double)(now_ns() - start) / 1e6;
    unsigned groups = (COUNTERS + IN_GROUP - 1) / IN_GROUP;
    heed(view.seen == COUNTERS && view.sum == (int64_t)groups * SLOTS ? 0 : EBADMSG);
    return ms;
}

static double time_reads(void)
{
    enum { READS = 1000 };
    int64_t sum = 0;
    uint64_t start = now_ns();
    for (unsigned i = 0; i < READS; i++) {
        heed(hf_counter_read(counters[i * IN_GROUP % COUNTERS], &sum));
        heed(sum <= SLOTS ? 0 : EBADMSG);
    }
    return (double)(now_ns() - start) / 1e6 / READS;
}

void counters_run(const bench_options_t *options)
{
    static const table_t table = {
        .title = "counters: reading 10,000 to which 1,024 threads have added",
        .columns = {{"ms", 3}}};
    static pthread_t threads[SLOTS];
    series_t one = {0}, all = {0};
    hf_segment_t *segment = open_segment(SLOTS);
    for (unsigned i = 0; i < COUNTERS; i++) {
        char name[32];
        snprintf(name, sizeof name, "counter number %u", i);
        heed(hf_counter_open(segment, name, &counters[i]));
    }
    fill_slots(threads);
    for (unsigned round = 0; round < options->rounds; round++) {
        report_progress("counters", round, options->rounds);
        series_add(&all, time_each(segment));
        series_add(&one, time_reads());
    }
    report_heads(&table);
    report_row(&table, "hf_counter_read, one", (double[]){series_median(&one)});
    report_row(&table, "hf_counter_each, all", (double[]){series_median(&all)});
    report_at_most(
        "reading 10,000 counters, 1,024 threads'", series_median(&all), 100, "ms");
    series_clear(&one);
    series_clear(&all);
    empty_slots(threads);
    heed(hf_segment_close(segment));
}
