/* SPDX-License-Identifier: MIT */
/* What one caller sees. */
#include "crowd.h"

typedef struct {
    hf_sem_t first, sem;
} room_t;

static hf_segment_t *segment;
static hf_sem_t *sem;

static void set_up(void)
{
    segment = open_fresh(sizeof(room_t), 0);
    room_t *room = hf_segment_root(segment);
    sem = &room->sem;
}

TestSuite(sem, .init = set_up, .timeout = 60);

static unsigned value(void)
{
    unsigned tokens = 77;
    assert_ok(hf_sem_getvalue(sem, &tokens));
    return tokens;
}

Test(sem, zero_memory_is_one_without_tokens)
{
    assert_ok(hf_sem_check(sem));
    cr_assert_eq(value(), 0);
    assert_error(hf_sem_trywait(sem), EBUSY);
}

Test(sem, a_post_is_one_token_and_a_wait_takes_one)
{
    for (unsigned i = 0; i < 3; i++) {
        assert_ok(hf_sem_post(sem));
        cr_assert_eq(value(), i + 1);
    }
    struct timespec soon = hf_deadline_in_ms(1000);
    assert_ok(hf_sem_wait(sem));
    assert_ok(hf_sem_trywait(sem));
    assert_ok(hf_sem_timedwait(sem, &soon));
    cr_assert_eq(value(), 0);
    assert_error(hf_sem_trywait(sem), EBUSY);
}

Test(sem, init_gives_it_so_many_tokens)
{
    assert_ok(hf_sem_init(sem, 2));
    cr_assert_eq(value(), 2);
    assert_ok(hf_sem_init(sem, HF_SEM_VALUE_MAX));
    cr_assert_eq(value(), HF_SEM_VALUE_MAX);
    assert_error(hf_sem_init(sem, HF_SEM_VALUE_MAX + 1), EINVAL);
    cr_assert_eq(value(), HF_SEM_VALUE_MAX);
}

Test(sem, a_full_one_is_EOVERFLOW)
{
    assert_ok(hf_sem_init(sem, HF_SEM_VALUE_MAX));
    assert_error(hf_sem_post(sem), EOVERFLOW);
    cr_assert_eq(value(), HF_SEM_VALUE_MAX);
    assert_ok(hf_sem_wait(sem));
    assert_ok(hf_sem_post(sem));
}

Test(sem, a_deadline_ends_the_wait)
{
    struct timespec soon = hf_deadline_in_ms(20), past = {.tv_sec = 0};
    assert_error(hf_sem_timedwait(sem, &soon), ETIMEDOUT);
    assert_error(hf_sem_timedwait(sem, &past), ETIMEDOUT);
    assert_ok(hf_sem_post(sem));
    cr_assert_eq(value(), 1, "who gave up took nothing");
}

Test(sem, a_token_is_taken_though_the_deadline_has_passed)
{
    struct timespec past = {.tv_sec = 0};
    assert_ok(hf_sem_init(sem, 1));
    assert_ok(hf_sem_timedwait(sem, &past));
}

Test(sem, what_is_no_time_is_EINVAL)
{
    assert_ok(hf_sem_init(sem, 1));
    assert_error(hf_sem_timedwait(sem, NULL), EINVAL);
    for (int i = 0; i < NO_TIMES; i++) {
        assert_error(hf_sem_timedwait(sem, &no_times[i]), EINVAL);
    }
    cr_assert_eq(value(), 1);
}

static void assert_each_call_is_EINVAL(hf_sem_t *bad)
{
    struct timespec soon = hf_deadline_in_ms(1000);
    hf_owner_t who;
    unsigned tokens;
    assert_error(hf_sem_init(bad, 1), EINVAL);
    assert_error(hf_sem_wait(bad), EINVAL);
    assert_error(hf_sem_trywait(bad), EINVAL);
    assert_error(hf_sem_timedwait(bad, &soon), EINVAL);
    assert_error(hf_sem_post(bad), EINVAL);
    assert_error(hf_sem_getvalue(bad, &tokens), EINVAL);
    assert_error(hf_sem_owner(bad, &who), EINVAL);
    assert_error(hf_sem_check(bad), EINVAL);
}

Test(sem, an_address_that_cannot_be_one_is_EINVAL)
{
    void *bad[BAD_ADDRESSES];
    bad_addresses(segment, sizeof *sem, bad);
    for (int joined = 0; joined < 2; joined++) {
        for (int i = 0; i < BAD_ADDRESSES; i++) {
            assert_each_call_is_EINVAL(bad[i]);
        }
        assert_error(hf_sem_trywait(sem), EBUSY); /* joins */
    }
}

Test(sem, nowhere_to_tell_it_is_EINVAL)
{
    assert_error(hf_sem_getvalue(sem, NULL), EINVAL);
    assert_error(hf_sem_owner(sem, NULL), EINVAL);
}

Test(sem, a_damaged_one_is_EBADMSG_and_no_crash)
{
    uint64_t impossible[] = {UINT64_C(1) << 32, UINT64_C(1) << 33, UINT64_C(1) << 34 | 1,
        UINT64_C(1) << 35, UINT64_MAX};
    for (size_t i = 0; i < sizeof impossible / sizeof *impossible; i++) {
        struct timespec soon = hf_deadline_in_ms(1000);
        unsigned tokens;
        sem->hf_word = impossible[i];
        assert_error(hf_sem_wait(sem), EBADMSG);
        assert_error(hf_sem_trywait(sem), EBADMSG);
        assert_error(hf_sem_timedwait(sem, &soon), EBADMSG);
        assert_error(hf_sem_post(sem), EBADMSG);
        assert_error(hf_sem_getvalue(sem, &tokens), EBADMSG);
        assert_error(hf_sem_check(sem), EBADMSG);
        cr_assert_eq(sem->hf_word, impossible[i]);
    }
}

Test(sem, a_read_only_segment_can_be_looked_at)
{
    void *root;
    room_t *seen = fresh_read_only(sizeof(room_t), &root);
    room_t *mine = root;
    struct timespec soon = hf_deadline_in_ms(1000);
    unsigned tokens;
    hf_owner_t who;
    assert_ok(hf_sem_init(&mine->sem, 3));
    assert_ok(hf_sem_getvalue(&seen->sem, &tokens));
    cr_assert_eq(tokens, 3);
    assert_ok(hf_sem_check(&seen->sem));
    assert_ok(hf_sem_owner(&seen->sem, &who));
    assert_error(hf_sem_init(&seen->sem, 1), EACCES);
    assert_error(hf_sem_wait(&seen->sem), EACCES);
    assert_error(hf_sem_trywait(&seen->sem), EACCES);
    assert_error(hf_sem_timedwait(&seen->sem, &soon), EACCES);
    assert_error(hf_sem_post(&seen->sem), EACCES);
}

Test(sem, calls_leave_errno_alone)
{
    struct timespec soon = hf_deadline_in_ms(5);
    errno = 77;
    assert_ok(hf_sem_post(sem));
    assert_ok(hf_sem_wait(sem)); /* joins */
    assert_error(hf_sem_timedwait(sem, &soon), ETIMEDOUT);
    assert_error(hf_sem_post(NULL), EINVAL);
    cr_assert_eq(errno, 77);
}
