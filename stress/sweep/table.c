/* SPDX-License-Identifier: MIT */
#include "table.h"

#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

static bool is_terminal(void)
{
    return isatty(STDOUT_FILENO) == 1;
}

void show_progress(const struct row *now, unsigned count, size_t done, size_t all)
{
    unsigned long failures = 0;
    if (!is_terminal()) {
        return;
    }
    printf("\r\033[K%zu/%zu", done, all);
    for (unsigned i = 0; i < count; i++) {
        if (now[i].operation != NULL) {
            printf(" | %.24s, %u waiting: %lu/%lu", now[i].operation->name,
                now[i].waiters, now[i].position, now[i].length);
            failures += now[i].points - now[i].count[GO_ON];
        }
    }
    printf(" | failures %lu", failures);
    fflush(stdout);
}

void clear_progress(void)
{
    if (is_terminal()) {
        fputs("\r\033[K", stdout);
    }
}

void show_failure(const struct row *row, unsigned long position, const struct outcome *o)
{
    static const char *const names[] = {"rescued", "hang", "broken"};
    char place[160];
    clear_progress();
    printf("%s %s, %s, %u waiters, killed at %lu of %lu, %s%s: %s\n"
           "    again: --only '%s/%s' --waiters %u --point %lu\n",
        row->subject->ours ? "FAIL" : "peer", row->subject->name, names[o->verdict],
        row->waiters, position, row->length, o->asleep ? "asleep in " : "",
        place_name(o->pc, place, sizeof place), o->why, row->subject->name,
        row->operation->name, row->waiters, position);
    fflush(stdout);
}

static void print_line(const struct row *row)
{
    char rescues[24] = "-";
    if (row->subject->ours) {
        snprintf(rescues, sizeof rescues, "%lu", row->rescues);
    }
    printf("%-19s %-34s %7u %6lu %6lu %5lu %6lu %8.2f %7s", row->subject->name,
        row->operation->name, row->waiters, row->points, row->count[GO_ON],
        row->count[HANG], row->count[BROKEN], row->worst_ms, rescues);
    if (row->stride != 1) {
        printf("  every %lu. of %lu", row->stride, row->length + 1);
    }
    if (row->abandoned) {
        printf("  abandoned at %lu of %lu", row->points, row->length + 1);
    }
    putchar('\n');
}

static void print_heading(void)
{
    printf("%-19s %-34s %7s %6s %6s %5s %6s %8s %7s\n", "subject", "operation, killed at",
        "waiters", "points", "go on", "hang", "broken", "worst ms", "rescues");
}

void show_row(const struct row *row)
{
    static bool begun;
    if (is_terminal()) {
        return;
    }
    if (!begun) {
        print_heading();
        begun = true;
    }
    print_line(row);
    fflush(stdout);
}

void table_print(const struct row *rows, size_t count)
{
    unsigned long points = 0, repeated = 0, strayed = 0, starved = 0;
    if (count == 0) {
        return;
    }
    clear_progress();
    putchar('\n');
    print_heading();
    for (size_t i = 0; i < count; i++) {
        print_line(&rows[i]);
        points += rows[i].points;
        repeated += rows[i].repeated;
        strayed += rows[i].strayed;
        starved += rows[i].starved;
    }
    printf(
        "%lu points; at %lu the victim was elsewhere than when its path was recorded\n",
        points, strayed);
    if (repeated + starved > 0) {
        printf("The machine was slow: %lu scenes were repeated, %lu had the time that "
               "they stood"
               " in line\nfor a CPU added to their 500 ms.\n",
            repeated, starved);
    }
}
