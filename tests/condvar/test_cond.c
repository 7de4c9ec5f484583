/* SPDX-License-Identifier: MIT */
/* What one caller sees. */
#include "crowd.h"

typedef struct {
    hf_mutex_t lock;
    hf_cond_t first, cond;
} room_t;

static hf_segment_t *segment;
static hf_mutex_t *lock;
static hf_cond_t *cond;

static void set_up(void)
{
    segment = open_fresh(sizeof(room_t), 0);
    room_t *room = hf_segment_root(segment);
    lock = &room->lock;
    cond = &room->cond;
}

TestSuite(cond, .init = set_up, .timeout = 60);

static bool is_ours(void)
{
    hf_owner_t who;
    assert_ok(hf_mutex_owner(lock, &who));
    return who.pid == getpid();
}

static int wait_a_moment(void)
{
    struct timespec soon = hf_deadline_in_ms(20);
    return hf_cond_timedwait(cond, lock, &soon);
}

Test(cond, zero_memory_is_one_that_nobody_waits_on)
{
    hf_owner_t who;
    assert_ok(hf_cond_check(cond));
    assert_ok(hf_cond_owner(cond, &who));
    cr_assert_eq(who.waiters, 0);
    cr_assert_eq(who.pid, 0);
    assert_ok(hf_cond_signal(cond));
    assert_ok(hf_cond_broadcast(cond));
}

Test(cond, who_does_not_hold_the_mutex_is_EPERM)
{
    assert_error(hf_cond_wait(cond, lock), EPERM);
    assert_error(wait_a_moment(), EPERM);
    assert_ok(hf_mutex_lock(lock));
}

Test(cond, at_the_deadline_the_mutex_is_held)
{
    struct timespec past = {.tv_sec = 0};
    assert_ok(hf_mutex_lock(lock));
    assert_error(wait_a_moment(), ETIMEDOUT);
    cr_assert(is_ours());
    assert_error(hf_cond_timedwait(cond, lock, &past), ETIMEDOUT);
    cr_assert(is_ours());
    assert_ok(hf_mutex_unlock(lock));
}

Test(cond, a_signal_that_nobody_waits_for_is_forgotten)
{
    assert_ok(hf_cond_signal(cond));
    assert_ok(hf_cond_broadcast(cond));
    assert_ok(hf_mutex_lock(lock));
    assert_error(wait_a_moment(), ETIMEDOUT);
    assert_ok(hf_cond_signal(cond)); /* after somebody has waited, too */
    assert_error(wait_a_moment(), ETIMEDOUT);
}

Test(cond, what_is_no_time_is_EINVAL_and_the_mutex_still_held)
{
    assert_ok(hf_mutex_lock(lock));
    assert_error(hf_cond_timedwait(cond, lock, NULL), EINVAL);
    for (int i = 0; i < NO_TIMES; i++) {
        assert_error(hf_cond_timedwait(cond, lock, &no_times[i]), EINVAL);
    }
    cr_assert(is_ours());
}

Test(cond, a_recursive_mutex_is_given_back_wholly_and_locked_as_often_again)
{
    assert_ok(hf_mutex_init(lock, HF_RECURSIVE));
    for (int i = 0; i < 3; i++) {
        assert_ok(hf_mutex_lock(lock));
    }
    assert_error(wait_a_moment(), ETIMEDOUT);
    for (int i = 0; i < 3; i++) {
        cr_assert(is_ours());
        assert_ok(hf_mutex_unlock(lock));
    }
    assert_error(hf_mutex_unlock(lock), EPERM);
}

Test(cond, the_mutex_may_be_in_another_segment)
{
    hf_segment_t *other = open_fresh(sizeof(hf_mutex_t), 0);
    hf_mutex_t *there = hf_segment_root(other);
    struct timespec soon = hf_deadline_in_ms(20);
    assert_ok(hf_mutex_lock(there));
    assert_error(hf_cond_timedwait(cond, there, &soon), ETIMEDOUT);
    assert_ok(hf_mutex_unlock(there));
}

