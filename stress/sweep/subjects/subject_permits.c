/* SPDX-License-Identifier: MIT */
/*
 * Holdfast's permits: a pool of three, of which the stagehand keeps two. So the third is
 * a lock, of which the bodies for locks can be made. Some operations have the two given
 * back first: then the survivors use whichever permits they get.
 */
#include "../operation.h"
#include "../scene.h"
#include "../stage.h"
#include "lock.h"
#include "room.h"

#include <errno.h>
#include <sched.h>
#include <unistd.h>

#define LENGTH(array) ((unsigned)(sizeof(array) / sizeof((array)[0])))

static unsigned mine; /* the permit that this process took last */

static int told(int error)
{
    room->pool.told += error == EOWNERDEAD;
    return error;
}

static int take(void)
{
    return told(hf_permits_acquire(&room->permits, &mine));
}

static int give(void)
{
    return hf_permits_release(&room->permits, mine);
}

static int repaired(void)
{
    return 0; /* a permit knows of no repair */
}

static const struct lock permits_lock = {take, give, repaired};

/* ---- the stage ---- */

static struct reply reset(void)
{
    room_reset();
    int error = hf_permits_init(&room->permits, PERMITS);
    for (; error == 0 && room->pool.kept < PERMITS - 1; room->pool.kept++) {
        error = hf_permits_acquire(&room->permits, &mine);
    }
    return judged("making a pool", error);
}

static struct reply give_back_kept(void)
{
    int error = 0;
    for (unsigned i = 0; error == 0 && i < PERMITS; i++) {
        error = hf_permits_release(&room->permits, i);
        error = error == EPERM ? 0 : error;
    }
    room->pool.kept = 0;
    return judged("giving back", error);
}

static void all_are_free(struct scene *s)
{
    actor_call(&s->cast.stagehand, give_back_kept);
}

/* As many as at the beginning can be taken, and no more; a death is told of once. */
static struct reply count_permits(void)
{
    unsigned count = 0, taken[PERMITS + 1];
    int error = 0;
    while (count <= PERMITS && (error == 0 || error == EOWNERDEAD)) {
        error = told(hf_permits_tryacquire(&room->permits, &taken[count]));
        count += error == 0 || error == EOWNERDEAD;
    }
    const int damaged = hf_permits_check(&room->permits);
    const unsigned expected = PERMITS - room->pool.kept;
    for (unsigned i = 0; i < count && i < PERMITS; i++) {
        (void)!hf_permits_release(&room->permits, taken[i]);
    }
    if (damaged != 0 || error != EBUSY || count != expected) {
        return broke("%u permits are left of %u (%d)", count, expected, error);
    }
    return room->pool.told <= stage->deaths
               ? went_on()
               : broke("%u were told of %u deaths", room->pool.told, stage->deaths);
}

static struct reply inspect(void)
{
    const struct reply r = room_inspect();
    struct reply count = count_permits();
    count.value = r.value;
    return r.ending == BROKE ? r : count;
}

/* ---- survivors, where several permits are about ---- */

static struct reply use_one(void)
{
    const int error = take();
    if (error != 0 && error != EOWNERDEAD) {
        return judged("acquiring", error);
    }
    const int user = room->pool.users[mine];
    if (user != 0 && error == 0) {
        return broke("permit %u is used by process %d too", mine, user);
    }
    room->pool.users[mine] = (int)getpid();
    sched_yield();
    if (room->pool.users[mine] != (int)getpid()) {
        return broke("permit %u was given to another", mine);
    }
    room->pool.users[mine] = 0;
    const struct reply r = judged("releasing", give());
    return r.ending == BROKE || error == 0 ? r : ended(SAW_DEATH);
}

static int operate_use(void)
{
    return use_one().ending == WENT_ON ? 0 : EPROTO;
}

static int operate_hold(void)
{
    const int error = take();
    if (error == 0) {
        room->pool.users[mine] = (int)getpid();
    }
    return error;
}

/* ---- operations ---- */

static int operate_tryacquire(void)
{
    return begin_change(hf_permits_tryacquire(&room->permits, &mine));
}

static int timedacquire(unsigned ms)
{
    const struct timespec deadline = hf_deadline_in_ms(ms);
    return begin_change(hf_permits_timedacquire(&room->permits, &mine, &deadline));
}

static int operate_timedacquire(void)
{
    return timedacquire(LONG_MS);
}

static int operate_timeout(void)
{
    return timedacquire(SHORT_MS);
}

static int operate_owner(void)
{
    hf_owner_t who;
    return hf_permits_owner(&room->permits, PERMITS - 1, &who);
}

static int operate_check(void)
{
    return hf_permits_check(&room->permits);
}

