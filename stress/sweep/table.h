/* SPDX-License-Identifier: MIT */
/* What is shown: progress while it runs, failures as they come, the table at the end. */
#ifndef SWEEP_TABLE_H
#define SWEEP_TABLE_H

#include "row.h"

#include <stddef.h>

/* A line that refreshes on a terminal; nothing elsewhere. */
void show_progress(const struct row *now, unsigned count, size_t done, size_t all);
void clear_progress(void);

void show_failure(const struct row *row, unsigned long position, const struct outcome *o);

/* A row that is done: a line, unless a terminal has seen it pass. */
void show_row(const struct row *row);

void table_print(const struct row *rows, size_t count);

#endif
