/* SPDX-License-Identifier: MIT */
/* Several processes: the number of permits stays, whoever is killed. */
#include "crowd.h"

enum { PERMITS = 3 };

typedef struct {
    party_t party;
    uint32_t wanted;         /* how many the next holder takes */
    uint32_t told;           /* a bit for each permit taken from a dead holder */
    uint32_t users[PERMITS]; /* of what a permit is for */
    uint32_t misused;
    hf_permits_t pool;
    uint64_t cells[PERMITS];
} room_t;

static hf_segment_t *segment;
static room_t *room;
static party_t *party;
static hf_permits_t *pool;

static void set_up(void)
{
    segment = open_fresh(sizeof *room, 0);
    room = hf_segment_root(segment);
    party = &room->party;
    pool = &room->pool;
    assert_ok(hf_permits_init(pool, PERMITS));
    room->wanted = PERMITS;
}

TestSuite(permits_death, .init = set_up, .timeout = 60);

static unsigned waiters(void)
{
    hf_owner_t who;
    assert_ok(hf_permits_owner(pool, 0, &who));
    return who.waiters;
}

static int hold(party_t *p)
{
    int error = 0;
    for (uint32_t i = 0; i < room->wanted && error == 0; i++) {
        unsigned which;
        error = hf_permits_acquire(pool, &which);
        error = error == EOWNERDEAD ? 0 : error;
    }
    step(p);
    while (error == 0) {
        pause();
    }
    return error;
}

static pid_t spawn_holder(uint32_t permits)
{
    uint32_t before = party->steps;
    room->wanted = permits;
    pid_t holder = spawn(hold, party);
    await_steps(party, before + 1);
    return holder;
}

/* Notes what it was told of, and keeps the permit until its end, which is a death too. */
static int acquire(party_t *p)
{
    unsigned which;
    int error = hf_permits_acquire(pool, &which);
    if (error == EOWNERDEAD) {
        __atomic_fetch_or(&room->told, 1U << which, __ATOMIC_SEQ_CST);
    }
    step(p);
    return error;
}

static int acquire_and_release(party_t *p)
{
    unsigned which;
    int error = hf_permits_acquire(pool, &which);
    step(p);
    int released =
        error == 0 || error == EOWNERDEAD ? hf_permits_release(pool, which) : 0;
    return released != 0 ? EPROTO : error;
}

Test(permits_death, a_dead_holders_are_told_of_once_each)
{
    unsigned which;
    kill_and_reap(spawn_holder(PERMITS));
    for (int i = 0; i < PERMITS; i++) {
        assert_error(hf_permits_tryacquire(pool, &which), EOWNERDEAD);
        room->told |= 1U << which;
    }
    cr_assert_eq(room->told, (1U << PERMITS) - 1);
    assert_error(hf_permits_tryacquire(pool, &which), EBUSY);
    assert_ok(hf_permits_release(pool, 0));
    assert_ok(hf_permits_tryacquire(pool, &which)); /* no longer a dead one's */
}

Test(permits_death, what_is_free_comes_before_a_dead_holders)
{
    unsigned which;
    kill_and_reap(spawn_holder(1));
    assert_ok(hf_permits_acquire(pool, &which));
    assert_ok(hf_permits_acquire(pool, &which));
    assert_error(hf_permits_acquire(pool, &which), EOWNERDEAD);
}

static int acquire_and_stay(party_t *p)
{
    int result = acquire(p);
    while (result == EOWNERDEAD) {
        pause();
    }
    return result;
}

Test(permits_death, a_dead_holders_go_to_as_many_that_sleep)
{
    pid_t holder = spawn_holder(PERMITS);
    pid_t sleepers[PERMITS];
    spawn_crowd(sleepers, PERMITS, acquire_and_stay, party, waiters);
    kill_and_reap(holder);
    await_steps(party, 1 + PERMITS);
    cr_assert_eq(room->told, (1U << PERMITS) - 1);
    cr_assert_eq(rescues(segment), 0);
    for (int i = 0; i < PERMITS; i++) {
        kill_and_reap(sleepers[i]);
    }
}

Test(permits_death, a_release_wakes_one_that_sleeps)
{
    unsigned which;
    for (int i = 0; i < PERMITS; i++) {
        assert_ok(hf_permits_acquire(pool, &which));
    }
    pid_t sleeper = spawn_asleep(acquire_and_release, party, waiters, 1);
    assert_ok(hf_permits_release(pool, 2));
    assert_exits(sleeper, 0);
    cr_assert_eq(rescues(segment), 0);
}

