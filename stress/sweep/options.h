/* SPDX-License-Identifier: MIT */
#ifndef SWEEP_OPTIONS_H
#define SWEEP_OPTIONS_H

#include "operation.h"

#include <stdbool.h>
#include <stdint.h>

enum { MOST_JOBS = 16 };

struct options {
    bool ours, peers; /* which subjects */
    const char *only; /* "subject/operation" must contain it; null: all */
    bool waiters[MOST_WAITERS + 1];
    bool crowds; /* besides, for the operations that want one */
    uint64_t stride;
    uint64_t some_points; /* of a peer's row, or a crowd's */
    uint64_t most_points; /* of any other */
    uint64_t jobs;        /* rows swept at a time */
    uint64_t point;       /* this one alone, if there is one */
    bool one_point, list, no_choreographies;
};

/* Ends the program if they make no sense, or ask for help. */
struct options options_parse(int count, char **words);

#endif
