/* SPDX-License-Identifier: MIT */
/* What one caller sees. */
#include "participant/table.h"
#include "room.h"

TestSuite(rwlock, .init = set_up, .timeout = 60);

typedef int call_t(hf_rwlock_t *l);

static call_t *const locks[] = {hf_rwlock_rdlock, hf_rwlock_tryrdlock, timedrdlock,
    hf_rwlock_wrlock, hf_rwlock_trywrlock, timedwrlock, hf_rwlock_uplock,
    hf_rwlock_tryuplock, timeduplock};
static call_t *const changes[] = {hf_rwlock_upgrade, timedupgrade, hf_rwlock_downgrade,
    hf_rwlock_unlock, hf_rwlock_consistent};
enum {
    LOCKS = sizeof locks / sizeof *locks,
    CHANGES = sizeof changes / sizeof *changes,
};

Test(rwlock, zero_memory_is_a_free_one)
{
    assert_ok(hf_rwlock_check(lock));
    for (int i = 0; i < LOCKS; i++) {
        hf_owner_t who;
        assert_ok(locks[i](lock));
        assert_ok(hf_rwlock_owner(lock, &who));
        cr_assert_eq(who.pid, getpid());
        assert_ok(hf_rwlock_unlock(lock));
        assert_ok(hf_rwlock_owner(lock, &who));
        cr_assert_eq(who.pid, 0);
    }
    assert_ok(hf_rwlock_check(lock));
}

Test(rwlock, init_makes_it_a_free_one)
{
    memset(lock, 0xff, sizeof *lock);
    assert_ok(hf_rwlock_init(lock));
    assert_ok(hf_rwlock_check(lock));
    assert_ok(hf_rwlock_trywrlock(lock));
}

Test(rwlock, who_does_not_hold_it_is_EPERM)
{
    for (int i = 0; i < CHANGES; i++) {
        assert_error(changes[i](lock), EPERM);
    }
    assert_ok(hf_rwlock_rdlock(lock));
    assert_error(hf_rwlock_upgrade(lock), EPERM);
    assert_error(timedupgrade(lock), EPERM);
    assert_error(hf_rwlock_downgrade(lock), EPERM);
    assert_error(hf_rwlock_consistent(lock), EPERM);
    assert_ok(hf_rwlock_uplock(lock));
    assert_error(hf_rwlock_consistent(lock), EPERM);
    assert_ok(hf_rwlock_unlock(lock));
    assert_ok(hf_rwlock_unlock(lock));
    assert_error(hf_rwlock_unlock(lock), EPERM);
}

Test(rwlock, who_writes_is_EDEADLK)
{
    assert_ok(hf_rwlock_wrlock(lock));
    for (int i = 0; i < LOCKS; i++) {
        assert_error(locks[i](lock), EDEADLK);
    }
    assert_error(hf_rwlock_upgrade(lock), EPERM);
    assert_error(hf_rwlock_consistent(lock), EINVAL);
    assert_ok(hf_rwlock_unlock(lock));
}

Test(rwlock, who_reads_and_would_write_is_EDEADLK_and_still_reads)
{
    assert_ok(hf_rwlock_rdlock(lock));
    assert_error(hf_rwlock_wrlock(lock), EDEADLK);
    assert_error(timedwrlock(lock), EDEADLK);
    assert_ok(hf_rwlock_unlock(lock));
    assert_ok(hf_rwlock_trywrlock(lock));
}

Test(rwlock, a_thread_reads_eight_at_once)
{
    for (int i = 0; i < READS; i++) {
        assert_ok(hf_rwlock_rdlock(&room->many[i]));
    }
    assert_error(hf_rwlock_rdlock(lock), EAGAIN);
    assert_error(hf_rwlock_tryrdlock(lock), EAGAIN);
    assert_ok(hf_rwlock_wrlock(lock));
    assert_error(hf_rwlock_downgrade(lock), EAGAIN);
    assert_ok(hf_rwlock_unlock(&room->many[3]));
    assert_ok(hf_rwlock_downgrade(lock));
    assert_ok(hf_rwlock_unlock(lock));
    for (int i = 0; i < READS; i++) {
        assert_error(hf_rwlock_unlock(&room->many[i]), i == 3 ? EPERM : 0);
    }
}

