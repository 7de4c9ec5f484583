/* SPDX-License-Identifier: MIT */
/*
 * How long a sleeper sleeps on after its reason to sleep has gone: after an unlock, and
 * after the death of the holder. Both begin only when the sleeper verifiably sleeps.
 */
#include "arena.h"
#include "bench.h"
#include "peer.h"
#include "process.h"
#include "report.h"
#include "series.h"

#include <errno.h>
#include <math.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { WARM_UP = 5 };

/* A lock and who waits for it; `entering` is in shared memory, as the lock is. */
typedef struct {
    const peer_t *peer;
    void *lock;
    _Atomic uint64_t *entering; /* the turn in which the sleeper is about to lock */
} scene_t;

typedef struct {
    uint64_t at; /* when lock returned */
    int error;   /* what it returned */
} answer_t;

static void sleep_at_order(int channel, void *context)
{
    const scene_t *scene = context;
    for (;;) {
        uint64_t turn;
        channel_receive(channel, &turn, sizeof turn);
        atomic_store(scene->entering, turn);
        answer_t answer = {.error = scene->peer->acquire(scene->lock)};
        answer.at = now_ns();
        if (answer.error == EOWNERDEAD && scene->peer->recover(scene->lock) != 0) {
            give_up(scene->peer->name, ENOTRECOVERABLE);
        }
        int error = scene->peer->release(scene->lock);
        if (error != 0) {
            give_up(scene->peer->name, error);
        }
        channel_send(channel, &answer, sizeof answer);
    }
}

/*
 * Orders the sleeper to lock what somebody else holds. Once it has announced this turn,
 * the only thing that it can sleep on is the lock.
 */
static void put_to_sleep(const scene_t *scene, const process_t *sleeper, uint64_t turn)
{
    channel_send(sleeper->channel, &turn, sizeof turn);
    while (atomic_load(scene->entering) != turn) {
        sched_yield();
    }
    uint64_t limit = now_ns() + 10000000000u;
    do {
        process_await_sleep(sleeper);
        if (now_ns() > limit) {
            give_up("a sleeper that its lock knows nothing of", ETIMEDOUT);
        }
    } while (scene->peer->sleepers != NULL && scene->peer->sleepers(scene->lock) == 0);
}

static answer_t await_answer(const scene_t *scene, const process_t *sleeper, int expected)
{
    answer_t answer;
    channel_receive(sleeper->channel, &answer, sizeof answer);
    if (answer.error != expected) {
        give_up(scene->peer->name, answer.error);
    }
    return answer;
}

static double microseconds(uint64_t from, uint64_t to)
{
    return ((double)to - (double)from) / 1e3;
}

static void take(const scene_t *scene)
{
    int error = scene->peer->acquire(scene->lock);
    if (error != 0) {
        give_up(scene->peer->name, error);
    }
}

typedef struct {
    series_t latency; /* from just before the unlock or the kill to the return of lock */
    series_t call;    /* how long the unlock took itself */
} samples_t;

static void wake_trials(const scene_t *scene, unsigned trials, samples_t *samples)
{
    process_t sleeper = process_start(sleep_at_order, (void *)scene);
    for (uint64_t turn = 1; turn <= trials + WARM_UP; turn++) {
        take(scene);
        put_to_sleep(scene, &sleeper, turn);
        uint64_t start = now_ns();
        int error = scene->peer->release(scene->lock);
        uint64_t released = now_ns();
        answer_t answer = await_answer(scene, &sleeper, 0);
        if (error != 0) {
            give_up(scene->peer->name, error);
        }
        if (turn > WARM_UP) {
            series_add(&samples->latency, microseconds(start, answer.at));
            series_add(&samples->call, microseconds(start, released));
        }
    }
    process_kill(&sleeper);
}

static void hold_for_ever(int channel, void *context)
{
    take(context);
    channel_send(channel, "", 1);
    for (;;) {
        pause();
    }
}

