/* SPDX-License-Identifier: MIT */
/* Arithmetic on numbers that came from outside. */
#ifndef HFI_BASE_CHECKED_H
#define HFI_BASE_CHECKED_H

#include <stdbool.h>
#include <stdint.h>

static inline bool hfi_add(uint64_t a, uint64_t b, uint64_t *sum)
{
    return !__builtin_add_overflow(a, b, sum);
}

/* `alignment` is a power of two. */
static inline bool hfi_align_up(uint64_t n, uint64_t alignment, uint64_t *aligned)
{
    if (!hfi_add(n, alignment - 1, aligned)) {
        return false;
    }
    *aligned &= ~(alignment - 1);
    return true;
}

#endif
