/* SPDX-License-Identifier: MIT */
#include "scene.h"

#include "process.h"
#include "stage.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A sleeper looks up by itself after some 200 ms; a scene that has not come to its
 * kill by then says nothing about whether the wake-ups after the kill were needed. */
enum { SLOW_MS = 150 };

static const struct scene *playing; /* for the victim, who is forked during it */

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

void scene_waiters_come(struct scene *s)
{
    if (s->waiters_came) {
        return;
    }
    s->waiters_came = true;
    const struct operation *op = s->operation;
    for (unsigned i = 0; i < s->waiters; i++) {
        struct actor *a = &s->cast.waiters[i];
        body_fn *const own = op->completion != NULL ? op->completion : op->waiter;
        actor_start(a, own != NULL ? own : s->subject->survivor);
        if (!actor_settles(a)) {
            scene_breaks(s, HANG, "waiter %u neither goes on nor sleeps", i + 1);
        }
    }
}

void scene_open(struct scene *s)
{
    const struct operation *op = s->operation;
    memset(&stage->guarded, 0, sizeof stage->guarded);
    memset(&stage->supply, 0, sizeof stage->supply);
    stage->operation = op;
    stage->builder_may_end = false;
    stage->returned = -1;
    stage->deaths = 1; /* the victim's, at the latest when the others have gone on */
    s->outcome = (struct outcome){0};
    s->waiters_came = s->helper_holds = false;
    s->victim_slept = 0;
    s->begun_ns = now_ns();
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
    const struct script script = {prepare, operate, op->by_thread_exit};
    if (!victim_start(&s->victim, script)) {
        scene_breaks(s, BROKEN, "the victim: %s", stage->prepared.why);
    }
    if (op->arrival == BEFORE_VICTIM) {
        scene_waiters_come(s);
    }
}

void scene_victim_slept(struct scene *s)
{
    s->victim_slept++;
    if (s->operation->arrival == BEHIND_VICTIM) {
        scene_waiters_come(s);
    }
}

void scene_advance(struct scene *s)
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
        scene_victim_slept(s);
    }
}

bool scene_can_advance(const struct scene *s)
{
    return s->victim.place != AT_END && s->outcome.verdict == GO_ON;
}

static void check_return(struct scene *s)
{
    const int returned = stage->returned, expected = s->operation->returns;
    const bool overtaken = returned == 0 && s->operation->deaths_coincide;
    if (returned != expected && !overtaken) {
        scene_breaks(s, BROKEN, "the operation returned %d, not %d", returned, expected);
    }
}

/* What it has to do with the survivors, it has to do in their time. */
static void let_victim_go(struct scene *s)
{
    const int64_t allowed_ns = 10LL * PATIENCE_MS * NS_PER_MS;
    if (!victim_finishes(&s->victim, s->killed_ns + allowed_ns)) {
        scene_breaks(s, HANG, "the victim itself does not go on");
        victim_kill(&s->victim);
        return;
    }
    check_return(s);
}

static void kill_victim(struct scene *s)
{
    struct victim *v = &s->victim;
    s->outcome.pc = v->pc;
    s->outcome.asleep = v->place == ASLEEP;
    s->outcome.at_end = v->place == AT_END;
    s->starved_ns = scene_starved_ns(s);
    s->killed_ns = now_ns();
    s->outcome.too_slow = s->killed_ns - s->begun_ns > (int64_t)SLOW_MS * NS_PER_MS;
    if (s->operation->paused) {
        s->victim_lives = true;
        let_victim_go(s);
        return;
    }
    if (s->outcome.at_end) {
        check_return(s);
    }
    s->victim_lives = s->operation->stopped && v->place != ASLEEP;
    if (!s->victim_lives) {
        victim_kill(v);
    }
}

struct outcome scene_close(struct scene *s, bool at_start)
{
    scene_waiters_come(s);
    kill_victim(s);
    scene_judge(s, at_start);
    return s->outcome;
}
