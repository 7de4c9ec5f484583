/* SPDX-License-Identifier: MIT */
#include "conductor.h"

#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "common/random.h"
#include "kinds.h"
#include "ledger.h"
#include "report.h"

static const uint64_t progress_interval_ns = 5000000000u;
static const uint64_t look_interval_ns = 2000000u;
static const uint64_t assembly_interval_ns = 100000u;
static const uint64_t idle_ns = 2000000u; /* then somebody must give */
/* All have this many looks to finish; not a time, lest a machine that stood is blamed on
 * them. */
enum { FINISH_LOOKS = 2500 };

static sigset_t our_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    return set;
}

void conductor_block_signals(void)
{
    sigset_t set = our_signals();
    sigprocmask(SIG_BLOCK, &set, NULL);
}

int conductor_create(conductor_t *d, control_t *c, hf_segment_t *segment)
{
    *d = (conductor_t){.control = c, .segment = segment};
    worker_begin(&d->auditor, c, auditor_seat(c), segment);
    stress_progress_begin(&d->progress, progress_interval_ns);
    int error = crew_create(&d->crew, c, segment);
    if (error == 0) {
        error = watch_create(&d->watch, &d->crew, &d->progress);
    }
    if (error == 0) {
        error = killer_create(&d->killer, &d->crew, &d->watch);
    }
    if (error == 0) {
        assembly_create(&d->assembly, &d->killer);
    }
    return error;
}

void conductor_destroy(conductor_t *d)
{
    free(d->crew.member);
    free(d->watch.sight);
    free(d->killer.stop);
}

/* Until a worker ends or stops, or the next thing is due, or it is time to look. */
static void wait_for_events(conductor_t *d, uint64_t now)
{
    uint64_t due = killer_next_ns(&d->killer);
    uint64_t wait = due > now ? due - now : 0;
    if (assembly_is_on(&d->assembly)) {
        wait = assembly_interval_ns;
    } else if (wait > look_interval_ns) {
        wait = look_interval_ns;
    }
    sigset_t set = our_signals();
    struct timespec span = {.tv_nsec = (long)wait};
    int signal_number = sigtimedwait(&set, NULL, &span);
    if (signal_number == SIGINT || signal_number == SIGTERM) {
        d->interrupted = true;
    }
}

static void handle_events(conductor_t *d)
{
    unsigned i;
    crew_event_t event;
    while ((event = crew_next_event(&d->crew, &i)) != CREW_NOTHING) {
        if (event == CREW_STOPPED) {
            killer_saw_stop(&d->killer, i);
            continue;
        }
        if (!d->crew.member[i].doomed) {
            watch_note(&d->watch, "exit", i);
        }
        killer_saw_end(&d->killer, i);
    }
}

static void show_progress(conductor_t *d, uint64_t now)
{
    char line[256];
    if (stress_progress_due(&d->progress, now)) {
        report_line(d, now, line, sizeof line);
        stress_progress_show(&d->progress, line);
    }
}

/* The dead are replaced at once, but not into an assembly. */
static int start_missing(conductor_t *d)
{
    int error = 0;
    for (unsigned i = 0; error == 0 && i < d->control->options.processes; i++) {
        error = d->crew.member[i].up ? 0 : crew_start(&d->crew, i);
    }
    return error;
}

static int act(conductor_t *d, uint64_t now)
{
    if (assembly_is_on(&d->assembly)) {
        assembly_act(&d->assembly, now);
        return 0;
    }
    int error = start_missing(d);
    killer_act(&d->killer, now);
    if (d->killer.wants_assembly) {
        d->killer.wants_assembly = false;
        assembly_call(&d->assembly, now);
    }
    return error;
}

static bool start_one(conductor_t *d)
{
    for (unsigned i = 0; i < d->control->options.processes; i++) {
        if (!d->crew.member[i].up) {
            return crew_start(&d->crew, i) == 0;
        }
    }
    return false;
}

/*
 * Lest all wait for each other, and the last ones for those who have left: who has been
 * idle for long is given what it waits for; where it needs company, and the others have
 * left, one of them comes again.
 */
static void help_the_idle(conductor_t *d)
{
    for (unsigned i = 0; i + 1 < d->control->seats; i++) {
        sight_t *s = &d->watch.sight[i];
        uint32_t object =
            atomic_load_explicit(&d->control->seat[i].call_object, memory_order_relaxed);
        if (s->idle && s->idle_ns > idle_ns) {
            s->idle_ns = 0;
            if (!kinds_help(&d->auditor, object) &&
                atomic_load_explicit(&d->control->finish, memory_order_relaxed)) {
                start_one(d);
            }
        }
    }
}

static int torture(conductor_t *d)
{
    uint64_t now = d->began_ns;
    uint64_t until = now + (uint64_t)(d->control->options.duration * 1e9);
    int error = start_missing(d);
    while (error == 0 && now < until && !d->interrupted) {
        wait_for_events(d, now);
        handle_events(d);
        now = stress_now_ns();
        watch_look(&d->watch, now);
        help_the_idle(d);
        error = act(d, now);
        show_progress(d, now);
    }
    return error;
}

static void complain_about_laggards(conductor_t *d)
{
    control_t *c = d->control;
    for (unsigned i = 0; i < c->options.processes; i++) {
        if (d->crew.member[i].up) {
            char text[96];
            uint32_t grips =
                atomic_load_explicit(&c->seat[i].grips, memory_order_relaxed);
            violation(c, "did not finish: %s", grips_text(text, sizeof text, i, grips));
        }
    }
}

static void kill_laggards(conductor_t *d)
{
    complain_about_laggards(d);
    if (d->control->options.threads) {
        d->hung = true;
        return;
    }
    for (unsigned i = 0; i < d->control->options.processes; i++) {
        if (d->crew.member[i].up) {
            killer_kill(&d->killer, i, "SIGKILL (did not finish)");
        }
    }
    while (crew_up(&d->crew) > 0) {
        wait_for_events(d, stress_now_ns());
        handle_events(d);
    }
}

static void finish(conductor_t *d)
{
    uint64_t now = stress_now_ns();
    d->killer.next_kill_ns = d->killer.next_stop_ns = UINT64_MAX;
    killer_release(&d->killer);
    assembly_end(&d->assembly);
    atomic_store_explicit(&d->control->finish, true, memory_order_relaxed);
    for (unsigned looks = 0; crew_up(&d->crew) > 0 && looks < FINISH_LOOKS; looks++) {
        wait_for_events(d, now);
        handle_events(d);
        now = stress_now_ns();
        watch_look(&d->watch, now);
        help_the_idle(d);
    }
    if (crew_up(&d->crew) > 0) {
        kill_laggards(d);
    }
}

static void audit(conductor_t *d)
{
    kinds_audit(&d->auditor);
    ledger_audit(d->control);
}

int conductor_run(conductor_t *d)
{
    d->began_ns = stress_now_ns();
    int error = torture(d);
    d->ended_ns = stress_now_ns();
    finish(d);
    if (error == 0) {
        audit(d);
    }
    watch_count_rescues(&d->watch, stress_now_ns());
    stress_complaints_print(&d->control->complaints, &d->progress);
    stress_progress_end(&d->progress);
    return error;
}