Test(rwlock, who_reads_it_often_gives_it_back_as_often)
{
    for (int i = 0; i < 3; i++) {
        assert_ok(hf_rwlock_rdlock(lock));
    }
    for (int i = 0; i < 3; i++) {
        assert_error(hf_rwlock_trywrlock(lock), EDEADLK);
        assert_ok(hf_rwlock_unlock(lock));
    }
    assert_ok(hf_rwlock_trywrlock(lock));
}

Test(rwlock, upgraded_and_downgraded_it_is_given_back_once)
{
    assert_ok(hf_rwlock_uplock(lock));
    assert_ok(hf_rwlock_upgrade(lock));
    assert_ok(hf_rwlock_downgrade(lock));
    assert_error(hf_rwlock_upgrade(lock), EPERM);
    assert_ok(hf_rwlock_unlock(lock));
    assert_error(hf_rwlock_unlock(lock), EPERM);
    assert_ok(hf_rwlock_uplock(lock));
    assert_ok(hf_rwlock_downgrade(lock));
    assert_ok(hf_rwlock_unlock(lock));
    assert_ok(hf_rwlock_trywrlock(lock));
}

Test(rwlock, who_reads_beside_its_upgradable_one_is_EDEADLK_upgrading)
{
    assert_ok(hf_rwlock_uplock(lock));
    assert_ok(hf_rwlock_rdlock(lock));
    assert_error(hf_rwlock_upgrade(lock), EDEADLK);
    assert_ok(hf_rwlock_unlock(lock));
    assert_ok(timedupgrade(lock));
    assert_ok(hf_rwlock_unlock(lock));
}

Test(rwlock, a_free_one_is_taken_though_the_deadline_has_passed)
{
    struct timespec past = {.tv_sec = 0};
    assert_ok(hf_rwlock_timedrdlock(lock, &past));
    assert_ok(hf_rwlock_unlock(lock));
    assert_ok(hf_rwlock_timeduplock(lock, &past));
    assert_ok(hf_rwlock_timedupgrade(lock, &past));
    assert_ok(hf_rwlock_unlock(lock));
    assert_ok(hf_rwlock_timedwrlock(lock, &past));
}

static void assert_no_time(const struct timespec *no_time)
{
    assert_error(hf_rwlock_timedrdlock(lock, no_time), EINVAL);
    assert_error(hf_rwlock_timedwrlock(lock, no_time), EINVAL);
    assert_error(hf_rwlock_timeduplock(lock, no_time), EINVAL);
    assert_error(hf_rwlock_timedupgrade(lock, no_time), EINVAL);
}

Test(rwlock, what_is_no_time_is_EINVAL)
{
    assert_no_time(NULL);
    for (int i = 0; i < NO_TIMES; i++) {
        assert_no_time(&no_times[i]);
    }
    assert_ok(hf_rwlock_trywrlock(lock));
}

static void assert_each_call_is_EINVAL(hf_rwlock_t *bad)
{
    hf_owner_t who;
    for (int i = 0; i < LOCKS; i++) {
        assert_error(locks[i](bad), EINVAL);
    }
    for (int i = 0; i < CHANGES; i++) {
        assert_error(changes[i](bad), EINVAL);
    }
    assert_error(hf_rwlock_init(bad), EINVAL);
    assert_error(hf_rwlock_owner(bad, &who), EINVAL);
    assert_error(hf_rwlock_check(bad), EINVAL);
}

