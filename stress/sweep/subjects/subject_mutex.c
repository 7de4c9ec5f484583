/* SPDX-License-Identifier: MIT */
/* Holdfast's mutex, joining and leaving. */
#include "../operation.h"
#include "../scene.h"
#include "lock.h"
#include "room.h"

#include <errno.h>

#define LENGTH(array) ((unsigned)(sizeof(array) / sizeof((array)[0])))

static struct reply make_recursive(void)
{
    return judged("hf_mutex_init", hf_mutex_init(&room->mutex, HF_RECURSIVE));
}

static int take(void)
{
    return hf_mutex_lock(&room->mutex);
}

static int give(void)
{
    return hf_mutex_unlock(&room->mutex);
}

static int repaired(void)
{
    return hf_mutex_consistent(&room->mutex);
}

static const struct lock mutex_lock = {take, give, repaired};

/* ---- operations ---- */

static int operate_trylock(void)
{
    return begin_change(hf_mutex_trylock(&room->mutex));
}

static int timedlock(unsigned ms)
{
    const struct timespec deadline = hf_deadline_in_ms(ms);
    return begin_change(hf_mutex_timedlock(&room->mutex, &deadline));
}

static int operate_timedlock(void)
{
    return timedlock(LONG_MS);
}

static int operate_timeout(void)
{
    return timedlock(SHORT_MS);
}

static int operate_recursion(void)
{
    int code = take();
    code = code == 0 ? begin_change(take()) : code;
    if (code != 0) {
        return code;
    }
    end_change();
    code = give();
    return code == 0 ? give() : code;
}

static int operate_close(void)
{
    return hf_segment_close(segment);
}

static int operate_owner(void)
{
    hf_owner_t who;
    return hf_mutex_owner(&room->mutex, &who);
}

static int operate_nothing(void)
{
    return 0;
}

static void mutex_is_recursive(struct scene *s)
{
    actor_call(&s->cast.stagehand, make_recursive);
}

/* Unlocked by one who was told of a death and did not say that the data is repaired. */
static struct reply lose(void)
{
    const struct reply r = lock_take_over();
    return r.ending == BROKE ? r : judged("unlocking", give());
}

static void mutex_is_lost(struct scene *s)
{
    holder_dies(s);
    helper_does(s, lose);
}

