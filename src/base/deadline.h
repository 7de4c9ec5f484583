/* SPDX-License-Identifier: MIT */
/* Moments on CLOCK_MONOTONIC, in nanoseconds. */
#ifndef HFI_BASE_DEADLINE_H
#define HFI_BASE_DEADLINE_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#define HFI_NEVER       UINT64_MAX
#define HFI_MILLISECOND UINT64_C(1000000)
#define HFI_SECOND      UINT64_C(1000000000)

uint64_t hfi_now(void);

/* False: not a valid time. Times before the clock's start are its start; those too far
 * away to count are HFI_NEVER. */
bool hfi_deadline_from(const struct timespec *time, uint64_t *deadline);

/* deadline `ns` after `start`, never overflowing into the past */
static inline uint64_t hfi_later(uint64_t start, uint64_t ns)
{
    return start > HFI_NEVER - ns ? HFI_NEVER : start + ns;
}

#endif
