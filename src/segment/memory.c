/* SPDX-License-Identifier: MIT */
/* What users do with a segment's heap: each call is one transaction (heap/heap.h). */
#include <holdfast/heap.h>

#include <errno.h>
#include <string.h>

#include "heap/arena.h"
#include "segment/segment.h"

_Static_assert(sizeof(hf_ptr_t) == 8, "format");

/* ---- pointers in the segment's memory ---- */

bool hfi_segment_covers(const struct hf_segment *seg, uint64_t offset, uint64_t size)
{
    return offset >= seg->header.memory_offset &&
           hfi_heap_covers(&seg->heap, offset, size);
}

bool hfi_segment_holds(const struct hf_segment *seg, const void *address, uint64_t size)
{
    return hfi_segment_covers(seg, hfi_heap_offset(&seg->heap, address), size);
}

bool hfi_segment_has_pointer(const struct hf_segment *seg, const hf_ptr_t *p)
{
    return seg != NULL && (uintptr_t)p % sizeof *p == 0 &&
           hfi_segment_holds(seg, p, sizeof *p);
}

int hf_ptr_check(const hf_segment_t *seg, const hf_ptr_t *p, size_t size, void **target)
{
    if (target == NULL || !hfi_segment_has_pointer(seg, p)) {
        return EINVAL;
    }
    *target = NULL;
    void *there = hf_ptr_get(p);
    if (there != NULL && !hfi_segment_holds(seg, there, size)) {
        return EBADMSG;
    }
    *target = there;
    return 0;
}

uint64_t hfi_ptr_target(const struct hf_segment *seg, const hf_ptr_t *p)
{
    const void *target = hf_ptr_get(p);
    return target != NULL ? hfi_heap_offset(&seg->heap, target) : 0;
}

void hfi_ptr_publish(struct hfi_tx *tx, hf_ptr_t *p, uint64_t target)
{
    uint64_t distance = target != 0 ? target - hfi_heap_offset(tx->heap, p) : 0;
    hfi_tx_publish(tx, (uint64_t *)(void *)&p->hf_distance, distance);
}

/* ---- allocate, free ---- */

static int allocate(struct hf_segment *seg, hf_ptr_t *dest, size_t size, size_t alignment)
{
    struct hfi_tx tx;
    uint64_t block;
    int error =
        hfi_segment_has_pointer(seg, dest) ? hfi_heap_enter(&seg->heap, &tx) : EINVAL;
    if (error != 0) {
        return error;
    }
    error = hf_ptr_get(dest) == NULL ? hfi_heap_allocate(&tx, size, alignment, &block)
                                     : EEXIST;
    if (error == 0) {
        hfi_ptr_publish(&tx, dest, block);
    }
    return hfi_heap_end(&tx, error);
}

int hf_alloc(hf_segment_t *seg, hf_ptr_t *dest, size_t size)
{
    return allocate(seg, dest, size, HFI_HEAP_GRAIN);
}

int hf_alloc_aligned(hf_segment_t *seg, hf_ptr_t *dest, size_t size, size_t alignment)
{
    bool valid = alignment != 0 && alignment <= HFI_HEAP_PAGE &&
                 (alignment & (alignment - 1)) == 0;
    return valid ? allocate(seg, dest, size, alignment) : EINVAL;
}

int hf_free(hf_segment_t *seg, hf_ptr_t *from)
{
    struct hfi_tx tx;
    int error =
        hfi_segment_has_pointer(seg, from) ? hfi_heap_enter(&seg->heap, &tx) : EINVAL;
    if (error != 0) {
        return error;
    }
    uint64_t block = hfi_ptr_target(seg, from);
    if (block != 0) {
        hfi_ptr_publish(&tx, from, 0);
        error = hfi_heap_discard(&tx, block);
    }
    return hfi_heap_end(&tx, error);
}