#define SEVERAL .opening = all_are_free, .waiter = use_one, .newcomer = use_one

static const struct operation operations[] = {
    {.name = "acquire", .operate = operate_take, .after = SAW_DEATH},
    {.name = "tryacquire", .operate = operate_tryacquire, .after = SAW_DEATH},
    {.name = "timedacquire", .operate = operate_timedacquire, .after = SAW_DEATH},
    {.name = "acquire, change, release",
        .operate = operate_section,
        .also = 1U << SAW_DEATH},
    {.name = "acquire, change, release, paused",
        .operate = operate_section,
        .paused = true,
        .fewest_waiters = 1},
    {.name = "release",
        .prepare = lock_hold_whole,
        .operate = operate_give,
        .arrival = BEFORE_VICTIM,
        .crowd = true,
        .before = SAW_DEATH},
    {.name = "release, paused",
        .prepare = lock_hold_whole,
        .operate = operate_give,
        .paused = true,
        .arrival = BEFORE_VICTIM,
        .fewest_waiters = 1},
    {.name = "release, waiters come late",
        .prepare = lock_hold_whole,
        .operate = operate_give,
        .before = SAW_DEATH,
        .fewest_waiters = 1},
    {.name = "tryacquire with none left",
        .opening = helper_takes,
        .operate = operate_tryacquire,
        .returns = EBUSY,
        .arrival = BEFORE_VICTIM},
    {.name = "timedacquire that times out, first",
        .opening = helper_takes,
        .operate = operate_timeout,
        .returns = ETIMEDOUT,
        .arrival = BEHIND_VICTIM},
    {.name = "timedacquire that times out, last",
        .opening = helper_takes,
        .operate = operate_timeout,
        .returns = ETIMEDOUT,
        .arrival = BEFORE_VICTIM,
        .fewest_waiters = 1},
    {.name = "timedacquire, woken by release",
        .opening = helper_takes,
        .operate = operate_timedacquire,
        .victim_sleeps = helper_gives,
        .arrival = BEHIND_VICTIM,
        .after = SAW_DEATH},
    {.name = "acquire, woken by release",
        .opening = helper_takes,
        .operate = operate_take,
        .victim_sleeps = helper_gives,
        .arrival = BEHIND_VICTIM,
        .crowd = true,
        .after = SAW_DEATH},
    {.name = "acquire, woken, a barger holds it",
        .opening = helper_takes,
        .operate = operate_take,
        .victim_sleeps = helper_passes,
        .arrival = BEHIND_VICTIM,
        .after = SAW_DEATH},
    {.name = "acquire, woken last",
        .opening = helper_takes,
        .operate = operate_take,
        .victim_sleeps = helper_gives,
        .arrival = BEFORE_VICTIM,
        .after = SAW_DEATH,
        .fewest_waiters = 1},
    {.name = "acquire, woken by a holder's death",
        .opening = helper_takes,
        .operate = operate_take,
        .returns = EOWNERDEAD,
        .victim_sleeps = helper_dies,
        .arrival = BEHIND_VICTIM,
        .after = SAW_DEATH,
        .deaths_coincide = true},
    {.name = "acquire a dead holder's",
        .opening = holder_dies,
        .operate = operate_take,
        .returns = EOWNERDEAD,
        .before = SAW_DEATH,
        .after = SAW_DEATH},
    {.name = "tryacquire a dead holder's",
        .opening = holder_dies,
        .operate = operate_tryacquire,
        .returns = EOWNERDEAD,
        .before = SAW_DEATH,
        .after = SAW_DEATH},
    {.name = "release a dead holder's",
        .opening = holder_dies,
        .prepare = lock_take_over,
        .operate = operate_give,
        .arrival = BEFORE_VICTIM,
        .before = SAW_DEATH},
    {.name = "acquire one of three",
        SEVERAL,
        .operate = operate_hold,
        .also = 1U << SAW_DEATH},
    {.name = "use one of three",
        SEVERAL,
        .operate = operate_use,
        .also = 1U << SAW_DEATH},
    {.name = "use one of three, stopped",
        SEVERAL,
        .operate = operate_use,
        .stopped = true},
    {.name = "owner",
        .opening = helper_takes,
        .operate = operate_owner,
        .arrival = BEFORE_VICTIM,
        .fewest_waiters = FEW},
    {.name = "check", .operate = operate_check, .fewest_waiters = FEW},
};

const struct subject holdfast_permits = {
    .name = "holdfast permits",
    .ours = true,
    .lock = &permits_lock,
    .found = room_found,
    .enter = room_enter,
    .reset = reset,
    .inspect = inspect,
    .dissolve = room_remove,
    .survivor = lock_section,
    .operations = operations,
    .operation_count = LENGTH(operations),
};
