/* SPDX-License-Identifier: MIT */
/* RCU where a process may not call membarrier: a filter of system calls forbids it. */
#include "rcu/filter.h"
#include "rcu/room.h"

TestSuite(rcu_fences, .init = set_up_room, .timeout = 60);

static int synchronize_without(party_t *party)
{
    (void)party;
    return forbid_membarrier() ? hf_rcu_synchronize(segment) : ENOSYS;
}

Test(rcu_fences, with_readers_that_have_fences_it_works)
{
    cr_assert(!rcu_info().fenced);
    assert_exits(spawn(synchronize_without, &room->party), 0); /* nobody has read yet */
    cr_assert(rcu_info().fenced);
    for (int i = 0; i < 3; i++) {
        assert_ok(hf_rcu_read_lock(segment));
        assert_ok(hf_rcu_read_unlock(segment));
        assert_exits(spawn(synchronize_without, &room->party), 0);
    }
    assert_ok(hf_rcu_synchronize(segment));
}

Test(rcu_fences, a_reader_without_them_is_not_overlooked)
{
    assert_ok(hf_rcu_read_lock(segment));
    assert_ok(hf_rcu_read_unlock(segment));
    assert_exits(spawn(synchronize_without, &room->party), ENOTSUP);
    cr_assert(rcu_info().fenced);
    assert_ok(hf_rcu_read_lock(segment)); /* notices */
    assert_ok(hf_rcu_read_unlock(segment));
    assert_exits(spawn(synchronize_without, &room->party), 0);
}

static int read_and_stay(party_t *party)
{
    int error = hf_rcu_read_lock(segment);
    if (error == 0) {
        error = hf_rcu_read_unlock(segment);
    }
    step(party);
    for (;;) {
        pause();
    }
    return error;
}

Test(rcu_fences, who_can_makes_the_fence_for_an_idle_reader)
{
    pid_t idle = spawn(read_and_stay, &room->party);
    await_steps(&room->party, 1);
    assert_exits(spawn(synchronize_without, &room->party), ENOTSUP);
    assert_ok(hf_rcu_synchronize(segment));
    assert_exits(spawn(synchronize_without, &room->party), 0);
    kill_and_reap(idle);
}

Test(rcu_fences, a_dead_reader_needs_none)
{
    pid_t idle = spawn(read_and_stay, &room->party);
    await_steps(&room->party, 1);
    assert_exits(spawn(synchronize_without, &room->party), ENOTSUP);
    kill_and_reap(idle);
    assert_exits(spawn(synchronize_without, &room->party), 0);
}

/* Its own process is not reached by the others' fences either. */
static int read_without(party_t *party)
{
    return forbid_membarrier() ? read_long(party) : ENOSYS;
}

Test(rcu_fences, a_section_is_waited_for_by_who_has_none)
{
    pid_t reader = spawn(read_without, &room->party);
    await_steps(&room->party, 1);
    pid_t waiter = spawn(synchronize_without, &room->party);
    hf_owner_t who;
    do {
        assert_ok(hf_rcu_stalled(segment, &who));
    } while (who.waiters == 0);
    cr_assert_eq(who.pid, reader);
    __atomic_store_n(&room->may_leave, 1, __ATOMIC_SEQ_CST);
    assert_exits(reader, 0);
    assert_exits(waiter, 0);
    cr_assert_eq(rescues(segment), 0);
}
