/* SPDX-License-Identifier: MIT */
/* Holdfast's event: a manual one is a supply that nobody takes from; an automatic one, a
 * supply of one at most. */
#include "../operation.h"
#include "../scene.h"
#include "../stage.h"
#include "room.h"
#include "supply.h"

#include <errno.h>

#define LENGTH(array) ((unsigned)(sizeof(array) / sizeof((array)[0])))

static int take(void)
{
    return hf_event_wait(&room->event);
}

static int attempt(void)
{
    return hf_event_trywait(&room->event);
}

static int post(void)
{
    return hf_event_set(&room->event);
}

/* docs/format.md: SET. To ask the event would be to pass it. */
static unsigned left(void)
{
    return __atomic_load_n(&room->event.hf_word, __ATOMIC_ACQUIRE) & 1;
}

static const struct supply manual = {
    .take = take, .attempt = attempt, .post = post, .left = left, .stays = true};
static const struct supply automatic = {
    .take = take, .attempt = attempt, .post = post, .left = left, .most = 1};

static struct reply reset_automatic(void)
{
    (void)room_reset();
    return judged("hf_event_init", hf_event_init(&room->event, HF_AUTO_RESET));
}

/* ---- operations ---- */

static int timedwait(unsigned ms)
{
    const struct timespec deadline = hf_deadline_in_ms(ms);
    return hf_event_timedwait(&room->event, &deadline);
}

static int operate_timedwait(void)
{
    return timedwait(LONG_MS);
}

static int operate_timeout(void)
{
    return timedwait(SHORT_MS);
}

static int operate_reset(void)
{
    return hf_event_reset(&room->event);
}

static int operate_init(void)
{
    return hf_event_init(&room->event, room->event.hf_options);
}

static int operate_owner(void)
{
    hf_owner_t who;
    return hf_event_owner(&room->event, &who);
}

static int operate_check(void)
{
    return hf_event_check(&room->event);
}

static struct reply wait_in_vain(void)
{
    const int code = timedwait(1);
    return judged("waiting in vain", code == ETIMEDOUT ? 0 : code);
}

/* And has left word of it. */
static void one_waited_in_vain(struct scene *s)
{
    helper_does(s, wait_in_vain);
}

/* All who waited before the reset pass. */
static struct reply pulse(void)
{
    stage->supply.owed = true;
    const int code = hf_event_set(&room->event);
    return judged("setting and resetting", code != 0 ? code : operate_reset());
}

static void helper_pulses(struct scene *s)
{
    helper_does(s, pulse);
}

/* Both kinds have these; a balance says nothing of a supply that stays. */
static const struct operation operations[] = {
    {.name = "wait, it is set",
        .opening = supply_has_one,
        .operate = operate_supply_take,
        .balance = -1},
    {.name = "trywait, it is set",
        .opening = supply_has_one,
        .operate = operate_supply_attempt,
        .balance = -1},
    {.name = "timedwait, it is set",
        .opening = supply_has_one,
        .operate = operate_timedwait,
        .balance = -1},
    {.name = "trywait, it is not set",
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
    {.name = "timedwait, woken by set",
        .operate = operate_timedwait,
        .victim_sleeps = helper_posts,
        .arrival = BEHIND_VICTIM,
        .balance = -1},
    {.name = "wait, woken by set",
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
    {.name = "wait, woken, stopped",
        .operate = operate_supply_take,
        .stopped = true,
        .victim_sleeps = helper_posts,
        .arrival = BEHIND_VICTIM,
        .balance = -1,
        .fewest_waiters = 1},
    {.name = "set",
        .operate = operate_supply_post,
        .arrival = BEFORE_VICTIM,
        .balance = 1,
        .crowd = true},
    {.name = "set, waiters come late", .operate = operate_supply_post, .balance = 1},
    {.name = "set of a set one",
        .opening = supply_has_one,
        .operate = operate_supply_post},
    {.name = "set, stopped",
        .operate = operate_supply_post,
        .stopped = true,
        .arrival = BEFORE_VICTIM,
        .balance = 1,
        .fewest_waiters = 1},
    {.name = "set that finds none",
        .opening = one_waited_in_vain,
        .operate = operate_supply_post,
        .balance = 1},
    {.name = "set that finds none, paused",
        .opening = one_waited_in_vain,
        .operate = operate_supply_post,
        .paused = true,
        .balance = 1,
        .fewest_waiters = 1},
    {.name = "reset", .opening = supply_has_one, .operate = operate_reset, .balance = -1},
    {.name = "reset, stopped",
        .opening = supply_has_one,
        .operate = operate_reset,
        .stopped = true,
        .balance = -1,
        .fewest_waiters = 1},
    {.name = "reset of one that is not set",
        .operate = operate_reset,
        .arrival = BEFORE_VICTIM},
    {.name = "init", .operate = operate_init},
    {.name = "owner", .operate = operate_owner, .arrival = BEFORE_VICTIM},
    {.name = "check", .operate = operate_check, .arrival = BEFORE_VICTIM},
    {.name = "wait, woken, a barger has passed",
        .operate = operate_supply_take,
        .victim_sleeps = helper_barges,
        .arrival = BEHIND_VICTIM,
        .balance = -1,
        .crowd = true},
    /* Of manual ones only: all pass. */
    {.name = "wait, woken by set, then reset",
        .operate = operate_supply_take,
        .victim_sleeps = helper_pulses,
        .arrival = BEHIND_VICTIM,
        .crowd = true},
    {.name = "wait, woken last, then reset",
        .operate = operate_supply_take,
        .victim_sleeps = helper_pulses,
        .arrival = BEFORE_VICTIM,
        .fewest_waiters = 1},
};

enum { OF_MANUAL_ONES_ONLY = 2 }; /* the last */

const struct subject holdfast_event = {
    .name = "holdfast event",
    .ours = true,
    .supply = &manual,
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

const struct subject holdfast_auto_event = {
    .name = "holdfast auto event",
    .ours = true,
    .supply = &automatic,
    .found = room_found,
    .enter = room_enter,
    .reset = reset_automatic,
    .inspect = room_inspect,
    .dissolve = room_remove,
    .survivor = supply_take,
    .newcomer = supply_revisit,
    .operations = operations,
    .operation_count = LENGTH(operations) - OF_MANUAL_ONES_ONLY,
};