static void assert_each_call_is_EINVAL(hf_cond_t *bad)
{
    struct timespec soon = hf_deadline_in_ms(1000);
    hf_owner_t who;
    assert_error(hf_cond_wait(bad, lock), EINVAL);
    assert_error(hf_cond_timedwait(bad, lock, &soon), EINVAL);
    assert_error(hf_cond_signal(bad), EINVAL);
    assert_error(hf_cond_broadcast(bad), EINVAL);
    assert_error(hf_cond_owner(bad, &who), EINVAL);
    assert_error(hf_cond_check(bad), EINVAL);
}

Test(cond, an_address_that_cannot_be_one_is_EINVAL_and_the_mutex_still_held)
{
    void *bad[BAD_ADDRESSES];
    bad_addresses(segment, sizeof *cond, bad);
    for (int i = 0; i < BAD_ADDRESSES; i++) {
        assert_error(hf_cond_signal(bad[i]), EINVAL); /* also before we have joined */
    }
    assert_ok(hf_mutex_lock(lock));
    for (int i = 0; i < BAD_ADDRESSES; i++) {
        assert_each_call_is_EINVAL(bad[i]);
        assert_error(hf_cond_wait(cond, bad[i]), EINVAL); /* as a mutex */
    }
    assert_error(hf_cond_owner(cond, NULL), EINVAL);
    cr_assert(is_ours());
}

Test(cond, a_signal_changes_the_value_for_who_waits_and_does_not_sleep_yet)
{
    const uint64_t waiters = UINT64_C(1) << 35;
    int (*tell[])(hf_cond_t *) = {hf_cond_signal, hf_cond_broadcast};
    for (uint64_t i = 0; i < 2; i++) {
        cond->hf_word = waiters | UINT32_MAX;
        assert_ok(tell[i](cond));
        cr_assert_eq(cond->hf_word, 0); /* the next value, and nobody known any more */
        assert_ok(tell[i](cond));
        cr_assert_eq(cond->hf_word, 0); /* nobody waits: nothing to say */
    }
}

Test(cond, a_damaged_one_is_EBADMSG_and_no_crash)
{
    uint64_t impossible[] = {
        UINT64_C(1) << 33, UINT64_C(1) << 33 | UINT64_C(1) << 32, UINT64_MAX};
    assert_ok(hf_mutex_lock(lock));
    for (size_t i = 0; i < sizeof impossible / sizeof *impossible; i++) {
        cond->hf_word = impossible[i];
        assert_error(hf_cond_wait(cond, lock), EBADMSG);
        assert_error(wait_a_moment(), EBADMSG);
        assert_error(hf_cond_signal(cond), EBADMSG);
        assert_error(hf_cond_broadcast(cond), EBADMSG);
        assert_error(hf_cond_check(cond), EBADMSG);
    }
    cr_assert(is_ours());
}

Test(cond, a_read_only_segment_can_be_looked_at)
{
    void *root;
    room_t *seen = fresh_read_only(sizeof(room_t), &root);
    room_t *mine = root;
    hf_owner_t who;
    assert_ok(hf_mutex_lock(lock));
    assert_ok(hf_cond_check(&seen->cond));
    assert_ok(hf_cond_owner(&seen->cond, &who));
    assert_error(hf_cond_wait(&seen->cond, lock), EACCES);
    assert_error(hf_cond_wait(cond, &seen->lock), EACCES);
    assert_error(hf_cond_signal(&seen->cond), EACCES);
    assert_error(hf_cond_broadcast(&seen->cond), EACCES);
    assert_ok(hf_cond_signal(&mine->cond));
}

Test(cond, calls_leave_errno_alone)
{
    errno = 77;
    assert_ok(hf_mutex_lock(lock));
    assert_error(wait_a_moment(), ETIMEDOUT);
    assert_ok(hf_cond_signal(cond));
    assert_error(hf_cond_signal(NULL), EINVAL);
    cr_assert_eq(errno, 77);
}
