/* SPDX-License-Identifier: MIT */
#include "base/deadline.h"

#include <holdfast/common.h>

uint64_t hfi_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * HFI_SECOND + (uint64_t)now.tv_nsec;
}

bool hfi_deadline_from(const struct timespec *time, uint64_t *deadline)
{
    if (time == NULL || time->tv_nsec < 0 || time->tv_nsec >= (long)HFI_SECOND) {
        return false;
    }
    if (time->tv_sec < 0) {
        *deadline = 0;
    } else if ((uint64_t)time->tv_sec >= HFI_NEVER / HFI_SECOND) {
        *deadline = HFI_NEVER;
    } else {
        *deadline = (uint64_t)time->tv_sec * HFI_SECOND + (uint64_t)time->tv_nsec;
    }
    return true;
}

struct timespec hf_deadline_in_ms(unsigned ms)
{
    uint64_t then = hfi_now() + ms * HFI_MILLISECOND;
    return (struct timespec){
        .tv_sec = (time_t)(then / HFI_SECOND), .tv_nsec = (long)(then % HFI_SECOND)};
}
