/* SPDX-License-Identifier: MIT */
/* What a process costs that sleeps on a held lock: its own CPU time, seen from outside.
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
#include <time.h>

typedef struct {
    const peer_t *peer;
    void *lock;
    process_t process;
    clockid_t clock; /* CPU time of the process */
    double before;
    series_t percents;
} subject_t;

static void sleep_for_ever(int channel, void *context)
{
    subject_t *subject = context;
    channel_send(channel, "", 1);
    int error = subject->peer->acquire(subject->lock);
    give_up("a lock was had that is held", error);
}

static double seconds_of(clockid_t clock)
{
    struct timespec t;
    if (clock_gettime(clock, &t) != 0) {
        give_up("reading a CPU clock", errno);
    }
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void begin(subject_t *subject, const peer_t *peer)
{
    subject->peer = peer;
    subject->lock = arena_take(peer->size);
    peer_init(peer, subject->lock);
    int error = peer->acquire(subject->lock);
    if (error != 0) {
        give_up(peer->name, error);
    }
    subject->process = process_start(sleep_for_ever, subject);
    char ready;
    channel_receive(subject->process.channel, &ready, sizeof ready);
    process_await_sleep(&subject->process);
    error = clock_getcpuclockid(subject->process.pid, &subject->clock);
    if (error != 0) {
        give_up("finding a CPU clock", error);
    }
}

static void measure_round(subject_t subjects[LOCK_PEERS], unsigned milliseconds)
{
    for (unsigned p = 0; p < LOCK_PEERS; p++) {
        if (subjects[p].peer != NULL) {
            subjects[p].before = seconds_of(subjects[p].clock);
        }
    }
    struct timespec length = {
        .tv_sec = milliseconds / 1000, .tv_nsec = (long)(milliseconds % 1000) * 1000000};
    double start = seconds_of(CLOCK_MONOTONIC);
    clock_nanosleep(CLOCK_MONOTONIC, 0, &length, NULL);
    double passed = seconds_of(CLOCK_MONOTONIC) - start;
    for (unsigned p = 0; p < LOCK_PEERS; p++) {
        if (subjects[p].peer != NULL) {
            double used = seconds_of(subjects[p].clock) - subjects[p].before;
            series_add(&subjects[p].percents, 100 * used / passed);
        }
    }
}

void sleeper_run(const bench_options_t *options)
{
    static const table_t table = {
        .title = "cost of a sleeper on a held lock, percent of a CPU",
        .columns = {{"median", 4}, {"worst", 4}}};
    static subject_t subjects[LOCK_PEERS];
    for (unsigned p = 0; p < LOCK_PEERS; p++) {
        if (lock_peers[p].acquire != NULL) {
            begin(&subjects[p], &lock_peers[p]);
        }
    }
    for (unsigned round = 0; round < options->rounds; round++) {
        report_progress("sleeper", round, options->rounds);
        measure_round(subjects, options->quick ? 600 : 1000);
    }
    report_heads(&table);
    for (unsigned p = 0; p < LOCK_PEERS; p++) {
        if (subjects[p].peer != NULL) {
            process_kill(&subjects[p].process);
            double values[] = {series_median(&subjects[p].percents),
                series_quantile(&subjects[p].percents, 1)};
            report_row(&table, subjects[p].peer->name, values);
        }
    }
    report_at_most("CPU used by a sleeper",
        series_median(&subjects[LOCK_HOLDFAST].percents), 0.1, "% of a CPU");
}
