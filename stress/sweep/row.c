/* SPDX-License-Identifier: MIT */
/* All kill points of one operation with one number of waiters. */
#include "row.h"

#include "path.h"
#include "scene.h"
#include "table.h"

#include <stdio.h>

enum { MOST_FAILURES = 25, MOST_REPEATS = 10 };

bool row_is_clean(const struct row *row)
{
    const bool unaided = row->rescues == 0 || row->operation->deaths_coincide;
    return row->points > 0 && row->count[GO_ON] == row->points && unaided;
}

/* A rescue says nothing if it may have come before the kill, nor does it that all was
 * late, once: the machine may have been. The scene is repeated. */
static bool says_nothing(const struct outcome *o)
{
    return o->verdict == GO_ON && (o->rescues > 0 ? o->too_slow : o->late);
}

static struct outcome play(
    struct scene *s, const struct path *path, unsigned long position, struct row *row)
{
    struct outcome o = path_play(path, s, position);
    for (int i = 0; says_nothing(&o) && i < MOST_REPEATS; i++) {
        row->repeated++;
        o = path_play(path, s, position);
    }
    return o;
}

static void count(struct row *row, unsigned long position, struct outcome *o)
{
    row->points++;
    row->count[o->verdict]++;
    if (o->rescues == 0 && o->late && row->subject->ours) {
        o->rescues = 1;
    }
    row->rescues += o->rescues;
    row->strayed += o->strayed;
    row->starved += o->starved && o->verdict == GO_ON;
    if (o->verdict == GO_ON && o->recovery_ms > row->worst_ms) {
        row->worst_ms = o->recovery_ms;
    }
    const bool rescued = o->rescues > 0 && !row->operation->deaths_coincide;
    if (o->verdict == GO_ON && rescued) {
        snprintf(o->why, sizeof o->why, "the back-stop had to wake a sleeper (%.1f ms)",
            o->recovery_ms);
    }
    if (o->verdict == GO_ON && !rescued) {
        return;
    }
    if (row->subject->ours || row->points == 1) { /* of a peer one example is enough */
        show_failure(row, position, o);
    }
    if (row->subject->ours) {
        row->abandoned = row->points - row->count[GO_ON] >= MOST_FAILURES;
    }
}

static unsigned long choose_stride(const struct options *o, const struct row *row)
{
    const bool whole = row->subject->ours && row->waiters <= FEW;
    const unsigned long most = whole ? o->most_points : o->some_points;
    const unsigned long for_few = (row->length + most) / most;
    return for_few > o->stride ? for_few : o->stride;
}

/* The last point of a path is always one. */
static unsigned long next_point(const struct row *row, unsigned long point)
{
    const unsigned long next = point + row->stride;
    return point < row->length && next > row->length ? row->length : next;
}

/* An operation that is still under way far behind the end of its path has none, and was
 * not swept to it. */
static bool is_endless(const struct row *row, unsigned long point, struct outcome *o)
{
    if (o->at_end || point <= 2 * row->length + 1000) {
        return false;
    }
    o->verdict = HANG;
    snprintf(o->why, sizeof o->why, "it ended after %lu instructions once, not now",
        row->length);
    return true;
}

static void sweep_points(
    struct scene *s, const struct path *path, struct row *row, struct row *progress)
{
    bool ended = false;
    for (unsigned long k = 0; !ended && !row->abandoned; k = next_point(row, k)) {
        struct outcome o = play(s, path, k, row);
        ended = o.at_end || is_endless(row, k, &o);
        count(row, k, &o);
        row->position = k;
        *progress = *row;
    }
}

static void sweep_path(
    struct scene *s, const struct options *options, struct row *row, struct row *progress)
{
    struct path path;
    struct outcome o = path_rehearse(&path, s);
    row->length = path.length;
    row->stride = choose_stride(options, row);
    if (!o.at_end) {
        count(row, path.length, &o);
    } else if (options->one_point) {
        o = play(s, &path, options->point, row);
        count(row, options->point, &o);
    } else {
        sweep_points(s, &path, row, progress);
    }
    path_free(&path);
}

void row_sweep(struct row *row, const struct options *options, struct row *progress)
{
    struct scene scene;
    scene_found(&scene, row->subject, row->waiters);
    scene.operation = row->operation;
    sweep_path(&scene, options, row, progress);
    scene_dissolve(&scene);
}
