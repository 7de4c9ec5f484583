/* SPDX-License-Identifier: MIT */
#include "base/deadline.h"

#include <holdfast/common.h>

#define NS_PER_S UINT64_C(1000000000)

uint64_t hfi_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

bool hfi_deadline_from(const struct timespec *time, uint64_t *deadline)
{
    if (time == NULL || time->tv_nsec < 0 || time->tv_nsec >= (long)NS_PER_S) {
        return false;
    }
    if (time->tv_sec < 0) {
        *deadline = 0;
    } else if ((uint64_t)time->tv_sec >= HFI_NEVER / NS_PER_S) {
        *deadline = HFI_NEVER;
    } else {
        *deadline = (uint64_t)time->tv_sec * NS_PER_S + (uint64_t)time->tv_nsec;
    }
    return true;
}

struct timespec hf_deadline_in_ms(unsigned ms)
{
    uint64_t then = hfi_now() + ms * HFI_MILLISECOND;
    return (struct timespec){
        .tv_sec = (time_t)(then / NS_PER_S), .tv_nsec = (long)(then % NS_PER_S)};
}
