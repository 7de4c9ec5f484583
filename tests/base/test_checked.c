/* SPDX-License-Identifier: MIT */
#include "base/checked.h"

#include <criterion/criterion.h>

Test(checked, a_sum_that_overflows_is_refused)
{
    uint64_t sum;
    cr_assert(hfi_add(UINT64_MAX - 1, 1, &sum));
    cr_assert_eq(sum, UINT64_MAX);
    cr_assert_not(hfi_add(UINT64_MAX, 1, &sum));
}

Test(checked, aligning_up_keeps_what_is_aligned_and_refuses_overflow)
{
    uint64_t aligned;
    cr_assert(hfi_align_up(4096, 4096, &aligned));
    cr_assert_eq(aligned, 4096);
    cr_assert(hfi_align_up(4097, 4096, &aligned));
    cr_assert_eq(aligned, 8192);
    cr_assert_not(hfi_align_up(UINT64_MAX, 4096, &aligned));
}