static void recovery_trials(const scene_t *scene, unsigned trials, samples_t *samples)
{
    process_t sleeper = process_start(sleep_at_order, (void *)scene);
    for (uint64_t turn = 1; turn <= trials + WARM_UP; turn++) {
        process_t holder = process_start(hold_for_ever, (void *)scene);
        char held;
        channel_receive(holder.channel, &held, sizeof held);
        put_to_sleep(scene, &sleeper, turn);
        uint64_t start = now_ns();
        kill(holder.pid, SIGKILL);
        answer_t answer = await_answer(scene, &sleeper, EOWNERDEAD);
        process_kill(&holder);
        if (turn > WARM_UP) {
            series_add(&samples->latency, microseconds(start, answer.at));
        }
    }
    process_kill(&sleeper);
}

typedef void trials_t(const scene_t *scene, unsigned trials, samples_t *samples);

static void measure(const char *section, const bench_options_t *options, trials_t *run,
    unsigned trials, samples_t samples[LOCK_PEERS])
{
    static scene_t scene;
    scene.lock = arena_take(2 * ARENA_LINE);
    scene.entering = arena_take(sizeof *scene.entering);
    for (unsigned round = 0; round < options->rounds; round++) {
        report_progress(section, round, options->rounds);
        for (unsigned p = 0; p < LOCK_PEERS; p++) {
            scene.peer = &lock_peers[p];
            if (scene.peer->acquire == NULL) {
                continue;
            }
            if (run == wake_trials || scene.peer->recover != NULL) {
                peer_init(scene.peer, scene.lock);
                atomic_store(scene.entering, 0);
                run(&scene, trials, &samples[p]);
            }
        }
    }
}

static void print(
    const table_t *table, const char *bar, const samples_t samples[LOCK_PEERS])
{
    report_heads(table);
    for (unsigned p = 0; p < LOCK_PEERS; p++) {
        const samples_t *s = &samples[p];
        if (s->latency.count > 0) {
            double values[] = {series_median(&s->latency),
                series_quantile(&s->latency, 0.99), series_quantile(&s->latency, 1),
                (double)s->latency.count, series_median(&s->call)};
            report_row(table, lock_peers[p].name, values);
            report_bar(REPORT_WAITS, bar, peer_in_chart(&lock_set, p), values[0]);
        }
    }
}

static void clear(samples_t samples[LOCK_PEERS])
{
    for (unsigned p = 0; p < LOCK_PEERS; p++) {
        series_clear(&samples[p].latency);
        series_clear(&samples[p].call);
    }
}

void wake_run(const bench_options_t *options)
{
    static const table_t table = {
        .title =
            "wake-up: from just before unlock to the return of the sleeper's lock, us",
        .columns = {
            {"p50", 1}, {"p99", 1}, {"worst", 1}, {"trials", 0}, {"unlock p50", 1}}};
    samples_t samples[LOCK_PEERS] = {0};
    measure("wake-up", options, wake_trials, options->quick ? 100 : 400, samples);
    print(&table, "mutex: unlock to sleeper's lock", samples);
    clear(samples);
}

void recovery_run(const bench_options_t *options)
{
    static const table_t table = {
        .title = "recovery: from the holder's SIGKILL to EOWNERDEAD in the sleeper, us",
        .columns = {{"p50", 1}, {"p99", 1}, {"worst", 1}, {"trials", 0}}};
    samples_t samples[LOCK_PEERS] = {0};
    measure("recovery", options, recovery_trials, options->quick ? 60 : 200, samples);
    print(&table, "mutex: holder's death to sleeper's lock", samples);
    const series_t *ours = &samples[LOCK_HOLDFAST].latency;
    report_at_most(
        "recovery from the holder's death, p50", series_median(ours), 200, "us");
    report_at_most(
        "recovery from the holder's death, p99", series_quantile(ours, 0.99), 2000, "us");
    clear(samples);
}
