/* SPDX-License-Identifier: MIT */
/* The write lock, uncontended, of a lock that nobody reads: how it grows with the number
 * of threads that have joined the segment, whose places a writer has to look at. */
#include "arena.h"
#include "bench.h"
#include "peer.h"
#include "process.h"
#include "report.h"
#include "series.h"

#include <errno.h>
#include <holdfast/holdfast.h>
#include <math.h>
#include <semaphore.h>
#include <stdio.h>
#include <unistd.h>

enum { BATCHES_PER_ROUND = 40, SMALL_STACK = 1 << 17 };

static const unsigned sizes[] = {2, 10, 100, 1000}; /* threads joined, we included */

enum { SIZES = sizeof sizes / sizeof sizes[0] };

/* Of the child. */
static sem_t has_joined;

static void *join_and_stay(void *lock)
{
    int error = hf_mutex_lock(lock);
    error = error != 0 ? error : hf_mutex_unlock(lock);
    if (error != 0) {
        give_up("joining a segment", error);
    }
    sem_post(&has_joined);
    for (;;) {
        pause();
    }
    return NULL;
}

static void start_member(hf_mutex_t *lock)
{
    pthread_attr_t attributes;
    pthread_t thread;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, SMALL_STACK);
    int error = pthread_create(&thread, &attributes, join_and_stay, lock);
    pthread_attr_destroy(&attributes);
    if (error != 0) {
        give_up("starting a thread", error);
    }
    while (sem_wait(&has_joined) != 0) {
    }
}

/* At each order, so many threads more; then says so. */
static void grow_at_order(int channel, void *lock)
{
    sem_init(&has_joined, 0, 0);
    for (;;) {
        unsigned more;
        channel_receive(channel, &more, sizeof more);
        for (unsigned i = 0; i < more; i++) {
            start_member(lock);
        }
        channel_send(channel, &more, sizeof more);
    }
}

static double time_batch(const peer_t *peer, void *lock, uint64_t pairs)
{
    uint64_t start = now_ns();
    int failed = peer->pairs(lock, pairs);
    if (failed != 0) {
        give_up(peer->name, failed);
    }
    return (double)(now_ns() - start) / (double)pairs;
}

static void measure(const bench_options_t *options, unsigned members, void *const *locks,
    series_t costs[RW_PEERS])
{
    uint64_t pairs = 10000;
    unsigned batches = options->rounds * BATCHES_PER_ROUND / (options->quick ? 4 : 1);
    for (unsigned batch = 0; batch < batches; batch++) {
        report_progress("writers", batch, batches);
        for (unsigned p = 0; p < RW_PEERS; p++) {
            if (locks[p] != NULL) {
                uint64_t fewer = p == RW_HOLDFAST && members > 10 ? pairs / 20 : pairs;
                series_add(&costs[p], time_batch(&write_set.peers[p], locks[p], fewer));
            }
        }
    }
}

static void print(series_t costs[SIZES][RW_PEERS], void *const *locks)
{
    static const table_t table = {
        .title = "write lock + unlock, one thread, nobody reads",
        .columns = {{"ns", 1}, {"x glibc", 2}}};
    report_heads(&table);
    for (unsigned s = 0; s < SIZES; s++) {
        if (s > 0) {
            report_gap();
        }
        for (unsigned p = 0; p < RW_PEERS; p++) {
            char name[64];
            snprintf(
                name, sizeof name, "%4u joined: %s", sizes[s], write_set.peers[p].name);
            bool told = s == 0 || p == RW_HOLDFAST;
            if (told && locks[p] != NULL) {
                double values[] = {series_median(&costs[s][p]),
                    series_ratio(&costs[s][p], &costs[s][RW_PTHREAD])};
                report_row(&table, name, values);
            }
        }
    }
}

void writers_run(const bench_options_t *options)
{
    static series_t costs[SIZES][RW_PEERS];
    void *locks[RW_PEERS] = {0};
    hf_mutex_t *gathering = arena_take_of(ARENA_GROWING, sizeof *gathering);
    for (unsigned p = 0; p < RW_PEERS; p++) {
        if (write_set.peers[p].missing == NULL) {
            locks[p] = arena_take_of(ARENA_GROWING, write_set.peers[p].size);
            peer_init(&write_set.peers[p], locks[p]);
            time_batch(&write_set.peers[p], locks[p], 1000); /* join, fault in */
        }
    }
    process_t members = process_start(grow_at_order, gathering);
    unsigned joined = 1;
    for (unsigned s = 0; s < SIZES; s++) {
        unsigned more = sizes[s] - joined;
        channel_send(members.channel, &more, sizeof more);
        channel_receive(members.channel, &more, sizeof more);
        joined = sizes[s];
        measure(options, joined, locks, costs[s]);
    }
    process_kill(&members);
    print(costs, locks);
    report_at_most("uncontended write lock + unlock, two joined",
        series_ratio(&costs[0][RW_HOLDFAST], &costs[0][RW_PTHREAD]), 2, "x glibc");
}
