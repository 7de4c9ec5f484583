/* SPDX-License-Identifier: MIT */
#include "platform/platform.h"

#include <errno.h>
#include <linux/futex.h>
#include <linux/time_types.h>
#include <sched.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/deadline.h"

#ifndef SYS_futex_waitv
#define SYS_futex_waitv 449
#endif

/* A kernel before 5.16, or a sandbox, can't sleep on two words: then the second is looked
 * at this often. */
#define SLICE (10 * HFI_MILLISECOND)

bool hfi_no_futex_waitv; /* tests set it; it is never cleared */

/* futex(2)'s result, as ours: EAGAIN (no longer as expected) and EINTR promise nothing.
 */
static int result_of(long result, int saved_errno)
{
    int error = result < 0 ? errno : 0;
    errno = saved_errno;
    return error == EAGAIN || error == EINTR ? 0 : error;
}

static int sleep_on_one(const struct hfi_watch *watch, uint64_t deadline)
{
    int saved = errno;
    struct timespec until = {.tv_sec = (time_t)(deadline / HFI_SECOND),
        .tv_nsec = (long)(deadline % HFI_SECOND)};
    long result = syscall(SYS_futex, watch->word, FUTEX_WAIT_BITSET, watch->expected,
        deadline == HFI_NEVER ? NULL : &until, NULL, FUTEX_BITSET_MATCH_ANY);
    return result_of(result, saved);
}

static int sleep_on_all(
    const struct hfi_watch *watches, unsigned count, uint64_t deadline)
{
    int saved = errno;
    struct __kernel_timespec until = {.tv_sec = (int64_t)(deadline / HFI_SECOND),
        .tv_nsec = (int64_t)(deadline % HFI_SECOND)};
    struct futex_waitv waiters[HFI_WATCHES_MAX];
    for (unsigned i = 0; i < count; i++) {
        waiters[i] = (struct futex_waitv){.val = watches[i].expected,
            .uaddr = (uintptr_t)watches[i].word,
            .flags = FUTEX_32};
    }
    long result = syscall(SYS_futex_waitv, waiters, count, 0,
        deadline == HFI_NEVER ? NULL : &until, CLOCK_MONOTONIC);
    return result_of(result, saved);
}

static int sleep_a_slice(const struct hfi_watch *watch, uint64_t deadline)
{
    uint64_t slice_ends = hfi_now() + SLICE;
    int error = sleep_on_one(watch, deadline < slice_ends ? deadline : slice_ends);
    return error == ETIMEDOUT && slice_ends < deadline ? 0 : error;
}

int hfi_sleep(const struct hfi_watch *watches, unsigned count, uint64_t deadline)
{
    if (count == 1) {
        return sleep_on_one(watches, deadline);
    }
    if (!__atomic_load_n(&hfi_no_futex_waitv, __ATOMIC_RELAXED)) {
        int error = sleep_on_all(watches, count, deadline);
        if (error != ENOSYS && error != EPERM) {
            return error;
        }
        __atomic_store_n(&hfi_no_futex_waitv, true, __ATOMIC_RELAXED);
    }
    return sleep_a_slice(watches, deadline);
}

void hfi_yield(void)
{
    sched_yield();
}

void hfi_pause(uint64_t ns)
{
    uint32_t nothing = 0;
    struct hfi_watch watch = {.word = &nothing, .expected = 0};
    (void)sleep_on_one(&watch, hfi_later(hfi_now(), ns));
}

unsigned hfi_wake(uint32_t *word, unsigned count)
{
    int saved = errno;
    long woken = syscall(SYS_futex, word, FUTEX_WAKE, count, NULL, NULL, 0);
    errno = saved;
    return woken > 0 ? (unsigned)woken : 0;
}

/* The second wake that the kernel offers is made not to happen, or to wake one in vain.
 */
static unsigned change_and_wake(
    uint32_t *word, unsigned operation, unsigned operand, unsigned count)
{
    enum { NEVER = 0x800 }; /* sign-extended: -2048 */
    int saved = errno;
    unsigned change = FUTEX_OP(operation, operand, FUTEX_OP_CMP_EQ, NEVER);
    /* The kernel's change is a full barrier; this says so to C. */
    __atomic_fetch_add(word, 0, __ATOMIC_SEQ_CST);
    long woken =
        syscall(SYS_futex, word, FUTEX_WAKE_OP, count, (uintptr_t)0, word, change);
    errno = saved;
    return woken > 0 ? (unsigned)woken : 0;
}

unsigned hfi_add_and_wake(uint32_t *word, uint32_t term, unsigned count)
{
    return change_and_wake(word, FUTEX_OP_ADD, term, count);
}

unsigned hfi_set_bit_and_wake(uint32_t *word, unsigned bit, unsigned count)
{
    return change_and_wake(word, FUTEX_OP_OR, 1U << bit, count);
}
