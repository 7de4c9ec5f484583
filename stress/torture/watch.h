/* SPDX-License-Identifier: MIT */
/*
 * The watch: calls that take too long, and sleepers that the back-stop had to save, each
 * printed with what led to it.
 *
 * Who waits for what nobody has given yet (a token, company at a barrier) is idle: that
 * is no stall, but the conductor sees to it that somebody gives (kinds_help).
 *
 * A stall is a call of the library that has taken more than half a second of time in
 * which no process was stopped. The conductor alone stops processes and alone looks at
 * the calls: it adds the time between two looks to a call only if no stop began, stood or
 * ended between them. So a stopped holder, or one that waits for it with something else
 * in hand, never counts, and no clock has to be compared between processes. A call that
 * takes more than 150 ms is told of, too, but not held against anybody: it may be a
 * back-stop that nobody counted, or a machine with too much else to do.
 */
#ifndef TORTURE_WATCH_H
#define TORTURE_WATCH_H

#include "common/progress.h"
#include "crew.h"

enum { DIARY = 16 };

typedef struct {
    uint64_t ns;
    const char *what;
    unsigned seat;
    uint32_t grips;
} diary_entry_t;

typedef struct {
    uint64_t call; /* the seat's call number when last looked at */
    uint64_t waited_ns;
    uint64_t entries; /* of its object when the call was first seen */
    int reported;     /* as slow, as a stall */
    bool idle;        /* waits for what nobody has given yet */
    uint64_t idle_ns;
} sight_t;

typedef struct {
    crew_t *crew;
    stress_progress_t *progress;
    sight_t *sight; /* by seat */
    diary_entry_t diary[DIARY];
    uint64_t diary_size; /* ever written */
    uint64_t last_ns;
    uint64_t last_stop_changes;
    uint64_t longest_gap_ns; /* between two looks */
    uint64_t longest_call_ns;
    uint64_t stalls;
    uint64_t slow_calls;
    uint64_t rescues;
    uint64_t rescues_seen_ns;
    uint64_t context_ns; /* when what led to something was last printed */
} watch_t;

int watch_create(watch_t *watch, crew_t *crew, stress_progress_t *progress);

/* Remembers what the conductor did to a worker, for the reports. */
void watch_note(watch_t *watch, const char *what, unsigned seat);

/* Looks at all calls, at the rescues, and prints new violations. Often. */
void watch_look(watch_t *watch, uint64_t now);

/* The rescues up to this moment. */
void watch_count_rescues(watch_t *watch, uint64_t now);

#endif
