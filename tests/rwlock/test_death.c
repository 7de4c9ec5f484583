/* SPDX-License-Identifier: MIT */
/* What happens to the others when a reader, a writer or one that waits is killed. */
#include "room.h"

TestSuite(rwlock_death, .init = set_up, .timeout = 60);

static int stay(int error)
{
    step(party);
    while (error == 0 || error == EOWNERDEAD) {
        pause();
    }
    return error;
}

static int read_and_stay(party_t *p)
{
    (void)p;
    return stay(hf_rwlock_rdlock(lock));
}

static int write_and_stay(party_t *p)
{
    (void)p;
    return stay(hf_rwlock_wrlock(lock));
}

static int up_and_stay(party_t *p)
{
    (void)p;
    return stay(hf_rwlock_uplock(lock));
}

static int upgrade_and_stay(party_t *p)
{
    (void)p;
    int error = hf_rwlock_uplock(lock);
    return stay(error != 0 ? error : hf_rwlock_upgrade(lock));
}

static int downgrade_and_stay(party_t *p)
{
    (void)p;
    int error = hf_rwlock_wrlock(lock);
    return stay(error != 0 ? error : hf_rwlock_downgrade(lock));
}

static pid_t spawn_holder(int (*body)(party_t *))
{
    uint32_t before = party->steps;
    pid_t holder = spawn(body, party);
    await_steps(party, before + 1);
    return holder;
}

/* Returns what `result` says, and gives the lock back repaired. */
static int repair(int result)
{
    int error = result == EOWNERDEAD ? hf_rwlock_consistent(lock) : 0;
    if (error == 0 && (result == 0 || result == EOWNERDEAD)) {
        error = hf_rwlock_unlock(lock);
    }
    return error != 0 ? EPROTO : result;
}

static int read_and_repair(party_t *p)
{
    (void)p;
    return repair(hf_rwlock_rdlock(lock));
}

static int write_and_repair(party_t *p)
{
    (void)p;
    return repair(hf_rwlock_wrlock(lock));
}

static int up_and_repair(party_t *p)
{
    (void)p;
    return repair(hf_rwlock_uplock(lock));
}

static pid_t spawn_sleeper(int (*body)(party_t *), unsigned count)
{
    return spawn_asleep(body, party, waiters, count);
}

/* ---- a dead writer ---- */

static int (*const calls[])(hf_rwlock_t *) = {hf_rwlock_rdlock, hf_rwlock_tryrdlock,
    timedrdlock, hf_rwlock_wrlock, hf_rwlock_trywrlock, timedwrlock, hf_rwlock_uplock,
    hf_rwlock_tryuplock};
enum { CALLS = sizeof calls / sizeof *calls };

Test(rwlock_death, of_a_writer_is_told_to_the_next_comer_who_writes)
{
    for (int i = 0; i < CALLS; i++) {
        kill_and_reap(spawn_holder(i % 2 == 0 ? write_and_stay : upgrade_and_stay));
        assert_error(calls[i](lock), EOWNERDEAD);
        pid_t reader = spawn_sleeper(read_and_repair, 1); /* we hold it alone */
        assert_error(hf_rwlock_downgrade(lock), EINVAL);
        assert_error(hf_rwlock_upgrade(lock), EPERM);
        assert_ok(hf_rwlock_consistent(lock));
        assert_error(hf_rwlock_consistent(lock), EINVAL);
        assert_ok(hf_rwlock_unlock(lock));
        assert_exits(reader, 0);
        assert_ok(hf_rwlock_tryrdlock(lock));
        assert_ok(hf_rwlock_unlock(lock));
    }
    cr_assert_eq(rescues(segment), 0);
}

Test(rwlock_death, repaired_it_can_be_downgraded)
{
    kill_and_reap(spawn_holder(write_and_stay));
    assert_error(hf_rwlock_rdlock(lock), EOWNERDEAD);
    assert_ok(hf_rwlock_consistent(lock));
    assert_ok(hf_rwlock_downgrade(lock));
    assert_exits(spawn(read_and_repair, party), 0);
    assert_ok(hf_rwlock_unlock(lock));
}

static void one_of_the_sleepers_is_told(int (*const bodies[3])(party_t *))
{
    pid_t writer = spawn_holder(write_and_stay);
    pid_t sleepers[3];
    for (unsigned i = 0; i < 3; i++) {
        sleepers[i] = spawn_sleeper(bodies[i], i + 1);
    }
    kill_and_reap(writer);
    int told = 0;
    for (int i = 0; i < 3; i++) {
        int status;
        cr_assert_eq(waitpid(sleepers[i], &status, 0), sleepers[i]);
        cr_assert(WIFEXITED(status));
        told += WEXITSTATUS(status) == EOWNERDEAD;
        cr_assert(WEXITSTATUS(status) == EOWNERDEAD || WEXITSTATUS(status) == 0);
    }
    cr_assert_eq(told, 1);
    cr_assert_eq(rescues(segment), 0);
}

