/* SPDX-License-Identifier: MIT */
/*
 * Bias: a word beside a primitive whose common user stores, then looks, without a fence
 * between, for as long as nobody minds. Who minds (is about to sleep; wants to write)
 * revokes it first:
 *
 *   REVOKED       the user needs a fence, or an exchange, of its own.
 *   HEEDED        since it was revoked there was a fence on every thread (membarrier): a
 *                 user that did not see REVOKED before its store sees it after.
 *   above         how often it was restored, so that no state comes again.
 */
#ifndef HFI_WAIT_BIAS_H
#define HFI_WAIT_BIAS_H

#include <stdbool.h>
#include <stdint.h>

#include "participant/table.h"

enum { HFI_BIAS_REVOKED = 1, HFI_BIAS_HEEDED = 2, HFI_BIAS_RESTORED = 4 };

_Static_assert(HFI_FENCED == (HFI_BIAS_REVOKED | HFI_BIAS_HEEDED), "both");

static inline bool hfi_bias_is_plain(uint32_t bias)
{
    return (bias & HFI_BIAS_REVOKED) == 0;
}

static inline bool hfi_bias_is_heeded(uint32_t bias)
{
    return (bias & HFI_FENCED) == HFI_FENCED;
}

/* plain -> revoked -> heeded; *bias: as it is then. EAGAIN: somebody changed it
 * meanwhile; ENOTSUP: there is no fence to be had, it is just revoked. */
int hfi_bias_revoke(uint32_t *word, uint32_t *bias);

/* revoked -> plain, once in `every` calls of a thread; *bias: as it is then. False: not
 * so. */
bool hfi_bias_restore(uint32_t *word, uint32_t *bias, unsigned every);

#endif
