/* SPDX-License-Identifier: MIT */
#include "sharing.h"

#include "room.h"

#include <errno.h>

#define LENGTH(array) ((unsigned)(sizeof(array) / sizeof((array)[0])))

typedef int way_fn(hf_rwlock_t *l);

/* How this process takes the lock. */
static way_fn *way = hf_rwlock_wrlock;

static int uplock_upgrade(hf_rwlock_t *l)
{
    const int code = hf_rwlock_uplock(l);
    return code == 0 ? hf_rwlock_upgrade(l) : code;
}

static int take(void)
{
    return way(&room->rwlock);
}

static int give(void)
{
    return hf_rwlock_unlock(&room->rwlock);
}

const struct lock rwlock_lock = {take, give, operate_consistent};

/* ---- survivors ---- */

struct reply read_section(void)
{
    way = hf_rwlock_rdlock;
    return lock_look();
}

struct reply write_section(void)
{
    way = hf_rwlock_wrlock;
    return lock_section();
}

/* Reads beside others, writes, reads again. */
static struct reply all_ways(void)
{
    way = uplock_upgrade;
    const struct reply r = lock_hold_whole();
    if (r.ending == SAW_LOST || r.ending == BROKE) {
        return r;
    }
    const int code = operate_downgrade();
    const struct reply still = code == 0 ? lock_check() : judged("downgrading", code);
    const struct reply end = judged("unlocking", give());
    return still.ending == BROKE ? still : end.ending == BROKE ? end : r;
}

struct reply rwlock_section(void)
{
    static body_fn *const kinds[] = {read_section, write_section, all_ways};
    const uint64_t before = __atomic_fetch_add(&room->comers, 1, __ATOMIC_RELAXED);
    return kinds[before % LENGTH(kinds)]();
}

/* ---- the helper, and preparations of victims ---- */

static bool changing; /* this process writes, in the middle of a change */

static struct reply hold(way_fn *how)
{
    way = how;
    changing = how == hf_rwlock_wrlock;
    return judged("taking", take());
}

struct reply hold_read(void)
{
    return hold(hf_rwlock_rdlock);
}

struct reply hold_up(void)
{
    return hold(hf_rwlock_uplock);
}

static struct reply hold_write(void)
{
    way = hf_rwlock_wrlock;
    changing = true;
    return lock_hold();
}

struct reply take_over_reading(void)
{
    way = hf_rwlock_rdlock;
    return lock_take_over();
}

static struct reply let_go(void)
{
    if (changing) {
        return lock_release();
    }
    const struct reply r = lock_check();
    const struct reply end = judged("unlocking", give());
    return r.ending == BROKE ? r : end;
}

static struct reply let_readers_in(void)
{
    end_change();
    changing = false;
    return judged("downgrading", operate_downgrade());
}

static struct reply pass_and_go(void)
{
    const struct reply r = lock_pass();
    return r.ending == WENT_ON ? lock_release() : r;
}

static struct reply step_down(void)
{
    const struct reply r = changing ? lock_release() : went_on();
    const bool was_writing = changing;
    changing = false;
    return was_writing && r.ending != BROKE ? hold_up() : r;
}

/* ---- cues ---- */

void helper_reads(struct scene *s)
{
    helper_does(s, hold_read);
    s->helper_holds = true;
}

void helper_ups(struct scene *s)
{
    helper_does(s, hold_up);
    s->helper_holds = true;
}

void helper_writes(struct scene *s)
{
    helper_does(s, hold_write);
    s->helper_holds = true;
}

/* However it holds it. */
void helper_lets_go(struct scene *s)
{
    if (s->helper_holds) {
        s->helper_holds = false;
        helper_does(s, let_go);
    }
}

void helper_goes(struct scene *s)
{
    if (s->helper_holds) {
        s->helper_holds = false;
        actor_start(&s->cast.helper, let_go);
    }
}

void helper_downgrades(struct scene *s)
{
    if (s->victim_slept == 1) {
        helper_does(s, let_readers_in);
    } else {
        helper_lets_go(s);
    }
}

