/* SPDX-License-Identifier: MIT */
/* Who plays beside the victim, and the cues that operations are made of. */
#include "process.h"
#include "scene.h"
#include "stage.h"
#include "subjects/lock.h"
#include "subjects/supply.h"

#include <stddef.h>
#include <unistd.h>

static struct reply call_or_nothing(struct actor *a, body_fn *body)
{
    return body != NULL ? *actor_call(a, body) : went_on();
}

static void admit(struct scene *s, struct actor *a)
{
    actor_spawn(a);
    const struct reply r = call_or_nothing(a, s->subject->enter);
    if (r.ending == BROKE) {
        give_up("%s: taking part: %s", s->subject->name, r.why);
    }
}

void scene_recast(struct scene *s, struct actor *a)
{
    actor_kill(a);
    admit(s, a);
}

void scene_found(struct scene *s, const struct subject *subject, unsigned waiters)
{
    *s = (struct scene){.subject = subject, .waiters = waiters};
    lock_in_use = subject->lock;
    supply_in_use = subject->supply;
    stage->cast_size = waiters + 3;
    actor_spawn(&s->cast.stagehand);
    const struct reply r = call_or_nothing(&s->cast.stagehand, subject->found);
    if (r.ending == BROKE) {
        give_up("%s: founding: %s", subject->name, r.why);
    }
    admit(s, &s->cast.helper);
    admit(s, &s->cast.newcomer);
    for (unsigned i = 0; i < s->waiters; i++) {
        admit(s, &s->cast.waiters[i]);
    }
}

void scene_dissolve(struct scene *s)
{
    actor_kill(&s->cast.helper);
    actor_kill(&s->cast.newcomer);
    for (unsigned i = 0; i < s->waiters; i++) {
        actor_kill(&s->cast.waiters[i]);
    }
    call_or_nothing(&s->cast.stagehand, s->subject->dissolve);
    actor_kill(&s->cast.stagehand);
}

int64_t scene_starved_ns(const struct scene *s)
{
    int64_t sum = starved_ns(getpid()) + starved_ns(s->cast.helper.pid) +
                  starved_ns(s->cast.newcomer.pid);
    for (unsigned i = 0; i < s->waiters; i++) {
        sum += starved_ns(s->cast.waiters[i].pid);
    }
    return sum;
}

/* In a cue nothing has died yet that could keep the helper from its task: it must
 * succeed. */
void helper_does(struct scene *s, body_fn *body)
{
    const struct reply *r = actor_call(&s->cast.helper, body);
    if (r->ending == BROKE) {
        scene_breaks(s, BROKEN, "the helper: %s", r->why);
    }
}

void helper_takes(struct scene *s)
{
    helper_does(s, lock_hold);
    s->helper_holds = true;
}

void helper_gives(struct scene *s)
{
    if (s->helper_holds) {
        s->helper_holds = false;
        helper_does(s, lock_release);
    }
}

void helper_passes(struct scene *s)
{
    if (s->victim_slept == 1) {
        helper_does(s, lock_pass);
    } else {
        helper_gives(s);
    }
}

void helper_dies(struct scene *s)
{
    if (s->helper_holds) {
        s->helper_holds = false;
        stage->deaths++;
        actor_kill(&s->cast.helper);
    }
}

void holder_dies(struct scene *s)
{
    helper_takes(s);
    helper_dies(s);
    scene_recast(s, &s->cast.helper);
}
