/* SPDX-License-Identifier: MIT */
#include "supply.h"

#include "../process.h"
#include "../scene.h"
#include "../stage.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/syscall.h>

const struct supply *supply_in_use;

static struct reply taken(int code)
{
    if (code != 0 && code != EOWNERDEAD) {
        return broke("taking one: %s", strerror(code));
    }
    __atomic_fetch_add(&stage->supply.taken, 1, __ATOMIC_RELAXED);
    return ended(code == EOWNERDEAD ? SAW_DEATH : WENT_ON);
}

static struct reply posted(int code)
{
    if (code != 0 && code != EOWNERDEAD) {
        return broke("posting: %s", strerror(code));
    }
    __atomic_fetch_add(&stage->supply.posted, 1, __ATOMIC_RELAXED);
    return ended(code == EOWNERDEAD ? SAW_DEATH : WENT_ON);
}

struct reply supply_take(void)
{
    return taken(supply_in_use->take());
}

struct reply supply_post(void)
{
    return posted(supply_in_use->post());
}

struct reply supply_post_and_take(void)
{
    const struct reply r = supply_post();
    if (r.ending == BROKE) {
        return r;
    }
    const int code = supply_in_use->attempt();
    return code == EBUSY ? r : taken(code);
}

struct reply supply_revisit(void)
{
    if (supply_in_use->left() == 0) {
        const struct reply r = supply_post();
        if (r.ending != WENT_ON) {
            return r.ending == BROKE || supply_take().ending != BROKE
                       ? r
                       : broke("taking what it brought");
        }
    }
    return supply_take();
}

int operate_supply_take(void)
{
    return supply_in_use->take();
}

int operate_supply_attempt(void)
{
    return supply_in_use->attempt();
}

int operate_supply_post(void)
{
    return supply_in_use->post();
}

/* ---- the director's ---- */

static struct reply look(void)
{
    const struct supply *supply = supply_in_use;
    const unsigned left = supply->left();
    const bool due = supply->due != NULL ? supply->due() : left > 0;
    struct reply r = went_on();
    r.value = due || stage->supply.owed ? left + 1 : 0; /* owed ones may leave none */
    return r;
}

/* How many of those who wait for it have to go on. */
static bool is_due(struct scene *s)
{
    return actor_call(&s->cast.stagehand, look)->value != 0;
}

/* How many have not gone on; how many of them run. */
static unsigned waiting(struct scene *s, unsigned *awake)
{
    unsigned count = 0;
    *awake = 0;
    for (unsigned i = 0; s->waiters_came && i < s->waiters; i++) {
        struct actor *a = &s->cast.waiters[i];
        if (!actor_ended(a, 0)) {
            count++;
            *awake += !sleeps_in_call(a->pid, SYS_read);
        }
    }
    return count;
}

/* Until nobody runs, and nobody sleeps who has something to take. False: too late. */
static bool settle(struct scene *s, unsigned *left)
{
    const int64_t starved = scene_starved_ns(s);
    int64_t end = now_ns() + (int64_t)PATIENCE_MS * NS_PER_MS;
    unsigned awake;
    while ((*left = waiting(s, &awake)) > 0 && (awake > 0 || is_due(s))) {
        if (now_ns() > end + scene_starved_ns(s) - starved) {
            return false;
        }
        sched_yield();
    }
    return true;
}

static bool victim_is_asleep(const struct scene *s)
{
    return s->victim.place == ASLEEP && sleeps_in_call(s->victim.tid, -1);
}

void supply_has_one(struct scene *s)
{
    helper_does(s, supply_post);
}

/* Whom a post wakes is not ours to say: the victim's turn may come after the waiters'. */
void helper_posts(struct scene *s)
{
    unsigned left;
    for (unsigned i = 0; i <= s->waiters + 1 && victim_is_asleep(s); i++) {
        if (s->victim_slept > 1 || i > 0) {
            settle(s, &left);
        }
        if (victim_is_asleep(s)) {
            helper_does(s, supply_post);
        }
    }
}

void helper_barges(struct scene *s)
{
    if (s->victim_slept == 1) {
        helper_does(s, supply_post_and_take);
    }
    helper_posts(s);
}

void supply_serve(struct scene *s)
{
    const unsigned most = s->subject->supply->most;
    unsigned left;
    if (s->cast.helper.pid == 0) {
        scene_recast(s, &s->cast.helper);
    }
    while (s->outcome.verdict == GO_ON) {
        if (!settle(s, &left)) {
            scene_breaks(
                s, HANG, "%u do not go on, though something is left for them", left);
        } else if (left == 0) {
            return;
        }
        for (unsigned i = 0; i < left && (most == 0 || i < most); i++) {
            helper_does(s, supply_post);
        }
    }
}

static struct reply count_left(void)
{
    struct reply r = went_on();
    r.value = supply_in_use->left();
    return r;
}

void supply_compare(struct scene *s, bool at_start)
{
    const struct supply *supply = s->subject->supply;
    if (supply == NULL || supply->stays || s->outcome.verdict != GO_ON) {
        return;
    }
    const int left = (int)actor_call(&s->cast.stagehand, count_left)->value;
    const int theirs = (int)stage->supply.posted - (int)stage->supply.taken;
    const int balance = left - theirs, whole = s->operation->balance;
    const bool nothing = balance == 0 && (!s->outcome.at_end || whole == 0);
    if (!nothing && (balance != whole || (at_start && !s->operation->paused))) {
        scene_breaks(s, BROKEN, "%d left of %u posted and %u taken: %+d by the dead one",
            left, stage->supply.posted, stage->supply.taken, balance);
    }
}
