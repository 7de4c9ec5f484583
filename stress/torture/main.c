/* SPDX-License-Identifier: MIT */
/*
 * torture: many workers share one segment, are killed at seeded random moments and
 * replaced, and nothing may be lost, nobody may wait for long, no two may hold the same.
 *
 *     torture --duration 30 --processes 8
 *
 * Exit status: 0 clean, 1 not clean, 2 bad usage.
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "common/options.h"
#include "common/random.h"
#include "conductor.h"
#include "kinds.h"
#include "ledger.h"
#include "report.h"

enum { NOT_CLEAN = 1, BAD_USAGE = 2, OTHER_OBJECTS = 64, FIRST_MEMORY = 1 << 16 };

typedef struct {
    uint64_t processes, mutexes, seed, threads, coincide;
    double duration, kill_rate;
    bool as_threads;
    const char *kinds;
} arguments_t;

static int parse(int argc, char **argv, arguments_t *a)
{
    const stress_option_t table[] = {
        {.name = "duration",
            .argument = "S",
            .help = "seconds (30)",
            .number = &a->duration,
            .least = 0.1,
            .most = 1e6},
        {.name = "processes",
            .argument = "N",
            .help = "worker processes (8)",
            .whole = &a->processes,
            .least = 1,
            .most = MOST_WORKERS},
        {.name = "kinds",
            .argument = "LIST",
            .help = "what they work on: mutex,condvar,semaphore,permits,rwlock,barrier,"
                    "event,once,memory,names,vector,map,latch,counter (all)",
            .text = &a->kinds},
        {.name = "mutexes",
            .argument = "N",
            .help = "mutexes among it (32)",
            .whole = &a->mutexes,
            .least = 1,
            .most = MAX_OBJECTS - OTHER_OBJECTS},
        {.name = "kill-rate",
            .argument = "PER_S",
            .help = "kills a second (40)",
            .number = &a->kill_rate,
            .least = 0,
            .most = 10000},
        {.name = "coincide",
            .argument = "PERCENT",
            .whole = &a->coincide,
            .least = 0,
            .most = 100,
            .help =
                "how many deaths among sleepers come in twos (0): the back-stop's field"},
        {.name = "seed",
            .argument = "N",
            .help = "of all that is random (from the clock)",
            .whole = &a->seed,
            .least = 0,
            .most = 9e15},
        {.name = "threads",
            .argument = "N",
            .bare = true,
            .given = &a->as_threads,
            .help = "threads of one process instead, which end instead of being killed",
            .whole = &a->threads,
            .least = 1,
            .most = MOST_WORKERS},
    };
    return stress_options(argc, argv,
        "workers share locks and the like, get killed, and lose nothing", table,
        sizeof table / sizeof table[0]);
}

static int read_options(int argc, char **argv, torture_options_t *options)
{
    arguments_t a = {.processes = 8, .mutexes = 32, .duration = 30, .kill_rate = 40};
    a.seed = stress_mix(stress_now_ns() ^ (uint64_t)time(NULL)) % 1000000000;
    int status = parse(argc, argv, &a);
    if (status == STRESS_GO_ON && !kinds_choose("torture", a.kinds)) {
        status = BAD_USAGE;
    }
    uint64_t workers = a.as_threads && a.threads > 0 ? a.threads : a.processes;
    *options = (torture_options_t){.processes = (unsigned)workers,
        .mutexes = (unsigned)a.mutexes,
        .threads = a.as_threads,
        .duration = a.duration,
        .kill_rate = a.kill_rate,
        .coincide = (unsigned)a.coincide,
        .seed = a.seed};
    return status;
}

static int fail(const char *what, int error)
{
    fprintf(stderr, "torture: %s: %s\n", what, stress_error_name(error));
    return NOT_CLEAN;
}

/* The segment exists from here on until main removes it. */
static int create_segment(control_t *c, hf_segment_t **segment)
{
    hf_segment_config_t config = {.root_size = kinds_size(&c->options)};
    if (kinds_memory() != 0) { /* it starts small, and grows */
        config.size = config.root_size + FIRST_MEMORY;
        config.max_size = config.size + kinds_memory();
    }
    snprintf(
        c->segment_name, sizeof c->segment_name, "holdfast-torture-%d", (int)getpid());
    int error =
        hf_segment_open(segment, c->segment_name, HF_CREATE | HF_EXCLUSIVE, &config);
    return error != 0 ? error : kinds_prepare(c, hf_segment_root(*segment));
}

static int run(control_t *c, hf_segment_t *segment)
{
    conductor_t d;
    int error = conductor_create(&d, c, segment);
    if (error != 0) {
        return fail("no memory for the crew", error);
    }
    report_header(&d);
    error = conductor_run(&d);
    if (error != 0) {
        fail("a worker can't be started", error);
    }
    bool clean = report_verdict(&d) && error == 0;
    fflush(stdout);
    if (d.hung) {
        (void)!hf_segment_remove(c->segment_name);
        _exit(NOT_CLEAN);
    }
    conductor_destroy(&d);
    return clean ? 0 : NOT_CLEAN;
}

int main(int argc, char **argv)
{
    torture_options_t options;
    hf_segment_t *segment;
    int status = read_options(argc, argv, &options);
    if (status != STRESS_GO_ON) {
        return status;
    }
    conductor_block_signals();
    control_t *c = control_create(&options, kinds_objects(&options));
    if (!c) {
        return fail("no memory for the statistics", ENOMEM);
    }
    int error = create_segment(c, &segment);
    if (error != 0) {
        return fail("the segment can't be created", error);
    }
    status = run(c, segment);
    error = hf_segment_remove(c->segment_name);
    if (error != 0) {
        status = fail("the segment can't be removed", error);
    }
    error = hf_segment_close(segment);
    return error != 0 ? fail("the segment can't be closed", error) : status;
}
