/* SPDX-License-Identifier: MIT */
#include "base/deadline.h"

#include <criterion/criterion.h>
#include <holdfast/common.h>

Test(deadline, counts_nanoseconds_from_the_clocks_start)
{
    uint64_t deadline;
    cr_assert(
        hfi_deadline_from(&(struct timespec){.tv_sec = 2, .tv_nsec = 5}, &deadline));
    cr_assert_eq(deadline, UINT64_C(2000000005));
}

Test(deadline, before_the_clocks_start_has_passed)
{
    uint64_t deadline = 1;
    cr_assert(hfi_deadline_from(&(struct timespec){.tv_sec = -1}, &deadline));
    cr_assert_eq(deadline, 0);
}

Test(deadline, too_far_to_count_is_never)
{
    uint64_t deadline;
    struct timespec far = {.tv_sec = INT64_MAX, .tv_nsec = 999999999};
    cr_assert(hfi_deadline_from(&far, &deadline));
    cr_assert_eq(deadline, HFI_NEVER);
}

Test(deadline, refuses_what_is_no_time)
{
    uint64_t deadline;
    cr_assert_not(hfi_deadline_from(NULL, &deadline));
    cr_assert_not(hfi_deadline_from(&(struct timespec){.tv_nsec = -1}, &deadline));
    cr_assert_not(
        hfi_deadline_from(&(struct timespec){.tv_nsec = 1000000000}, &deadline));
}

Test(deadline, later_never_overflows_into_the_past)
{
    cr_assert_eq(hfi_later(5, 7), 12);
    cr_assert_eq(hfi_later(HFI_NEVER - 1, 7), HFI_NEVER);
}

Test(deadline, in_ms_is_that_far_ahead)
{
    uint64_t before = hfi_now(), then;
    struct timespec deadline = hf_deadline_in_ms(1500);
    cr_assert(hfi_deadline_from(&deadline, &then));
    cr_assert(then >= before + 1500 * HFI_MILLISECOND);
    cr_assert(then <= hfi_now() + 1500 * HFI_MILLISECOND);
}
