/* SPDX-License-Identifier: MIT */
/* RCU: whoever dies wherever. */
#include "rcu/room.h"
#include "segment/segment.h"
#include "stepped.h"

enum { APART = 7 * EACH * EACH * EACH /* instructions; the sweep looks at each */ };

TestSuite(rcu_death, .init = set_up_room, .timeout = 120);

Test(rcu_death, a_dead_reader_is_waited_for_by_nobody)
{
    kill_and_reap(spawn_reader());
    assert_ok(hf_rcu_synchronize(segment));
    cr_assert_eq(rescues(segment), 0);
}

Test(rcu_death, the_death_of_a_reader_wakes_who_waits_for_it)
{
    pid_t reader = spawn_reader();
    pid_t waiter = fork();
    if (waiter == 0) {
        _exit(hf_rcu_synchronize(segment));
    }
    await_sleep(waiter);
    kill_and_reap(reader);
    assert_exits(waiter, 0);
    cr_assert_eq(rescues(segment), 0);
}

Test(rcu_death, who_dies_waiting_for_a_section_has_damaged_nothing)
{
    pid_t reader = spawn_reader();
    pid_t waiter = fork();
    if (waiter == 0) {
        _exit(hf_rcu_synchronize(segment));
    }
    await_sleep(waiter);
    assert_ok(hf_segment_check(segment, NULL, NULL));
    kill_and_reap(waiter);
    assert_ok(hf_segment_check(segment, NULL, NULL));
    kill_and_reap(reader);
    assert_ok(hf_segment_check(segment, NULL, NULL));
}

static int commit_and_die(party_t *unused)
{
    (void)unused;
    struct hfi_tx tx;
    int error = hfi_heap_enter(&segment->heap, &tx);
    if (error == 0) {
        hfi_ptr_publish(&tx, &room->shown, 0);
        tx.journal->state = UINT64_C(1) << 32 | tx.publish;
        kill(getpid(), SIGKILL);
    }
    return error;
}

/* Or a section that began after the period, and saw the pointer as it was, would read what
 * its next owner frees. */
Test(rcu_death, what_a_dead_one_committed_is_stored_before_the_period)
{
    assert_ok(show(1));
    pid_t child = spawn(commit_and_die, &room->party);
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFSIGNALED(status));
    cr_assert_not_null(hf_ptr_get(&room->shown));
    assert_ok(hf_rcu_synchronize(segment));
    cr_assert_null(hf_ptr_get(&room->shown));
}

Test(rcu_death, a_stopped_reader_is_alive)
{
    pid_t reader = spawn_reader();
    cr_assert_eq(kill(reader, SIGSTOP), 0);
    pid_t waiter = fork();
    if (waiter == 0) {
        _exit(hf_rcu_synchronize(segment));
    }
    await_ring(waiter);
    await_ring(waiter);
    cr_assert_eq(waitpid(waiter, NULL, WNOHANG), 0, "it must still wait");
    cr_assert_eq(kill(reader, SIGCONT), 0);
    __atomic_store_n(&room->may_leave, 1, __ATOMIC_SEQ_CST);
    assert_exits(reader, 0);
    assert_exits(waiter, 0);
}

Test(rcu_death, a_forked_child_is_in_no_section)
{
    assert_ok(hf_rcu_read_lock(segment));
    pid_t child = fork();
    if (child == 0) {
        _exit(hf_rcu_read_unlock(segment)); /* not the parent's */
    }
    assert_exits(child, EPERM);
    assert_error(hf_rcu_synchronize(segment), EDEADLK);
    assert_ok(hf_rcu_read_unlock(segment));
}

static int leave_in_section(party_t *party)
{
    (void)party;
    return hf_rcu_read_lock(segment);
}

Test(rcu_death, the_next_owner_of_a_slot_is_in_no_section)
{
    for (int i = 0; i < 3; i++) {
        assert_exits(spawn(leave_in_section, &room->party), 0);
        pid_t next = fork();
        if (next == 0) {
            _exit(hf_rcu_read_unlock(segment));
        }
        assert_exits(next, EPERM);
    }
    assert_ok(hf_rcu_synchronize(segment));
}

static int read_once(void)
{
    int error = hf_rcu_read_lock(segment);
    return error != 0 ? error : hf_rcu_read_unlock(segment);
}

static int replace_once(void)
{
    return show(5);
}

static int synchronize_once(void)
{
    return hf_rcu_synchronize(segment);
}

static int barrier_once(void)
{
    return hf_rcu_barrier(segment);
}

/* Kills a process after `steps` instructions of its second call. False: it had ended. */
static bool kill_after(int (*call)(void), unsigned steps)
{
    pid_t victim = fork();
    if (victim == 0) {
        bool begun = trace_me() && call() == 0; /* joined */
        stop_here();
        _exit(!begun || call() != 0);
    }
    await_stop(victim);
    for (unsigned i = 0; i < steps; i++) {
        if (!single_step(victim)) {
            return false;
        }
    }
    cr_assert_eq(kill(victim, SIGKILL), 0);
    cr_assert_eq(waitpid(victim, NULL, 0), victim);
    return true;
}

static void check_after(int (*call)(void), uint64_t *value)
{
    unsigned steps = 0;
    assert_ok(hf_rcu_barrier(segment));
    size_t before = blocks_in_use();
    for (; kill_after(call, steps); steps += APART) {
        (void)blocks_in_use(); /* completes what the dead one had begun */
        assert_ok(show(++*value));
        assert_ok(hf_rcu_barrier(segment));
        const element_t *element = hf_ptr_get(&room->shown);
        cr_assert(element->value == *value && is_sound(element));
        cr_assert_eq(rcu_info().pending, 0);
        cr_assert_eq(blocks_in_use(), before, "after %u instructions", steps);
    }
    cr_assert_gt(steps, 10);
    assert_ok(hf_segment_check(segment, NULL, NULL));
    cr_assert_eq(rescues(segment), 0);
}

Test(rcu_death, killed_anywhere)
{
    int (*const calls[])(void) = {
        read_once, synchronize_once, replace_once, barrier_once};
    uint64_t value = 10;
    assert_ok(show(value));
    for (int i = 0; i < 4; i++) {
        check_after(calls[i], &value);
    }
}
