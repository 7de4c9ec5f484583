/* SPDX-License-Identifier: MIT */
#include "rwlock/readers.h"

#include <errno.h>

/* A writer that comes later will revoke it again; one that is about has set WRITER, which
 * who sees it plain sees too. */
void hfi_restore_bias(hf_rwlock_t *l)
{
    enum { EVERY = 256 };
    uint32_t plain;
    (void)hfi_bias_restore(&l->hf_bias, &plain, EVERY);
}

bool hfi_revoke_bias(hf_rwlock_t *l)
{
    uint32_t bias;
    int error;
    do {
        error = hfi_bias_revoke(&l->hf_bias, &bias);
    } while (error == EAGAIN);
    return error == 0;
}

uint64_t *hfi_find_reader(const struct hfi_table *table, uint64_t offset, uint64_t *tag)
{
    uint32_t slot = 0;
    return hfi_find_mark(table, hfi_place_of, offset, &slot, tag);
}
