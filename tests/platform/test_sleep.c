/* SPDX-License-Identifier: MIT */
#include <pthread.h>

#include "base/atomics.h"
#include "base/deadline.h"
#include "party.h"
#include "platform/platform.h"

extern bool hfi_no_futex_waitv;

static uint32_t first, second;

static struct hfi_watch on(uint32_t *word, uint32_t expected)
{
    return (struct hfi_watch){.word = word, .expected = expected};
}

static uint64_t soon(void)
{
    return hfi_now() + 20 * HFI_MILLISECOND;
}

static int sleep_on_both(uint32_t expected_second, uint64_t deadline)
{
    struct hfi_watch watches[] = {on(&first, 0), on(&second, expected_second)};
    return hfi_sleep(watches, 2, deadline);
}

Test(sleep, does_not_sleep_if_any_word_has_changed)
{
    struct hfi_watch old = on(&first, 1);
    assert_error(sleep_on_both(1, HFI_NEVER), 0);
    assert_error(hfi_sleep(&old, 1, HFI_NEVER), 0);
}

Test(sleep, ends_at_the_deadline)
{
    struct hfi_watch one = on(&first, 0);
    uint64_t deadline = soon();
    assert_error(sleep_on_both(0, deadline), ETIMEDOUT);
    cr_assert_geq(hfi_now(), deadline);
    deadline = soon();
    assert_error(hfi_sleep(&one, 1, deadline), ETIMEDOUT);
    cr_assert_geq(hfi_now(), deadline);
}

Test(sleep, leaves_errno_alone)
{
    errno = 7;
    assert_error(sleep_on_both(0, soon()), ETIMEDOUT);
    hfi_wake(&first, 1);
    hfi_add_and_wake(&first, 1, 1);
    cr_assert_eq(errno, 7);
}

static void *wake_second(void *unused)
{
    (void)unused;
    while (hfi_wake(&second, 1) == 0) {
        sched_yield();
    }
    return NULL;
}

Test(sleep, a_wake_on_any_word_ends_it)
{
    pthread_t waker;
    cr_assert_eq(pthread_create(&waker, NULL, wake_second, NULL), 0);
    assert_error(sleep_on_both(0, HFI_NEVER), 0);
    pthread_join(waker, NULL);
}

Test(sleep, without_futex_waitv_it_looks_again_by_itself)
{
    hfi_no_futex_waitv = true;
    uint64_t start = hfi_now();
    assert_error(sleep_on_both(0, HFI_NEVER), 0);
    cr_assert_gt(hfi_now() - start, HFI_MILLISECOND);
    assert_error(sleep_on_both(0, hfi_now() + HFI_MILLISECOND), ETIMEDOUT);
}

Test(sleep, a_change_and_its_wake_are_one)
{
    cr_assert_eq(hfi_add_and_wake(&first, 3, 2), 0, "nobody sleeps");
    cr_assert_eq(first, 3);
    hfi_set_bit_and_wake(&first, 10, HFI_ALL);
    hfi_set_bit_and_wake(&first, 0, HFI_ALL);
    cr_assert_eq(first, 3 | 1024);
    first = UINT32_MAX;
    hfi_add_and_wake(&first, 1, 1);
    cr_assert_eq(first, 0);
}
