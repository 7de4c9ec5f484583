/* SPDX-License-Identifier: MIT */
/* Several processes want one lock: what they get done together, and the poorest share. */
#include "arena.h"
#include "bench.h"
#include "peer.h"
#include "process.h"
#include "report.h"
#include "series.h"
#include "shared.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { MAX_PARTIES = 8, SIZES = 4 };

static const unsigned sizes[SIZES] = {1, 2, 4, 8}; /* one: what the others are beside */

/* What is contended for, and how. */
typedef struct {
    const char *name;
    const peer_set_t *set;
    uint32_t outside; /* steps of loop_work: about a nanosecond each */
    bool judged;
    bool reading;    /* all at once, and nothing is written */
    const char *bar; /* in the chart; null: has none there */
    table_t table;
} variant_t;

static const variant_t variants[] = {
    {.name = "at once",
        .set = &lock_set,
        .bar = "mutex",
        .outside = 0,
        .judged = true,
        .table = {.title = "contended: lock, increment, unlock, at once again",
            .columns = {{"million/s", 2}, {"x robust", 2}, {"least share", 2},
                {"worst round", 2}}}},
    {.name = "work outside",
        .set = &lock_set,
        .outside = 200,
        .judged = true,
        .table = {.title = "contended: lock, increment, unlock, then some work outside",
            .columns = {{"million/s", 2}, {"x robust", 2}, {"least share", 2},
                {"worst round", 2}}}},
    {.name = "semaphore",
        .set = &sem_set,
        .bar = "semaphore, one token",
        .table = {.title = "contended: one token: wait, increment, post, at once again",
            .columns = {{"million/s", 2}, {"x sem_t", 2}, {"least share", 2},
                {"worst round", 2}}}},
    {.name = "permits",
        .set = &permits_set,
        .bar = "permits, one",
        .table = {.title = "contended: one permit: acquire, increment, release, again",
            .columns = {{"million/s", 2}, {"x semop", 2}, {"least share", 2},
                {"worst round", 2}}}},
    {.name = "write lock",
        .set = &write_set,
        .bar = "rwlock, writing",
        .table = {.title = "contended: write lock, increment, unlock, at once again",
            .columns = {{"million/s", 2}, {"x glibc", 2}, {"least share", 2},
                {"worst round", 2}}}},
    {.name = "read lock",
        .set = &read_set,
        .reading = true,
        .bar = "rwlock, reading",
        .table = {.title = "side by side: read lock, unlock, at once again",
            .columns = {{"million/s", 2}, {"x glibc", 2}, {"least share", 2},
                {"worst round", 2}}}},
};

enum { VARIANTS = sizeof variants / sizeof variants[0] };

/* One peer, one number of processes, one variant: its rounds. */
typedef struct {
    series_t rates;        /* million turns a second, all parties together */
    series_t least_shares; /* the poorest party's turns, 1 being a fair share of them */
} cell_t;

typedef struct {
    const peer_t *peer;
    peer_contest_t *take_turns;
    contest_t *contest;
    void *lock;
} party_t;

/* Null: this peer has no such turns to take. */
static peer_contest_t *turns_of(const variant_t *variant, unsigned p)
{
    const peer_t *peer = &variant->set->peers[p];
    return variant->reading ? peer->reads : peer->contest;
}

static void take_part(int channel, void *context)
{
    party_t *party = context;
    pthread_barrier_wait(&party->contest->start);
    uint64_t turns = party->take_turns(party->contest, party->lock);
    channel_send(channel, &turns, sizeof turns);
}

static void prepare(const party_t *party, unsigned parties, uint32_t outside)
{
    memset(party->contest, 0, sizeof *party->contest);
    party->contest->outside = outside;
    int error = shared_barrier_init(&party->contest->start, parties + 1);
    if (error != 0) {
        give_up("making a barrier", error);
    }
    peer_init(party->peer, party->lock);
}

/* Returns the nanoseconds between start and stop. */
static uint64_t hold_contest(contest_t *contest, unsigned milliseconds)
{
    struct timespec length = {
        .tv_sec = milliseconds / 1000, .tv_nsec = (long)(milliseconds % 1000) * 1000000};
    pthread_barrier_wait(&contest->start);
    uint64_t start = now_ns();
    clock_nanosleep(CLOCK_MONOTONIC, 0, &length, NULL);
    __atomic_store_n(&contest->stop, 1, __ATOMIC_RELAXED);
    return now_ns() - start;
}

