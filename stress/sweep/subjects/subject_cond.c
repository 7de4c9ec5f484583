/* SPDX-License-Identifier: MIT */
/* Holdfast's condition variable: all wait for tokens that a mutex guards. */
#include "../operation.h"
#include "../scene.h"
#include "../stage.h"
#include "lock.h"
#include "room.h"
#include "supply.h"

#include <errno.h>

#define LENGTH(array) ((unsigned)(sizeof(array) / sizeof((array)[0])))

static int lock(void)
{
    return hf_mutex_lock(&room->mutex);
}

static int unlock(void)
{
    return hf_mutex_unlock(&room->mutex);
}

static int repaired(void)
{
    return hf_mutex_consistent(&room->mutex);
}

static int wait(void)
{
    return hf_cond_wait(&room->cond, &room->mutex);
}

static int signal_one(void)
{
    return hf_cond_signal(&room->cond);
}

static int broadcast(void)
{
    return hf_cond_broadcast(&room->cond);
}

static const struct lock mutex = {lock, unlock, repaired};
static const struct monitor cond = {wait, signal_one, broadcast};
static const struct supply tokens = {.take = monitor_take,
    .attempt = monitor_attempt,
    .post = monitor_post,
    .left = monitor_left,
    .due = monitor_due,
    .monitor = &cond};

/* ---- operations ---- */

static int timedwait(unsigned ms)
{
    const struct timespec deadline = hf_deadline_in_ms(ms);
    return hf_cond_timedwait(&room->cond, &room->mutex, &deadline);
}

static int wait_long(void)
{
    return timedwait(LONG_MS);
}

static int wait_shortly(void)
{
    return timedwait(SHORT_MS);
}

static int wait_locked_twice(void)
{
    int code = lock();
    code = code == 0 ? wait() : code;
    return code == 0 ? unlock() : code;
}

static int operate_timedwait(void)
{
    return monitor_take_by(wait_long);
}

static int operate_timeout(void)
{
    return monitor_take_by(wait_shortly);
}

static int operate_recursion(void)
{
    return monitor_take_by(wait_locked_twice);
}

static int operate_owner(void)
{
    hf_owner_t who;
    return hf_cond_owner(&room->cond, &who);
}

static int operate_check(void)
{
    return hf_cond_check(&room->cond);
}

static struct reply make_recursive(void)
{
    return judged("hf_mutex_init", hf_mutex_init(&room->mutex, HF_RECURSIVE));
}

static void mutex_is_recursive(struct scene *s)
{
    actor_call(&s->cast.stagehand, make_recursive);
}

static struct reply wait_in_vain(void)
{
    int code = lock();
    if (code == 0 && (code = timedwait(1)) == ETIMEDOUT) {
        code = unlock();
    }
    return judged("waiting in vain", code);
}

/* And has left word of it. */
static void one_waited_in_vain(struct scene *s)
{
    helper_does(s, wait_in_vain);
}

static struct reply hold(void)
{
    return judged("locking", lock());
}

static void poster_dies(struct scene *s)
{
    if (s->victim_slept == 1) {
        helper_does(s, monitor_post_and_hold);
        actor_kill(&s->cast.helper);
        scene_recast(s, &s->cast.helper);
    }
    helper_posts(s);
}

/* For who is killed while it may hold the mutex. */
#define MAY_HOLD .also = 1U << SAW_DEATH

