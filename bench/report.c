/* SPDX-License-Identifier: MIT */
#include "report.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <unistd.h>

enum { NAME_WIDTH = 38, COLUMN_WIDTH = 13, MAX_FIGURES = 64 };

typedef struct {
    char what[80];
    double measured, limit;
    bool at_most;
    const char *unit;
} figure_t;

static struct {
    FILE *csv;
    bool progress_shown;
    figure_t figures[MAX_FIGURES];
    unsigned figure_count;
} report;

int report_open_csv(const char *path)
{
    report.csv = fopen(path, "w");
    if (report.csv == NULL) {
        return errno;
    }
    fputs("table,row,figure,value\n", report.csv);
    return 0;
}

int report_close_csv(void)
{
    int error = 0;
    if (report.csv != NULL) {
        bool failed = ferror(report.csv) != 0;
        errno = 0;
        if (fclose(report.csv) != 0 || failed) {
            error = errno != 0 ? errno : EIO;
        }
        report.csv = NULL;
    }
    return error;
}

void report_progress(const char *section, unsigned done, unsigned total)
{
    if (isatty(STDERR_FILENO)) {
        fprintf(stderr, "\r\033[K%s: %u of %u", section, done, total);
        fflush(stderr);
        report.progress_shown = true;
    }
}

static void wipe_progress(void)
{
    if (report.progress_shown) {
        fputs("\r\033[K", stderr);
        report.progress_shown = false;
    }
}

static bool has_column(const table_t *table, unsigned i)
{
    return i < REPORT_COLUMNS && table->columns[i].head != NULL;
}

void report_heads(const table_t *table)
{
    wipe_progress();
    printf("\n%s\n%-*s", table->title, NAME_WIDTH, "");
    for (unsigned i = 0; has_column(table, i); i++) {
        printf(" %*s", COLUMN_WIDTH, table->columns[i].head);
    }
    putchar('\n');
}

/* A line of the CSV; a figure that was not measured has none. */
static void write_csv(const char *kind, const char *title, const char *row,
    const char *figure, double value)
{
    if (report.csv != NULL && !isnan(value)) {
        fprintf(
            report.csv, "\"%s%s\",\"%s\",\"%s\",%.6g\n", kind, title, row, figure, value);
    }
}

void report_row(const table_t *table, const char *name, const double *values)
{
    printf("  %-*s", NAME_WIDTH - 2, name);
    for (unsigned i = 0; has_column(table, i); i++) {
        if (isnan(values[i])) {
            printf(" %*s", COLUMN_WIDTH, "-");
            continue;
        }
        printf(" %*.*f", COLUMN_WIDTH, table->columns[i].decimals, values[i]);
        write_csv("", table->title, name, table->columns[i].head, values[i]);
    }
    putchar('\n');
    fflush(stdout);
}

void report_bar(const char *group, const char *what, const char *who, double value)
{
    write_csv("bars: ", group, what, who, value);
}

void report_point(const char *panel, const char *line, double x, double y)
{
    char at[32];
    snprintf(at, sizeof at, "%.6g", x);
    write_csv("line: ", panel, line, at, y);
}

void report_about(const char *what, const char *word, double value)
{
    write_csv("", "about", what, word, value);
}

void report_missing(const char *name, const char *why)
{
    printf("  %-*s %*s\n", NAME_WIDTH - 2, name, COLUMN_WIDTH, why);
}

void report_gap(void)
{
    putchar('\n');
}

static void add_figure(
    const char *what, double measured, double limit, const char *unit, bool at_most)
{
    if (report.figure_count < MAX_FIGURES) {
        figure_t *figure = &report.figures[report.figure_count++];
        snprintf(figure->what, sizeof figure->what, "%s", what);
        figure->measured = measured;
        figure->limit = limit;
        figure->unit = unit;
        figure->at_most = at_most;
    }
}

void report_at_most(const char *what, double measured, double limit, const char *unit)
{
    add_figure(what, measured, limit, unit, true);
}

void report_at_least(const char *what, double measured, double limit, const char *unit)
{
    add_figure(what, measured, limit, unit, false);
}

/* A peer that is not installed leaves nothing to measure by. */
static const char *verdict_of(const figure_t *f)
{
    if (isnan(f->measured)) {
        return "not measured";
    }
    bool met = f->at_most ? f->measured <= f->limit : f->measured >= f->limit;
    return met ? "met" : "NOT met";
}

void report_acceptance(void)
{
    if (report.figure_count == 0) {
        return;
    }
    printf("\nacceptance\n");
    for (unsigned i = 0; i < report.figure_count; i++) {
        const figure_t *f = &report.figures[i];
        printf("  %-58s target %s %7.4g  measured %7.4g %-12s %s\n", f->what,
            f->at_most ? "<=" : ">=", f->limit, f->measured, f->unit, verdict_of(f));
        write_csv("", "acceptance", f->what, verdict_of(f), f->measured);
    }
}
