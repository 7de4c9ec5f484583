/* SPDX-License-Identifier: MIT */
/* What is shown: progress while it runs, failures as they come, the table at the end. */
#ifndef SWEEP_TABLE_H
#define SWEEP_TABLE_H

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
    unsigned long repeated; /* scenes played again because the machine was too slow */
    bool abandoned;         /* after too many failures */
    double worst_ms;        /* of those who went on */
};

/* Whether the promise was kept. */
bool row_is_clean(const struct row *row);

/* A line that refreshes on a terminal; nothing elsewhere. */
void show_progress(const struct row *row, unsigned long position);
void clear_progress(void);

void show_failure(const struct row *row, unsigned long position, const struct outcome *o);

/* A row that is done: a line, unless a terminal has seen it pass. */
void show_row(const struct row *row);

void table_add(const struct row *row);
void table_print(void);

/* No row of ours was unclean. */
bool table_is_clean(void);

#endif
