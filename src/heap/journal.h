/* SPDX-License-Identifier: MIT */
/*
 * Journal: what makes many stores one. Its holder's lock is the heap's.
 *
 * hfi_tx_set changes a word that only holders of the lock read; the old value is on
 * record first. hfi_tx_publish names a store into a word that others read without the
 * lock; it is made after the commit. `state` says what the next holder has to do:
 *
 *   0                nothing
 *   1 .. UNDO_MAX    the transaction has not happened: put so many words back
 *   COMMITTED | n    it has: make the n stores (again)
 *
 * The store of COMMITTED (or of 0, with nothing to publish) is the commit point. To undo
 * twice, or to store twice, does no harm: the records hold values, not differences.
 */
#ifndef HFI_HEAP_JOURNAL_H
#define HFI_HEAP_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/atomics.h"

enum { HFI_UNDO_MAX = 40, HFI_PUBLISH_MAX = 8 };

struct hfi_record {
    uint64_t offset; /* of the word */
    uint64_t value;
};

struct hfi_journal {
    uint64_t state;
    uint64_t reserved;
    struct hfi_record publish[HFI_PUBLISH_MAX];
    struct hfi_record undo[HFI_UNDO_MAX];
};

_Static_assert(sizeof(struct hfi_journal) == 784 &&
                   offsetof(struct hfi_journal, publish) == 16 &&
                   offsetof(struct hfi_journal, undo) == 144,
    "format");

struct hfi_heap;

/* A transaction of the calling thread. */
struct hfi_tx {
    struct hfi_heap *heap;
    char *start; /* of the mapping */
    struct hfi_journal *journal;
    unsigned undo, publish;                    /* records */
    struct hfi_record stores[HFI_PUBLISH_MAX]; /* those that it published */
    bool is_too_long; /* it cannot be committed: what it was to change is damaged */
    /* Bytes in which a set leaves no record to undo: they are idle, or they are read. */
    uint64_t range, range_size;
    bool is_read;
};

/* They mean nothing if the transaction, which has changed nothing yet, is undone. */
static inline void hfi_tx_is_idle(struct hfi_tx *tx, uint64_t offset, uint64_t size)
{
    tx->range = offset;
    tx->range_size = tx->undo == 0 ? size : 0;
    tx->is_read = false;
}

/* Somebody may read them until what has been published is seen: what is set there is
 * published, too, after that. */
static inline void hfi_tx_is_read(struct hfi_tx *tx, uint64_t offset, uint64_t size)
{
    tx->range = offset;
    tx->range_size = size;
    tx->is_read = true;
}

/* A transaction's sets and publishes are bounded by what it does, to a heap that is sound.
 * Beyond that nothing is done, and the commit undoes the rest. */
static inline void hfi_tx_publish(struct hfi_tx *tx, uint64_t *word, uint64_t value)
{
    if (tx->publish == HFI_PUBLISH_MAX) {
        tx->is_too_long = true;
        return;
    }
    struct hfi_record record = {(uint64_t)((char *)word - tx->start), value};
    tx->stores[tx->publish] = record;
    tx->journal->publish[tx->publish++] = record;
}

static inline void hfi_tx_set(struct hfi_tx *tx, uint64_t *word, uint64_t value)
{
    uint64_t offset = (uint64_t)((char *)word - tx->start);
    if (offset - tx->range >= tx->range_size) {
        if (tx->undo == HFI_UNDO_MAX) {
            tx->is_too_long = true;
            return;
        }
        struct hfi_record *record = &tx->journal->undo[tx->undo++];
        record->offset = offset;
        record->value = *word;
        hfi_store64_release(&tx->journal->state, tx->undo);
    } else if (tx->is_read) {
        hfi_tx_publish(tx, word, value);
        return;
    }
    hfi_store64_release(word, value);
}

/* Requires the lock. */
void hfi_tx_begin(struct hfi_tx *tx, struct hfi_heap *heap);
/* Either begins the next one. EBADMSG: it was too long, and has been undone. */
int hfi_tx_commit(struct hfi_tx *tx);
/* Returns `error`; EBADMSG: the journal is damaged. */
int hfi_tx_undo(struct hfi_tx *tx, int error);

/* Whether there are stores to be made that somebody may not have made yet. */
bool hfi_journal_is_committed(const struct hfi_journal *journal);

/* Undoes or finishes what the journal holds. EBADMSG: it holds nonsense. */
int hfi_journal_recover(struct hfi_heap *heap, struct hfi_journal *journal);

#endif