static const struct operation operations[] = {
    {.name = "wait, woken by signal",
        .operate = operate_supply_take,
        .victim_sleeps = helper_posts,
        .arrival = BEHIND_VICTIM,
        .balance = -1,
        .crowd = true,
        MAY_HOLD},
    {.name = "wait, woken last",
        .operate = operate_supply_take,
        .victim_sleeps = helper_posts,
        .arrival = BEFORE_VICTIM,
        .balance = -1,
        .fewest_waiters = 1,
        MAY_HOLD},
    {.name = "wait, woken, a barger has taken it",
        .operate = operate_supply_take,
        .victim_sleeps = helper_barges,
        .arrival = BEHIND_VICTIM,
        .balance = -1,
        .crowd = true,
        MAY_HOLD},
    {.name = "wait, woken by broadcast",
        .operate = operate_supply_take,
        .victim_sleeps = helper_broadcasts,
        .arrival = BEHIND_VICTIM,
        .balance = -1,
        .crowd = true,
        MAY_HOLD},
    {.name = "wait, woken last by broadcast",
        .operate = operate_supply_take,
        .victim_sleeps = helper_broadcasts,
        .arrival = BEFORE_VICTIM,
        .balance = -1,
        .fewest_waiters = 1,
        MAY_HOLD},
    {.name = "wait, the mutex locked twice",
        .opening = mutex_is_recursive,
        .operate = operate_recursion,
        .victim_sleeps = helper_posts,
        .arrival = BEHIND_VICTIM,
        .balance = -1,
        MAY_HOLD},
    {.name = "wait, woken by one who then dies",
        .operate = operate_supply_take,
        .returns = EOWNERDEAD,
        .victim_sleeps = poster_dies,
        .arrival = BEHIND_VICTIM,
        .balance = -1,
        .deaths_coincide = true,
        MAY_HOLD},
    {.name = "timedwait, woken by signal",
        .operate = operate_timedwait,
        .victim_sleeps = helper_posts,
        .arrival = BEHIND_VICTIM,
        .balance = -1,
        MAY_HOLD},
    {.name = "timedwait that times out, first",
        .operate = operate_timeout,
        .returns = ETIMEDOUT,
        .arrival = BEHIND_VICTIM,
        MAY_HOLD},
    {.name = "timedwait that times out, last",
        .operate = operate_timeout,
        .returns = ETIMEDOUT,
        .arrival = BEFORE_VICTIM,
        .fewest_waiters = 1,
        MAY_HOLD},
    {.name = "signal",
        .opening = one_is_untold,
        .operate = operate_signal,
        .arrival = BEFORE_VICTIM,
        .crowd = true},
    {.name = "signal, stopped",
        .opening = one_is_untold,
        .operate = operate_signal,
        .stopped = true,
        .arrival = BEFORE_VICTIM,
        .fewest_waiters = 1},
    {.name = "signal, holding the mutex",
        .opening = one_is_untold,
        .prepare = hold,
        .operate = operate_signal,
        .arrival = BEFORE_VICTIM,
        .after = SAW_DEATH,
        .fewest_waiters = 1},
    {.name = "signal that finds none",
        .opening = one_waited_in_vain,
        .operate = operate_signal},
    {.name = "signal that finds none, paused",
        .opening = one_waited_in_vain,
        .operate = operate_signal,
        .paused = true,
        .fewest_waiters = 1},
    {.name = "broadcast",
        .opening = enough_are_untold,
        .operate = operate_broadcast,
        .arrival = BEFORE_VICTIM,
        .crowd = true},
    {.name = "broadcast, stopped",
        .opening = enough_are_untold,
        .operate = operate_broadcast,
        .stopped = true,
        .arrival = BEFORE_VICTIM,
        .fewest_waiters = 1},
    {.name = "owner", .operate = operate_owner, .arrival = BEFORE_VICTIM},
    {.name = "check", .operate = operate_check, .arrival = BEFORE_VICTIM},
};

const struct subject holdfast_cond = {
    .name = "holdfast cond",
    .ours = true,
    .lock = &mutex,
    .supply = &tokens,
    .found = room_found,
    .enter = room_enter,
    .reset = room_reset,
    .inspect = room_inspect,
    .dissolve = room_remove,
    .survivor = supply_take,
    .newcomer = supply_revisit,
    .operations = operations,
    .operation_count = LENGTH(operations),
};
