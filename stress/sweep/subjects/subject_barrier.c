/* SPDX-License-Identifier: MIT */
/*
 * Barriers, holdfast's and pthread's. If the victim's arrival went with it, whoever
 * sleeps waits for others to come in the place of the missing; if the round was complete,
 * all go on by themselves. Who of the two is the case shows when all have come to rest.
 */
#include "../operation.h"
#include "../scene.h"
#include "../stage.h"
#include "room.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#define LENGTH(array) ((unsigned)(sizeof(array) / sizeof((array)[0])))

typedef int wait_fn(bool *last);

static int wait_at_ours(bool *last)
{
    return hf_barrier_wait(&room->barrier, last);
}

static int wait_at_theirs(bool *last)
{
    const int code = pthread_barrier_wait(&stage->glibc.barrier);
    *last = code == PTHREAD_BARRIER_SERIAL_THREAD;
    return *last ? 0 : code;
}

/* Whoever only enters needs none yet. */
static unsigned parties(void)
{
    return stage->round.parties != 0 ? stage->round.parties : 1;
}

static struct reply reset_ours(void)
{
    room_reset();
    return judged("hf_barrier_init", hf_barrier_init(&room->barrier, parties()));
}

static struct reply reset_theirs(void)
{
    pthread_barrierattr_t attributes;
    pthread_barrierattr_init(&attributes);
    pthread_barrierattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    const int code = pthread_barrier_init(&stage->glibc.barrier, &attributes, parties());
    return judged("pthread_barrier_init", code);
}

/* ---- survivors ---- */

static struct reply arrive(wait_fn *wait)
{
    bool last = false;
    stage->round.came++;
    const struct reply r = judged("waiting", wait(&last));
    stage->round.went_on++;
    stage->round.lasts += last;
    const bool early = stage->round.came + stage->round.victim_came < parties();
    return early ? broke("it went on before all had come") : r;
}

static struct reply arrive_at_ours(void)
{
    return arrive(wait_at_ours);
}

static struct reply arrive_at_theirs(void)
{
    return arrive(wait_at_theirs);
}

/* Comes when the others have gone on, and would be one too many. */
static struct reply stay_away(void)
{
    return went_on();
}

/* ---- cues ---- */

static void expect(struct scene *s, unsigned parties)
{
    memset(&stage->round, 0, sizeof stage->round);
    stage->round.parties = parties;
    actor_call(&s->cast.stagehand, s->subject->reset);
}

static void victim_is_last(struct scene *s)
{
    expect(s, s->waiters + 1);
}

static void helper_is_last(struct scene *s)
{
    expect(s, s->waiters + 2);
}

static void helper_arrives(struct scene *s)
{
    if (!s->helper_holds) {
        s->helper_holds = true;
        actor_start(&s->cast.helper, s->subject->survivor);
    }
}

/* At rest: has replied, or sleeps. */
static bool goes_on(struct scene *s, struct actor *a)
{
    if (!actor_settles(a)) {
        scene_breaks(s, HANG, "one neither goes on nor sleeps");
    }
    return !a->busy;
}

static void stagehand_arrives(struct scene *s)
{
    struct actor *a = &s->cast.stagehand;
    actor_start(a, s->subject->survivor);
    if (!actor_ended(a, s->killed_ns + (int64_t)PATIENCE_MS * 1000000)) {
        scene_breaks(s, HANG, "the last one to come does not go on");
        scene_recast(s, a);
    }
}

static void others_come_instead(struct scene *s)
{
    unsigned present = s->waiters + s->helper_holds;
    if (stage->round.parties > present + 1) {
        stage->round.victim_came = 0; /* the round cannot have been complete */
    }
    bool complete = s->helper_holds && goes_on(s, &s->cast.helper);
    for (unsigned i = 0; i < s->waiters; i++) {
        complete |= goes_on(s, &s->cast.waiters[i]);
    }
    if (complete || present == 0) {
        return;
    }
    if (!s->helper_holds) {
        helper_arrives(s);
        present++;
    }
    if (present < parties()) {
        stagehand_arrives(s);
    }
}

