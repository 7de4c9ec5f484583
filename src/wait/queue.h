/* SPDX-License-Identifier: MIT */
/*
 * Queue word: a value that sleepers compare, and whether there may be any. For primitives that
 * nobody owns (condition variable, semaphore, event). Who changes the value while somebody may
 * sleep does it with hfi_add_and_wake or hfi_set_bit_and_wake: no death comes between.
 *
 *   low half      the value; futexes wait on it
 *   SLEEPERS      a thread may sleep on it; set by it before, on the value that it will sleep on
 *   PROBED        somebody is finding out whether anybody sleeps; who goes to sleep clears it
 */
#ifndef HFI_WAIT_QUEUE_H
#define HFI_WAIT_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/atomics.h"

#define HFI_QUEUE_SLEEPERS (UINT64_C(1) << 32)
#define HFI_QUEUE_PROBED   (UINT64_C(1) << 33)

static inline uint32_t hfi_queue_value(uint64_t w)
{
    return (uint32_t)w;
}

static inline bool hfi_queue_has_sleepers(uint64_t w)
{
    return (w & HFI_QUEUE_SLEEPERS) != 0;
}

/* value, perhaps sleepers -> value, sleepers; not probed */
static inline bool hfi_queue_enter(uint64_t *word, uint64_t w)
{
    return hfi_cas64(word, &w, (w | HFI_QUEUE_SLEEPERS) & ~HFI_QUEUE_PROBED);
}

/* Takes SLEEPERS away if nobody sleeps, now and then; wakes some if somebody does. */
void hfi_queue_hush(uint64_t *word);

/* The word, for who is about to change its value: with SLEEPERS each change is a system
 * call, so it looks whether that is still right. */
static inline uint64_t hfi_queue_hushed(uint64_t *word)
{
    if (hfi_queue_has_sleepers(hfi_load64_relaxed(word))) {
        hfi_queue_hush(word);
    }
    return hfi_load64_acquire(word);
}

#endif
