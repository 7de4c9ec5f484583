/* SPDX-License-Identifier: MIT */
#include "../scene.h"
#include "../stage.h"
#include "lock.h"
#include "supply.h"

#include <errno.h>

/* Volatile: who returns from a wait finds what the others made of it. */
static volatile unsigned *tokens(void)
{
    return &stage->supply.tokens;
}

/* A number needs no repair: what a death interrupted is declared repaired at once, and
 * remembered. */
static int mended(int code, bool *death)
{
    if (code != EOWNERDEAD) {
        return code;
    }
    *death = true;
    return lock_in_use->repaired();
}

static int given(int code, bool death)
{
    if (code == 0) {
        code = lock_in_use->give();
    }
    return code == 0 && death ? EOWNERDEAD : code;
}

int monitor_take_by(int (*wait)(void))
{
    bool death = false;
    int code = mended(lock_in_use->take(), &death);
    while (code == 0 && *tokens() == 0) {
        code = mended(wait(), &death);
    }
    if (code == ETIMEDOUT) {
        code = given(0, death);
        return code == 0 ? ETIMEDOUT : code;
    }
    if (code == 0) {
        --*tokens();
    }
    return given(code, death);
}

int monitor_take(void)
{
    return monitor_take_by(supply_in_use->monitor->wait);
}

int monitor_attempt(void)
{
    bool death = false;
    int code = mended(lock_in_use->take(), &death);
    const bool none = *tokens() == 0;
    if (code == 0 && !none) {
        --*tokens();
    }
    code = given(code, death);
    return code == 0 && none ? EBUSY : code;
}

static int post(unsigned count, int (*tell)(void))
{
    bool death = false;
    int code = mended(lock_in_use->take(), &death);
    if (code == 0) {
        *tokens() += count;
        code = tell != NULL ? tell() : 0;
        stage->supply.told = stage->supply.told || tell != NULL;
    }
    return given(code, death);
}

int monitor_post(void)
{
    return post(1, supply_in_use->monitor->signal);
}

unsigned monitor_left(void)
{
    return *tokens();
}

/* Who broadcasts tells all or nobody: one who has taken some knows of them. */
bool monitor_due(void)
{
    const unsigned burst = stage->supply.burst;
    const bool known = stage->supply.told || (burst > 0 && *tokens() < burst);
    return *tokens() > 0 && known;
}

static struct reply counted(int code, unsigned count)
{
    stage->supply.posted += count;
    return code == 0 ? went_on() : broke("posting: %d", code);
}

struct reply monitor_post_quietly(void)
{
    const unsigned count = stage->supply.burst > 0 ? stage->supply.burst : 1;
    return counted(post(count, NULL), count);
}

struct reply monitor_post_burst(void)
{
    const unsigned count = stage->supply.burst;
    return counted(post(count, supply_in_use->monitor->broadcast), count);
}

struct reply monitor_post_and_hold(void)
{
    bool death;
    int code = mended(lock_in_use->take(), &death);
    if (code == 0) {
        ++*tokens();
        code = supply_in_use->monitor->signal();
        stage->supply.told = true;
    }
    return counted(code, 1);
}

static int tell(int (*how)(void))
{
    const int code = how();
    stage->supply.told = true;
    return code;
}

int operate_signal(void)
{
    return tell(supply_in_use->monitor->signal);
}

int operate_broadcast(void)
{
    return tell(supply_in_use->monitor->broadcast);
}

void one_is_untold(struct scene *s)
{
    scene_waiters_come(s);
    helper_does(s, monitor_post_quietly);
}

void enough_are_untold(struct scene *s)
{
    scene_waiters_come(s);
    stage->supply.burst = s->waiters;
    helper_does(s, monitor_post_quietly);
}

void helper_broadcasts(struct scene *s)
{
    if (s->victim_slept > 1) { /* somewhere else: it is the victim's turn next */
        helper_posts(s);
        return;
    }
    stage->supply.burst = s->waiters + 1;
    helper_does(s, monitor_post_burst);
}