Test(permits_death, who_is_killed_asleep_takes_no_permit)
{
    unsigned which;
    for (int i = 0; i < PERMITS; i++) {
        assert_ok(hf_permits_acquire(pool, &which));
    }
    pid_t first = spawn_asleep(acquire_and_release, party, waiters, 1);
    pid_t second = spawn_asleep(acquire_and_release, party, waiters, 2);
    kill_and_reap(first);
    assert_ok(hf_permits_release(pool, 1));
    assert_exits(second, 0);
    cr_assert_eq(rescues(segment), 0);
}

Test(permits_death, of_one_that_was_woken_leaves_the_permit_to_the_other)
{
    unsigned which;
    for (int i = 0; i < PERMITS; i++) {
        assert_ok(hf_permits_acquire(pool, &which));
    }
    pid_t woken = spawn_asleep(acquire_and_stay, party, waiters, 1);
    pid_t other = spawn_asleep(acquire, party, waiters, 2);
    make_slow(woken);
    assert_ok(hf_permits_release(pool, 0));
    kill_and_reap(woken);
    int status;
    cr_assert_eq(waitpid(other, &status, 0), other);
    cr_assert(WIFEXITED(status));
    cr_assert(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == EOWNERDEAD);
    cr_assert_eq(rescues(segment), 0);
}

Test(permits_death, one_held_by_who_came_later_is_noticed_too)
{
    pid_t holder = spawn_holder(PERMITS - 1);
    unsigned which;
    assert_ok(hf_permits_acquire(pool, &which));
    pid_t sleeper = spawn_asleep(acquire, party, waiters, 1);
    assert_ok(hf_permits_release(pool, which));
    assert_exits(sleeper, 0); /* and dies holding it */
    assert_error(hf_permits_acquire(pool, &which), EOWNERDEAD);
    kill_and_reap(holder);
    cr_assert_eq(rescues(segment), 0);
}

Test(permits_death, who_gives_up_leaves_the_others_provided_for)
{
    pid_t holder = spawn_holder(PERMITS);
    pid_t sleeper = spawn_asleep(acquire, party, waiters, 1);
    struct timespec soon = hf_deadline_in_ms(30);
    unsigned which;
    assert_error(hf_permits_timedacquire(pool, &which, &soon), ETIMEDOUT);
    kill_and_reap(holder);
    assert_exits(sleeper, EOWNERDEAD);
    cr_assert_eq(rescues(segment), 0);
}

Test(permits_death, a_stopped_holder_is_alive_and_keeps_them)
{
    pid_t holder = spawn_holder(PERMITS);
    struct timespec soon = hf_deadline_in_ms(300);
    hf_owner_t who;
    unsigned which;
    kill(holder, SIGSTOP);
    cr_assert_eq(waitpid(holder, NULL, WUNTRACED), holder);
    assert_error(hf_permits_timedacquire(pool, &which, &soon), ETIMEDOUT);
    assert_ok(hf_permits_owner(pool, 1, &who));
    cr_assert_eq(who.pid, holder);
    cr_assert(who.alive);
    kill_and_reap(holder);
    assert_ok(hf_permits_owner(pool, 1, &who));
    cr_assert_not(who.alive);
}

/* ---- several at once ---- */

static int use_one(void)
{
    unsigned which;
    int error = hf_permits_acquire(pool, &which);
    if (error != 0) {
        return error;
    }
    if (__atomic_fetch_add(&room->users[which], 1, __ATOMIC_SEQ_CST) != 0) {
        __atomic_fetch_add(&room->misused, 1, __ATOMIC_SEQ_CST);
    }
    sched_yield();
    __atomic_fetch_sub(&room->users[which], 1, __ATOMIC_SEQ_CST);
    return hf_permits_release(pool, which);
}

static int use_many(party_t *p)
{
    (void)p;
    int error = 0;
    for (int i = 0; i < 300 && error == 0; i++) {
        error = use_one();
    }
    return error;
}

Test(permits_death, without_one_each_is_used_by_one_at_a_time)
{
    pid_t users[2 * PERMITS];
    for (int i = 0; i < 2 * PERMITS; i++) {
        users[i] = spawn(use_many, party);
    }
    assert_all_exit(users, 2 * PERMITS, 0);
    cr_assert_eq(room->misused, 0);
    for (int i = 0; i < PERMITS; i++) {
        unsigned which;
        assert_ok(hf_permits_tryacquire(pool, &which));
    }
}

Test(permits_death, releases_let_a_crowd_pass)
{
    pid_t crowd[CROWD];
    unsigned which;
    for (int i = 0; i < PERMITS; i++) {
        assert_ok(hf_permits_acquire(pool, &which));
    }
    spawn_crowd(crowd, CROWD, acquire_and_release, party, waiters);
    for (unsigned i = 0; i < PERMITS; i++) {
        assert_ok(hf_permits_release(pool, i));
    }
    assert_all_exit(crowd, CROWD, 0);
}
