/* SPDX-License-Identifier: MIT */
/*
 * sweep: kills a process at every instruction of an operation, and watches the survivors.
 *
 * For each kill point a victim is forked, single-stepped to it and killed with SIGKILL, with
 * 0, 1 and 3 others asleep in the primitive. Then all of them, and a newcomer, must go on
 * within 500 ms, find their data whole or be told of the death, and never meet inside.
 */
#include "choreography.h"
#include "options.h"
#include "path.h"
#include "process.h"
#include "sandbox.h"
#include "scene.h"
#include "stage.h"
#include "table.h"

#include <stdio.h>
#include <string.h>

enum { MOST_FAILURES = 25, MOST_REPEATS = 10 };

static const struct subject *const subjects[] = {
    &holdfast_mutex,
    &holdfast_segment,
    &glibc_robust,
    &glibc_sem,
    &glibc_rwlock,
    &glibc_cond,
};

static bool is_wanted(const struct options *o, const struct subject *s, const char *operation)
{
    char name[160];
    snprintf(name, sizeof name, "%s/%s", s->name, operation);
    return (s->ours ? o->ours : o->peers) && (o->only == NULL || strstr(name, o->only) != NULL);
}

/* A rescue says nothing if it may have come before the kill: then the scene is repeated. */
static struct outcome play(struct scene *s, const struct path *path, unsigned long position,
    struct row *row)
{
    struct outcome o = path_play(path, s, position);
    for (int i = 0; o.verdict == GO_ON && o.rescues > 0 && o.too_slow && i < MOST_REPEATS; i++) {
        row->repeated++;
        o = path_play(path, s, position);
    }
    return o;
}

static void count(struct row *row, unsigned long position, struct outcome *o)
{
    row->points++;
    row->count[o->verdict]++;
    row->rescues += o->rescues;
    row->strayed += o->strayed;
    if (o->verdict == GO_ON && o->recovery_ms > row->worst_ms) {
        row->worst_ms = o->recovery_ms;
    }
    const bool rescued = o->rescues > 0 && !row->operation->deaths_coincide;
    if (o->verdict == GO_ON && rescued) {
        snprintf(o->why, sizeof o->why, "the back-stop had to wake a sleeper");
    }
    if (row->subject->ours && (o->verdict != GO_ON || rescued)) {
        show_failure(row, position, o);
        row->abandoned = row->points - row->count[GO_ON] >= MOST_FAILURES;
    }
}

static unsigned long choose_stride(const struct options *o, const struct row *row)
{
    if (row->subject->ours) {
        return o->stride;
    }
    const unsigned long for_few = (row->length + o->peer_points) / o->peer_points;
    return for_few > o->stride ? for_few : o->stride;
}

/* The last point of a path is always one. */
static unsigned long next_point(const struct row *row, unsigned long point)
{
    const unsigned long next = point + row->stride;
    return point < row->length && next > row->length ? row->length : next;
}

static void sweep_points(struct scene *s, const struct path *path, struct row *row)
{
    bool ended = false;
    for (unsigned long k = 0; !ended && !row->abandoned; k = next_point(row, k)) {
        struct outcome o = play(s, path, k, row);
        count(row, k, &o);
        ended = o.at_end;
        show_progress(row, k);
    }
}

static void sweep_row(struct scene *s, const struct options *options, struct row *row)
{
    struct path path;
    struct outcome o = path_rehearse(&path, s);
    row->length = path.length;
    row->stride = choose_stride(options, row);
    if (!o.at_end) {
        count(row, path.length, &o);
    } else if (options->point != EVERY_POINT) {
        o = play(s, &path, (unsigned long)options->point, row);
        count(row, (unsigned long)options->point, &o);
    } else {
        sweep_points(s, &path, row);
    }
    path_free(&path);
}

static void sweep_operation(const struct options *options, const struct subject *subject,
    const struct operation *op)
{
    for (unsigned waiters = op->fewest_waiters; waiters <= MOST_WAITERS; waiters++) {
        if (!options->waiters[waiters]) {
            continue;
        }
        struct row row = {.subject = subject, .operation = op, .waiters = waiters};
        struct scene scene;
        scene_found(&scene, subject);
        scene.operation = op;
        scene.waiters = waiters;
        sweep_row(&scene, options, &row);
        scene_dissolve(&scene);
        show_row(&row);
        table_add(&row);
    }
}

static void sweep_subject(const struct options *options, const struct subject *subject)
{
    for (unsigned i = 0; i < subject->operation_count; i++) {
        const struct operation *op = &subject->operations[i];
        if (!is_wanted(options, subject, op->name)) {
            continue;
        }
        if (options->list) {
            printf("%s/%s\n", subject->name, op->name);
        } else {
            sweep_operation(options, subject, op);
        }
    }
}

int main(int count, char **words)
{
    const struct options options = options_parse(count, words);
    if (!options.list) {
        sandbox_enter();
        stage_build();
    }
    for (unsigned i = 0; i < sizeof subjects / sizeof subjects[0]; i++) {
        sweep_subject(&options, subjects[i]);
    }
    table_print();
    if (options.list) {
        choreographies_list(&options);
        return 0;
    }
    const bool kept = options.no_choreographies || options.point != EVERY_POINT ||
                      choreographies_play(&options);
    return table_is_clean() && kept ? 0 : 1;
}
