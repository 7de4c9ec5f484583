/* SPDX-License-Identifier: MIT */
/* Reading what belongs together beside one who writes it all the time. */
#include "arena.h"
#include "bench.h"
#include "peer.h"
#include "process.h"
#include "report.h"
#include "series.h"

#include <errno.h>
#include <time.h>

typedef struct {
    const peer_t *peer;
    void *thing;
    contest_t *contest;
    process_t reader, writer;
    series_t alone, beside, writes; /* million a second */
} subject_t;

/* At each order until the stop; then tells how many a second. */
static void serve(int channel, const subject_t *s, uint64_t (*run)(contest_t *, void *))
{
    for (;;) {
        char order;
        channel_receive(channel, &order, sizeof order);
        uint64_t start = now_ns();
        uint64_t turns = run(s->contest, s->thing);
        double rate = (double)turns * 1e3 / (double)(now_ns() - start);
        if (turns == CONTEST_FAILED) {
            give_up(s->peer->name, EPROTO);
        }
        channel_send(channel, &rate, sizeof rate);
    }
}

static void read_at_order(int channel, void *subject)
{
    serve(channel, subject, ((subject_t *)subject)->peer->reads);
}

static void write_at_order(int channel, void *subject)
{
    serve(channel, subject, ((subject_t *)subject)->peer->contest);
}

static void begin(subject_t *s, const peer_t *peer)
{
    s->peer = peer;
    s->thing = arena_take(peer->size);
    s->contest = arena_take(sizeof *s->contest);
    peer_init(peer, s->thing);
    s->reader = process_start(read_at_order, s);
    s->writer = process_start(write_at_order, s);
}

static void add_rate(const process_t *p, series_t *to)
{
    double rate;
    channel_receive(p->channel, &rate, sizeof rate);
    series_add(to, rate);
}

static void run_slice(subject_t *s, bool beside, unsigned ms)
{
    struct timespec length = {.tv_nsec = (long)ms * 1000000};
    __atomic_store_n(&s->contest->stop, 0, __ATOMIC_SEQ_CST);
    channel_send(s->reader.channel, "", 1);
    if (beside) {
        channel_send(s->writer.channel, "", 1);
    }
    clock_nanosleep(CLOCK_MONOTONIC, 0, &length, NULL);
    __atomic_store_n(&s->contest->stop, 1, __ATOMIC_SEQ_CST);
    add_rate(&s->reader, beside ? &s->beside : &s->alone);
    if (beside) {
        add_rate(&s->writer, &s->writes);
    }
}

void snapshots_run(const bench_options_t *options)
{
    enum { SLICES_PER_ROUND = 6 };
    static const table_t table = {
        .title = "64 bytes that belong together: read beside one who writes all the time",
        .columns = {{"alone: million/s", 1}, {"beside: million/s", 1}, {"x alone", 3},
            {"writes: million/s", 1}}};
    static subject_t subjects[SNAPSHOT_PEERS];
    for (unsigned p = 0; p < SNAPSHOT_PEERS; p++) {
        begin(&subjects[p], &snapshot_peers[p]);
    }
    unsigned slices = options->rounds * SLICES_PER_ROUND;
    for (unsigned slice = 0; slice < slices; slice++) {
        report_progress("snapshots", slice, slices);
        for (unsigned p = 0; p < SNAPSHOT_PEERS; p++) {
            run_slice(&subjects[p], false, options->quick ? 20 : 40);
            run_slice(&subjects[p], true, options->quick ? 20 : 40);
        }
    }
    report_heads(&table);
    for (unsigned p = 0; p < SNAPSHOT_PEERS; p++) {
        subject_t *s = &subjects[p];
        double values[] = {series_median(&s->alone), series_median(&s->beside),
            series_ratio(&s->beside, &s->alone), series_median(&s->writes)};
        report_row(&table, s->peer->name, values);
        process_kill(&s->reader);
        process_kill(&s->writer);
    }
}
