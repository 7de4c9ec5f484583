/* SPDX-License-Identifier: MIT */
/* Several processes: whom a signal reaches, whoever is killed. */
#include "crowd.h"

enum { ROOM = 3 };

typedef struct {
    party_t party;
    hf_cond_t cond, space;
    uint32_t ready, taken; /* with the lock */
} room_t;

static hf_segment_t *segment;
static room_t *room;
static party_t *party;
static hf_mutex_t *lock;

static void set_up(void)
{
    segment = open_fresh(sizeof *room, 0);
    room = hf_segment_root(segment);
    party = &room->party;
    lock = &party->lock;
}

TestSuite(cond_death, .init = set_up, .timeout = 60);

static unsigned waiters(void)
{
    hf_owner_t who;
    assert_ok(hf_cond_owner(&room->cond, &who));
    return who.waiters;
}

/* The first error but a death before it, which leaves nothing to repair here. */
static int heal(int error)
{
    return error == EOWNERDEAD ? hf_mutex_consistent(lock) : error;
}

/* Takes one of what is ready. */
static int take_one(party_t *p)
{
    int error = heal(hf_mutex_lock(lock));
    while (error == 0 && room->ready == 0) {
        error = heal(hf_cond_wait(&room->cond, lock));
    }
    if (error != 0) {
        return error;
    }
    room->ready--;
    room->taken++;
    step(p);
    return hf_mutex_unlock(lock);
}

static void make_ready(uint32_t more, int (*tell)(hf_cond_t *))
{
    assert_ok(heal(hf_mutex_lock(lock)));
    room->ready += more;
    assert_ok(tell(&room->cond));
    assert_ok(hf_mutex_unlock(lock));
}

static pid_t spawn_taker(unsigned count)
{
    return spawn_asleep(take_one, party, waiters, count);
}

Test(cond_death, a_sleeper_is_told_of_by_owner)
{
    pid_t sleeper = spawn_taker(1);
    hf_owner_t who;
    assert_ok(hf_cond_owner(&room->cond, &who));
    cr_assert_eq(who.waiter_pid, sleeper);
    kill_and_reap(sleeper);
    cr_assert_eq(waiters(), 0);
}

Test(cond_death, a_signal_wakes_one_that_waits)
{
    pid_t sleeper = spawn_taker(1);
    make_ready(1, hf_cond_signal);
    assert_exits(sleeper, 0);
    cr_assert_eq(rescues(segment), 0);
}

Test(cond_death, a_signal_without_the_mutex_does_too)
{
    pid_t sleeper = spawn_taker(1);
    assert_ok(hf_mutex_lock(lock));
    room->ready = 1;
    assert_ok(hf_mutex_unlock(lock));
    assert_ok(hf_cond_signal(&room->cond));
    assert_exits(sleeper, 0);
    cr_assert_eq(rescues(segment), 0);
}

Test(cond_death, who_is_killed_asleep_takes_no_signal)
{
    pid_t first = spawn_taker(1);
    pid_t second = spawn_taker(2);
    kill_and_reap(first);
    make_ready(1, hf_cond_signal);
    assert_exits(second, 0);
    cr_assert_eq(rescues(segment), 0);
}

static uint32_t taken(void)
{
    assert_ok(heal(hf_mutex_lock(lock)));
    uint32_t so_far = room->taken;
    assert_ok(hf_mutex_unlock(lock));
    return so_far;
}

Test(cond_death, of_one_that_was_woken_leaves_the_signal_to_the_other)
{
    pid_t woken = spawn_taker(1);
    pid_t other = spawn_taker(2);
    make_slow(woken);
    make_ready(1, hf_cond_signal);
    kill_and_reap(woken);
    while (taken() == 0) {
        sched_yield();
    }
    make_ready(1, hf_cond_signal); /* the dead one may have had the first */
    assert_exits(other, 0);
    cr_assert_eq(rescues(segment), 0);
}

Test(cond_death, a_broadcast_wakes_all)
{
    pid_t crowd[CROWD];
    spawn_crowd(crowd, CROWD, take_one, party, waiters);
    make_ready(CROWD, hf_cond_broadcast);
    assert_all_exit(crowd, CROWD, 0);
}

