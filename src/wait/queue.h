/* SPDX-License-Identifier: MIT */
/*
 * Queue word: a value that sleepers compare, and whether there may be any. For primitives
 * that nobody owns (condition variable, semaphore, event). Who changes the value while
 * somebody may sleep does it with hfi_add_and_wake or hfi_set_bit_and_wake: no death
 * comes between.
 *
 *   low half      the value; futexes wait on it
 *   SLEEPERS      a thread may sleep on it; set by it before, on the value that it will
 *                 sleep on
 *   PROBED        somebody is finding out whether anybody sleeps; who goes to sleep
 *                 clears it
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

/*
 * For who is about to change w, with SLEEPERS, to `to`, without, where each change is a
 * system call: now and then, finds out whether anybody sleeps, and if nobody does makes
 * the change with one exchange. Who enters in between clears PROBED, and that fails; who
 * entered before, but has not come to sleep, will find another value: `to` must differ in
 * what is compared, and w not come again without SLEEPERS. False: not done.
 */
bool hfi_queue_change_quietly(uint64_t *word, uint64_t w, uint64_t to);

#endif
