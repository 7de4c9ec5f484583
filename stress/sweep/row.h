/* SPDX-License-Identifier: MIT */
#ifndef SWEEP_ROW_H
#define SWEEP_ROW_H

#include "operation.h"
#include "options.h"
#include "scene.h"

#include <stdbool.h>

/* One operation with one number of waiters. */
struct row {
    const struct subject *subject;
    const struct operation *operation;
    unsigned waiters;
    unsigned long length; /* positions on the operation's path */
    unsigned long stride;
    unsigned long points; /* kills */
    unsigned long count[VERDICT_COUNT];
    unsigned long rescues;
    unsigned long strayed;  /* kills off the recorded path */
    unsigned long starved;  /* scenes longer than 500 ms by the wait for a CPU alone */
    unsigned long repeated; /* scenes played again because the machine was too slow */
    bool abandoned;         /* after too many failures */
    unsigned long position; /* of the last kill */
    double worst_ms;        /* of those who went on */
};

/* Whether the promise was kept. */
bool row_is_clean(const struct row *row);

/* Sweeps it; `progress` is kept up to date for others to look at. */
void row_sweep(struct row *row, const struct options *options, struct row *progress);

#endif