static const struct operation operations[] = {
    {.name = "lock", .operate = operate_take, .after = SAW_DEATH},
    {.name = "trylock", .operate = operate_trylock, .after = SAW_DEATH},
    {.name = "timedlock", .operate = operate_timedlock, .after = SAW_DEATH},
    {.name = "lock, change, unlock", .operate = operate_section, .also = 1U << SAW_DEATH},
    {.name = "lock, change, unlock, paused",
        .operate = operate_section,
        .paused = true,
        .fewest_waiters = 1},
    {.name = "unlock",
        .prepare = lock_hold_whole,
        .operate = operate_give,
        .arrival = BEFORE_VICTIM,
        .before = SAW_DEATH},
    {.name = "unlock, paused",
        .prepare = lock_hold_whole,
        .operate = operate_give,
        .paused = true,
        .arrival = BEFORE_VICTIM,
        .fewest_waiters = 1},
    {.name = "unlock, paused, waiters come late",
        .prepare = lock_hold_whole,
        .operate = operate_give,
        .paused = true,
        .fewest_waiters = 1},
    {.name = "unlock, waiters come late",
        .prepare = lock_hold_whole,
        .operate = operate_give,
        .before = SAW_DEATH,
        .fewest_waiters = 1},
    {.name = "recursive lock twice, unlock twice",
        .opening = mutex_is_recursive,
        .operate = operate_recursion,
        .also = 1U << SAW_DEATH},
    {.name = "trylock of a held one",
        .opening = helper_takes,
        .operate = operate_trylock,
        .returns = EBUSY,
        .arrival = BEFORE_VICTIM},
    {.name = "timedlock that times out, first",
        .opening = helper_takes,
        .operate = operate_timeout,
        .returns = ETIMEDOUT,
        .arrival = BEHIND_VICTIM},
    {.name = "timedlock that times out, last",
        .opening = helper_takes,
        .operate = operate_timeout,
        .returns = ETIMEDOUT,
        .arrival = BEFORE_VICTIM,
        .fewest_waiters = 1},
    {.name = "timedlock, woken by unlock",
        .opening = helper_takes,
        .operate = operate_timedlock,
        .victim_sleeps = helper_gives,
        .arrival = BEHIND_VICTIM,
        .after = SAW_DEATH},
    {.name = "lock, woken by unlock",
        .opening = helper_takes,
        .operate = operate_take,
        .victim_sleeps = helper_gives,
        .arrival = BEHIND_VICTIM,
        .after = SAW_DEATH},
    {.name = "lock, woken, a barger holds it",
        .opening = helper_takes,
        .operate = operate_take,
        .victim_sleeps = helper_passes,
        .arrival = BEHIND_VICTIM,
        .after = SAW_DEATH},
    {.name = "lock, woken last",
        .opening = helper_takes,
        .operate = operate_take,
        .victim_sleeps = helper_gives,
        .arrival = BEFORE_VICTIM,
        .after = SAW_DEATH,
        .fewest_waiters = 1},
    {.name = "lock, woken by the holder's death",
        .opening = helper_takes,
        .operate = operate_take,
        .returns = EOWNERDEAD,
        .victim_sleeps = helper_dies,
        .arrival = BEHIND_VICTIM,
        .after = SAW_DEATH,
        .deaths_coincide = true},
    {.name = "lock of a dead holder's",
        .opening = holder_dies,
        .operate = operate_take,
        .returns = EOWNERDEAD,
        .before = SAW_DEATH,
        .after = SAW_DEATH},
    {.name = "trylock of a dead holder's",
        .opening = holder_dies,
        .operate = operate_trylock,
        .returns = EOWNERDEAD,
        .before = SAW_DEATH,
        .after = SAW_DEATH},
    {.name = "consistent after EOWNERDEAD",
        .opening = holder_dies,
        .prepare = lock_take_over,
        .operate = repaired,
        .arrival = BEFORE_VICTIM,
        .before = SAW_DEATH,
        .after = SAW_DEATH},
    {.name = "unlock without consistent",
        .opening = holder_dies,
        .prepare = lock_take_over,
        .operate = operate_give,
        .arrival = BEFORE_VICTIM,
        .before = SAW_DEATH,
        .after = SAW_LOST},
    {.name = "lock of a lost one",
        .opening = mutex_is_lost,
        .operate = operate_take,
        .returns = ENOTRECOVERABLE,
        .before = SAW_LOST,
        .after = SAW_LOST},
    {.name = "owner",
        .opening = helper_takes,
        .operate = operate_owner,
        .arrival = BEFORE_VICTIM},
    {.name = "join (first lock)",
        .prepare = room_find,
        .comes_unprepared = true,
        .operate = operate_take,
        .after = SAW_DEATH},
    {.name = "join (first lock), paused",
        .prepare = room_find,
        .comes_unprepared = true,
        .operate = operate_section,
        .paused = true,
        .fewest_waiters = 1},
    {.name = "leave by thread exit", .operate = operate_nothing, .by_thread_exit = true},
    {.name = "leave by thread exit, holding it",
        .prepare = lock_hold,
        .operate = operate_nothing,
        .by_thread_exit = true,
        .arrival = BEFORE_VICTIM,
        .before = SAW_DEATH,
        .after = SAW_DEATH},
    {.name = "close", .operate = operate_close},
    {.name = "close, holding it",
        .prepare = lock_hold,
        .operate = operate_close,
        .arrival = BEFORE_VICTIM,
        .before = SAW_DEATH,
        .after = SAW_DEATH},
};

const struct subject holdfast_mutex = {
    .name = "holdfast mutex",
    .ours = true,
    .lock = &mutex_lock,
    .found = room_found,
    .enter = room_enter,
    .reset = room_reset,
    .inspect = room_inspect,
    .dissolve = room_remove,
    .survivor = lock_section,
    .operations = operations,
    .operation_count = LENGTH(operations),
};
