/* SPDX-License-Identifier: MIT */
#include "lock.h"

#include "../stage.h"

#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

const struct lock *lock_in_use;

static pid_t me(void)
{
    static pid_t pid;
    return pid != 0 ? pid : (pid = getpid());
}

/* Volatile: each store is one of its own, so that a death can fall between any two. */
static volatile struct stage *shared(void)
{
    return stage;
}

/* A change that is begun shows: the counters differ and somebody is inside. */
int begin_change(int taken)
{
    if (taken == 0 || taken == EOWNERDEAD) {
        shared()->guarded.inside = me();
        shared()->guarded.first++;
    }
    return taken;
}

void end_change(void)
{
    shared()->guarded.second++;
    shared()->guarded.inside = 0;
    atomic_fetch_add(&stage->guarded.done, 1);
}

static void repair(void)
{
    shared()->guarded.first = shared()->guarded.second;
    shared()->guarded.inside = 0;
}

struct reply lock_check(void)
{
    if (shared()->guarded.inside != 0) {
        return broke("in the section beside process %d", (int)shared()->guarded.inside);
    }
    if (shared()->guarded.first != shared()->guarded.second) {
        return broke("the data is torn, and no death was reported");
    }
    return went_on();
}

/* Takes it; the data is in order then, and `ending` says what the lock had to say. */
static struct reply take(void)
{
    const int code = lock_in_use->take();
    if (code == ENOTRECOVERABLE) {
        return ended(SAW_LOST);
    }
    if (code == EOWNERDEAD && lock_in_use->repaired != NULL) {
        repair();
        return ended(SAW_DEATH);
    }
    return code == 0 ? lock_check() : broke("taking: %s", strerror(code));
}

static struct reply give(struct reply so_far)
{
    const int code = lock_in_use->give();
    if (code != 0 && so_far.ending != BROKE) {
        return broke("giving: %s", strerror(code));
    }
    return so_far;
}

static struct reply take_consistent(void)
{
    struct reply r = take();
    if (r.ending == SAW_DEATH) {
        const int code = lock_in_use->repaired();
        if (code != 0) {
            r = broke("consistent: %s", strerror(code));
        }
    }
    return r;
}

struct reply lock_section(void)
{
    const struct reply r = take_consistent();
    if (r.ending == SAW_LOST) {
        return r;
    }
    begin_change(0);
    end_change();
    return give(r);
}

struct reply lock_look(void)
{
    const struct reply r = take_consistent();
    if (r.ending == SAW_LOST) {
        return r;
    }
    sched_yield();
    const struct reply still = lock_check();
    return give(still.ending == BROKE ? still : r);
}

struct reply lock_hold(void)
{
    const struct reply r = take_consistent();
    begin_change(0);
    return r;
}

struct reply lock_hold_whole(void)
{
    const struct reply r = lock_hold();
    end_change();
    return r;
}

struct reply lock_take_over(void)
{
    const struct reply r = take();
    return r.ending == SAW_DEATH ? went_on()
                                 : broke("took over, but was not told of a death");
}

struct reply lock_release(void)
{
    end_change();
    return give(went_on());
}

struct reply lock_pass(void)
{
    const struct reply r = lock_release();
    return r.ending == WENT_ON ? lock_hold() : r;
}

int operate_take(void)
{
    return begin_change(lock_in_use->take());
}

int operate_give(void)
{
    return lock_in_use->give();
}

int operate_section(void)
{
    const int code = begin_change(lock_in_use->take());
    if (code != 0) {
        return code;
    }
    end_change();
    return lock_in_use->give();
}
