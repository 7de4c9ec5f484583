/* SPDX-License-Identifier: MIT */
/*
 * sweep: kills a process at every instruction of an operation, and watches the survivors.
 *
 * For each kill point a victim is forked, single-stepped to it and killed with SIGKILL,
 * with 0, 1, 3 and (some) 64 others asleep in the primitive. Then all of them, and a
 * newcomer, must go on within 500 ms, find their data whole or be told of the death, and
 * never meet inside.
 */
#include "choreography.h"
#include "crew.h"
#include "options.h"
#include "process.h"
#include "sandbox.h"
#include "stage.h"
#include "table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct subject *const subjects[] = {
    &holdfast_mutex,
    &holdfast_segment,
    &holdfast_sem,
    &holdfast_event,
    &holdfast_auto_event,
    &holdfast_cond,
    &holdfast_once,
    &holdfast_rwlock,
    &holdfast_permits,
    &holdfast_barrier,
    &holdfast_latch,
    &holdfast_memory,
    &holdfast_counter,
    &holdfast_rcu,
    &glibc_robust,
    &glibc_sem,
    &glibc_tokens,
    &glibc_rwlock,
    &glibc_cond,
    &glibc_barrier,
    &sysv_sem,
};

static struct row *rows;
static size_t row_count;

static bool is_wanted(
    const struct options *o, const struct subject *s, const char *operation)
{
    char name[160];
    snprintf(name, sizeof name, "%s/%s", s->name, operation);
    return (s->ours ? o->ours : o->peers) &&
           (o->only == NULL || strstr(name, o->only) != NULL);
}

static void add_row(struct row row)
{
    rows = realloc(rows, (row_count + 1) * sizeof *rows);
    if (rows == NULL) {
        give_up("out of memory");
    }
    rows[row_count++] = row;
}

static void add_operation(
    const struct options *o, const struct subject *subject, const struct operation *op)
{
    for (unsigned waiters = op->fewest_waiters; waiters <= MOST_WAITERS; waiters++) {
        if (op->most_waiters != 0 && waiters > op->most_waiters) {
            return;
        }
        if (o->waiters[waiters] || (waiters == CROWD && op->crowd && o->crowds)) {
            add_row(
                (struct row){.subject = subject, .operation = op, .waiters = waiters});
        }
    }
}

static void add_subject(const struct options *o, const struct subject *subject)
{
    for (unsigned i = 0; i < subject->operation_count; i++) {
        const struct operation *op = &subject->operations[i];
        if (!is_wanted(o, subject, op->name)) {
            continue;
        }
        if (o->list) {
            printf("%s/%s\n", subject->name, op->name);
        } else {
            add_operation(o, subject, op);
        }
    }
}

static bool ours_are_clean(void)
{
    for (size_t i = 0; i < row_count; i++) {
        if (rows[i].subject->ours && !row_is_clean(&rows[i])) {
            return false;
        }
    }
    return true;
}

static bool perform(const struct options *options)
{
    sandbox_enter();
    stage_build();
    crew_sweep(rows, row_count, options);
    table_print(rows, row_count);
    const bool dance = !options->no_choreographies && !options->one_point;
    const bool kept = !dance || choreographies_play(options);
    return ours_are_clean() && kept;
}

int main(int count, char **words)
{
    const struct options options = options_parse(count, words);
    for (unsigned i = 0; i < sizeof subjects / sizeof subjects[0]; i++) {
        add_subject(&options, subjects[i]);
    }
    if (options.list) {
        choreographies_list(&options);
        return 0;
    }
    if (row_count == 0 && !choreographies_any(&options)) {
        fprintf(stderr,
            "sweep: nothing has '%s' in its name; --list shows what there is\n",
            options.only != NULL ? options.only : "");
        return 2;
    }
    return perform(&options) ? 0 : 1;
}
