/* SPDX-License-Identifier: MIT */
#ifndef SWEEP_OPTIONS_H
#define SWEEP_OPTIONS_H

#include "operation.h"

#include <stdbool.h>

enum { EVERY_POINT = -1, MOST_JOBS = 16 };

struct options {
    bool ours, peers; /* which subjects */
    const char *only; /* "subject/operation" must contain it; null: all */
    bool waiters[MOST_WAITERS + 1];
    bool crowds; /* besides, for the operations that want one */
    unsigned long stride;
    unsigned long some_points; /* of a peer's row, or a crowd's */
    unsigned long most_points; /* of any other */
    unsigned jobs;             /* rows swept at a time */
    long point;                /* this one alone, or EVERY_POINT */
    bool list, no_choreographies;
};

/* Ends the program if they make no sense, or ask for help. */
struct options options_parse(int count, char **words);

#endif
