/* SPDX-License-Identifier: MIT */
/*
 * rcu_torture: processes read, replace, retire and wait for grace periods in one segment,
 * are killed and stopped at seeded random moments and replaced; and no reader sees
 * anything freed in its section. After the checks of the kernel's rcutorture, across
 * processes.
 *
 *     rcu_torture --duration 600
 *
 * Exit status: 0 clean, 1 not clean, 2 bad usage.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "common/options.h"
#include "common/random.h"
#include "report.h"

enum { NOT_CLEAN = 1, BAD_USAGE = 2, SMALL = 1 << 20, LARGE = 1 << 26 };

static const uint64_t look_interval_ns = 1000000u;
static const uint64_t progress_interval_ns = 1000000000u;
/* All have this many looks to finish; not a time, lest a machine that stood is blamed on
 * them. */
enum { FINISH_LOOKS = 5000 };

typedef struct {
    control_t *control;
    crew_t crew;
    stress_progress_t progress;
    memory_t memory;
    uint64_t began_ns, ended_ns;
    bool interrupted;
} conductor_t;

/* ---- options ---- */

typedef struct {
    uint64_t processes, threads, without;
    bool as_threads;
} arguments_t;

static int parse(int argc, char **argv, arguments_t *a, options_t *o)
{
    const stress_option_t table[] = {
        {.name = "duration",
            .argument = "S",
            .help = "seconds (60)",
            .number = &o->duration,
            .least = 0.1,
            .most = 1e6},
        {.name = "kills",
            .argument = "N",
            .help = "run until so many instead, however long it takes",
            .whole = &o->kills,
            .least = 1,
            .most = 1e9},
        {.name = "processes",
            .argument = "N",
            .help = "of each six three read, one updates, one waits, one retires (12)",
            .whole = &a->processes,
            .least = 1,
            .most = MOST_MEMBERS},
        {.name = "kill-rate",
            .argument = "PER_S",
            .help = "kills a second (40)",
            .number = &o->kill_rate,
            .least = 0,
            .most = 10000},
        {.name = "without-membarrier",
            .argument = "N",
            .help = "so many of them may not call it (0)",
            .whole = &a->without,
            .least = 0,
            .most = MOST_MEMBERS},
        {.name = "seed",
            .argument = "N",
            .help = "of all that is random (from the clock)",
            .whole = &o->seed,
            .least = 0,
            .most = 9e15},
        {.name = "threads",
            .argument = "N",
            .bare = true,
            .given = &a->as_threads,
            .help = "threads of one process instead, which end instead of being killed",
            .whole = &a->threads,
            .least = 1,
            .most = MOST_MEMBERS},
    };
    return stress_options(argc, argv,
        "readers, killed and stopped like all others, see nothing freed", table,
        sizeof table / sizeof table[0]);
}

static int refuse(const char *what)
{
    fprintf(stderr, "rcu_torture: %s\n", what);
    return BAD_USAGE;
}

static int read_options(int argc, char **argv, options_t *o)
{
    arguments_t a = {.processes = 12};
    *o = (options_t){.duration = 60, .kill_rate = 40};
    o->seed = stress_mix(stress_now_ns() ^ (uint64_t)time(NULL)) % 1000000000;
    int status = parse(argc, argv, &a, o);
    if (status != STRESS_GO_ON) {
        return status;
    }
    o->threads = a.as_threads;
    o->members = (unsigned)(a.as_threads && a.threads > 0 ? a.threads : a.processes);
    o->without_membarrier = (unsigned)a.without;
    if (o->kills != 0 && o->kill_rate <= 0) {
        return refuse("--kills needs a --kill-rate above 0");
    }
    if (o->without_membarrier > 0 && o->threads) {
        return refuse("--without-membarrier is for processes: leave --threads out");
    }
    if (o->without_membarrier > o->members) {
        return refuse("--without-membarrier is more than there are; raise --processes");
    }
    return status;
}

/* ---- the run ---- */

static sigset_t our_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    return set;
}

/* One look at everything, after a moment or an event. */
static uint64_t look(conductor_t *d)
{
    sigset_t set = our_signals();
    struct timespec span = {.tv_nsec = (long)look_interval_ns};
    int signal_number = sigtimedwait(&set, NULL, &span);
    d->interrupted =
        d->interrupted || signal_number == SIGINT || signal_number == SIGTERM;
    crew_reap(&d->crew);
    uint64_t now = stress_now_ns();
    crew_look(&d->crew, now);
    return now;
}

