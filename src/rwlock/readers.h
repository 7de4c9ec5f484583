/* SPDX-License-Identifier: MIT */
/*
 * Readers: each writes the lock's offset into a place of its own slot, so nothing counts
 * them, and a dead one leaves nothing: its slot is dead.
 *
 * A reader writes its place, then looks at WRITER; a writer writes WRITER, then looks at
 * the places: one of them sees the other, if there is a fence between in both. The bias
 * (wait/bias.h) spares the reader's. A reader looks at the bias after it has written its
 * place: if it still sees none revoked, the writer's membarrier comes after that write,
 * and the writer will see it.
 */
#ifndef HFI_RWLOCK_READERS_H
#define HFI_RWLOCK_READERS_H

#include <stdbool.h>
#include <stdint.h>

#include <holdfast/rwlock.h>

#include "participant/member.h"
#include "wait/bias.h"

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

/* Between a store and a load: the other side's fence does, if the bias says so. */
static inline void hfi_fence_unless_plain(const hf_rwlock_t *l)
{
    __atomic_signal_fence(__ATOMIC_SEQ_CST); /* pairs with hfi_fence_everyone */
    if (!hfi_bias_is_plain(hfi_load32_acquire(&l->hf_bias)) || !hfi_reached_by_fences) {
        __atomic_thread_fence(__ATOMIC_SEQ_CST); /* pairs with the one in keep_out */
    }
}

/* Then look at WRITER. */
static inline void hfi_begin_reading(
    const hf_rwlock_t *l, uint64_t *place, uint64_t offset)
{
    hfi_store64_relaxed(place, offset);
    hfi_fence_unless_plain(l);
}

/* The writer, if any, sleeps on the reader's place. */
static inline void hfi_end_reading(const hf_rwlock_t *l, uint64_t *place)
{
    hfi_store64_release(place, 0);
    hfi_fence_unless_plain(l);
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
