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

Test(sleep, does_not_sleep_if_either_word_has_changed)
{
    struct hfi_watch a = on(&first, 0), b = on(&second, 0), old = on(&second, 1);
    assert_error(hfi_sleep(&a, &old, HFI_NEVER), 0);
    old.word = &first;
    assert_error(hfi_sleep(&old, &b, HFI_NEVER), 0);
    assert_error(hfi_sleep(&old, NULL, HFI_NEVER), 0);
}

Test(sleep, ends_at_the_deadline)
{
    struct hfi_watch a = on(&first, 0), b = on(&second, 0);
    uint64_t deadline = soon();
    assert_error(hfi_sleep(&a, &b, deadline), ETIMEDOUT);
    cr_assert_geq(hfi_now(), deadline);
    deadline = soon();
    assert_error(hfi_sleep(&a, NULL, deadline), ETIMEDOUT);
    cr_assert_geq(hfi_now(), deadline);
}

Test(sleep, leaves_errno_alone)
{
    struct hfi_watch a = on(&first, 0), b = on(&second, 0);
    errno = 7;
    assert_error(hfi_sleep(&a, &b, soon()), ETIMEDOUT);
    hfi_wake(&first, 1);
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

Test(sleep, a_wake_on_either_word_ends_it)
{
    struct hfi_watch a = on(&first, 0), b = on(&second, 0);
    pthread_t waker;
    cr_assert_eq(pthread_create(&waker, NULL, wake_second, NULL), 0);
    assert_error(hfi_sleep(&a, &b, HFI_NEVER), 0);
    pthread_join(waker, NULL);
}

Test(sleep, without_futex_waitv_it_looks_again_by_itself)
{
    struct hfi_watch a = on(&first, 0), b = on(&second, 0);
    hfi_no_futex_waitv = true;
    uint64_t start = hfi_now();
    assert_error(hfi_sleep(&a, &b, HFI_NEVER), 0);
    cr_assert_gt(hfi_now() - start, HFI_MILLISECOND);
    assert_error(hfi_sleep(&a, &b, hfi_now() + HFI_MILLISECOND), ETIMEDOUT);
}