Test(cond_death, as_many_signals_as_sleepers_wake_all)
{
    pid_t crowd[CROWD];
    spawn_crowd(crowd, CROWD, take_one, party, waiters);
    for (int i = 0; i < CROWD; i++) {
        make_ready(1, hf_cond_signal);
    }
    assert_all_exit(crowd, CROWD, 0);
    cr_assert_eq(room->ready, 0);
}

/* ---- the mutex's last holder dies ---- */

static int wait_once(party_t *p)
{
    (void)p;
    int error = hf_mutex_lock(lock);
    return error != 0 ? EPROTO : hf_cond_wait(&room->cond, lock);
}

static int signal_and_keep_the_mutex(party_t *p)
{
    int error = hf_mutex_lock(lock);
    error = error == 0 ? hf_cond_signal(&room->cond) : error;
    step(p);
    for (;;) {
        pause();
    }
    return error;
}

static pid_t spawn_keeper(void)
{
    pid_t keeper = spawn(signal_and_keep_the_mutex, party);
    await_steps(party, 1);
    return keeper;
}

Test(cond_death, of_the_mutexs_holder_is_told_to_the_one_that_wakes)
{
    pid_t sleeper = spawn_asleep(wait_once, party, waiters, 1);
    pid_t keeper = spawn_keeper();
    await_asleep(lock, 1, sleeper);
    kill_and_reap(keeper);
    assert_exits(sleeper, EOWNERDEAD);
    cr_assert_eq(rescues(segment), 0);
}

static int wait_shortly(party_t *p)
{
    (void)p;
    int error = hf_mutex_lock(lock);
    struct timespec soon = hf_deadline_in_ms(100);
    return error != 0 ? EPROTO : hf_cond_timedwait(&room->cond, lock, &soon);
}

static int keep_the_mutex(party_t *p)
{
    int error = hf_mutex_lock(lock);
    step(p);
    for (;;) {
        pause();
    }
    return error;
}

Test(cond_death, of_the_mutexs_holder_comes_before_ETIMEDOUT)
{
    pid_t sleeper = spawn_asleep(wait_shortly, party, waiters, 1);
    pid_t keeper = spawn(keep_the_mutex, party);
    await_steps(party, 1);
    await_asleep(lock, 1, sleeper); /* the deadline has passed: it wants the mutex */
    kill_and_reap(keeper);
    assert_exits(sleeper, EOWNERDEAD);
    cr_assert_eq(rescues(segment), 0);
}

Test(cond_death, who_has_not_repaired_may_not_wait_and_keeps_the_mutex)
{
    pid_t keeper = spawn(keep_the_mutex, party);
    await_steps(party, 1);
    kill_and_reap(keeper);
    assert_error(hf_mutex_lock(lock), EOWNERDEAD);
    struct timespec soon = hf_deadline_in_ms(20);
    assert_error(hf_cond_timedwait(&room->cond, lock, &soon), EINVAL);
    assert_error(hf_cond_wait(&room->cond, lock), EINVAL);
    assert_ok(hf_mutex_consistent(lock));
    assert_error(hf_cond_timedwait(&room->cond, lock, &soon), ETIMEDOUT);
    assert_ok(hf_mutex_unlock(lock));
}

/* ---- several of both kinds ---- */

enum { ITEMS = 500, SIDES = 2 };

static int put_one(void)
{
    int error = hf_mutex_lock(lock);
    while (error == 0 && room->ready == ROOM) {
        error = hf_cond_wait(&room->space, lock);
    }
    room->ready++;
    error = error == 0 ? hf_cond_signal(&room->cond) : error;
    return error == 0 ? hf_mutex_unlock(lock) : error;
}

static int produce(party_t *p)
{
    (void)p;
    int error = 0;
    for (int i = 0; i < ITEMS && error == 0; i++) {
        error = put_one();
    }
    return error;
}

static int consume(party_t *p)
{
    int error = 0;
    for (int i = 0; i < ITEMS && error == 0; i++) {
        error = take_one(p);
        error = error == 0 ? hf_cond_signal(&room->space) : error;
    }
    return error;
}

Test(cond_death, what_is_produced_is_consumed_once)
{
    pid_t sides[2 * SIDES];
    for (int i = 0; i < 2 * SIDES; i++) {
        sides[i] = spawn(i % 2 == 0 ? produce : consume, party);
    }
    assert_all_exit(sides, 2 * SIDES, 0);
    cr_assert_eq(room->ready, 0);
    cr_assert_eq(room->taken, ITEMS * SIDES);
}