static bool is_over(const conductor_t *d, uint64_t now)
{
    const options_t *o = &d->control->options;
    double seconds = (double)(now - d->began_ns) / 1e9;
    return d->interrupted ||
           (o->kills != 0 ? d->crew.kills >= o->kills : seconds >= o->duration);
}

static int torture(conductor_t *d)
{
    uint64_t now = d->began_ns = stress_now_ns();
    int error = crew_fill(&d->crew);
    while (error == 0 && !is_over(d, now)) {
        now = look(d);
        error = crew_fill(&d->crew);
        crew_act(&d->crew, now);
        if (stress_progress_due(&d->progress, now)) {
            char line[200];
            report_line(&d->crew, (double)(now - d->began_ns) / 1e9, line, sizeof line);
            stress_progress_show(&d->progress, line);
        }
    }
    d->ended_ns = stress_now_ns();
    return error;
}

/* False: some did not, and what holds them up would hold us up, too. */
static bool finish(conductor_t *d)
{
    atomic_store_explicit(&d->control->finish, true, memory_order_relaxed);
    crew_release(&d->crew);
    for (unsigned looks = 0; crew_up(&d->crew) > 0 && looks < FINISH_LOOKS; looks++) {
        look(d);
    }
    bool finished = crew_up(&d->crew) == 0;
    if (!finished) {
        crew_give_up(&d->crew);
    }
    return finished;
}

static void tell_fault(const char *words, void *control)
{
    violation((control_t *)control, "hf_segment_check: %s", words);
}

/* Who died has left all of it to the segment: we free it, and nothing must be left. */
static void audit(conductor_t *d)
{
    member_t auditor;
    hf_segment_t *segment = d->crew.segment;
    sigset_t set = our_signals();
    sigprocmask(SIG_UNBLOCK, &set, NULL); /* lest a call that hangs can't be ended */
    member_begin(&auditor, d->control, MOST_MEMBERS, segment);
    writer_clear(&auditor);
    int error = hf_heap_info(segment, &d->memory.after);
    member_expect(&auditor, error, 0, "hf_heap_info");
    hf_rcu_info_t info;
    error = hf_rcu_info(segment, &info);
    member_expect(&auditor, error, 0, "hf_rcu_info");
    if (info.pending != 0) {
        violation(d->control, "%zu blocks are still pending", info.pending);
    }
    d->memory.looked_at = true;
    d->memory.sound = hf_segment_check(segment, tell_fault, d->control) == 0;
}

static int fail(const char *what, int error)
{
    fprintf(stderr, "rcu_torture: %s: %s\n", what, stress_error_name(error));
    return NOT_CLEAN;
}

static int run(control_t *c, hf_segment_t *segment)
{
    conductor_t d = {.control = c};
    int error = hf_heap_info(segment, &d.memory.before);
    if (error == 0) {
        c->blocks_before = d.memory.before.blocks;
        stress_progress_begin(&d.progress, progress_interval_ns);
        error = crew_create(&d.crew, c, segment, &d.progress);
    }
    if (error != 0) {
        return fail("the crew can't be set up", error);
    }
    report_header(&d.crew);
    error = torture(&d);
    if (finish(&d)) {
        audit(&d);
    }
    stress_complaints_print(&c->complaints, &d.progress);
    stress_progress_end(&d.progress);
    bool clean =
        report_verdict(&d.crew, (double)(d.ended_ns - d.began_ns) / 1e9, &d.memory);
    fflush(stdout);
    if (error != 0) {
        return fail("a member can't be started", error);
    }
    if (crew_up(&d.crew) > 0) {
        (void)!hf_segment_remove(c->segment_name);
        _exit(NOT_CLEAN);
    }
    return clean ? 0 : NOT_CLEAN;
}

int main(int argc, char **argv)
{
    options_t options;
    hf_segment_t *segment;
    sigset_t set = our_signals();
    int status = read_options(argc, argv, &options);
    if (status != STRESS_GO_ON) {
        return status;
    }
    sigprocmask(SIG_BLOCK, &set, NULL);
    control_t *c = stress_shared_zeroes(sizeof *c);
    if (c == NULL) {
        return fail("no memory for the judge", ENOMEM);
    }
    c->options = options;
    hf_segment_config_t config = {
        .root_size = sizeof(stage_t), .size = SMALL, .max_size = LARGE};
    snprintf(c->segment_name, sizeof c->segment_name, "holdfast-rcu-torture-%d",
        (int)getpid());
    int error =
        hf_segment_open(&segment, c->segment_name, HF_CREATE | HF_EXCLUSIVE, &config);
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