Test(rwlock_death, of_a_writer_is_told_to_one_of_the_readers_that_wait)
{
    one_of_the_sleepers_is_told(
        (int (*[3])(party_t *)){read_and_repair, read_and_repair, read_and_repair});
}

Test(rwlock_death, of_a_writer_is_told_to_one_of_the_writers_that_wait)
{
    one_of_the_sleepers_is_told(
        (int (*[3])(party_t *)){write_and_repair, write_and_repair, up_and_repair});
}

Test(rwlock_death, of_a_writer_is_told_to_one_of_those_who_wait_for_whatever)
{
    one_of_the_sleepers_is_told(
        (int (*[3])(party_t *)){read_and_repair, write_and_repair, up_and_repair});
}

Test(rwlock_death, of_a_writer_is_told_to_one_of_a_crowd_of_readers)
{
    pid_t writer = spawn_holder(write_and_stay);
    pid_t crowd[CROWD];
    spawn_crowd(crowd, CROWD, read_and_repair, party, waiters);
    kill_and_reap(writer);
    int told = 0;
    for (int i = 0; i < CROWD; i++) {
        int status;
        cr_assert_eq(waitpid(crowd[i], &status, 0), crowd[i]);
        told += WEXITSTATUS(status) == EOWNERDEAD;
    }
    cr_assert_eq(told, 1);
}

Test(rwlock_death, of_who_repairs_is_told_again)
{
    kill_and_reap(spawn_holder(write_and_stay));
    kill_and_reap(spawn_holder(read_and_stay)); /* takes over, and dies repairing */
    kill_and_reap(spawn_holder(up_and_stay));
    assert_error(hf_rwlock_rdlock(lock), EOWNERDEAD);
}

Test(rwlock_death, given_back_unrepaired_with_nobody_about_keeps_readers_out_too)
{
    kill_and_reap(spawn_holder(write_and_stay));
    assert_error(hf_rwlock_wrlock(lock), EOWNERDEAD);
    assert_ok(hf_rwlock_unlock(lock));
    assert_error(hf_rwlock_tryrdlock(lock), ENOTRECOVERABLE);
    assert_error(hf_rwlock_trywrlock(lock), ENOTRECOVERABLE);
}

Test(rwlock_death, unrepaired_means_lost_for_everybody_until_init)
{
    kill_and_reap(spawn_holder(write_and_stay));
    assert_error(hf_rwlock_wrlock(lock), EOWNERDEAD);
    pid_t reader = spawn_sleeper(read_and_repair, 1);
    pid_t writer = spawn_sleeper(write_and_repair, 2);
    assert_ok(hf_rwlock_unlock(lock));
    assert_exits(reader, ENOTRECOVERABLE);
    assert_exits(writer, ENOTRECOVERABLE);
    for (int i = 0; i < CALLS; i++) {
        assert_error(calls[i](lock), ENOTRECOVERABLE);
    }
    assert_error(hf_rwlock_unlock(lock), EPERM);
    assert_ok(hf_rwlock_check(lock));
    assert_ok(hf_rwlock_init(lock));
    assert_ok(hf_rwlock_tryrdlock(lock));
    cr_assert_eq(rescues(segment), 0);
}

/* A reader may have seen it and have been told. */
static int begin_to_give_up(party_t *p)
{
    (void)p;
    int error = hf_rwlock_wrlock(lock);
    lock->hf_writer = 4; /* lost, the gate not yet */
    return stay(error);
}

Test(rwlock_death, of_who_gives_up_does_not_undo_it)
{
    kill_and_reap(spawn_holder(write_and_stay));
    kill_and_reap(spawn_holder(begin_to_give_up));
    for (int i = 0; i < CALLS; i++) {
        assert_error(calls[i](lock), ENOTRECOVERABLE);
    }
}

/* ---- deaths that leave nothing to repair ---- */

Test(rwlock_death, of_a_reader_holds_nobody_up)
{
    kill_and_reap(spawn_holder(read_and_stay));
    assert_ok(hf_rwlock_trywrlock(lock));
    assert_ok(hf_rwlock_unlock(lock));
    kill_and_reap(spawn_holder(downgrade_and_stay));
    assert_ok(hf_rwlock_trywrlock(lock));
}

Test(rwlock_death, of_a_reader_lets_the_writer_that_waits_write)
{
    pid_t reader = spawn_holder(read_and_stay);
    pid_t writer = spawn_sleeper(write_and_repair, 1);
    pid_t late = spawn_sleeper(read_and_repair, 2);
    kill_and_reap(reader);
    assert_exits(writer, 0);
    assert_exits(late, 0);
    cr_assert_eq(rescues(segment), 0);
}

Test(rwlock_death, of_an_upgradable_one_is_as_if_it_had_given_it_back)
{
    pid_t upgradable = spawn_holder(up_and_stay);
    pid_t writer = spawn_sleeper(write_and_repair, 1);
    assert_error(hf_rwlock_tryuplock(lock), EBUSY);
    kill_and_reap(upgradable);
    assert_exits(writer, 0);
    kill_and_reap(spawn_holder(up_and_stay));
    assert_ok(hf_rwlock_tryuplock(lock));
    cr_assert_eq(rescues(segment), 0);
}

