/* SPDX-License-Identifier: MIT */
/*
 * A step costs some 20 us where a debug trap leaves a virtual machine, so a walk of
 * thousands of steps to each of thousands of kill points would take hours. The recorded
 * path shows the short cuts: through the system calls, then with a breakpoint into the
 * last loops, and on foot from there. A victim that is not where the path says after a
 * short cut took another way; then the scene is played again, on foot.
 */
#include "path.h"

#include "process.h"

#include <stdlib.h>

/* A passage over a breakpoint costs more than a step. */
enum { STEPS_PER_PASSAGE = 3, SHORT_WALK = 40 };

/* An operation of more is one that nothing ends. */
enum { MOST_STEPS = 100000 };

static unsigned long smaller(unsigned long a, unsigned long b)
{
    return a < b ? a : b;
}

/* The position just behind the last system call before this one. */
static unsigned long behind_last_call(const struct path *path, unsigned long position)
{
    unsigned long at = position;
    while (at > 0 && path->at[at - 1].calls == path->at[position].calls) {
        at--;
    }
    return at;
}

static unsigned long passages(
    const struct path *path, unsigned long from, unsigned long to)
{
    unsigned long count = 0;
    for (unsigned long at = from + 1; at <= to; at++) {
        count += path->at[at].pc == path->at[to].pc;
    }
    return count;
}

/* Where to put the breakpoint between these two; `from` means nowhere. */
static unsigned long best_landing(
    const struct path *path, unsigned long from, unsigned long to)
{
    unsigned long best = from, best_cost = to - from;
    for (unsigned long at = to; at > from && to - at < best_cost; at--) {
        const unsigned long cost = to - at + STEPS_PER_PASSAGE * passages(path, from, at);
        if (cost < best_cost) {
            best = at;
            best_cost = cost;
        }
    }
    return best;
}

static void run_call(struct scene *s)
{
    victim_run_call(&s->victim);
    if (s->victim.place == ASLEEP) {
        scene_victim_slept(s);
        scene_advance(s);
    }
}

static bool is_at(const struct path *path, const struct scene *s, unsigned long position)
{
    return s->victim.place == AT_INSTRUCTION && s->victim.pc == path->at[position].pc;
}

/* Short cuts towards this position. Returns how far it came, or LOST if it strayed. */
static const unsigned long LOST = -1UL;

static unsigned long leap(
    const struct path *path, struct scene *s, unsigned long position)
{
    const unsigned long to = smaller(position, path->length);
    const unsigned long from = behind_last_call(path, to);
    if (to < SHORT_WALK) {
        return 0;
    }
    for (unsigned long i = 0; i < path->at[from].calls; i++) {
        if (!scene_can_advance(s)) {
            return LOST;
        }
        run_call(s);
    }
    if (!is_at(path, s, from)) {
        return LOST;
    }
    const unsigned long landing = best_landing(path, from, to);
    const uintptr_t pc = path->at[landing].pc;
    return victim_run_to(&s->victim, pc, passages(path, from, landing)) ? landing : LOST;
}

static struct outcome walk(
    const struct path *path, struct scene *s, unsigned long at, unsigned long position)
{
    for (; at < position && scene_can_advance(s); at++) {
        scene_advance(s);
    }
    const bool past = at > path->length || s->victim.place == AT_END;
    const bool strayed = !past && s->victim.pc != path->at[at].pc;
    struct outcome o = scene_close(s, position == 0);
    o.strayed = strayed;
    return o;
}

struct outcome path_play(const struct path *path, struct scene *s, unsigned long position)
{
    scene_open(s);
    const unsigned long at = leap(path, s, position);
    if (at != LOST) {
        return walk(path, s, at, position);
    }
    struct outcome o = scene_close(s, false);
    if (o.verdict != GO_ON || o.rescues > 0) {
        o.strayed = true; /* a scene not asked for, but it counts if it fails */
        return o;
    }
    scene_open(s);
    return walk(path, s, 0, position);
}

static void mark(struct path *path, const struct victim *v, unsigned long calls)
{
    const unsigned long at = path->length;
    if ((at & (at - 1)) == 0) { /* full at each power of two */
        const size_t room = (at > 0 ? 2 * at : 1) * sizeof *path->at;
        path->at = realloc(path->at, room);
        if (path->at == NULL) {
            give_up("out of memory");
        }
    }
    path->at[at] = (struct waypoint){v->pc, calls};
}

struct outcome path_rehearse(struct path *path, struct scene *s)
{
    *path = (struct path){0};
    unsigned long calls = 0;
    scene_open(s);
    mark(path, &s->victim, 0);
    while (scene_can_advance(s)) {
        scene_advance(s);
        if (path->length >= MOST_STEPS) {
            scene_breaks(s, HANG, "the victim's operation has no end");
        }
        calls += s->victim.after_call;
        path->length++;
        mark(path, &s->victim, calls);
    }
    return scene_close(s, false);
}

void path_free(struct path *path)
{
    free(path->at);
    *path = (struct path){0};
}
