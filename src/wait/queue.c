/* SPDX-License-Identifier: MIT */
#include "wait/queue.h"

#include "platform/platform.h"
#include "wait/wait.h"

enum { EVERY = 32 };

bool hfi_queue_change_quietly(uint64_t *word, uint64_t w, uint64_t to)
{
    static _Thread_local unsigned turn;
    uint64_t probed = w | HFI_QUEUE_PROBED;
    return ++turn % EVERY == 0 && hfi_cas64(word, &w, probed) &&
           hfi_wake(hfi_low_half(word), HFI_WAKE_PAIR) == 0 &&
           hfi_cas64(word, &probed, to);
}
