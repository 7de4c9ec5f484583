/* SPDX-License-Identifier: MIT */
/*
 * Arena: the blocks of a heap, side by side, each behind a header of one word; those that
 * are free stand in bins by size as well (two-level segregated fit: Masmano, Ripoll,
 * Crespo and Real, 2004). A free block's last word holds its size, so that the block
 * behind it finds its start. The arena ends in a header of size 0.
 *
 *   header   bits 4..47 size, header included; 0 FREE; 1 FOLLOWS_FREE: the one before is;
 *            48..63 a check of the rest and of where it stands: a wild pointer is no
 *            block, and an overrun is noticed
 */
#ifndef HFI_HEAP_ARENA_H
#define HFI_HEAP_ARENA_H

#include <errno.h>

#include "heap/heap.h"

struct hfi_block {
    uint64_t at; /* of its header; its payload follows */
    uint64_t size;
    bool is_free, follows_free;
};

/* Where a free block's links are, from its header. */
enum { HFI_HEADER_SIZE = 8, HFI_NEXT = 8, HFI_PREVIOUS = 16, HFI_BLOCK_MIN = 32 };

/* No block is as large as this; the last class is of what cannot be. */
#define HFI_ARENA_LIMIT (UINT64_C(1) << (HFI_HEAP_CLASSES + 7))

static inline uint64_t *hfi_block_word(const struct hfi_heap *heap, uint64_t at)
{
    return (uint64_t *)(void *)(heap->start + at);
}

/* Links of a free block to its neighbours in its bin: offsets of headers; 0: none. */
static inline uint64_t *hfi_block_next(const struct hfi_heap *heap, uint64_t at)
{
    return hfi_block_word(heap, at + HFI_NEXT);
}

static inline uint64_t *hfi_block_previous(const struct hfi_heap *heap, uint64_t at)
{
    return hfi_block_word(heap, at + HFI_PREVIOUS);
}

enum { HFI_FREE = 1, HFI_FOLLOWS_FREE = 2 };

/* A header's word, for that place. */
static inline uint64_t hfi_block_header(uint64_t at, uint64_t size, unsigned flags)
{
    uint64_t low = size | flags;
    return (low ^ at << 17) * UINT64_C(0x9e3779b97f4a7c15) >> 48 << 48 | low;
}

/*
 * The block whose header is there; size 0: the arena's end. EBADMSG: there is none. The
 * arena may be growing under a reader: its end may be beyond what he knows to be backed,
 * where no block of his is.
 */
static inline __attribute__((always_inline)) int hfi_block_at(
    const struct hfi_heap *heap, uint64_t at, struct hfi_block *block)
{
    const uint64_t low_bits = (UINT64_C(1) << 48) - 1;
    uint64_t end = hfi_load64_relaxed(&heap->control->end);
    uint64_t backed = hfi_load64_relaxed(&heap->region->info.size);
    uint64_t limit = end < backed ? end : backed;
    *block = (struct hfi_block){.at = at};
    if (at % HFI_HEAP_GRAIN != HFI_HEAP_GRAIN - HFI_HEADER_SIZE || at < heap->first ||
        at >= limit) {
        return EBADMSG;
    }
    uint64_t w = hfi_load64_relaxed(hfi_block_word(heap, at));
    uint64_t size = w & low_bits & ~(uint64_t)(HFI_HEAP_GRAIN - 1);
    block->size = size;
    block->is_free = (w & HFI_FREE) != 0;
    block->follows_free = (w & HFI_FOLLOWS_FREE) != 0;
    bool sound = hfi_block_header(at, w & low_bits, 0) == w &&
                 (size == 0 ? at == end - HFI_HEADER_SIZE && !block->is_free
                            : size >= HFI_BLOCK_MIN && size < limit - at);
    return sound ? 0 : EBADMSG;
}

/* Both transactions' parts; see heap/heap.h. ENOSPC: no free block is large enough. */
int hfi_arena_take(
    struct hfi_tx *tx, uint64_t size, uint64_t alignment, struct hfi_block *block);
int hfi_arena_give_back(struct hfi_tx *tx, uint64_t at);
int hfi_arena_resize(struct hfi_tx *tx, uint64_t at, uint64_t size);
/* The largest payload that a free block offers; 0: none is free. */
int hfi_arena_largest(const struct hfi_heap *heap, uint64_t *payload);
int hfi_arena_extend(struct hfi_tx *tx, uint64_t end);
/* Where it would have to end for such a block to be taken there. ENOSPC: nowhere. */
int hfi_arena_end_for(
    const struct hfi_heap *heap, uint64_t size, uint64_t alignment, uint64_t *end);

#endif
