/* SPDX-License-Identifier: MIT */
/* What happens to the others when one of several is killed, stopped, late or giving up.
 */
#include "base/deadline.h"
#include "party.h"

extern bool hfi_no_futex_waitv;

static hf_segment_t *segment;
static party_t *party;
static hf_mutex_t *lock;

static void set_up(void)
{
    party = fresh_party(&segment);
    lock = &party->lock;
}

TestSuite(death, .init = set_up, .timeout = 60);

static int lock_and_stay(party_t *p)
{
    int error = hf_mutex_lock(&p->lock);
    step(p);
    for (;;) {
        pause();
    }
    return error;
}

static pid_t spawn_holder(void)
{
    uint32_t before = party->steps;
    pid_t holder = spawn(lock_and_stay, party);
    await_steps(party, before + 1);
    return holder;
}

/* Returns what lock said, and gives the mutex back repaired. */
static int lock_and_repair_this(hf_mutex_t *m)
{
    int result = hf_mutex_lock(m);
    int error = result == EOWNERDEAD ? hf_mutex_consistent(m) : 0;
    if (error == 0 && (result == 0 || result == EOWNERDEAD)) {
        error = hf_mutex_unlock(m);
    }
    return error != 0 ? EPROTO : result;
}

static int lock_and_repair(party_t *p)
{
    return lock_and_repair_this(&p->lock);
}

static pid_t spawn_sleeper(int (*body)(party_t *), unsigned sleepers)
{
    pid_t child = spawn(body, party);
    await_asleep(lock, sleepers, child);
    return child;
}

Test(death, of_the_holder_is_told_to_the_next_comer)
{
    kill_and_reap(spawn_holder());
    assert_error(hf_mutex_trylock(lock), EOWNERDEAD);
    assert_ok(hf_mutex_consistent(lock));
    assert_ok(hf_mutex_unlock(lock));
    assert_ok(hf_mutex_lock(lock));
}

Test(death, of_the_holder_is_told_to_one_sleeper)
{
    pid_t holder = spawn_holder();
    pid_t sleepers[3];
    for (unsigned i = 0; i < 3; i++) {
        sleepers[i] = spawn_sleeper(lock_and_repair, i + 1);
    }
    kill_and_reap(holder);
    int told = 0;
    for (int i = 0; i < 3; i++) {
        int status;
        cr_assert_eq(waitpid(sleepers[i], &status, 0), sleepers[i]);
        told += WEXITSTATUS(status) == EOWNERDEAD;
        cr_assert(WEXITSTATUS(status) == EOWNERDEAD || WEXITSTATUS(status) == 0);
    }
    cr_assert_eq(told, 1);
    cr_assert_eq(rescues(segment), 0);
}

Test(death, of_who_recovers_is_told_again)
{
    kill_and_reap(spawn_holder());
    kill_and_reap(spawn_holder()); /* takes over, and dies before it repairs */
    assert_error(hf_mutex_lock(lock), EOWNERDEAD);
}

Test(death, inside_a_recursion_leaves_one_level)
{
    assert_ok(hf_mutex_init(lock, HF_RECURSIVE));
    kill_and_reap(spawn_holder());
    lock->hf_depth += 5;
    assert_error(hf_mutex_lock(lock), EOWNERDEAD);
    assert_ok(hf_mutex_consistent(lock));
    assert_ok(hf_mutex_unlock(lock));
    assert_error(hf_mutex_unlock(lock), EPERM);
}

static int lock_both_and_stay(party_t *p)
{
    int error = hf_mutex_lock(&p->gate);
    return error != 0 ? error : lock_and_stay(p);
}

static int lock_and_repair_gate(party_t *p)
{
    return lock_and_repair_this(&p->gate);
}

Test(death, of_several_locks_holder_wakes_the_sleepers_of_each)
{
    pid_t holder = spawn(lock_both_and_stay, party);
    await_steps(party, 1);
    pid_t first = spawn_sleeper(lock_and_repair, 1);
    pid_t second = spawn(lock_and_repair_gate, party);
    await_asleep(&party->gate, 1, second);
    kill_and_reap(holder);
    assert_exits(first, EOWNERDEAD);
    assert_exits(second, EOWNERDEAD);
    cr_assert_eq(rescues(segment), 0);
}

