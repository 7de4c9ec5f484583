/* SPDX-License-Identifier: MIT */
/*
 * Queue word: a value that sleepers compare, and whether there may be any. For primitives
 * that nobody owns (condition variable, event, permits; the semaphore has a word of its
 * own).
 *
 *   low half      the value; futexes wait on it. None comes again while a sleeper may
 *                 have it in mind.
 *   SLEEPERS      a thread may sleep on it; set by it before, on the value that it will
 *                 sleep on
 *   ENTRIES       how often somebody went to sleep, modulo 2^28
 *
 * Who changes the value while somebody may sleep does it in the system call that wakes:
 * no death comes between. If that finds nobody asleep, SLEEPERS may go, unless somebody
 * has entered since the word was looked at: then ENTRIES is another. Who entered before,
 * and did not sleep yet, finds another value than it means to sleep on.
 *
 * Rejected: a flag, cleared by who enters, instead of ENTRIES. A second waker may set it
 * again for its own look, and the first one takes it for its own.
 */
#ifndef HFI_WAIT_QUEUE_H
#define HFI_WAIT_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/atomics.h"
#include "platform/platform.h"

#define HFI_QUEUE_SLEEPERS (UINT64_C(1) << 32)
#define HFI_QUEUE_ENTRY    (UINT64_C(1) << 36)
#define HFI_QUEUE_UNUSED   (UINT64_C(14) << 32) /* each primitive's own flags, or 0 */

static inline uint32_t hfi_queue_value(uint64_t w)
{
    return (uint32_t)w;
}

static inline bool hfi_queue_has_sleepers(uint64_t w)
{
    return (w & HFI_QUEUE_SLEEPERS) != 0;
}

static inline uint64_t hfi_queue_with(uint64_t w, uint32_t value)
{
    return (w & ~(uint64_t)UINT32_MAX) | value;
}

/* value, perhaps sleepers -> value, sleepers; one entry more */
static inline bool hfi_queue_enter(uint64_t *word, uint64_t w)
{
    return hfi_cas64(word, &w, (w | HFI_QUEUE_SLEEPERS) + HFI_QUEUE_ENTRY);
}

/* value, sleepers -> value: after a wake that found none, if the word is as expected */
static inline void hfi_queue_rest(uint64_t *word, uint64_t expected)
{
    hfi_cas64(word, &expected, expected & ~HFI_QUEUE_SLEEPERS);
}

/* n -> n + 1, and so many sleepers woken; w: as it was seen, with SLEEPERS */
static inline void hfi_queue_add(uint64_t *word, uint64_t w, unsigned count)
{
    if (hfi_add_and_wake(hfi_low_half(word), 1, count) == 0) {
        hfi_queue_rest(word, hfi_queue_with(w, hfi_queue_value(w) + 1));
    }
}

/* the same, with bit 0 set instead */
static inline void hfi_queue_set(uint64_t *word, uint64_t w, unsigned count)
{
    if (hfi_set_bit_and_wake(hfi_low_half(word), 0, count) == 0) {
        hfi_queue_rest(word, w | 1);
    }
}

#endif
