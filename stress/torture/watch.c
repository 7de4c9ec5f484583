/* SPDX-License-Identifier: MIT */
#include "watch.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/random.h"
#include "kinds.h"
#include "ledger.h"

static const uint64_t stall_ns = 500000000u;
static const uint64_t slow_ns = 150000000u;
/* A longer gap between two looks is the machine's, not a worker's: what counts of it. */
static const uint64_t most_of_gap_ns = 100000000u;
static const uint64_t rescue_interval_ns = 20000000u;
static const uint64_t diary_span_ns = 1000000000u;
static const uint64_t context_interval_ns = 1000000000u;

enum { SLOW = 1, STALL = 2, SLOW_PRINTED = 12 };

int watch_create(watch_t *watch, crew_t *crew, stress_progress_t *progress)
{
    *watch = (watch_t){.crew = crew, .progress = progress};
    watch->sight = calloc(crew->control->seats, sizeof *watch->sight);
    watch->last_ns = stress_now_ns();
    return watch->sight ? 0 : ENOMEM;
}

static uint32_t grips_of(const watch_t *watch, unsigned seat)
{
    return atomic_load_explicit(
        &watch->crew->control->seat[seat].grips, memory_order_relaxed);
}

void watch_note(watch_t *watch, const char *what, unsigned seat)
{
    watch->diary[watch->diary_size++ % DIARY] = (diary_entry_t){.ns = stress_now_ns(),
        .what = what,
        .seat = seat,
        .grips = grips_of(watch, seat)};
}

static void print_diary(watch_t *watch, uint64_t now)
{
    uint64_t first = watch->diary_size > DIARY ? watch->diary_size - DIARY : 0;
    for (uint64_t i = first; i < watch->diary_size; i++) {
        const diary_entry_t *e = &watch->diary[i % DIARY];
        if (now - e->ns < diary_span_ns) {
            char text[96];
            stress_progress_say(watch->progress, "    %8.3f ms before: %s of %s",
                (double)(now - e->ns) / 1e6, e->what,
                grips_text(text, sizeof text, e->seat, e->grips));
        }
    }
}

static void print_workers(watch_t *watch)
{
    const control_t *c = watch->crew->control;
    for (unsigned i = 0; i + 1 < c->seats; i++) {
        char text[96];
        if (grips_of(watch, i) != 0) {
            stress_progress_say(watch->progress, "    now: %s%s",
                grips_text(text, sizeof text, i, grips_of(watch, i)),
                watch->sight[i].waited_ns > stall_ns / 2 ? " (for long)" : "");
        }
    }
}

/* What led to it. Where one thing hangs, others do: once a second is enough. */
static void print_context(watch_t *watch, uint64_t now)
{
    if (now - watch->context_ns > context_interval_ns) {
        watch->context_ns = now;
        print_workers(watch);
        print_diary(watch, now);
    }
}

static uint32_t object_of_call(const control_t *c, unsigned seat)
{
    return atomic_load_explicit(&c->seat[seat].call_object, memory_order_relaxed);
}

static uint64_t entries_of(const control_t *c, uint32_t object)
{
    return object < c->objects ? count_read(&c->object[object].entries) : 0;
}

static void describe_call(watch_t *watch, unsigned seat, const char *kind)
{
    const control_t *c = watch->crew->control;
    const sight_t *s = &watch->sight[seat];
    uint32_t object = object_of_call(c, seat);
    char text[STRESS_COMPLAINT_SIZE / 2];
    kinds_describe(c, hf_segment_root(watch->crew->segment), object, text, sizeof text);
    stress_progress_say(watch->progress,
        "%s: worker %u has been in %s(#%u) for %" PRIu64
        " ms with nobody stopped; #%u was taken %" PRIu64 " times meanwhile",
        kind, seat, atomic_load_explicit(&c->seat[seat].call_name, memory_order_relaxed),
        object, s->waited_ns / 1000000, object, entries_of(c, object) - s->entries);
    stress_progress_say(watch->progress,
        "    #%u: %s; longest gap between looks: %.1f ms", object, text,
        (double)watch->longest_gap_ns / 1e6);
}

static void judge_call(watch_t *watch, unsigned seat, uint64_t now)
{
    sight_t *s = &watch->sight[seat];
    if (s->waited_ns > stall_ns && s->reported < STALL) {
        s->reported = STALL;
        watch->stalls++;
        describe_call(watch, seat, "stall");
        print_context(watch, now);
    } else if (s->waited_ns > slow_ns && s->reported < SLOW) {
        s->reported = SLOW;
        if (watch->slow_calls++ < SLOW_PRINTED) {
            describe_call(watch, seat, "slow");
            print_context(watch, now);
        }
    }
}

/* Whether somebody sits there who is not about to die. */
static bool is_occupied(const watch_t *watch, unsigned seat)
{
    const control_t *c = watch->crew->control;
    unsigned member = seat % c->options.processes;
    const seat_t *s = &c->seat[seat];
    return watch->crew->member[member].up &&
           count_read(&s->doomed) < count_read(&s->number);
}

static void look_at_seat(
    watch_t *watch, unsigned seat, uint64_t gap, uint64_t passed, uint64_t now)
{
    const control_t *c = watch->crew->control;
    sight_t *s = &watch->sight[seat];
    uint64_t call = count_read(&c->seat[seat].call);
    if (call != s->call || call % 2 == 0 || !is_occupied(watch, seat)) {
        *s = (sight_t){.call = call, .entries = entries_of(c, object_of_call(c, seat))};
        return;
    }
    s->idle = !kinds_can_go_on(
        c, hf_segment_root(watch->crew->segment), object_of_call(c, seat));
    if (s->idle) {
        s->idle_ns += gap;
        s->waited_ns = 0;
        return;
    }
    s->idle_ns = 0;
    s->waited_ns += passed;
    if (s->waited_ns > watch->longest_call_ns) {
        watch->longest_call_ns = s->waited_ns;
    }
    judge_call(watch, seat, now);
}

void watch_count_rescues(watch_t *watch, uint64_t now)
{
    hf_segment_info_t info;
    watch->rescues_seen_ns = now;
    if (hf_segment_info(watch->crew->segment, &info) != 0 ||
        info.rescues <= watch->rescues) {
        return;
    }
    stress_progress_say(watch->progress,
        "rescue: the back-stop had to wake %" PRIu64 " (now %" PRIu64 ")",
        info.rescues - watch->rescues, info.rescues);
    print_context(watch, now);
    watch->rescues = info.rescues;
}

void watch_look(watch_t *watch, uint64_t now)
{
    const control_t *c = watch->crew->control;
    uint64_t stops = count_read(&c->stop_changes);
    uint64_t gap = now - watch->last_ns;
    uint64_t passed = gap < most_of_gap_ns ? gap : most_of_gap_ns;
    bool undisturbed = stops == watch->last_stop_changes && count_read(&c->stopped) == 0;
    for (unsigned i = 0; i + 1 < c->seats; i++) {
        look_at_seat(watch, i, gap, undisturbed ? passed : 0, now);
    }
    if (gap > watch->longest_gap_ns) {
        watch->longest_gap_ns = gap;
    }
    watch->last_ns = now;
    watch->last_stop_changes = stops;
    if (now - watch->rescues_seen_ns > rescue_interval_ns) {
        watch_count_rescues(watch, now);
    }
    stress_complaints_print(&watch->crew->control->complaints, watch->progress);
}
