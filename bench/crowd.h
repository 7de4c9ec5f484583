/* SPDX-License-Identifier: MIT */
/* What a crowd waits for, and how all of it is released. */
#ifndef BENCH_CROWD_H
#define BENCH_CROWD_H

#include <stddef.h>

typedef struct {
    const char *bar; /* in the chart; of ours */
    const char *name;
    size_t size;
    int (*init)(void *thing);
    int (*wait)(void *thing);
    int (*release)(void *thing, unsigned crowd); /* all of it */
    int (*again)(void *thing); /* null: nothing to do before the crowd can wait again */
} gathering_t;

/* Ours, then what it is compared with, kind after kind. */
enum { GATHERINGS = 8, CROWD = 1000 };
extern const gathering_t gatherings[GATHERINGS];

#endif
