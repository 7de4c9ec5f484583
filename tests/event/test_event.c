/* SPDX-License-Identifier: MIT */
/* What one caller sees. */
#include "crowd.h"

typedef struct {
    hf_event_t first, event;
} room_t;

static hf_segment_t *segment;
static hf_event_t *event;

static void set_up(void)
{
    segment = open_fresh(sizeof(room_t), 0);
    room_t *room = hf_segment_root(segment);
    event = &room->event;
}

TestSuite(event, .init = set_up, .timeout = 60);

Test(event, zero_memory_is_a_manual_one_not_set)
{
    assert_ok(hf_event_check(event));
    assert_error(hf_event_trywait(event), EBUSY);
    assert_ok(hf_event_set(event));
    assert_ok(hf_event_wait(event));
    assert_ok(hf_event_wait(event));
}

Test(event, a_manual_one_lets_pass_until_reset)
{
    struct timespec past = {.tv_sec = 0};
    assert_ok(hf_event_init(event, 0));
    for (int round = 0; round < 3; round++) {
        assert_ok(hf_event_set(event));
        assert_ok(hf_event_set(event));
        for (int i = 0; i < 3; i++) {
            assert_ok(hf_event_trywait(event));
            assert_ok(hf_event_timedwait(event, &past));
        }
        assert_ok(hf_event_reset(event));
        assert_ok(hf_event_reset(event));
        assert_error(hf_event_trywait(event), EBUSY);
    }
}

Test(event, an_automatic_one_lets_one_pass)
{
    assert_ok(hf_event_init(event, HF_AUTO_RESET));
    assert_error(hf_event_trywait(event), EBUSY);
    for (int round = 0; round < 3; round++) {
        assert_ok(hf_event_set(event));
        assert_ok(hf_event_set(event)); /* changes nothing */
        assert_ok(hf_event_wait(event));
        assert_error(hf_event_trywait(event), EBUSY);
    }
    assert_ok(hf_event_set(event));
    assert_ok(hf_event_reset(event));
    assert_error(hf_event_trywait(event), EBUSY);
}

Test(event, init_takes_known_options_only)
{
    assert_error(hf_event_init(event, 2), EINVAL);
    assert_error(hf_event_init(event, HF_AUTO_RESET | 4), EINVAL);
}

Test(event, init_makes_it_one_that_is_not_set)
{
    assert_ok(hf_event_set(event));
    assert_ok(hf_event_init(event, 0));
    assert_error(hf_event_trywait(event), EBUSY);
}

Test(event, a_deadline_ends_the_wait)
{
    struct timespec soon = hf_deadline_in_ms(20), past = {.tv_sec = 0};
    assert_error(hf_event_timedwait(event, &soon), ETIMEDOUT);
    assert_error(hf_event_timedwait(event, &past), ETIMEDOUT);
}

Test(event, what_is_no_time_is_EINVAL)
{
    assert_ok(hf_event_set(event));
    assert_error(hf_event_timedwait(event, NULL), EINVAL);
    for (int i = 0; i < NO_TIMES; i++) {
        assert_error(hf_event_timedwait(event, &no_times[i]), EINVAL);
    }
}

static void assert_each_call_is_EINVAL(hf_event_t *bad)
{
    struct timespec soon = hf_deadline_in_ms(1000);
    hf_owner_t who;
    assert_error(hf_event_init(bad, 0), EINVAL);
    assert_error(hf_event_wait(bad), EINVAL);
    assert_error(hf_event_trywait(bad), EINVAL);
    assert_error(hf_event_timedwait(bad, &soon), EINVAL);
    assert_error(hf_event_set(bad), EINVAL);
    assert_error(hf_event_reset(bad), EINVAL);
    assert_error(hf_event_owner(bad, &who), EINVAL);
    assert_error(hf_event_check(bad), EINVAL);
}

Test(event, an_address_that_cannot_be_one_is_EINVAL)
{
    void *bad[BAD_ADDRESSES];
    bad_addresses(segment, sizeof *event, bad);
    for (int joined = 0; joined < 2; joined++) {
        for (int i = 0; i < BAD_ADDRESSES; i++) {
            assert_each_call_is_EINVAL(bad[i]);
        }
        assert_error(hf_event_trywait(event), EBUSY); /* joins */
    }
    assert_error(hf_event_owner(event, NULL), EINVAL);
}

static void assert_each_call_is_EBADMSG(void)
{
    struct timespec soon = hf_deadline_in_ms(1000);
    assert_error(hf_event_wait(event), EBADMSG);
    assert_error(hf_event_trywait(event), EBADMSG);
    assert_error(hf_event_timedwait(event, &soon), EBADMSG);
    assert_error(hf_event_set(event), EBADMSG);
    assert_error(hf_event_reset(event), EBADMSG);
    assert_error(hf_event_check(event), EBADMSG);
}

Test(event, a_damaged_one_is_EBADMSG_and_no_crash)
{
    uint64_t impossible[] = {
        UINT64_C(1) << 33, UINT64_C(1) << 34 | 1, UINT64_C(1) << 35, UINT64_MAX};
    for (size_t i = 0; i < sizeof impossible / sizeof *impossible; i++) {
        event->hf_word = impossible[i];
        assert_each_call_is_EBADMSG();
    }
    event->hf_word = 1;
    event->hf_options = 2;
    assert_each_call_is_EBADMSG();
}

Test(event, a_read_only_segment_can_be_looked_at)
{
    void *root;
    room_t *seen = fresh_read_only(sizeof(room_t), &root);
    room_t *mine = root;
    struct timespec soon = hf_deadline_in_ms(1000);
    hf_owner_t who;
    assert_ok(hf_event_set(&mine->event));
    assert_ok(hf_event_owner(&seen->event, &who));
    assert_ok(hf_event_check(&seen->event));
    assert_error(hf_event_init(&seen->event, 0), EACCES);
    assert_error(hf_event_wait(&seen->event), EACCES);
    assert_error(hf_event_trywait(&seen->event), EACCES);
    assert_error(hf_event_timedwait(&seen->event, &soon), EACCES);
    assert_error(hf_event_set(&seen->event), EACCES);
    assert_error(hf_event_reset(&seen->event), EACCES);
}

Test(event, calls_leave_errno_alone)
{
    struct timespec soon = hf_deadline_in_ms(5);
    errno = 77;
    assert_error(hf_event_timedwait(event, &soon), ETIMEDOUT); /* joins */
    assert_ok(hf_event_set(event));
    assert_error(hf_event_set(NULL), EINVAL);
    cr_assert_eq(errno, 77);
}