/* ---- operations ---- */

/* When it has come to its end, one of all has been the last; else perhaps it was. */
static int operate_by(wait_fn *wait)
{
    bool last = false;
    stage->round.victim_came = 1;
    const int code = wait(&last);
    stage->round.lasts += last;
    return code;
}

static int operate_ours(void)
{
    return operate_by(wait_at_ours);
}

static int operate_theirs(void)
{
    return operate_by(wait_at_theirs);
}

static int operate_owner(void)
{
    hf_owner_t who;
    return hf_barrier_owner(&room->barrier, &who);
}

static int operate_check(void)
{
    return hf_barrier_check(&room->barrier);
}

static struct reply inspect(void)
{
    struct reply r = room_inspect();
    hf_owner_t who;
    const int code = hf_barrier_owner(&room->barrier, &who);
    const unsigned lasts = stage->round.lasts, went_on = stage->round.went_on;
    /* The dead one may have been told, and have had no time to say so. */
    const bool all_tell = stage->round.victim_came == 0 || stage->returned == 0;
    const uint64_t rescues = r.value;
    if (r.ending != BROKE && (code != 0 || who.waiters != 0)) {
        r = broke("%u wait (%d)", who.waiters, code);
    } else if (r.ending != BROKE &&
               (lasts > 1 || (lasts == 0 && went_on > 0 && all_tell))) {
        r = broke("%u were the last of %u", lasts, went_on);
    }
    r.value = rescues;
    return r;
}

/* Whatever is killed, all who wait go on, and nobody is left. */
#define ENDING .aftermath = others_come_instead, .newcomer = stay_away

static const struct operation operations[] = {
    {.name = "wait, the last to come",
        .opening = victim_is_last,
        .operate = operate_ours,
        .arrival = BEFORE_VICTIM,
        ENDING,
        .crowd = true},
    {.name = "wait, the last to come, paused",
        .opening = victim_is_last,
        .operate = operate_ours,
        .arrival = BEFORE_VICTIM,
        .paused = true,
        ENDING,
        .fewest_waiters = 1},
    {.name = "wait, woken by the last to come",
        .opening = victim_is_last,
        .operate = operate_ours,
        .arrival = BEHIND_VICTIM,
        ENDING,
        .crowd = true,
        .fewest_waiters = 1},
    {.name = "wait, killed asleep or woken",
        .opening = helper_is_last,
        .operate = operate_ours,
        .victim_sleeps = helper_arrives,
        .arrival = BEHIND_VICTIM,
        ENDING},
    {.name = "owner",
        .opening = helper_is_last,
        .operate = operate_owner,
        .arrival = BEFORE_VICTIM,
        ENDING,
        .fewest_waiters = FEW},
    {.name = "check",
        .opening = helper_is_last,
        .operate = operate_check,
        .arrival = BEFORE_VICTIM,
        ENDING,
        .fewest_waiters = FEW},
};

const struct subject holdfast_barrier = {
    .name = "holdfast barrier",
    .ours = true,
    .found = room_found,
    .enter = room_enter,
    .reset = reset_ours,
    .inspect = inspect,
    .dissolve = room_remove,
    .survivor = arrive_at_ours,
    .operations = operations,
    .operation_count = LENGTH(operations),
};

static const struct operation peer_operations[] = {
    {.name = "wait, the last to come",
        .opening = victim_is_last,
        .operate = operate_theirs,
        .arrival = BEFORE_VICTIM,
        .aftermath = others_come_instead,
        .newcomer = stay_away,
        .fewest_waiters = 1},
    {.name = "wait, killed asleep or woken",
        .opening = helper_is_last,
        .operate = operate_theirs,
        .victim_sleeps = helper_arrives,
        .arrival = BEHIND_VICTIM,
        .aftermath = others_come_instead,
        .newcomer = stay_away,
        .fewest_waiters = 1},
};

const struct subject glibc_barrier = {
    .name = "pthread_barrier",
    .reset = reset_theirs,
    .survivor = arrive_at_theirs,
    .operations = peer_operations,
    .operation_count = LENGTH(peer_operations),
};
