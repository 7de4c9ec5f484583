/* SPDX-License-Identifier: MIT */
/* What the reader sees: progress, tables, the figures as CSV, acceptance figures. */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include <stdbool.h>

enum { REPORT_COLUMNS = 6 };

typedef struct {
    const char *head; /* null: no more columns */
    int decimals;
} column_t;

typedef struct {
    const char *title;
    column_t columns[REPORT_COLUMNS];
} table_t;

/* All figures from here on also go to this file, one a line. 0 or an errno value. */
int report_open_csv(const char *path);
int report_close_csv(void);

/* A line that refreshes, where standard error is a terminal; the next table wipes it. */
void report_progress(const char *section, unsigned done, unsigned total);

void report_heads(const table_t *table);

/* One value a column; NaN: this column says nothing about this row. */
void report_row(const table_t *table, const char *name, const double *values);
void report_missing(const char *name, const char *why);
void report_gap(void);

/*
 * The chart, which is drawn from the CSV: ours and what it is compared with, a bar each in
 * a group "title: unit, less is better" (or "more"); and the points of a line, its x
 * greater than 0, in a panel "title: unit of y; unit of x".
 */
#define REPORT_OURS   "holdfast"
#define REPORT_ALONE  "one thread, nobody else about: ns, less is better"
#define REPORT_WAITS  "several wait: us, less is better"
#define REPORT_MEMORY "memory in a segment: ns, less is better"
void report_bar(const char *group, const char *what, const char *who, double value);
void report_point(const char *panel, const char *line, double x, double y);

/* What is known about the run as a whole, for the CSV: a word, and a figure. */
void report_about(const char *what, const char *word, double value);

/* An acceptance figure; all of them are printed together, at the end. */
void report_at_most(const char *what, double measured, double limit, const char *unit);
void report_at_least(const char *what, double measured, double limit, const char *unit);
void report_acceptance(void);

#endif
