/* SPDX-License-Identifier: MIT */
#include "heap/journal.h"

#include <errno.h>

#include "heap/heap.h"

#define COMMITTED (UINT64_C(1) << 32)

static void make_stores(
    const struct hfi_heap *heap, const struct hfi_record *records, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++) {
        hfi_store64_release(hfi_heap_address(heap, records[i].offset), records[i].value);
    }
}

/* The last first: a word that was set twice gets the value that it had before both. */
static void put_back(
    const struct hfi_heap *heap, const struct hfi_record *records, uint64_t n)
{
    while (n-- > 0) {
        make_stores(heap, &records[n], 1);
    }
}

/* The fence: no store of what comes next, a record's or one into memory that has become
 * free, before what has been done. */
static void settle(struct hfi_journal *journal)
{
    hfi_store64_release(&journal->state, 0);
    __atomic_thread_fence(__ATOMIC_RELEASE);
}

void hfi_tx_begin(struct hfi_tx *tx, struct hfi_heap *heap)
{
    tx->heap = heap;
    tx->start = heap->start;
    tx->journal = &heap->control->journal;
    tx->undo = tx->publish = 0;
    tx->range = tx->range_size = 0;
    tx->is_too_long = tx->is_read = false;
}

int hfi_tx_commit(struct hfi_tx *tx)
{
    if (tx->is_too_long) {
        return hfi_tx_undo(tx, EBADMSG);
    }
    if (tx->publish > 0) {
        hfi_store64_release(&tx->journal->state, COMMITTED | tx->publish);
        make_stores(tx->heap, tx->stores, tx->publish); /* not what others may write */
    }
    settle(tx->journal);
    hfi_tx_begin(tx, tx->heap);
    return 0;
}

int hfi_tx_undo(struct hfi_tx *tx, int error)
{
    int undone = hfi_journal_recover(tx->heap, tx->journal);
    hfi_tx_begin(tx, tx->heap);
    return undone != 0 ? undone : error;
}

/* Nobody's store goes into the lock or the journal, where it could move the next one. */
static bool is_target(const struct hfi_heap *heap, uint64_t offset)
{
    uint64_t lock = hfi_heap_offset(heap, &heap->control->lock);
    uint64_t end = hfi_heap_offset(heap, &heap->control->journal + 1);
    return offset % sizeof(uint64_t) == 0 && (offset < lock || offset >= end) &&
           hfi_heap_covers(heap, offset, sizeof(uint64_t));
}

/* A copy, which nobody can change once it has been looked at. */
static bool copy_sound(const struct hfi_heap *heap, struct hfi_record *copy,
    const struct hfi_record *records, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++) {
        copy[i].offset = hfi_load64_relaxed(&records[i].offset);
        copy[i].value = hfi_load64_relaxed(&records[i].value);
        if (!is_target(heap, copy[i].offset)) {
            return false;
        }
    }
    return true;
}

bool hfi_journal_is_committed(const struct hfi_journal *journal)
{
    return (hfi_load64_acquire(&journal->state) & COMMITTED) != 0;
}

int hfi_journal_recover(struct hfi_heap *heap, struct hfi_journal *journal)
{
    uint64_t state = hfi_load64_relaxed(&journal->state);
    uint64_t n = state & ~COMMITTED;
    bool committed = (state & COMMITTED) != 0;
    struct hfi_record copy[HFI_UNDO_MAX];
    if (n > (committed ? HFI_PUBLISH_MAX : HFI_UNDO_MAX) ||
        !copy_sound(heap, copy, committed ? journal->publish : journal->undo, n)) {
        return EBADMSG;
    }
    if (committed) {
        make_stores(heap, copy, n);
    } else {
        put_back(heap, copy, n);
    }
    settle(journal);
    return 0;
}
