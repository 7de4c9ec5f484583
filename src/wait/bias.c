/* SPDX-License-Identifier: MIT */
#include "wait/bias.h"

#include <errno.h>

#include "base/atomics.h"
#include "platform/platform.h"

int hfi_bias_revoke(uint32_t *word, uint32_t *bias)
{
    uint32_t b = hfi_load32_acquire(word);
    if (hfi_bias_is_plain(b) && !hfi_cas32(word, &b, b | HFI_BIAS_REVOKED)) {
        return EAGAIN;
    }
    b |= HFI_BIAS_REVOKED;
    *bias = b;
    if ((b & HFI_BIAS_HEEDED) != 0) {
        return 0;
    }
    if (!hfi_fence_everyone()) {
        return ENOTSUP;
    }
    *bias = b | HFI_BIAS_HEEDED;
    return hfi_cas32(word, &b, *bias) ? 0 : EAGAIN;
}

bool hfi_bias_restore(uint32_t *word, uint32_t *bias, unsigned every)
{
    static _Thread_local unsigned turn;
    uint32_t b = hfi_load32_relaxed(word);
    if (hfi_bias_is_plain(b) || ++turn % every != 0) {
        return false;
    }
    *bias = (b & ~(uint32_t)(HFI_BIAS_REVOKED | HFI_BIAS_HEEDED)) + HFI_BIAS_RESTORED;
    return hfi_cas32(word, &b, *bias);
}
