/* SPDX-License-Identifier: MIT */
#include "rwlock/readers.h"

/* After many reads without a writer. A writer that comes later will revoke it again; one that
 * is about has set WRITER, which who sees it plain sees too. */
void hfi_restore_bias(hf_rwlock_t *l)
{
    enum { EVERY = 256 };
    static _Thread_local unsigned turn;
    uint32_t b = hfi_load32_relaxed(&l->hf_bias);
    if (!hfi_bias_is_plain(b) && ++turn % EVERY == 0) {
        uint32_t plain = b & ~(uint32_t)(HFI_BIAS_REVOKED | HFI_BIAS_HEEDED);
        hfi_cas32(&l->hf_bias, &b, plain + HFI_BIAS_RESTORED);
    }
}

bool hfi_revoke_bias(hf_rwlock_t *l)
{
    uint32_t b = hfi_load32_acquire(&l->hf_bias);
    while (hfi_bias_is_plain(b) && !hfi_cas32(&l->hf_bias, &b, b | HFI_BIAS_REVOKED)) {
    }
    if ((b & HFI_BIAS_HEEDED) != 0) {
        return true;
    }
    b |= HFI_BIAS_REVOKED;
    bool fenced = hfi_fence_everyone();
    if (fenced) {
        hfi_cas32(&l->hf_bias, &b, b | HFI_BIAS_HEEDED);
    }
    return fenced;
}

uint64_t *hfi_find_reader(const struct hfi_table *table, uint64_t offset, uint64_t *tag)
{
    uint32_t used = hfi_table_used(table);
    for (uint32_t i = 0; i < used; i++) {
        uint64_t *place = hfi_place_of(&table->slots[i], offset);
        if (place != NULL && hfi_table_occupied(table, i, tag)) {
            return place;
        }
    }
    return NULL;
}
