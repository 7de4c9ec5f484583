/* SPDX-License-Identifier: MIT */
/*
 * Readers: each marks in a place of its own slot the lock that it reads (wait/mark.h);
 * what it minds is WRITER. A writer writes WRITER, then looks at the places.
 */
#ifndef HFI_RWLOCK_READERS_H
#define HFI_RWLOCK_READERS_H

#include <stdbool.h>
#include <stdint.h>

#include <holdfast/rwlock.h>

#include "participant/member.h"
#include "wait/mark.h"

/* Where in its slot a thread reads the lock at this offset (0: a free place), or NULL.
 * The lowest of several, so the highest goes last: who looks upwards overlooks none. */
static inline uint64_t *hfi_place_of(struct hfi_slot *slot, uint64_t offset)
{
    for (int i = 0; i < HFI_READING_MAX; i++) {
        /* acquire: pairs with the release in hfi_end_reading */
        if (hfi_load64_acquire(&slot->reading[i]) == offset) {
            return &slot->reading[i];
        }
    }
    return NULL;
}

/* Then look at WRITER. */
static inline void hfi_begin_reading(
    const hf_rwlock_t *l, uint64_t *place, uint64_t offset)
{
    hfi_mark(place, offset, &l->hf_bias);
}

/* The writer, if any, sleeps on the reader's place. */
static inline void hfi_end_reading(const hf_rwlock_t *l, uint64_t *place)
{
    hfi_unmark(place, &l->hf_bias);
    if (hfi_load64_relaxed(&l->hf_writer) != 0) {
        hfi_wake(hfi_low_half(place), HFI_ALL);
    }
}

/* For a reader that saw no WRITER, where the bias is revoked: now and then, to plain. */
void hfi_restore_bias(hf_rwlock_t *l);

/* For who has set WRITER: plain -> revoked -> heeded. From here on those who began to
 * read before can be found. False: there is no fence to be had, and they may not be. */
bool hfi_revoke_bias(hf_rwlock_t *l);

/* Where one stands that reads the lock at this offset, and its tag; not a dead one. */
uint64_t *hfi_find_reader(const struct hfi_table *table, uint64_t offset, uint64_t *tag);

#endif
