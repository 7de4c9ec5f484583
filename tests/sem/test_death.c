/* SPDX-License-Identifier: MIT */
/* Several processes: every token is taken once, whoever is killed or interrupted. */
#include "crowd.h"
#include "platform/platform.h"

typedef struct {
    party_t party;
    hf_sem_t sem, other;
} room_t;

static hf_segment_t *segment;
static room_t *room;
static party_t *party;

static void set_up(void)
{
    segment = open_fresh(sizeof *room, 0);
    room = hf_segment_root(segment);
    party = &room->party;
}

TestSuite(sem_death, .init = set_up, .timeout = 60);

static unsigned waiters(void)
{
    hf_owner_t who;
    assert_ok(hf_sem_owner(&room->sem, &who));
    cr_assert_eq(who.pid, 0, "nobody holds one");
    return who.waiters;
}

static unsigned value(void)
{
    unsigned tokens;
    assert_ok(hf_sem_getvalue(&room->sem, &tokens));
    return tokens;
}

static int take_one(party_t *p)
{
    int error = hf_sem_wait(&room->sem);
    step(p);
    return error;
}

static pid_t spawn_taker(unsigned count)
{
    return spawn_asleep(take_one, party, waiters, count);
}

Test(sem_death, a_sleeper_is_told_of_by_owner)
{
    pid_t sleeper = spawn_taker(1);
    hf_owner_t who;
    assert_ok(hf_sem_owner(&room->sem, &who));
    cr_assert_eq(who.waiter_pid, sleeper);
    kill_and_reap(sleeper);
    cr_assert_eq(waiters(), 0);
}

Test(sem_death, who_is_killed_asleep_takes_no_token)
{
    pid_t first = spawn_taker(1);
    pid_t second = spawn_taker(2);
    kill_and_reap(first);
    assert_ok(hf_sem_post(&room->sem));
    assert_exits(second, 0);
    cr_assert_eq(value(), 0);
    cr_assert_eq(rescues(segment), 0);
}

Test(sem_death, who_is_killed_alone_leaves_the_token_of_the_next_post)
{
    kill_and_reap(spawn_taker(1));
    assert_ok(hf_sem_post(&room->sem));
    cr_assert_eq(value(), 1);
    assert_ok(hf_sem_trywait(&room->sem));
}

Test(sem_death, of_one_that_was_woken_leaves_the_token_to_the_other)
{
    pid_t woken = spawn_taker(1);
    pid_t other = spawn_taker(2);
    make_slow(woken);
    assert_ok(hf_sem_post(&room->sem));
    kill_and_reap(woken);
    while (value() > 0) { /* while there is a token nobody sleeps */
        sched_yield();
    }
    assert_ok(hf_sem_post(&room->sem)); /* the dead one may have had the first */
    assert_exits(other, 0);
    cr_assert_eq(rescues(segment), 0);
}

Test(sem_death, as_many_posts_as_sleepers_wake_all)
{
    pid_t crowd[CROWD];
    spawn_crowd(crowd, CROWD, take_one, party, waiters);
    for (int i = 0; i < CROWD; i++) {
        assert_ok(hf_sem_post(&room->sem));
    }
    assert_all_exit(crowd, CROWD, 0);
    cr_assert_eq(value(), 0);
}

Test(sem_death, one_post_lets_one_pass)
{
    pid_t crowd[3];
    spawn_crowd(crowd, 3, take_one, party, waiters);
    for (uint32_t i = 1; i <= 3; i++) {
        assert_ok(hf_sem_post(&room->sem));
        await_steps(party, i);
        cr_assert_eq(value(), 0);
        cr_assert_eq(party->steps, i);
    }
    assert_all_exit(crowd, 3, 0);
}

enum { ITEMS = 1000, SIDES = 3 };

static int produce(party_t *p)
{
    (void)p;
    int error = 0;
    for (int i = 0; i < ITEMS && error == 0; i++) {
        error = hf_sem_wait(&room->other); /* room */
        error = error == 0 ? hf_sem_post(&room->sem) : error;
    }
    return error;
}

static int consume(party_t *p)
{
    int error = 0;
    for (int i = 0; i < ITEMS && error == 0; i++) {
        error = hf_sem_wait(&room->sem);
        step(p);
        error = error == 0 ? hf_sem_post(&room->other) : error;
    }
    return error;
}

Test(sem_death, what_is_produced_is_consumed_once)
{
    pid_t sides[2 * SIDES];
    assert_ok(hf_sem_init(&room->other, 2));
    for (int i = 0; i < 2 * SIDES; i++) {
        sides[i] = spawn(i % 2 == 0 ? produce : consume, party);
    }
    assert_all_exit(sides, 2 * SIDES, 0);
    cr_assert_eq(value(), 0);
    cr_assert_eq(party->steps, ITEMS * SIDES);
}

static int post_until_killed(party_t *p)
{
    for (;;) {
        if (hf_sem_post(&room->sem) != 0) {
            return EPROTO;
        }
        step(p);
    }
}

Test(sem_death, of_a_poster_means_that_its_post_has_happened_or_not)
{
    pid_t sleeper = spawn_taker(1);
    pid_t poster = spawn(post_until_killed, party);
    await_steps(party, 50);
    kill_and_reap(poster);
    assert_exits(sleeper, 0);
    uint32_t posted = party->steps - 1; /* the sleeper's is one */
    cr_assert(value() + 1 == posted || value() + 1 == posted + 1);
}

/* ---- signal handlers ---- */

static void post_other(int signal)
{
    (void)signal;
    if (hf_sem_post(&room->other) != 0) {
        _exit(EPROTO);
    }
}

static int take_one_though_interrupted(party_t *p)
{
    signal(SIGUSR1, post_other);
    return take_one(p);
}

Test(sem_death, a_handler_may_post_in_the_middle_of_a_wait_which_goes_on)
{
    pid_t sleeper = spawn_asleep(take_one_though_interrupted, party, waiters, 1);
    for (int i = 0; i < 3; i++) {
        kill(sleeper, SIGUSR1);
        assert_ok(hf_sem_wait(&room->other));
    }
    await_sleep(sleeper);
    cr_assert_eq(party->steps, 0);
    assert_ok(hf_sem_post(&room->sem));
    assert_exits(sleeper, 0);
}

static int post_while_joining(party_t *p)
{
    (void)p;
    signal(SIGUSR1, post_other);
    hfi_process_lock(); /* as who joins holds it */
    raise(SIGUSR1);
    hfi_process_unlock();
    return 0;
}

Test(sem_death, a_handler_may_post_in_the_middle_of_a_join)
{
    assert_exits(spawn(post_while_joining, party), 0);
    assert_ok(hf_sem_trywait(&room->other));
}