Test(death, a_stopped_holder_is_alive_and_keeps_it)
{
    pid_t holder = spawn_holder();
    kill(holder, SIGSTOP);
    cr_assert_eq(waitpid(holder, NULL, WUNTRACED), holder);
    struct timespec deadline =
        hf_deadline_in_ms(600); /* more than one round of the timer */
    assert_error(hf_mutex_timedlock(lock, &deadline), ETIMEDOUT);
    hf_owner_t owner;
    assert_ok(hf_mutex_owner(lock, &owner));
    cr_assert_eq(owner.pid, holder);
    cr_assert(owner.alive);
    kill_and_reap(holder);
    cr_assert_eq(rescues(segment), 0);
}

static int lock_until_late(party_t *p)
{
    struct timespec deadline = hf_deadline_in_ms(1000);
    return hf_mutex_timedlock(&p->lock, &deadline);
}

Test(death, a_sleeper_that_gives_up_leaves_the_others_provided_for)
{
    pid_t holder = spawn_holder();
    pid_t hasty = spawn_sleeper(lock_until_late, 1);
    pid_t patient = spawn_sleeper(lock_and_repair, 2);
    assert_exits(hasty, ETIMEDOUT);
    kill_and_reap(holder);
    assert_exits(patient, EOWNERDEAD);
    cr_assert_eq(rescues(segment), 0);
}

Test(death, unrepaired_means_lost_for_everybody_until_init)
{
    kill_and_reap(spawn_holder());
    assert_error(hf_mutex_lock(lock), EOWNERDEAD);
    pid_t sleepers[3];
    for (unsigned i = 0; i < 3; i++) {
        sleepers[i] = spawn_sleeper(lock_and_repair, i + 1);
    }
    assert_ok(hf_mutex_unlock(lock));
    for (int i = 0; i < 3; i++) {
        assert_exits(sleepers[i], ENOTRECOVERABLE);
    }
    assert_error(hf_mutex_trylock(lock), ENOTRECOVERABLE);
    assert_error(hf_mutex_unlock(lock), EPERM);
    assert_ok(hf_mutex_init(lock, 0));
    assert_ok(hf_mutex_lock(lock));
    cr_assert_eq(rescues(segment), 0);
}

Test(death, a_sleeper_is_told_of_by_owner)
{
    pid_t holder = spawn_holder();
    pid_t sleeper = spawn_sleeper(lock_and_repair, 1);
    hf_owner_t owner;
    uint64_t asleep = hfi_now();
    while (hfi_now() < asleep + HFI_MILLISECOND) {
    }
    assert_ok(hf_mutex_owner(lock, &owner));
    cr_assert_eq(owner.pid, holder);
    cr_assert_eq(owner.tid, holder);
    cr_assert_eq(owner.waiters, 1);
    cr_assert_eq(owner.waiter_pid, sleeper);
    cr_assert_geq(owner.waited_ns, HFI_MILLISECOND);
    kill_and_reap(sleeper);
    assert_ok(hf_mutex_owner(lock, &owner));
    cr_assert_eq(owner.waiters, 0, "a dead one waits for nothing");
    kill_and_reap(holder);
    assert_ok(hf_mutex_owner(lock, &owner));
    cr_assert_eq(owner.pid, holder);
    cr_assert_not(owner.alive);
}

Test(death, after_contention_the_word_is_quiet_again)
{
    assert_ok(hf_mutex_lock(lock));
    pid_t sleeper = spawn_sleeper(lock_and_repair, 1);
    assert_ok(hf_mutex_unlock(lock));
    assert_exits(sleeper, 0);
    for (int i = 0; i < 100; i++) {
        assert_ok(hf_mutex_lock(lock));
        assert_ok(hf_mutex_unlock(lock));
    }
    cr_assert_eq(lock->hf_word, 0);
}

Test(death, without_futex_waitv_it_is_noticed_all_the_same)
{
    hfi_no_futex_waitv = true;
    pid_t holder = spawn_holder();
    pid_t sleeper = spawn_sleeper(lock_and_repair, 1);
    kill_and_reap(holder);
    assert_exits(sleeper, EOWNERDEAD);
    cr_assert_eq(rescues(segment), 0);
}

/* The back-stop itself, and its count: nobody will ever wake this sleeper. */
Test(death, what_no_wake_reaches_the_timer_rescues)
{
    assert_ok(hf_mutex_lock(lock));
    pid_t sleeper = spawn_sleeper(lock_and_repair, 1);
    uint64_t freed = hfi_now();
    __atomic_store_n(
        &lock->hf_word, 1, __ATOMIC_SEQ_CST); /* free, a sleeper, and no wake */
    assert_exits(sleeper, 0);
    cr_assert_lt(hfi_now() - freed, 500 * HFI_MILLISECOND);
    cr_assert_eq(rescues(segment), 1);
}
