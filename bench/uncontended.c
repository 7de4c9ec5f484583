/* SPDX-License-Identifier: MIT */
/* Acquire and release by one thread, nobody else about: what an operation costs by
 * itself. */
#include "arena.h"
#include "bench.h"
#include "peer.h"
#include "report.h"
#include "series.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>

enum { BATCHES_PER_ROUND = 60 };

/* What is measured, and the targets of its subject (0: none). */
typedef struct {
    table_t table; /* columns: ns, x floor, x reference */
    const char *what;
    const peer_set_t *set;
    double most_floors, most_references;
    const char *bar; /* in the chart */
} kind_t;

static const kind_t kinds[] = {
    {.bar = "mutex: lock + unlock",
        .table = {.title = "lock + unlock, one thread, no contention",
            .columns = {{"ns", 2}, {"x floor", 2}, {"x robust", 2}}},
        .what = "uncontended lock + unlock",
        .set = &lock_set,
        .most_floors = 1.3,
        .most_references = 0.7},
    {.bar = "semaphore: wait + post",
        .table = {.title = "semaphore: wait + post, one thread, no contention",
            .columns = {{"ns", 2}, {"x floor", 2}, {"x sem_t", 2}}},
        .what = "uncontended wait + post",
        .set = &sem_set,
        .most_references = 0.75},
    {.bar = "permits: acquire + release",
        .table = {.title = "permits: acquire + release, one thread, no contention",
            .columns = {{"ns", 2}, {"x floor", 2}, {"x semop", 3}}},
        .what = "uncontended acquire + release of a permit",
        .set = &permits_set,
        .most_references = 0.06},
    {.bar = "rwlock: read + unlock",
        .table = {.title = "read lock + unlock, one thread, no contention",
            .columns = {{"ns", 2}, {"x floor", 2}, {"x glibc", 2}}},
        .what = "uncontended read lock + unlock",
        .set = &read_set,
        .most_references = 0.4},
    {.bar = "event: set + pass",
        .table = {.title = "event: set, then pass it, one thread",
            .columns = {{"ns", 2}, {"x floor", 2}, {"x glibc", 2}}},
        .set = &events_set},
    {.bar = "once: done already",
        .table = {.title = "once: done already",
            .columns = {{"ns", 2}, {"x floor", 2}, {"x pthread", 2}}},
        .set = &once_set},
    {.bar = "latch: read 64 bytes",
        .table = {.title = "64 bytes that belong together: read, nobody writes",
            .columns = {{"ns", 2}, {"x memcpy", 2}, {"x rwlock", 2}}},
        .what = "uncontended read of a latch, 64 bytes",
        .set = &snapshot_read_set,
        .most_floors = 3},
    {.bar = "latch: write 64 bytes",
        .table = {.title = "64 bytes that belong together: write, nobody reads",
            .columns = {{"ns", 2}, {"x memcpy", 2}, {"x robust", 2}}},
        .what = "uncontended write of a latch, 64 bytes",
        .set = &snapshot_write_set,
        .most_references = 1},
    {.bar = "RCU: read section",
        .table = {.title = "RCU: an empty read section, one thread",
            .columns = {{"ns", 2}, {"x inlined", 2}, {"x liburcu", 2}}},
        .what = "read section of RCU",
        .set = &section_set,
        .most_references = 1.25},
    {.bar = "condition variable: signal to nobody",
        .table = {.title = "condition variable: signal, nobody waits",
            .columns = {{"ns", 2}, {"x floor", 2}, {"x glibc", 2}}},
        .set = &signal_set},
    {.bar = "barrier of one",
        .table = {.title = "barrier of one: a round",
            .columns = {{"ns", 2}, {"x floor", 2}, {"x glibc", 2}}},
        .set = &barrier_set},
    {.bar = "counter: add",
        .table = {.title = "counter: add",
            .columns = {{"ns", 2}, {"x floor", 2}, {"x atomic", 2}}},
        .what = "a counter's add",
        .set = &count_set,
        .most_references = 0.5},
};

static void measure(const kind_t *kind, const bench_options_t *options, series_t *costs)
{
    void *things[MAX_PEERS] = {0};
    uint64_t pairs[MAX_PEERS];
    for (unsigned p = 0; p < kind->set->count; p++) {
        if (kind->set->peers[p].missing == NULL) {
            things[p] = arena_take(kind->set->peers[p].size);
            peer_init(&kind->set->peers[p], things[p]);
            pairs[p] = peer_fitting_pairs(&kind->set->peers[p], things[p]);
        }
    }
    unsigned batches = options->rounds * BATCHES_PER_ROUND / (options->quick ? 4 : 1);
    for (unsigned batch = 0; batch < batches; batch++) {
        report_progress("uncontended", batch, batches);
        for (unsigned p = 0; p < kind->set->count; p++) {
            if (things[p] != NULL) {
                series_add(
                    &costs[p], peer_time(&kind->set->peers[p], things[p], pairs[p]));
            }
        }
    }
}

static void print(const kind_t *kind, const series_t *costs)
{
    report_heads(&kind->table);
    for (unsigned p = 0; p < kind->set->count; p++) {
        const peer_t *peer = &kind->set->peers[p];
        if (peer->missing != NULL) {
            report_missing(peer->name, peer->missing);
            continue;
        }
        double values[] = {series_median(&costs[p]),
            series_ratio(&costs[p], &costs[kind->set->floor]),
            series_ratio(&costs[p], &costs[kind->set->reference])};
        report_row(&kind->table, peer->name, values);
        if (peer_in_chart(kind->set, p) != NULL) {
            report_bar(REPORT_ALONE, kind->bar, peer_in_chart(kind->set, p), values[0]);
        }
    }
}

static void judge(const kind_t *kind, const series_t *costs)
{
    const series_t *subject = &costs[kind->set->subject];
    if (kind->most_floors > 0) {
        report_at_most(kind->what, series_ratio(subject, &costs[kind->set->floor]),
            kind->most_floors, "x floor");
    }
    if (kind->most_references > 0) {
        report_at_most(kind->what, series_ratio(subject, &costs[kind->set->reference]),
            kind->most_references, kind->table.columns[2].head);
    }
}

void uncontended_run(const bench_options_t *options)
{
    for (unsigned k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        series_t costs[MAX_PEERS] = {0};
        measure(&kinds[k], options, costs);
        print(&kinds[k], costs);
        judge(&kinds[k], costs);
        for (unsigned p = 0; p < MAX_PEERS; p++) {
            series_clear(&costs[p]);
        }
    }
}