/* Whether the pointer stands in the block. */
static bool is_inside(const struct hfi_tx *tx, const hf_ptr_t *p, uint64_t block)
{
    uint64_t size;
    uint64_t at = hfi_heap_offset(tx->heap, p);
    return hfi_heap_usable(tx->heap, block, &size) == 0 && at - block < size;
}

/* Elsewhere, with the contents. */
static int move(struct hfi_tx *tx, hf_ptr_t *p, uint64_t block, size_t size)
{
    uint64_t before, fresh;
    int error = hfi_heap_usable(tx->heap, block, &before);
    if (error == 0) {
        error = hfi_heap_allocate(tx, size, HFI_HEAP_GRAIN, &fresh);
    }
    if (error == 0) {
        memcpy(hfi_heap_address(tx->heap, fresh), hfi_heap_address(tx->heap, block),
            before < size ? before : size);
        hfi_ptr_publish(tx, p, fresh);
        error = hfi_heap_discard(tx, block);
    }
    return error;
}

int hf_realloc(hf_segment_t *seg, hf_ptr_t *p, size_t size)
{
    struct hfi_tx tx;
    int error =
        hfi_segment_has_pointer(seg, p) ? hfi_heap_enter(&seg->heap, &tx) : EINVAL;
    if (error != 0) {
        return error;
    }
    uint64_t block = hfi_ptr_target(seg, p);
    if (block == 0) {
        error = hfi_heap_allocate(&tx, size, HFI_HEAP_GRAIN, &block);
        hfi_ptr_publish(&tx, p, block);
    } else if (is_inside(&tx, p, block)) {
        error = EINVAL;
    } else {
        error = hfi_heap_resize(&tx, block, size);
        if (error == ENOSPC) {
            error = move(&tx, p, block, size);
        }
    }
    return hfi_heap_end(&tx, error);
}

int hf_ptr_swap(hf_segment_t *seg, hf_ptr_t *a, hf_ptr_t *b)
{
    struct hfi_tx tx;
    bool valid = hfi_segment_has_pointer(seg, a) && hfi_segment_has_pointer(seg, b);
    int error = valid ? hfi_heap_enter(&seg->heap, &tx) : EINVAL;
    if (error != 0) {
        return error;
    }
    uint64_t to_a = hfi_ptr_target(seg, b);
    uint64_t to_b = hfi_ptr_target(seg, a);
    if (to_a == hfi_heap_offset(&seg->heap, a) ||
        to_b == hfi_heap_offset(&seg->heap, b)) {
        return hfi_heap_cancel(&tx, EINVAL); /* it would point to itself, which is null */
    }
    hfi_ptr_publish(&tx, a, to_a);
    hfi_ptr_publish(&tx, b, to_b);
    return hfi_heap_leave(&tx);
}

/* ---- questions ---- */

int hf_usable_size(const hf_segment_t *seg, const void *block, size_t *size)
{
    uint64_t usable;
    if (seg == NULL || block == NULL || size == NULL) {
        return EINVAL;
    }
    int error = hfi_heap_usable(&seg->heap, hfi_heap_offset(&seg->heap, block), &usable);
    *size = error == 0 ? (size_t)usable : 0;
    return error;
}

int hf_heap_info(hf_segment_t *seg, hf_heap_info_t *info)
{
    struct hfi_tx tx;
    int error = seg != NULL && info != NULL ? hfi_heap_enter(&seg->heap, &tx) : EINVAL;
    if (error != 0) {
        return error;
    }
    uint64_t largest;
    const struct hfi_heap_control *control = seg->heap.control;
    error = hfi_arena_largest(&seg->heap, &largest);
    *info = (hf_heap_info_t){
        .size = (size_t)(control->end - HFI_HEADER_SIZE - seg->heap.first),
        .used = (size_t)control->used,
        .largest_free = (size_t)largest,
        .blocks = (size_t)control->blocks,
    };
    info->free = info->size - info->used;
    return hfi_heap_end(&tx, error);
}
