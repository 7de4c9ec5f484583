/* SPDX-License-Identifier: MIT */
/*
 * Progress for a human: on a terminal one line that refreshes, elsewhere a plain line
 * now and then. What happens in between is said on lines of its own.
 */
#ifndef STRESS_PROGRESS_H
#define STRESS_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    bool live;
    bool shown;           /* a live line stands on the terminal now */
    uint64_t interval_ns; /* between plain lines */
    uint64_t next_ns;
} stress_progress_t;

void stress_progress_begin(stress_progress_t *p, uint64_t interval_ns);

/* Whether it is time for the next line. */
bool stress_progress_due(stress_progress_t *p, uint64_t now_ns);
void stress_progress_show(stress_progress_t *p, const char *line);

/* A line that stays, above the live one. */
void stress_progress_say(stress_progress_t *p, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Takes the live line away. */
void stress_progress_end(stress_progress_t *p);

/* "850 ns", "85.1 us", "1.20 ms", "2.00 s". */
const char *stress_duration(char *text, size_t size, uint64_t ns);

#endif
