/* SPDX-License-Identifier: MIT */
/*
 * Mark: what a thread writes into its own slot before it reads, and takes away after.
 * Nothing counts readers, and a dead one leaves nothing: its slot is dead.
 *
 * A reader makes its mark, then looks whether somebody minds; who minds says so, then
 * looks for marks: one of them sees the other, if there is a fence between in both. A
 * bias (wait/bias.h) spares the reader's. The reader looks at the bias after it has made
 * its mark: if it still sees none revoked, the other's membarrier comes after that, and
 * the other will see the mark.
 */
#ifndef HFI_WAIT_MARK_H
#define HFI_WAIT_MARK_H

#include <stddef.h>

#include "participant/table.h"
#include "wait/bias.h"

/* Between a store and a load: the other side's fence does, if the bias says so. */
static inline void hfi_fence_unless_plain(const uint32_t *bias)
{
    __atomic_signal_fence(__ATOMIC_SEQ_CST); /* pairs with hfi_fence_everyone */
    if (!hfi_bias_is_plain(hfi_load32_acquire(bias)) || !hfi_reached_by_fences) {
        __atomic_thread_fence(__ATOMIC_SEQ_CST); /* pairs with the other side's own */
    }
}

/* Then look who minds. Release: who sees this mark, and not the one before, sees that the
 * reading under that one has ended. */
static inline void hfi_mark(uint64_t *mark, uint64_t value, const uint32_t *bias)
{
    hfi_store64_release(mark, value);
    hfi_fence_unless_plain(bias);
}

/* Then look whether somebody sleeps on the mark. */
static inline void hfi_unmark(uint64_t *mark, const uint32_t *bias)
{
    hfi_store64_release(mark, 0);
    hfi_fence_unless_plain(bias);
}

/*
 * The first mark that is minded in the slots from *slot on, of a reader that lives; null:
 * there is none. `minded` finds it in a slot. *slot and *reader: whose it is.
 */
static inline uint64_t *hfi_find_mark(const struct hfi_table *table,
    uint64_t *(*minded)(struct hfi_slot *slot, uint64_t what), uint64_t what,
    uint32_t *slot, uint64_t *reader)
{
    uint32_t used = hfi_table_used(table);
    for (; *slot < used; ++*slot) {
        uint64_t *mark = minded(&table->slots[*slot], what);
        if (mark != NULL && hfi_table_occupied(table, *slot, reader)) {
            return mark;
        }
    }
    return NULL;
}

#endif
