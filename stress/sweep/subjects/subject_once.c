/* SPDX-License-Identifier: MIT */
/* Holdfast's once. "Saw a death" here means: it was the one to initialise. */
#include "../operation.h"
#include "../process.h"
#include "../scene.h"
#include "../stage.h"
#include "lock.h"
#include "room.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <unistd.h>

#define LENGTH(array) ((unsigned)(sizeof(array) / sizeof((array)[0])))

/* Volatile: each store is one of its own, so that a death can fall between any two. */
static volatile struct stage *shared(void)
{
    return stage;
}

/* Starts over on what a dead one left; sees whether another one is at it, too. */
static int initialise(void *told)
{
    const uint64_t next = shared()->guarded.second + 1;
    shared()->guarded.inside = getpid();
    shared()->guarded.first = next;
    shared()->guarded.second = next;
    if (shared()->guarded.inside != getpid() || shared()->guarded.first != next) {
        return EBUSY;
    }
    shared()->guarded.inside = 0;
    atomic_fetch_add(&stage->guarded.done, 1);
    if (told != NULL) {
        *(bool *)told = true;
    }
    return 0;
}

static int fail(void *unused)
{
    (void)unused;
    shared()->guarded.first++;
    return ECANCELED;
}

/* Stands in the middle of it until it is told to go on. */
static int dawdle(void *told)
{
    shared()->guarded.first++;
    while (!shared()->supply.told) {
        poll(NULL, 0, 1);
    }
    return initialise(told);
}

static struct reply once(int (*init)(void *))
{
    bool mine = false;
    const int code = hf_once(&room->once, init, &mine);
    if (code != 0) {
        return judged("hf_once", code);
    }
    if (shared()->guarded.second == 0 ||
        shared()->guarded.first != shared()->guarded.second) {
        return broke("it returned before it was initialised");
    }
    return ended(mine ? SAW_DEATH : WENT_ON);
}

static struct reply go_through(void)
{
    return once(initialise);
}

static struct reply go_through_slowly(void)
{
    return once(dawdle);
}

/* ---- operations ---- */

static int operate_once(void)
{
    return hf_once(&room->once, initialise, NULL);
}

static int operate_failure(void)
{
    return hf_once(&room->once, fail, NULL);
}

static int operate_owner(void)
{
    hf_owner_t who;
    return hf_once_owner(&room->once, &who);
}

static int operate_check(void)
{
    return hf_once_check(&room->once);
}

static void it_is_done(struct scene *s)
{
    helper_does(s, go_through);
}

static void helper_dawdles(struct scene *s)
{
    actor_start(&s->cast.helper, go_through_slowly);
    if (!actor_settles(&s->cast.helper)) {
        scene_breaks(s, BROKEN, "the helper does not begin");
    }
}

static void helper_ends(struct scene *s)
{
    shared()->supply.told = true;
    if (!actor_ended(&s->cast.helper, now_ns() + (int64_t)PATIENCE_MS * NS_PER_MS)) {
        scene_breaks(s, BROKEN, "the helper does not come to its end");
    }
}

static void initialiser_dies(struct scene *s)
{
    if (s->cast.helper.busy) {
        actor_kill(&s->cast.helper);
    }
}

static void initialiser_is_dead(struct scene *s)
{
    helper_dawdles(s);
    scene_recast(s, &s->cast.helper);
}

static const struct operation operations[] = {
    {.name = "once", .operate = operate_once, .before = SAW_DEATH, .crowd = true},
    {.name = "once, waiting behind it",
        .opening = helper_dawdles,
        .operate = operate_once,
        .victim_sleeps = helper_ends,
        .aftermath = helper_ends,
        .arrival = BEHIND_VICTIM,
        .crowd = true},
    {.name = "once, waiting last",
        .opening = helper_dawdles,
        .operate = operate_once,
        .victim_sleeps = helper_ends,
        .aftermath = helper_ends,
        .arrival = BEFORE_VICTIM,
        .fewest_waiters = 1},
    {.name = "once, paused",
        .operate = operate_once,
        .paused = true,
        .before = SAW_DEATH,
        .fewest_waiters = 1},
    {.name = "once of a dead initialiser's",
        .opening = initialiser_is_dead,
        .operate = operate_once,
        .before = SAW_DEATH,
        .crowd = true},
    {.name = "once, woken by the initialiser's death",
        .opening = helper_dawdles,
        .operate = operate_once,
        .victim_sleeps = initialiser_dies,
        .aftermath = initialiser_dies,
        .arrival = BEHIND_VICTIM,
        .before = SAW_DEATH,
        .deaths_coincide = true,
        .also = 1U << SAW_DEATH},
    {.name = "once, init fails",
        .operate = operate_failure,
        .returns = ECANCELED,
        .before = SAW_DEATH,
        .after = SAW_DEATH},
    {.name = "once that is done", .opening = it_is_done, .operate = operate_once},
    {.name = "owner", .operate = operate_owner, .before = SAW_DEATH, .after = SAW_DEATH},
    {.name = "check", .operate = operate_check, .before = SAW_DEATH, .after = SAW_DEATH},
};

const struct subject holdfast_once = {
    .name = "holdfast once",
    .ours = true,
    .found = room_found,
    .enter = room_enter,
    .reset = room_reset,
    .inspect = room_inspect,
    .dissolve = room_remove,
    .survivor = go_through,
    .operations = operations,
    .operation_count = LENGTH(operations),
};