Test(rwlock, an_address_that_cannot_be_one_is_EINVAL)
{
    void *bad[BAD_ADDRESSES];
    bad_addresses(segment, sizeof *lock, bad);
    for (int joined = 0; joined < 2; joined++) {
        for (int i = 0; i < BAD_ADDRESSES; i++) {
            assert_each_call_is_EINVAL(bad[i]);
            assert_each_call_is_EINVAL((hf_rwlock_t *)((uintptr_t)bad[4] - 16));
        }
        assert_ok(hf_rwlock_rdlock(lock)); /* joins */
        assert_ok(hf_rwlock_unlock(lock));
    }
    assert_error(hf_rwlock_owner(lock, NULL), EINVAL);
}

Test(rwlock, a_damaged_gate_is_EBADMSG_and_no_crash)
{
    uint64_t impossible[] = {hfi_tag(5000, 1), hfi_tag(0, 900), UINT64_MAX};
    for (size_t i = 0; i < sizeof impossible / sizeof *impossible; i++) {
        hf_owner_t who;
        lock->hf_gate.hf_word = impossible[i];
        assert_error(hf_rwlock_wrlock(lock), EBADMSG);
        assert_error(hf_rwlock_trywrlock(lock), EBADMSG);
        assert_error(timedwrlock(lock), EBADMSG);
        assert_error(hf_rwlock_uplock(lock), EBADMSG);
        assert_error(hf_rwlock_check(lock), EBADMSG);
        assert_error(hf_rwlock_owner(lock, &who), EBADMSG);
    }
}

Test(rwlock, a_damaged_writer_is_EBADMSG_and_no_crash)
{
    uint64_t impossible[] = {1, 2, 8, hfi_tag(5000, 1), hfi_tag(0, 900)};
    for (size_t i = 0; i < sizeof impossible / sizeof *impossible; i++) {
        lock->hf_writer = impossible[i];
        assert_error(hf_rwlock_rdlock(lock), EBADMSG);
        assert_error(hf_rwlock_tryrdlock(lock), EBADMSG);
        assert_error(timedrdlock(lock), EBADMSG);
        assert_error(hf_rwlock_check(lock), EBADMSG);
    }
}

Test(rwlock, a_read_only_segment_can_be_looked_at)
{
    void *root;
    room_t *seen = fresh_read_only(sizeof *room, &root);
    room_t *mine = root;
    hf_owner_t who;
    assert_ok(hf_rwlock_rdlock(&mine->lock));
    assert_ok(hf_rwlock_owner(&seen->lock, &who));
    cr_assert_eq(who.pid, getpid());
    assert_ok(hf_rwlock_check(&seen->lock));
    for (int i = 0; i < LOCKS; i++) {
        assert_error(locks[i](&seen->lock), EACCES);
    }
    for (int i = 0; i < CHANGES; i++) {
        assert_error(changes[i](&seen->lock), EACCES);
    }
    assert_error(hf_rwlock_init(&seen->lock), EACCES);
}

static int scoped(int kind)
{
    if (kind == 0) {
        HF_SCOPED_RDLOCK(error, lock);
        return error;
    }
    if (kind == 1) {
        HF_SCOPED_UPLOCK(error, lock);
        return error != 0 ? error : hf_rwlock_unlock(lock); /* by hand */
    }
    HF_SCOPED_WRLOCK(error, lock);
    return error;
}

Test(rwlock, a_scoped_lock_is_released_on_every_path)
{
    for (int kind = 0; kind < 3; kind++) {
        assert_ok(scoped(kind));
        assert_error(hf_rwlock_unlock(lock), EPERM);
    }
    assert_ok(hf_rwlock_wrlock(lock));
    assert_error(scoped(2), EDEADLK);
    assert_ok(hf_rwlock_unlock(lock)); /* still ours: a failed one releases nothing */
}

Test(rwlock, calls_leave_errno_alone)
{
    errno = 77;
    for (int i = 0; i < LOCKS; i++) {
        assert_ok(locks[i](lock));
        assert_ok(hf_rwlock_unlock(lock));
    }
    assert_error(hf_rwlock_unlock(lock), EPERM);
    cr_assert_eq(errno, 77);
}
