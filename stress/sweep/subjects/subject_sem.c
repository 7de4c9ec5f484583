/* SPDX-License-Identifier: MIT */
/* Holdfast's semaphore: a supply as it is. */
#include "../operation.h"
#include "../scene.h"
#include "../stage.h"
#include "room.h"
#include "supply.h"

#include <errno.h>

#define LENGTH(array) ((unsigned)(sizeof(array) / sizeof((array)[0])))

static int take(void)
{
    return hf_sem_wait(&room->sem);
}

static int attempt(void)
{
    return hf_sem_trywait(&room->sem);
}

static int post(void)
{
    return hf_sem_post(&room->sem);
}

static unsigned left(void)
{
    unsigned value = 0;
    return hf_sem_getvalue(&room->sem, &value) == 0 ? value : 0;
}

static const struct supply tokens = {
    .take = take, .attempt = attempt, .post = post, .left = left};

/* ---- operations ---- */

enum { TURNS = 32 };

static int timedwait(hf_sem_t *sem, unsigned ms)
{
    const struct timespec deadline = hf_deadline_in_ms(ms);
    return hf_sem_timedwait(sem, &deadline);
}

static int operate_timedwait(void)
{
    return timedwait(&room->sem, LONG_MS);
}

static int operate_timeout(void)
{
    return timedwait(&room->sem, SHORT_MS);
}

static int operate_init(void)
{
    return hf_sem_init(&room->sem, 3);
}

static int operate_getvalue(void)
{
    unsigned value;
    return hf_sem_getvalue(&room->sem, &value);
}

static int operate_owner(void)
{
    hf_owner_t who;
    return hf_sem_owner(&room->sem, &who);
}

static int operate_check(void)
{
    return hf_sem_check(&room->sem);
}

/* Every 32nd post where somebody may sleep first looks whether anybody does. (Who waited
 * in vain has left word of it.) */
static struct reply come_to_the_turn(void)
{
    int code = timedwait(&room->spare_sem, 1);
    if (code != ETIMEDOUT) {
        return broke("waiting for what is not there returned %d", code);
    }
    code = 0;
    for (int i = 0; code == 0 && i < TURNS - 1; i++) {
        code = hf_sem_post(&room->spare_sem);
    }
    return judged("posting", code);
}

static struct reply wait_in_vain(void)
{
    const int code = timedwait(&room->sem, 1);
    return judged("waiting in vain", code == ETIMEDOUT ? 0 : code);
}

static void one_waited_in_vain(struct scene *s)
{
    helper_does(s, wait_in_vain);
}

static const struct operation operations[] = {
    {.name = "wait, a token is there",
        .opening = supply_has_one,
        .operate = operate_supply_take,
        .balance = -1},
    {.name = "trywait, a token is there",
        .opening = supply_has_one,
        .operate = operate_supply_attempt,
        .balance = -1},
    {.name = "timedwait, a token is there",
        .opening = supply_has_one,
        .operate = operate_timedwait,
        .balance = -1},
    {.name = "trywait, none is there",
        .operate = operate_supply_attempt,
        .returns = EBUSY,
        .arrival = BEFORE_VICTIM},
    {.name = "timedwait that times out, first",
        .operate = operate_timeout,
        .returns = ETIMEDOUT,
        .arrival = BEHIND_VICTIM},
    {.name = "timedwait that times out, last",
        .operate = operate_timeout,
        .returns = ETIMEDOUT,
        .arrival = BEFORE_VICTIM,
        .fewest_waiters = 1},
    {.name = "timedwait, woken by post",
        .operate = operate_timedwait,
        .victim_sleeps = helper_posts,
        .arrival = BEHIND_VICTIM,
        .balance = -1},
    {.name = "wait, woken by post",
        .operate = operate_supply_take,
        .victim_sleeps = helper_posts,
        .arrival = BEHIND_VICTIM,
        .balance = -1,
        .crowd = true},
    {.name = "wait, woken last",
        .operate = operate_supply_take,
        .victim_sleeps = helper_posts,
        .arrival = BEFORE_VICTIM,
        .balance = -1,
        .fewest_waiters = 1},
    {.name = "wait, woken, a barger has taken it",
        .operate = operate_supply_take,
        .victim_sleeps = helper_barges,
        .arrival = BEHIND_VICTIM,
        .balance = -1,
        .crowd = true},
    {.name = "wait, woken, stopped",
        .operate = operate_supply_take,
        .stopped = true,
        .victim_sleeps = helper_posts,
        .arrival = BEHIND_VICTIM,
        .balance = -1,
        .fewest_waiters = 1},
    {.name = "post",
        .operate = operate_supply_post,
        .arrival = BEFORE_VICTIM,
        .balance = 1,
        .crowd = true},
    {.name = "post, waiters come late", .operate = operate_supply_post, .balance = 1},
    {.name = "post, stopped",
        .operate = operate_supply_post,
        .stopped = true,
        .arrival = BEFORE_VICTIM,
        .balance = 1,
        .fewest_waiters = 1},
    {.name = "post that looks for sleepers",
        .prepare = come_to_the_turn,
        .operate = operate_supply_post,
        .arrival = BEFORE_VICTIM,
        .balance = 1,
        .fewest_waiters = 1},
    {.name = "post that finds none",
        .opening = one_waited_in_vain,
        .prepare = come_to_the_turn,
        .operate = operate_supply_post,
        .balance = 1},
    {.name = "post that finds none, paused",
        .opening = one_waited_in_vain,
        .prepare = come_to_the_turn,
        .operate = operate_supply_post,
        .paused = true,
        .balance = 1,
        .fewest_waiters = 1},
    {.name = "init", .operate = operate_init, .balance = 3},
    {.name = "getvalue", .operate = operate_getvalue, .arrival = BEFORE_VICTIM},
    {.name = "owner", .operate = operate_owner, .arrival = BEFORE_VICTIM},
    {.name = "check", .operate = operate_check, .arrival = BEFORE_VICTIM},
};

const struct subject holdfast_sem = {
    .name = "holdfast sem",
    .ours = true,
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
