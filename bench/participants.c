/* SPDX-License-Identifier: MIT */
/*
 * What depends on how many have joined the segment, by one thread, while the others are
 * idle: threads of one process that have joined, and pause. A call that may depend on it
 * gets a row in `calls`; its peers, which have no participants, are rows like it.
 */
#include "arena.h"
#include "bench.h"
#include "peer.h"
#include "process.h"
#include "report.h"
#include "series.h"

#include <errno.h>
#include <holdfast/holdfast.h>
#include <semaphore.h>
#include <stdio.h>
#include <unistd.h>

enum { BATCHES_PER_ROUND = 20, SMALL_STACK = 1 << 17 };

static const unsigned sizes[] = {1, 2, 10, 100, 1000}; /* threads joined, we included */

enum { SIZES = sizeof sizes / sizeof sizes[0] };

/* ---- what is called ---- */

static int nothing(void *unused)
{
    (void)unused;
    return 0;
}

static int lock_and_unlock(void *lock)
{
    int error = hf_mutex_lock(lock);
    return error != 0 ? error : hf_mutex_unlock(lock);
}

static int mutex_pairs(void *lock, uint64_t count)
{
    return loop_pairs(lock, count, lock_and_unlock, nothing);
}

static inline int ask_owner(void *lock)
{
    hf_owner_t who;
    return hf_rwlock_owner(lock, &who);
}

static int owner_pairs(void *lock, uint64_t count)
{
    return loop_pairs(lock, count, ask_owner, nothing);
}

static inline int ask_mutex_owner(void *lock)
{
    hf_owner_t who;
    return hf_mutex_owner(lock, &who);
}

static int mutex_owner_pairs(void *lock, uint64_t count)
{
    return loop_pairs(lock, count, ask_mutex_owner, nothing);
}

static inline int ask_segment(void *unused)
{
    hf_segment_info_t info;
    (void)unused;
    return hf_segment_info(arena_segment(ARENA_GROWING), &info);
}

static int info_pairs(void *unused, uint64_t count)
{
    return loop_pairs(unused, count, ask_segment, nothing);
}

static inline int synchronize(void *unused)
{
    (void)unused;
    return hf_rcu_synchronize(arena_segment(ARENA_GROWING));
}

static int synchronize_pairs(void *unused, uint64_t count)
{
    return loop_pairs(unused, count, synchronize, nothing);
}

static void *begin_and_end(void *unused)
{
    return unused;
}

static void *join_and_leave(void *lock)
{
    int error = lock_and_unlock(lock);
    if (error != 0) {
        give_up("the first lock of a thread", error);
    }
    return NULL;
}

static int run_thread(void *(*body)(void *), void *context)
{
    pthread_t thread;
    int error = pthread_create(&thread, NULL, body, context);
    return error != 0 ? error : pthread_join(thread, NULL);
}

static inline int run_member(void *lock)
{
    return run_thread(join_and_leave, lock);
}

static inline int run_stranger(void *unused)
{
    return run_thread(begin_and_end, unused);
}

static int member_pairs(void *lock, uint64_t count)
{
    return loop_pairs(lock, count, run_member, nothing);
}

static int stranger_pairs(void *unused, uint64_t count)
{
    return loop_pairs(unused, count, run_stranger, nothing);
}

/* The locks are peers of the other sections, which do not say there what they do. */
typedef struct {
    const char *name;
    const peer_t *call;
    bool drawn; /* in the chart */
} call_t;