/* After having been overtaken four times, a reader queues with the writers: then the
 * helper writes once more, after it. */
enum { OVERTAKEN = 4 };

void helper_overtakes(struct scene *s)
{
    if (s->victim_slept <= OVERTAKEN) {
        helper_does(s, lock_pass);
    } else if (s->helper_holds) {
        s->helper_holds = false;
        actor_start(&s->cast.helper, pass_and_go);
    }
}

void helper_overtakes_and_steps_down(struct scene *s)
{
    helper_does(s, s->victim_slept <= OVERTAKEN ? lock_pass : step_down);
}

void helper_steps_down(struct scene *s)
{
    s->helper_holds = false;
    actor_start(&s->cast.helper, step_down);
}

/* Unlocked by one who was told of a death and did not say that the data is repaired. */
static struct reply lose(void)
{
    const struct reply r = lock_take_over();
    return r.ending == BROKE ? r : judged("unlocking", give());
}

void it_is_lost(struct scene *s)
{
    holder_dies(s);
    helper_does(s, lose);
}

/* ---- operations ---- */

typedef int timed_fn(hf_rwlock_t *l, const struct timespec *deadline);

static int in_time(timed_fn *call, unsigned ms)
{
    const struct timespec deadline = hf_deadline_in_ms(ms);
    return call(&room->rwlock, &deadline);
}

static int read_once(int taken)
{
    if (taken != 0) {
        return taken;
    }
    const struct reply r = lock_check();
    const int code = give();
    return r.ending == BROKE ? EPROTO : code;
}

int operate_read(void)
{
    return hf_rwlock_rdlock(&room->rwlock);
}

int operate_read_or_repair(void)
{
    const int code = operate_read();
    return code == EOWNERDEAD ? begin_change(code) : code;
}

int operate_read_section(void)
{
    return read_once(operate_read());
}

int operate_tryread(void)
{
    return hf_rwlock_tryrdlock(&room->rwlock);
}

int operate_timedread(void)
{
    return in_time(hf_rwlock_timedrdlock, LONG_MS);
}

int operate_timeout_read(void)
{
    return in_time(hf_rwlock_timedrdlock, SHORT_MS);
}

int operate_trywrite(void)
{
    return begin_change(hf_rwlock_trywrlock(&room->rwlock));
}

int operate_timedwrite(void)
{
    return begin_change(in_time(hf_rwlock_timedwrlock, LONG_MS));
}

int operate_timeout_write(void)
{
    return begin_change(in_time(hf_rwlock_timedwrlock, SHORT_MS));
}

int operate_up(void)
{
    return hf_rwlock_uplock(&room->rwlock);
}

int operate_tryup(void)
{
    return hf_rwlock_tryuplock(&room->rwlock);
}

int operate_timedup(void)
{
    return in_time(hf_rwlock_timeduplock, LONG_MS);
}

int operate_timeout_up(void)
{
    return in_time(hf_rwlock_timeduplock, SHORT_MS);
}

int operate_upgrade(void)
{
    return begin_change(hf_rwlock_upgrade(&room->rwlock));
}

int operate_timedupgrade(void)
{
    return begin_change(in_time(hf_rwlock_timedupgrade, LONG_MS));
}

int operate_timeout_upgrade(void)
{
    return begin_change(in_time(hf_rwlock_timedupgrade, SHORT_MS));
}

int operate_downgrade(void)
{
    return hf_rwlock_downgrade(&room->rwlock);
}

int operate_up_and_down(void)
{
    int code = operate_up();
    code = code == 0 ? operate_upgrade() : code;
    if (code != 0) {
        return code;
    }
    end_change();
    return read_once(operate_downgrade());
}

int operate_consistent(void)
{
    return hf_rwlock_consistent(&room->rwlock);
}

int operate_rwlock_owner(void)
{
    hf_owner_t who;
    return hf_rwlock_owner(&room->rwlock, &who);
}

int operate_rwlock_check(void)
{
    return hf_rwlock_check(&room->rwlock);
}
