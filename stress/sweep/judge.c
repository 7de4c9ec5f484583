/* SPDX-License-Identifier: MIT */
/* After the kill: who goes on, when, and whether what they found may be. */
#include "process.h"
#include "scene.h"
#include "stage.h"
#include "subjects/lock.h"
#include "subjects/supply.h"

#include <stdatomic.h>

static const char *const ending_names[] = {
    "nothing", "a death", "a lost lock", "a breach"};

/*
 * A sleeper that nobody has woken does not stand in line for a CPU. So on a machine that
 * has more to do than this, the time for which the cast stood there is added to its 500
 * ms; it hides no hang.
 */
static bool ends_in_time(struct scene *s, struct actor *a)
{
    const int64_t end = s->killed_ns + (int64_t)PATIENCE_MS * NS_PER_MS;
    int64_t extra = 0;
    while (!actor_ended(a, end + extra)) {
        const int64_t starved = scene_starved_ns(s) - s->starved_ns;
        if (starved <= extra) {
            return false;
        }
        s->outcome.starved = true;
        extra = starved;
    }
    return true;
}

/* Each survivor is heard out, also when another one has hung. */
static void await(struct scene *s, struct actor *a, const char *who, unsigned number)
{
    if (!ends_in_time(s, a)) {
        scene_breaks(s, HANG, "%s %u does not go on", who, number);
        scene_recast(s, a);
        return;
    }
    const double ms = (double)(a->reply.when_ns - s->killed_ns) / NS_PER_MS;
    if (ms > s->outcome.recovery_ms) {
        s->outcome.recovery_ms = ms;
    }
    if (a->reply.ending == BROKE) {
        scene_breaks(s, BROKEN, "%s %u: %s", who, number, a->reply.why);
    }
}

static void begin_aftermath(struct scene *s)
{
    if (s->operation->aftermath != NULL) {
        s->operation->aftermath(s);
    } else if (s->subject->supply != NULL) {
        supply_serve(s);
    } else if (s->helper_holds) {
        s->helper_holds = false;
        actor_start(&s->cast.helper, lock_release);
    }
}

static body_fn *newcomer_of(const struct scene *s)
{
    body_fn *const choices[] = {s->operation->completion, s->operation->newcomer,
        s->subject->newcomer, s->subject->survivor};
    unsigned i = 0;
    while (choices[i] == NULL) {
        i++;
    }
    return choices[i];
}

/* The newcomer comes last: it must not wake whom the others have forgotten. */
static void await_all(struct scene *s)
{
    struct cast *cast = &s->cast;
    body_fn *const newcomer = newcomer_of(s);
    for (unsigned i = 0; i < s->waiters; i++) {
        await(s, &cast->waiters[i], "waiter", i + 1);
    }
    if (s->outcome.verdict == GO_ON) {
        actor_start(&cast->newcomer, newcomer);
        await(s, &cast->newcomer, "newcomer", 1);
    }
    if (cast->helper.busy) {
        await(s, &cast->helper, "helper", 1);
    }
}

/* A death is reported once, and a lost lock is lost to all. */
static void compare_findings(struct scene *s, bool at_start)
{
    const struct operation *op = s->operation;
    unsigned found[BROKE + 1] = {0};
    for (unsigned i = 0; i < s->waiters; i++) {
        found[s->cast.waiters[i].reply.ending]++;
    }
    found[s->cast.newcomer.reply.ending]++;
    const unsigned deaths = op->deaths_coincide ? 2 : 1;
    if (found[SAW_DEATH] > deaths ||
        (found[SAW_LOST] != 0 && found[SAW_LOST] <= s->waiters)) {
        scene_breaks(s, BROKEN, "%u survivors were told of a death, %u of a lost lock",
            found[SAW_DEATH], found[SAW_LOST]);
        return;
    }
    const enum ending all = found[SAW_LOST]    ? SAW_LOST
                            : found[SAW_DEATH] ? SAW_DEATH
                                               : WENT_ON;
    const unsigned first = 1U << op->before, last = 1U << op->after;
    const unsigned at_last = op->deaths_coincide ? op->also : 0; /* who sees which? */
    const unsigned allowed = at_start            ? first
                             : s->outcome.at_end ? last | at_last
                                                 : first | last | op->also;
    if ((allowed & 1U << all) == 0) {
        scene_breaks(s, BROKEN, "the survivors were told of %s", ending_names[all]);
    }
}

/* A death between a change and its being counted leaves one uncounted; more is a lost
 * one. */
static void compare_data(struct scene *s)
{
    const uint64_t done = atomic_load(&stage->guarded.done);
    if (stage->guarded.second - done > 1) {
        scene_breaks(s, BROKEN, "%llu changes were made, %llu are there",
            (unsigned long long)done, (unsigned long long)stage->guarded.second);
    }
}

static void inspect(struct scene *s, bool at_start)
{
    if (s->subject->inspect == NULL) {
        return;
    }
    const bool finished = s->outcome.at_end || s->operation->paused;
    stage->may_be_undone = !finished;
    stage->may_be_done = finished || !at_start;
    const struct reply *r = actor_call(&s->cast.stagehand, s->subject->inspect);
    if (r->ending == BROKE) {
        scene_breaks(s, BROKEN, "%s", r->why);
    }
    s->outcome.rescues = r->value - s->rescues_before;
    s->rescues_before = r->value;
}

static void recast_all(struct scene *s)
{
    scene_recast(s, &s->cast.helper);
    scene_recast(s, &s->cast.newcomer);
    for (unsigned i = 0; i < s->waiters; i++) {
        scene_recast(s, &s->cast.waiters[i]);
    }
}

/* Not every timer's help is counted as a rescue: a sleeper may take it for a wake that it
 * was not the one meant by. */
static bool is_late(const struct scene *s)
{
    enum { TIMER_MS = 150 };
    const double starved_ms = (double)(scene_starved_ns(s) - s->starved_ns) / NS_PER_MS;
    return s->outcome.recovery_ms - starved_ms > TIMER_MS;
}

void scene_judge(struct scene *s, bool at_start)
{
    if (!s->victim_lives) {
        victim_bury(
            &s->victim); /* what the kernel does for the dead must not come late, */
        s->starved_ns -= now_ns() - s->killed_ns; /* nor is a slow death the survivors' */
    }
    begin_aftermath(s);
    await_all(s);
    s->outcome.late = is_late(s);
    if (s->outcome.verdict == GO_ON) {
        compare_findings(s, at_start);
        compare_data(s);
        supply_compare(s, at_start);
    }
    if (s->victim_lives) {
        victim_kill(&s->victim);
        victim_bury(&s->victim);
    }
    if (s->cast.helper.pid == 0) {
        scene_recast(s, &s->cast.helper);
    }
    inspect(s, at_start);
    if (s->outcome.verdict == BROKEN) {
        recast_all(s); /* what is wrong shall not go on into the next scene */
    }
}
