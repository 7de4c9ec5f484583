/* SPDX-License-Identifier: MIT */
/* Who may be within together, and who waits for whom. */
#include "room.h"

TestSuite(modes, .init = set_up, .timeout = 60);

/* Asked by another process: our own lock would be EDEADLK. */
static int probe(int (*call)(hf_rwlock_t *))
{
    fflush(NULL);
    pid_t child = fork();
    cr_assert(child >= 0);
    if (child == 0) {
        _exit(call(lock));
    }
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

Test(modes, beside_a_reader_others_read_and_one_is_upgradable)
{
    assert_ok(hf_rwlock_rdlock(lock));
    assert_ok(probe(hf_rwlock_tryrdlock));
    assert_ok(probe(hf_rwlock_tryuplock));
    assert_error(probe(hf_rwlock_trywrlock), EBUSY);
    assert_error(probe(timedwrlock), ETIMEDOUT);
    assert_ok(probe(hf_rwlock_tryrdlock)); /* a writer that gave up is in nobody's way */
}

Test(modes, beside_an_upgradable_one_others_only_read)
{
    assert_ok(hf_rwlock_uplock(lock));
    assert_ok(probe(hf_rwlock_tryrdlock));
    assert_error(probe(hf_rwlock_tryuplock), EBUSY);
    assert_error(probe(timeduplock), ETIMEDOUT);
    assert_error(probe(hf_rwlock_trywrlock), EBUSY);
}

Test(modes, beside_a_writer_nobody_is_within)
{
    assert_ok(hf_rwlock_wrlock(lock));
    assert_error(probe(hf_rwlock_tryrdlock), EBUSY);
    assert_error(probe(timedrdlock), ETIMEDOUT);
    assert_error(probe(hf_rwlock_tryuplock), EBUSY);
    assert_error(probe(hf_rwlock_trywrlock), EBUSY);
    assert_error(probe(timedwrlock), ETIMEDOUT);
    assert_error(probe(hf_rwlock_unlock), EPERM);
}

Test(modes, downgraded_from_either_it_is_a_reader)
{
    int (*const ups[])(hf_rwlock_t *) = {hf_rwlock_wrlock, hf_rwlock_uplock};
    for (int i = 0; i < 2; i++) {
        assert_ok(ups[i](lock));
        assert_ok(hf_rwlock_downgrade(lock));
        assert_ok(probe(hf_rwlock_tryuplock));
        assert_ok(probe(hf_rwlock_tryrdlock));
        assert_error(probe(hf_rwlock_trywrlock), EBUSY);
        assert_ok(hf_rwlock_unlock(lock));
    }
}

/* ---- waiting ---- */

static int until_killed(int error)
{
    step(party);
    while (error == 0) {
        pause();
    }
    return error;
}

static int read_and_stay(party_t *p)
{
    (void)p;
    return until_killed(hf_rwlock_rdlock(lock));
}

static int write_once(party_t *p)
{
    int error = hf_rwlock_wrlock(lock);
    step(p);
    return error == 0 ? hf_rwlock_unlock(lock) : error;
}

static int read_once(party_t *p)
{
    int error = hf_rwlock_rdlock(lock);
    step(p);
    return error == 0 ? hf_rwlock_unlock(lock) : error;
}

Test(modes, a_writer_waits_for_the_last_reader)
{
    pid_t other = spawn(read_and_stay, party);
    await_steps(party, 1);
    assert_ok(hf_rwlock_rdlock(lock));
    pid_t writer = spawn_asleep(write_once, party, waiters, 1);
    assert_ok(hf_rwlock_unlock(lock));
    cr_assert_eq(party->steps, 1);
    kill_and_reap(other);
    assert_exits(writer, 0);
    cr_assert_eq(rescues(segment), 0);
}

Test(modes, a_writer_that_waits_keeps_new_readers_out)
{
    assert_ok(hf_rwlock_rdlock(lock));
    pid_t writer = spawn_asleep(write_once, party, waiters, 1);
    assert_error(probe(hf_rwlock_tryrdlock), EBUSY);
    assert_ok(hf_rwlock_unlock(lock));
    assert_exits(writer, 0);
    assert_ok(probe(hf_rwlock_tryrdlock));
}

Test(modes, a_writer_that_waits_keeps_no_reader_from_reading_again)
{
    assert_ok(hf_rwlock_rdlock(lock));
    pid_t writer = spawn_asleep(write_once, party, waiters, 1);
    assert_ok(hf_rwlock_tryrdlock(lock));
    assert_ok(hf_rwlock_rdlock(lock));
    assert_ok(hf_rwlock_unlock(lock));
    assert_ok(hf_rwlock_unlock(lock));
    cr_assert_eq(party->steps, 0);
    assert_ok(hf_rwlock_unlock(lock));
    assert_exits(writer, 0);
}

Test(modes, an_upgrade_waits_for_the_readers_and_may_give_up)
{
    pid_t reader = spawn(read_and_stay, party);
    await_steps(party, 1);
    struct timespec soon = hf_deadline_in_ms(20);
    assert_ok(hf_rwlock_uplock(lock));
    assert_error(hf_rwlock_timedupgrade(lock, &soon), ETIMEDOUT);
    assert_ok(probe(hf_rwlock_tryrdlock)); /* still upgradable */
    assert_error(probe(hf_rwlock_tryuplock), EBUSY);
    kill_and_reap(reader);
    assert_ok(hf_rwlock_upgrade(lock));
    assert_error(probe(hf_rwlock_tryrdlock), EBUSY);
    assert_ok(hf_rwlock_unlock(lock));
}

Test(modes, a_writers_end_wakes_a_crowd_of_readers)
{
    pid_t crowd[CROWD];
    assert_ok(hf_rwlock_wrlock(lock));
    spawn_crowd(crowd, CROWD, read_once, party, waiters);
    assert_ok(hf_rwlock_unlock(lock));
    assert_all_exit(crowd, CROWD, 0);
    cr_assert_lt(rescues(segment), CROWD / 4); /* some timers may ring just then */
}

Test(modes, a_downgrade_wakes_the_readers_that_wait)
{
    pid_t readers[3];
    assert_ok(hf_rwlock_wrlock(lock));
    spawn_crowd(readers, 3, read_once, party, waiters);
    assert_ok(hf_rwlock_downgrade(lock));
    assert_all_exit(readers, 3, 0);
}

Test(modes, a_writers_end_lets_all_writers_that_wait_write)
{
    pid_t crowd[8];
    assert_ok(hf_rwlock_wrlock(lock));
    spawn_crowd(crowd, 8, write_once, party, waiters);
    assert_ok(hf_rwlock_unlock(lock));
    assert_all_exit(crowd, 8, 0);
}

/* ---- a reader that was overtaken ---- */

static void doze(long ms)
{
    struct timespec time = {.tv_nsec = ms * 1000000};
    nanosleep(&time, NULL);
}

/* It must have a CPU, to sleep again. */
static void await_slow_sleep(pid_t reader)
{
    while (!is_asleep(reader)) {
        doze(1);
    }
}

enum { OFTEN = 8 };

/* False: it went in, because we lost our CPU while the lock was free. */
static bool overtake(pid_t reader)
{
    make_slow(reader);
    for (unsigned i = 0; i < OFTEN; i++) {
        await_slow_sleep(reader);
        assert_ok(hf_rwlock_unlock(lock));
        assert_ok(hf_rwlock_wrlock(lock));
        if (party->steps != 0) {
            return false;
        }
    }
    await_slow_sleep(reader);
    return true;
}

/* It sleeps before us, who write. */
static pid_t spawn_overtaken(void)
{
    assert_ok(hf_rwlock_wrlock(lock));
    pid_t reader = spawn_asleep(read_once, party, waiters, 1);
    while (!overtake(reader)) {
        assert_exits(reader, 0);
        party->steps = 0;
        reader = spawn_asleep(read_once, party, waiters, 1);
    }
    return reader;
}

Test(modes, a_reader_that_was_overtaken_often_sleeps_while_a_writer_stays)
{
    pid_t reader = spawn_overtaken();
    unsigned long before = sleeps_of(reader);
    doze(150);
    cr_assert_leq(sleeps_of(reader) - before, 1); /* its back-stop may have rung */
    assert_ok(hf_rwlock_unlock(lock));
    assert_exits(reader, 0);
}

Test(modes, a_reader_that_was_overtaken_often_still_goes_in_beside_an_upgradable_one)
{
    pid_t reader = spawn_overtaken();
    assert_ok(hf_rwlock_unlock(lock));
    assert_ok(hf_rwlock_uplock(lock));
    assert_exits(reader, 0);
    cr_assert_eq(rescues(segment), 0);
}

/* ---- several of all kinds ---- */

static void look(void)
{
    uint64_t value = __atomic_load_n(&room->value, __ATOMIC_RELAXED);
    sched_yield();
    if (__atomic_load_n(&room->copy, __ATOMIC_RELAXED) != value) {
        __atomic_fetch_add(&room->broken, 1, __ATOMIC_SEQ_CST);
    }
}

static void change(void)
{
    uint64_t value = __atomic_load_n(&room->value, __ATOMIC_RELAXED) + 1;
    __atomic_store_n(&room->value, value, __ATOMIC_RELAXED);
    sched_yield();
    __atomic_store_n(&room->copy, value, __ATOMIC_RELAXED);
}

enum { TURNS = 400 };

static int read_often(party_t *p)
{
    (void)p;
    int error = 0;
    for (int i = 0; i < TURNS && error == 0; i++) {
        error = hf_rwlock_rdlock(lock);
        look();
        error = error == 0 ? hf_rwlock_unlock(lock) : error;
    }
    return error;
}

static int write_often(party_t *p)
{
    (void)p;
    int error = 0;
    for (int i = 0; i < TURNS && error == 0; i++) {
        error = hf_rwlock_wrlock(lock);
        change();
        error = error == 0 ? hf_rwlock_downgrade(lock) : error;
        look();
        error = error == 0 ? hf_rwlock_unlock(lock) : error;
    }
    return error;
}

static int upgrade_often(party_t *p)
{
    (void)p;
    int error = 0;
    for (int i = 0; i < TURNS && error == 0; i++) {
        error = hf_rwlock_uplock(lock);
        look();
        error = error == 0 ? hf_rwlock_upgrade(lock) : error;
        change();
        error = error == 0 ? hf_rwlock_unlock(lock) : error;
    }
    return error;
}

Test(modes, what_is_read_is_what_was_written)
{
    int (*const kinds[])(party_t *) = {
        read_often, read_often, write_often, upgrade_often};
    pid_t children[4];
    for (int i = 0; i < 4; i++) {
        children[i] = spawn(kinds[i], party);
    }
    assert_all_exit(children, 4, 0);
    cr_assert_eq(room->broken, 0);
    cr_assert_eq(room->value, 2 * TURNS);
}
