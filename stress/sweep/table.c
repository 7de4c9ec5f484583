/* SPDX-License-Identifier: MIT */
#include "table.h"

#include "process.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct row *rows;
static size_t row_count;

bool row_is_clean(const struct row *row)
{
    const bool unaided = row->rescues == 0 || row->operation->deaths_coincide;
    return row->points > 0 && row->count[GO_ON] == row->points && unaided;
}

static bool is_terminal(void)
{
    return isatty(STDOUT_FILENO) == 1;
}

void show_progress(const struct row *row, unsigned long position)
{
    static int64_t shown_ns;
    if (!is_terminal() || now_ns() - shown_ns < 50 * NS_PER_MS) {
        return;
    }
    shown_ns = now_ns();
    printf("\r\033[K%s: %s, %u waiters: %lu/%lu, failures %lu", row->subject->name,
        row->operation->name, row->waiters, position, row->length,
        row->points - row->count[GO_ON]);
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
    clear_progress();
    if (!is_terminal()) {
        if (row_count == 0) {
            print_heading();
        }
        print_line(row);
        fflush(stdout);
    }
}

void table_add(const struct row *row)
{
    rows = realloc(rows, (row_count + 1) * sizeof *rows);
    if (rows == NULL) {
        give_up("out of memory");
    }
    rows[row_count++] = *row;
}

void table_print(void)
{
    unsigned long points = 0, repeated = 0, strayed = 0;
    if (row_count == 0) {
        return;
    }
    putchar('\n');
    print_heading();
    for (size_t i = 0; i < row_count; i++) {
        print_line(&rows[i]);
        points += rows[i].points;
        repeated += rows[i].repeated;
        strayed += rows[i].strayed;
    }
    printf("%lu kills; %lu of them off the path that the operation took when it was recorded;"
           " %lu scenes played again, the machine having been slow\n",
        points, strayed, repeated);
}

bool table_is_clean(void)
{
    for (size_t i = 0; i < row_count; i++) {
        if (rows[i].subject->ours && !row_is_clean(&rows[i])) {
            return false;
        }
    }
    return true;
}
