/* SPDX-License-Identifier: MIT */
/* No call is a cancellation point, whatever system calls it makes: a thread that is
 * cancelled in one would leave locks and descriptors behind. */
#ifndef HFI_PLATFORM_LINUX_CANCEL_H
#define HFI_PLATFORM_LINUX_CANCEL_H

#include <pthread.h>

static inline int hfi_forbid_cancel(void)
{
    int before;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
    return before;
}

static inline void hfi_permit_cancel(const int *before)
{
    int unused;
    pthread_setcancelstate(*before, &unused);
}

/* A declaration: until the end of its block. */
#define HFI_NOT_CANCELLED                                                                \
    __attribute__((cleanup(hfi_permit_cancel), unused)) int cancel_before =              \
        hfi_forbid_cancel()

#endif
