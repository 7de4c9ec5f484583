/* SPDX-License-Identifier: MIT */
/*
 * Heap: memory of a segment, given out in blocks and taken back.
 *
 *     hf_ptr_t *slot = &shared->message;                   // in the segment, null
 *     int error = hf_alloc(segment, slot, 100);            // now it points to 100 bytes
 *     strcpy(hf_ptr_get(slot), "hello");
 *     ...
 *     error = hf_free(segment, slot);                      // now it is null again
 *
 * A block is given out by storing its address in a pointer that stands in the segment,
 * and taken back by clearing that pointer, both in one commit: whoever is killed at any
 * instruction, the pointer and the heap agree, and no block is lost. To fill a block
 * before others see it, allocate it at a pointer that nobody else looks at, then
 * hf_ptr_swap it with the one that they do.
 *
 * Blocks are all zero, so that primitives in them are ready for use, and stand at 16-byte
 * boundaries (or better: hf_alloc_aligned). A block costs 8 bytes besides, and at least
 * 32 in all. It grows the segment if that may grow (hf_segment_config_t.max_size).
 *
 * A pointer that owns a block changes by these calls only: not by hf_ptr_set, which is for
 * pointers that do not own, or that nobody else sees. After a death in the middle of a
 * call it is the next call, any of these, that completes it: call one (hf_heap_info will
 * do) before you take over what a dead process owned.
 *
 * Kill theorem: any process killed at any instruction inside these calls leaves them done
 * or not begun; the next caller, whoever it is, goes on at once. A stopped one inside a
 * call holds the others up until it goes on or dies.
 *
 * Who frees a block that others may still be reading is at fault, as with malloc. Calls
 * return EBADMSG when a block's header or a free block's links have been overwritten, and
 * change nothing then.
 *
 * Errors of all calls, besides those listed: EINVAL: a null argument, or a pointer that
 * is not in this segment's memory; EACCES: attached read-only; EDEADLK: called by a
 * signal handler that came in the middle of one of these; EBADMSG: damaged; what joining
 * returns (holdfast/common.h).
 */
#ifndef HOLDFAST_HEAP_H
#define HOLDFAST_HEAP_H

#include <holdfast/ptr.h>
#include <holdfast/segment.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Allocates `size` bytes (0: the least) and points *dest to them. EEXIST: *dest is not
 * null, and what it points to would be lost; ENOSPC: no free block is so large. */
HF_API HF_NODISCARD int hf_alloc(hf_segment_t *seg, hf_ptr_t *dest, size_t size);

/* The same at a multiple of `alignment`, a power of two up to 4,096. */
HF_API HF_NODISCARD int hf_alloc_aligned(
    hf_segment_t *seg, hf_ptr_t *dest, size_t size, size_t alignment);

/*
 * Makes the block at *p larger or smaller; its bytes are kept, and those beyond what it
 * offered before are zero. It may move (to a 16-byte boundary): then *p changes, the old
 * block is freed, and nobody may be using it; hf_ptr_t and primitives in it would not
 * survive that. A null *p is hf_alloc. ENOSPC: all is as it was; EINVAL: p stands in the
 * block itself.
 */
HF_API HF_NODISCARD int hf_realloc(hf_segment_t *seg, hf_ptr_t *p, size_t size);

/* Frees the block that *from points to, and makes it null. 0, also if it is null. */
HF_API HF_NODISCARD int hf_free(hf_segment_t *seg, hf_ptr_t *from);

/*
 * Exchanges two pointers' targets in one commit: publishes what was built unseen, and
 * takes what was there before back for freeing. EINVAL: one would come to point to
 * itself, which no pointer can.
 */
HF_API HF_NODISCARD int hf_ptr_swap(hf_segment_t *seg, hf_ptr_t *a, hf_ptr_t *b);

/* Bytes that the block offers, at least what was asked for. Joins nothing, takes no lock.
 * EBADMSG: not a block in use, wherever it points. */
HF_API HF_NODISCARD int hf_usable_size(
    const hf_segment_t *seg, const void *block, size_t *size);

/* In bytes. size = used + free; headers are part of the blocks. */
typedef struct {
    size_t size;         /* of all blocks; grows with the segment */
    size_t used;         /* in blocks that have been given out */
    size_t free;         /* in those that have not */
    size_t largest_free; /* what hf_alloc could give now, in one block */
    size_t blocks;       /* that have been given out */
} hf_heap_info_t;

HF_API HF_NODISCARD int hf_heap_info(hf_segment_t *seg, hf_heap_info_t *info);

#ifdef __cplusplus
}
#endif

#endif
