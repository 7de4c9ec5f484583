/* SPDX-License-Identifier: MIT */
#include "wait/queue.h"

#include "platform/platform.h"
#include "wait/wait.h"

enum { EVERY = 32 };

/* Whoever enters between the probe and the second exchange clears PROBED, and that fails.
 */
void hfi_queue_hush(uint64_t *word)
{
    static _Thread_local unsigned turn;
    uint64_t w = hfi_load64_relaxed(word);
    if (!hfi_queue_has_sleepers(w) || ++turn % EVERY != 0) {
        return;
    }
    uint64_t probed = w | HFI_QUEUE_PROBED;
    if (hfi_cas64(word, &w, probed) && hfi_wake(hfi_low_half(word), HFI_WAKE_PAIR) == 0) {
        hfi_cas64(word, &probed, probed & ~(HFI_QUEUE_SLEEPERS | HFI_QUEUE_PROBED));
    }
}