static void run_contest(const party_t *party, unsigned parties, const variant_t *variant,
    unsigned milliseconds, cell_t *cell)
{
    process_t children[MAX_PARTIES];
    prepare(party, parties, variant->outside);
    for (unsigned i = 0; i < parties; i++) {
        children[i] = process_start(take_part, (void *)party);
    }
    uint64_t length = hold_contest(party->contest, milliseconds);
    uint64_t sum = 0;
    uint64_t least = UINT64_MAX;
    for (unsigned i = 0; i < parties; i++) {
        uint64_t turns;
        channel_receive(children[i].channel, &turns, sizeof turns);
        sum += turns;
        if (turns == CONTEST_FAILED) {
            give_up(party->peer->name, EPROTO);
        }
        least = turns < least ? turns : least;
        process_kill(&children[i]);
    }
    if (party->contest->counter != (variant->reading ? 0 : sum)) {
        give_up("exclusion was broken", EBADMSG);
    }
    series_add(&cell->rates, (double)sum * 1e3 / (double)length);
    series_add(&cell->least_shares, (double)least * parties / (double)sum);
}

static void draw(const variant_t *variant, unsigned p, unsigned parties, double rate)
{
    const char *who = peer_in_chart(variant->set, p);
    if (variant->bar != NULL && who != NULL) {
        char panel[64];
        snprintf(panel, sizeof panel, "%s: million/s; processes", variant->bar);
        report_point(panel, who, parties, rate);
        if (parties == MAX_PARTIES) {
            report_bar("8 processes at once: million/s, more is better", variant->bar,
                who, rate);
        }
    }
}

static void print_size(const variant_t *variant, unsigned parties, const cell_t *cells)
{
    const peer_set_t *set = variant->set;
    for (unsigned p = 0; p < set->count; p++) {
        char name[64];
        snprintf(name, sizeof name, "%u x %s", parties, set->peers[p].name);
        if (set->peers[p].missing != NULL) {
            report_missing(name, set->peers[p].missing);
        } else if (turns_of(variant, p) != NULL) {
            double values[] = {series_median(&cells[p].rates),
                series_ratio(&cells[p].rates, &cells[set->reference].rates),
                series_median(&cells[p].least_shares),
                series_quantile(&cells[p].least_shares, 0)};
            report_row(&variant->table, name, values);
            draw(variant, p, parties, values[0]);
        }
    }
}

static void judge_size(const variant_t *variant, unsigned parties, const cell_t *cells)
{
    const cell_t *subject = &cells[variant->set->subject];
    const cell_t *reference = &cells[variant->set->reference];
    char what[80];
    snprintf(what, sizeof what, "%u processes, %s: throughput", parties, variant->name);
    report_at_least(
        what, series_ratio(&subject->rates, &reference->rates), 1, "x robust");
    snprintf(what, sizeof what, "%u processes, %s: least share in any round", parties,
        variant->name);
    report_at_least(what, series_quantile(&subject->least_shares, 0), 1.0 / 3, "x fair");
}

typedef cell_t cells_t[VARIANTS][SIZES][MAX_PEERS];

static void print(cells_t cells)
{
    for (unsigned v = 0; v < VARIANTS; v++) {
        report_heads(&variants[v].table);
        for (unsigned s = 0; s < SIZES; s++) {
            if (s > 0) {
                report_gap();
            }
            print_size(&variants[v], sizes[s], cells[v][s]);
            if (variants[v].judged && sizes[s] > 1) {
                judge_size(&variants[v], sizes[s], cells[v][s]);
            }
        }
    }
    printf(
        "  (share: 1 is fair; of the poorest process, median and worst of the rounds)\n");
}

static void run_size(party_t *party, const variant_t *variant, unsigned parties,
    unsigned milliseconds, cell_t *cells)
{
    for (unsigned p = 0; p < variant->set->count; p++) {
        party->peer = &variant->set->peers[p];
        party->take_turns = turns_of(variant, p);
        if (party->take_turns != NULL) {
            run_contest(party, parties, variant, milliseconds, &cells[p]);
        }
    }
}

/* Milliseconds. Shares need more of them than rates do, one process needs few. */
static unsigned length_of(const variant_t *variant, unsigned parties)
{
    return parties == 1 ? 40 : variant->judged ? 250 : 150;
}

void contended_run(const bench_options_t *options)
{
    static cells_t cells;
    static party_t party;
    party.contest = arena_take(sizeof *party.contest);
    party.lock = arena_take(2 * ARENA_LINE);
    for (unsigned round = 0; round < options->rounds; round++) {
        for (unsigned v = 0; v < VARIANTS; v++) {
            report_progress(
                "contention", round * VARIANTS + v, options->rounds * VARIANTS);
            for (unsigned s = 0; s < SIZES; s++) {
                run_size(&party, &variants[v], sizes[s],
                    length_of(&variants[v], sizes[s]) / (options->quick ? 4 : 1),
                    cells[v][s]);
            }
        }
    }
    print(cells);
}