#define OWN_CALL(kind, loop)                                                             \
    (&(const peer_t){                                                                    \
        .name = #loop, .size = sizeof(kind), .init = nothing, .pairs = (loop)})

static const call_t calls[] = {
    {"write lock: holdfast", &write_peers[RW_HOLDFAST], true},
    {"write lock: pthread_rwlock", &write_peers[RW_PTHREAD], true},
    {"write lock: Boost sharable", &write_peers[RW_BOOST], false},
    {"read lock: holdfast", &read_peers[RW_HOLDFAST], true},
    {"rwlock: who holds it", OWN_CALL(hf_rwlock_t, owner_pairs), true},
    {"mutex: lock + unlock", OWN_CALL(hf_mutex_t, mutex_pairs), false},
    {"mutex: who holds it", OWN_CALL(hf_mutex_t, mutex_owner_pairs), false},
    {"RCU: synchronize", OWN_CALL(char, synchronize_pairs), true},
    {"segment: how it fares", OWN_CALL(char, info_pairs), true},
    {"thread that joins and leaves", OWN_CALL(hf_mutex_t, member_pairs), true},
    {"thread that does neither", OWN_CALL(char, stranger_pairs), false},
};

enum {
    CALLS = sizeof calls / sizeof calls[0],
    WRITE_OURS = 0,
    WRITE_PTHREAD = 1,
    SYNCHRONIZE = 7
};

/* ---- who has joined: all but us in one child, which starts them at order ---- */

static sem_t has_joined; /* of the child */

static void *join_and_stay(void *lock)
{
    join_and_leave(lock);
    sem_post(&has_joined);
    for (;;) {
        pause();
    }
    return NULL;
}

static void start_member(void *lock)
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

static void grow(const process_t *members, unsigned joined)
{
    hf_segment_info_t info;
    int error = hf_segment_info(arena_segment(ARENA_GROWING), &info);
    unsigned more = joined - info.participants;
    if (error == 0 && more > 0) {
        channel_send(members->channel, &more, sizeof more);
        channel_receive(members->channel, &more, sizeof more);
        error = hf_segment_info(arena_segment(ARENA_GROWING), &info);
    }
    if (error != 0 || info.participants != joined) {
        give_up("counting who has joined", error != 0 ? error : EPROTO);
    }
}

/* ---- cost ---- */

static void measure(
    unsigned size, unsigned batches, void *const things[CALLS], series_t costs[CALLS])
{
    uint64_t pairs[CALLS];
    for (unsigned c = 0; c < CALLS; c++) {
        pairs[c] = things[c] != NULL ? peer_fitting_pairs(calls[c].call, things[c]) : 0;
    }
    for (unsigned batch = 0; batch < batches; batch++) {
        report_progress("participants", size * batches + batch, SIZES * batches);
        for (unsigned c = 0; c < CALLS; c++) {
            if (things[c] != NULL) {
                series_add(&costs[c], peer_time(calls[c].call, things[c], pairs[c]));
            }
        }
    }
}

static void print(series_t costs[SIZES][CALLS])
{
    static const table_t table = {.title = "so many joined, one at work: ns",
        .columns = {{"1 joined", 1}, {"2", 1}, {"10", 1}, {"100", 1}, {"1,000", 1},
            {"1,000 : 1", 2}}};
    report_heads(&table);
    for (unsigned c = 0; c < CALLS; c++) {
        double values[SIZES + 1];
        if (costs[0][c].count == 0) {
            report_missing(calls[c].name, calls[c].call->missing);
            continue;
        }
        for (unsigned s = 0; s < SIZES; s++) {
            values[s] = series_median(&costs[s][c]);
            if (calls[c].drawn) {
                report_point("one at work, the others idle: ns; participants",
                    calls[c].name, sizes[s], values[s]);
            }
        }
        values[SIZES] = series_ratio(&costs[SIZES - 1][c], &costs[0][c]);
        report_row(&table, calls[c].name, values);
    }
}

/* Our write lock beside its peers, where it costs the least: two have joined. */
static void compare(series_t costs[CALLS])
{
    for (unsigned p = 0; p < RW_PEERS; p++) {
        const char *who = peer_in_chart(&write_set, p);
        for (unsigned c = 0; who != NULL && c < CALLS; c++) {
            if (calls[c].call == &write_peers[p]) {
                report_bar(REPORT_ALONE, "rwlock: write + unlock, two joined", who,
                    series_median(&costs[c]));
            }
        }
    }
    report_at_most("uncontended write lock + unlock, two joined",
        series_ratio(&costs[WRITE_OURS], &costs[WRITE_PTHREAD]), 2, "x glibc");
}

void participants_run(const bench_options_t *options)
{
    static series_t costs[SIZES][CALLS];
    void *things[CALLS] = {0};
    hf_mutex_t *gathering = arena_take_of(ARENA_GROWING, sizeof *gathering);
    join_and_leave(gathering); /* so that we are the first */
    for (unsigned c = 0; c < CALLS; c++) {
        if (calls[c].call->missing == NULL) {
            things[c] = arena_take_of(ARENA_GROWING, calls[c].call->size);
            peer_init(calls[c].call, things[c]);
        }
    }
    process_t members = process_start(grow_at_order, gathering);
    unsigned batches = options->rounds * BATCHES_PER_ROUND / (options->quick ? 4 : 1);
    for (unsigned s = 0; s < SIZES; s++) {
        grow(&members, sizes[s]);
        measure(s, batches, things, costs[s]);
    }
    process_kill(&members);
    print(costs);
    compare(costs[1]);
    report_at_most("RCU: synchronize, 1,000 joined and idle",
        series_median(&costs[SIZES - 1][SYNCHRONIZE]) / 1e6, 1, "ms");
}
