/* SPDX-License-Identifier: MIT */
#include "scene.h"

#include "process.h"
#include "stage.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A sleeper looks up by itself after some 200 ms; a scene that has not come to its kill by
 * then says nothing about whether the wake-ups after the kill were needed. */
enum { SLOW_MS = 150 };

static const struct scene *playing; /* for the victim, who is forked in the middle of it */

void scene_breaks(struct scene *s, enum verdict verdict, const char *format, ...)
{
    if (s->outcome.verdict == GO_ON) {
        va_list list;
        va_start(list, format);
        vsnprintf(s->outcome.why, sizeof s->outcome.why, format, list);
        va_end(list);
        s->outcome.verdict = verdict;
    }
}

static bool prepare(void)
{
    const struct operation *op = playing->operation;
    body_fn *const enter = op->comes_unprepared ? NULL : playing->subject->enter;
    stage->prepared = enter != NULL ? enter() : went_on();
    if (stage->prepared.ending != BROKE && op->prepare != NULL) {
        stage->prepared = op->prepare();
    }
    return stage->prepared.ending != BROKE;
}

static void operate(void)
{
    stage->returned = playing->operation->operate();
}

static void waiters_come(struct scene *s)
{
    if (s->waiters_came) {
        return;
    }
    s->waiters_came = true;
    const struct operation *op = s->operation;
    for (unsigned i = 0; i < s->waiters; i++) {
        struct actor *a = &s->cast.waiters[i];
        actor_start(a, op->waiter != NULL ? op->waiter : s->subject->survivor);
        if (!actor_settles(a)) {
            scene_breaks(s, HANG, "waiter %u neither goes on nor sleeps", i + 1);
        }
    }
}

static void open_scene(struct scene *s)
{
    const struct operation *op = s->operation;
    memset(&stage->guarded, 0, sizeof stage->guarded);
    stage->returned = -1;
    s->outcome = (struct outcome){0};
    s->waiters_came = s->helper_holds = false;
    s->victim_slept = 0;
    if (s->subject->reset != NULL) {
        const struct reply *r = actor_call(&s->cast.stagehand, s->subject->reset);
        if (r->ending == BROKE) {
            scene_breaks(s, BROKEN, "the stage: %s", r->why);
        }
    }
    if (op->opening != NULL) {
        op->opening(s);
    }
    playing = s;
    s->begun_ns = now_ns();
    const struct script script = {prepare, operate, op->by_thread_exit};
    if (!victim_start(&s->victim, script)) {
        scene_breaks(s, BROKEN, "the victim: %s", stage->prepared.why);
    }
    if (op->arrival == BEFORE_VICTIM) {
        waiters_come(s);
    }
}

/* One position on; what the victim's sleep asks for is arranged. */
static void advance(struct scene *s)
{
    struct victim *v = &s->victim;
    if (v->place == ASLEEP && s->operation->victim_sleeps != NULL) {
        s->operation->victim_sleeps(s);
    }
    if (!victim_step(v)) {
        scene_breaks(s, HANG, "the victim itself is not woken");
        return;
    }
    if (v->place == ASLEEP) {
        s->victim_slept++;
        if (s->operation->arrival == BEHIND_VICTIM) {
            waiters_come(s);
        }
    }
}

static bool can_advance(const struct scene *s)
{
    return s->victim.place != AT_END && s->outcome.verdict == GO_ON;
}

static void kill_victim(struct scene *s)
{
    struct victim *v = &s->victim;
    s->outcome.pc = v->pc;
    s->outcome.asleep = v->place == ASLEEP;
    s->outcome.at_end = v->place == AT_END;
    s->killed_ns = now_ns();
    s->outcome.too_slow = s->killed_ns - s->begun_ns > (int64_t)SLOW_MS * NS_PER_MS;
    const int returned = stage->returned, expected = s->operation->returns;
    if (s->outcome.at_end && returned != expected) {
        scene_breaks(s, BROKEN, "the operation returned %d, not %d", returned, expected);
    }
    victim_kill(v);
}

static struct outcome close_scene(struct scene *s, bool at_start)
{
    waiters_come(s);
    kill_victim(s);
    scene_judge(s, at_start);
    return s->outcome;
}

/*
 * Long paths are mostly system calls apart: it runs through all that lie before the position
 * and steps only from the last one on. Returns the position that it came to; it did not
 * follow the path if that is not where the last call was.
 */
static unsigned long leap(struct scene *s, const struct path *path, unsigned long position)
{
    unsigned long landing = position < path->length ? position : path->length;
    const unsigned long calls = path->at[landing].calls;
    while (landing > 0 && path->at[landing - 1].calls == calls) {
        landing--;
    }
    if (path->sleeps || landing < 50) {
        return 0;
    }
    victim_run_calls(&s->victim, calls);
    return landing;
}

static bool is_on_path(const struct scene *s, const struct path *path, unsigned long at)
{
    return at > path->length || s->victim.pc == path->at[at].pc;
}

struct outcome scene_play(struct scene *s, const struct path *path, unsigned long position)
{
    open_scene(s);
    unsigned long at = leap(s, path, position);
    if (at > 0 && (s->victim.place != AT_INSTRUCTION || !is_on_path(s, path, at))) {
        victim_kill(&s->victim); /* it went another way: walk it all */
        victim_bury(&s->victim);
        open_scene(s);
        at = 0;
    }
    for (; at < position && can_advance(s); at++) {
        advance(s);
    }
    const bool strayed = can_advance(s) && !is_on_path(s, path, at);
    close_scene(s, position == 0);
    s->outcome.strayed = strayed;
    return s->outcome;
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

struct outcome scene_rehearse(struct scene *s, struct path *path)
{
    *path = (struct path){0};
    unsigned long calls = 0;
    open_scene(s);
    mark(path, &s->victim, 0);
    while (can_advance(s)) {
        advance(s);
        path->sleeps = path->sleeps || s->victim.place == ASLEEP;
        calls += s->victim.after_call;
        path->length++;
        mark(path, &s->victim, calls);
    }
    return close_scene(s, false);
}

void path_free(struct path *path)
{
    free(path->at);
    *path = (struct path){0};
}