Test(rwlock_death, of_a_writer_that_still_waits_lets_the_readers_in)
{
    assert_ok(hf_rwlock_rdlock(lock));
    pid_t writer = spawn_sleeper(write_and_repair, 1);
    pid_t reader = spawn_sleeper(read_and_repair, 2);
    kill_and_reap(writer);
    assert_exits(reader, 0);
    assert_ok(hf_rwlock_unlock(lock));
    assert_ok(hf_rwlock_trywrlock(lock));
    cr_assert_eq(rescues(segment), 0);
}

Test(rwlock_death, of_a_writer_that_still_waits_leaves_its_turn_to_the_next)
{
    assert_ok(hf_rwlock_rdlock(lock));
    pid_t writer = spawn_sleeper(write_and_repair, 1);
    pid_t reader = spawn_sleeper(read_and_repair, 2);
    pid_t next = spawn_sleeper(write_and_repair, 3);
    kill_and_reap(writer);
    /* Who of the two goes first is open: the next writer may keep the reader out. */
    assert_ok(hf_rwlock_unlock(lock));
    assert_exits(reader, 0);
    assert_exits(next, 0);
    cr_assert_eq(rescues(segment), 0);
}

Test(rwlock_death, of_an_upgrader_that_still_waits_leaves_nothing_to_repair)
{
    assert_ok(hf_rwlock_rdlock(lock));
    pid_t upgrader = spawn_sleeper(upgrade_and_stay, 1);
    assert_ok(hf_rwlock_unlock(lock));
    await_steps(party, 1);
    kill_and_reap(upgrader); /* now it writes */
    assert_error(hf_rwlock_rdlock(lock), EOWNERDEAD);
    assert_ok(hf_rwlock_consistent(lock));
    assert_ok(hf_rwlock_downgrade(lock));
    upgrader = spawn_sleeper(upgrade_and_stay, 1);
    kill_and_reap(upgrader); /* still waiting for us */
    assert_exits(spawn(read_and_repair, party), 0);
    assert_ok(hf_rwlock_unlock(lock));
    assert_ok(hf_rwlock_trywrlock(lock));
}

Test(rwlock_death, of_one_that_waits_changes_nothing_for_the_others)
{
    assert_ok(hf_rwlock_wrlock(lock));
    pid_t sleepers[4];
    for (unsigned i = 0; i < 4; i++) {
        sleepers[i] =
            spawn_sleeper(i % 2 == 0 ? read_and_repair : write_and_repair, i + 1);
    }
    kill_and_reap(sleepers[0]);
    kill_and_reap(sleepers[1]);
    assert_ok(hf_rwlock_unlock(lock));
    assert_exits(sleepers[2], 0);
    assert_exits(sleepers[3], 0);
}

Test(rwlock_death, of_one_that_was_woken_changes_nothing_for_the_others)
{
    assert_ok(hf_rwlock_wrlock(lock));
    pid_t sleepers[3];
    spawn_crowd(sleepers, 3, read_and_repair, party, waiters);
    make_slow(sleepers[0]);
    assert_ok(hf_rwlock_unlock(lock));
    kill_and_reap(sleepers[0]);
    assert_all_exit(sleepers + 1, 2, 0);
    assert_ok(hf_rwlock_trywrlock(lock));
    cr_assert_eq(rescues(segment), 0);
}

Test(rwlock_death, is_told_of_by_owner)
{
    hf_owner_t who;
    pid_t writer = spawn_holder(write_and_stay);
    pid_t sleeper = spawn_sleeper(read_and_repair, 1);
    assert_ok(hf_rwlock_owner(lock, &who));
    cr_assert_eq(who.pid, writer);
    cr_assert(who.alive);
    cr_assert_eq(who.waiter_pid, sleeper);
    kill_and_reap(sleeper);
    kill_and_reap(writer);
    assert_ok(hf_rwlock_owner(lock, &who));
    cr_assert_eq(who.pid, writer);
    cr_assert_not(who.alive);
    cr_assert_eq(who.waiters, 0);
    assert_ok(hf_rwlock_check(lock));
}

Test(rwlock_death, a_stopped_writer_is_alive_and_keeps_it)
{
    pid_t writer = spawn_holder(write_and_stay);
    struct timespec soon = hf_deadline_in_ms(400);
    kill(writer, SIGSTOP);
    cr_assert_eq(waitpid(writer, NULL, WUNTRACED), writer);
    assert_error(hf_rwlock_timedrdlock(lock, &soon), ETIMEDOUT);
    assert_error(hf_rwlock_timedwrlock(lock, &soon), ETIMEDOUT);
    kill_and_reap(writer);
    assert_error(hf_rwlock_timedrdlock(lock, &soon), EOWNERDEAD);
}
