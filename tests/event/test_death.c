/* SPDX-License-Identifier: MIT */
/* Several processes: whom a set concerns, whoever is killed or interrupted. */
#include "crowd.h"
#include "platform/platform.h"

typedef struct {
    party_t party;
    hf_event_t event, other;
} room_t;

static hf_segment_t *segment;
static room_t *room;
static party_t *party;
static hf_event_t *event;

static void set_up(void)
{
    segment = open_fresh(sizeof *room, 0);
    room = hf_segment_root(segment);
    party = &room->party;
    event = &room->event;
}

static void set_up_automatic(void)
{
    set_up();
    assert_ok(hf_event_init(event, HF_AUTO_RESET));
}

TestSuite(manual, .init = set_up, .timeout = 60);
TestSuite(automatic, .init = set_up_automatic, .timeout = 60);

static unsigned waiters(void)
{
    hf_owner_t who;
    assert_ok(hf_event_owner(event, &who));
    cr_assert_eq(who.pid, 0, "nobody holds one");
    return who.waiters;
}

static int pass(party_t *p)
{
    int error = hf_event_wait(event);
    step(p);
    return error;
}

static pid_t spawn_passer(unsigned count)
{
    return spawn_asleep(pass, party, waiters, count);
}

Test(manual, a_sleeper_is_told_of_by_owner)
{
    pid_t sleeper = spawn_passer(1);
    hf_owner_t who;
    assert_ok(hf_event_owner(event, &who));
    cr_assert_eq(who.waiter_pid, sleeper);
    kill_and_reap(sleeper);
    cr_assert_eq(waiters(), 0);
}

Test(manual, a_set_wakes_all)
{
    pid_t crowd[CROWD];
    spawn_crowd(crowd, CROWD, pass, party, waiters);
    assert_ok(hf_event_set(event));
    assert_all_exit(crowd, CROWD, 0);
    cr_assert_lt(rescues(segment), CROWD / 4); /* some timers may ring just then */
}

Test(manual, set_and_reset_at_once_lets_all_pass_who_waited)
{
    pid_t crowd[8];
    spawn_crowd(crowd, 8, pass, party, waiters);
    assert_ok(hf_event_set(event));
    assert_ok(hf_event_reset(event));
    assert_error(hf_event_trywait(event), EBUSY);
    assert_all_exit(crowd, 8, 0);
}

Test(manual, the_death_of_a_sleeper_changes_nothing_for_the_others)
{
    pid_t sleepers[3];
    spawn_crowd(sleepers, 3, pass, party, waiters);
    kill_and_reap(sleepers[0]);
    assert_ok(hf_event_set(event));
    assert_all_exit(sleepers + 1, 2, 0);
    cr_assert_eq(rescues(segment), 0);
}

Test(manual, the_death_of_one_that_was_woken_changes_nothing_for_the_others)
{
    pid_t sleepers[3];
    spawn_crowd(sleepers, 3, pass, party, waiters);
    make_slow(sleepers[0]);
    assert_ok(hf_event_set(event));
    kill_and_reap(sleepers[0]);
    assert_all_exit(sleepers + 1, 2, 0);
    cr_assert_eq(rescues(segment), 0);
}

Test(automatic, each_set_lets_one_pass)
{
    pid_t crowd[5];
    spawn_crowd(crowd, 5, pass, party, waiters);
    for (uint32_t i = 1; i <= 5; i++) {
        assert_ok(hf_event_set(event));
        await_steps(party, i);
        assert_error(hf_event_trywait(event), EBUSY);
        cr_assert_eq(party->steps, i);
    }
    assert_all_exit(crowd, 5, 0);
}

Test(automatic, who_is_killed_asleep_takes_no_set)
{
    pid_t first = spawn_passer(1);
    pid_t second = spawn_passer(2);
    kill_and_reap(first);
    assert_ok(hf_event_set(event));
    assert_exits(second, 0);
    assert_error(hf_event_trywait(event), EBUSY);
    cr_assert_eq(rescues(segment), 0);
}

static void await_not_set(void)
{
    while ((event->hf_word & 1) != 0) {
        sched_yield();
    }
}

Test(automatic, the_death_of_one_that_was_woken_leaves_the_set_to_the_other)
{
    pid_t woken = spawn_passer(1);
    pid_t other = spawn_passer(2);
    make_slow(woken);
    assert_ok(hf_event_set(event));
    kill_and_reap(woken);
    await_not_set();                /* while it is set nobody sleeps */
    assert_ok(hf_event_set(event)); /* the dead one may have had the first */
    assert_exits(other, 0);
    cr_assert_eq(rescues(segment), 0);
}

Test(automatic, who_gives_up_leaves_the_set_to_the_others)
{
    struct timespec soon = hf_deadline_in_ms(30);
    pid_t sleeper = spawn_passer(1);
    assert_error(hf_event_timedwait(event, &soon), ETIMEDOUT);
    assert_ok(hf_event_set(event));
    assert_exits(sleeper, 0);
    cr_assert_eq(rescues(segment), 0);
}

/* ---- signal handlers ---- */

static void set_other(int signal)
{
    (void)signal;
    if (hf_event_set(&room->other) != 0) {
        _exit(EPROTO);
    }
}

static int pass_though_interrupted(party_t *p)
{
    signal(SIGUSR1, set_other);
    return pass(p);
}

Test(manual, a_handler_may_set_one_in_the_middle_of_a_wait_which_goes_on)
{
    pid_t sleeper = spawn_asleep(pass_though_interrupted, party, waiters, 1);
    for (int i = 0; i < 3; i++) {
        kill(sleeper, SIGUSR1);
        assert_ok(hf_event_wait(&room->other));
        assert_ok(hf_event_reset(&room->other));
    }
    await_sleep(sleeper);
    cr_assert_eq(party->steps, 0);
    assert_ok(hf_event_set(event));
    assert_exits(sleeper, 0);
}

static int set_while_joining(party_t *p)
{
    (void)p;
    signal(SIGUSR1, set_other);
    hfi_process_lock(); /* as who joins holds it */
    raise(SIGUSR1);
    hfi_process_unlock();
    return 0;
}

Test(manual, a_handler_may_set_one_in_the_middle_of_a_join)
{
    assert_exits(spawn(set_while_joining, party), 0);
    assert_ok(hf_event_trywait(&room->other));
}
