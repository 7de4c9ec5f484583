/* SPDX-License-Identifier: MIT */
/* Bins: the free blocks of a heap by size, and how a block becomes one of them. */
#ifndef HFI_HEAP_BINS_H
#define HFI_HEAP_BINS_H

#include <errno.h>

#include "heap/arena.h"

static inline int hfi_free_block_at(
    const struct hfi_heap *heap, uint64_t at, struct hfi_block *block)
{
    int error = hfi_block_at(heap, at, block);
    return error == 0 && !block->is_free ? EBADMSG : error;
}

static inline void hfi_set_word(struct hfi_tx *tx, uint64_t at, uint64_t value)
{
    hfi_tx_set(tx, (uint64_t *)(void *)(tx->start + at), value);
}

static inline void hfi_set_header(
    struct hfi_tx *tx, uint64_t at, uint64_t size, unsigned flags)
{
    hfi_set_word(tx, at, hfi_block_header(at, size, flags));
}

static inline unsigned hfi_log_of(uint64_t n)
{
    return 63 - (unsigned)__builtin_clzll(n);
}

/* The bin that a free block of this size stands in, of those of all classes. */
unsigned hfi_bin_of(uint64_t size);

/*
 * A free block of this size at the least. The first of its own bin may do; any of the
 * bins above does. Of those, the smallest comes first: a good fit, if not the best. The
 * rest of its own bin comes last. ENOSPC.
 */
int hfi_bin_find(const struct hfi_heap *heap, uint64_t size, struct hfi_block *block);

/* Takes it out of its bin; it stays a free block by its header. */
int hfi_bin_unlink(struct hfi_tx *tx, const struct hfi_block *block);

/* Makes [at, at + size) a free block, in place of the free block `old` (null: there is
 * none): where the bin stays the same, which a large one's mostly does, so does its place
 * there. The block before is in use; the one behind is told by the caller. */
int hfi_bin_replace(
    struct hfi_tx *tx, const struct hfi_block *old, uint64_t at, uint64_t size);

#endif
