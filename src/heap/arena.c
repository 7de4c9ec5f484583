/* SPDX-License-Identifier: MIT */
#include "heap/arena.h"

#include <errno.h>

#include "heap/bins.h"

/* ---- blocks ---- */

static int tell_next(struct hfi_tx *tx, uint64_t at, bool follows_free)
{
    struct hfi_block next;
    int error = hfi_block_at(tx->heap, at, &next);
    if (error == 0 && next.follows_free != follows_free) {
        hfi_set_header(tx, at, next.size,
            (next.is_free ? HFI_FREE : 0) | (follows_free ? HFI_FOLLOWS_FREE : 0));
    }
    return error;
}

static void account(struct hfi_tx *tx, uint64_t blocks, uint64_t bytes)
{
    struct hfi_heap_control *control = tx->heap->control;
    if (blocks != 0) {
        hfi_tx_set(tx, &control->blocks, control->blocks + blocks);
    }
    hfi_tx_set(tx, &control->used, control->used + bytes);
}

/* Cuts [at, at + room), in which `old` (or null) stands in a bin, to a block in use of
 * *size bytes, perhaps some more, and a free rest. */
static int cut(struct hfi_tx *tx, const struct hfi_block *old, uint64_t at, uint64_t room,
    uint64_t *size, bool after)
{
    bool rest = room - *size >= HFI_BLOCK_MIN;
    int error = 0;
    if (rest) {
        error = hfi_bin_replace(tx, old, at + *size, room - *size);
    } else {
        *size = room;
        error = old != NULL ? hfi_bin_unlink(tx, old) : 0;
    }
    hfi_set_header(tx, at, *size, after ? HFI_FOLLOWS_FREE : 0);
    bool as_before = rest && old != NULL;
    return error != 0 || as_before ? error : tell_next(tx, at + room, rest);
}

static bool block_size(uint64_t payload, uint64_t *size)
{
    if (payload > HFI_ARENA_LIMIT) {
        return false;
    }
    *size = (payload + HFI_HEADER_SIZE + HFI_HEAP_GRAIN - 1) &
            ~(uint64_t)(HFI_HEAP_GRAIN - 1);
    *size = *size < HFI_BLOCK_MIN ? HFI_BLOCK_MIN : *size;
    return true;
}

/* What must stay free before a block for its payload to be aligned. */
static uint64_t front_of(uint64_t at, uint64_t alignment)
{
    uint64_t payload = at + HFI_HEADER_SIZE;
    uint64_t front = -payload & (alignment - 1);
    while (front != 0 && front < HFI_BLOCK_MIN) {
        front += alignment;
    }
    return front;
}

/* What a free block must have beyond the size of an aligned one taken from it. */
static uint64_t spare_for(uint64_t alignment)
{
    return alignment > HFI_HEAP_GRAIN ? alignment + HFI_BLOCK_MIN : 0;
}

int hfi_arena_take(
    struct hfi_tx *tx, uint64_t payload, uint64_t alignment, struct hfi_block *block)
{
    uint64_t size, spare = spare_for(alignment);
    if (!block_size(payload, &size)) {
        return ENOSPC;
    }
    struct hfi_block found;
    int error = hfi_bin_find(tx->heap, size + spare, &found);
    if (error != 0) {
        return error;
    }
    /* of a free block: all but its header, its links and its size at the end */
    hfi_tx_is_idle(tx, found.at + 24, found.size - HFI_BLOCK_MIN);
    uint64_t front = spare != 0 ? front_of(found.at, alignment) : 0;
    if (front != 0) {
        error = hfi_bin_replace(tx, &found, found.at, front);
    }
    block->at = found.at + front;
    if (error == 0) {
        error = cut(tx, front != 0 ? NULL : &found, block->at, found.size - front, &size,
            front != 0);
    }
    block->size = size;
    account(tx, 1, size);
    return error;
}

/* A block in use, and what becomes one free block with it. */
struct surroundings {
    struct hfi_block block, before, behind; /* size 0: it is not free */
    uint64_t at, size;                      /* of all of them */
};

static int find_before(const struct hfi_heap *heap, uint64_t at, struct hfi_block *before)
{
    uint64_t size = *hfi_block_word(heap, at - HFI_HEADER_SIZE);
    int error = size <= at ? hfi_free_block_at(heap, at - size, before) : EBADMSG;
    return error == 0 && before->size != size ? EBADMSG : error;
}

static int look_around(const struct hfi_heap *heap, uint64_t at, struct surroundings *all)
{
    int error = hfi_block_at(heap, at, &all->block);
    if (error != 0 || all->block.is_free || all->block.size == 0) {
        return EBADMSG;
    }
    all->before.size = 0;
    error = hfi_block_at(heap, at + all->block.size, &all->behind);
    if (error == 0 && !all->behind.is_free) {
        all->behind.size = 0;
    }
    if (error == 0 && all->block.follows_free) {
        error = find_before(heap, at, &all->before);
    }
    all->at = at - all->before.size;
    all->size = all->before.size + all->block.size + all->behind.size;
    return error;
}

int hfi_arena_give_back(struct hfi_tx *tx, uint64_t at)
{
    struct surroundings all;
    int error = look_around(tx->heap, at, &all);
    if (error != 0) {
        return error;
    }
    hfi_tx_is_read(tx, at, all.block.size);
    account(tx, UINT64_C(-1), -all.block.size);
    bool two = all.before.size != 0 && all.behind.size != 0;
    const struct hfi_block *old = all.before.size != 0   ? &all.before
                                  : all.behind.size != 0 ? &all.behind
                                                         : NULL;
    error = two ? hfi_bin_unlink(tx, &all.behind) : 0;
    if (error == 0) {
        error = hfi_bin_replace(tx, old, all.at, all.size);
    }
    bool as_before = all.behind.size != 0;
    return error != 0 || as_before ? error : tell_next(tx, all.at + all.size, true);
}

int hfi_arena_resize(struct hfi_tx *tx, uint64_t at, uint64_t payload)
{
    struct hfi_block block, next;
    uint64_t size;
    int error = hfi_block_at(tx->heap, at, &block);
    if (error != 0 || block.is_free || block.size == 0) {
        return EBADMSG;
    }
    if (!block_size(payload, &size)) {
        return ENOSPC;
    }
    error = hfi_block_at(tx->heap, at + block.size, &next);
    uint64_t room = block.size + (error == 0 && next.is_free ? next.size : 0);
    if (error != 0 || room < size) {
        return error != 0 ? error : ENOSPC;
    }
    error = cut(tx, next.is_free ? &next : NULL, at, room, &size, block.follows_free);
    account(tx, 0, size - block.size);
    return error;
}

int hfi_arena_largest(const struct hfi_heap *heap, uint64_t *payload)
{
    const struct hfi_heap_control *control = heap->control;
    *payload = 0;
    if (control->classes == 0) {
        return 0;
    }
    unsigned class = hfi_log_of(control->classes);
    if (class >= HFI_HEAP_CLASSES || control->bins[class] == 0) {
        return EBADMSG;
    }
    unsigned bin = hfi_log_of(control->bins[class]);
    uint64_t at = bin < HFI_HEAP_BINS ? control->heads[class][bin] : 1;
    uint64_t turns = control->end / HFI_BLOCK_MIN; /* a damaged list may have no end */
    while (at != 0) {
        struct hfi_block block;
        if (turns-- == 0 || hfi_free_block_at(heap, at, &block) != 0) {
            return EBADMSG;
        }
        uint64_t offered = block.size - HFI_HEADER_SIZE;
        *payload = offered > *payload ? offered : *payload;
        at = *hfi_block_next(heap, at);
    }
    return 0;
}

/* ---- its end ---- */

void hfi_heap_format(struct hfi_heap *heap, uint64_t end)
{
    heap->control->end = heap->first + HFI_HEADER_SIZE;
    *hfi_block_word(heap, heap->first) = hfi_block_header(heap->first, 0, 0);
    if (end - heap->control->end >= HFI_BLOCK_MIN) {
        struct hfi_tx tx;
        hfi_tx_begin(&tx, heap);
        (void)hfi_arena_extend(&tx, end); /* of damage only */
        (void)hfi_tx_commit(&tx);
    }
}

int hfi_arena_end_for(
    const struct hfi_heap *heap, uint64_t payload, uint64_t alignment, uint64_t *end)
{
    struct hfi_block last, before = {.size = 0};
    uint64_t size, at = heap->control->end - HFI_HEADER_SIZE;
    int error = hfi_block_at(heap, at, &last);
    if (error == 0 && last.follows_free) {
        error = find_before(heap, at, &before);
    }
    if (error != 0) {
        return error;
    }
    bool fits = block_size(payload, &size) && hfi_add(heap->control->end - before.size,
                                                  size + spare_for(alignment), end);
    return fits ? 0 : ENOSPC;
}

/* The end's header becomes that of a block in use, which is given back. */
int hfi_arena_extend(struct hfi_tx *tx, uint64_t end)
{
    struct hfi_heap_control *control = tx->heap->control;
    struct hfi_block last;
    uint64_t at = control->end - HFI_HEADER_SIZE;
    int error = hfi_block_at(tx->heap, at, &last);
    if (error != 0 || last.size != 0) {
        return EBADMSG;
    }
    *hfi_block_word(tx->heap, end - HFI_HEADER_SIZE) =
        hfi_block_header(end - HFI_HEADER_SIZE, 0, 0);
    account(tx, 1, end - control->end);
    hfi_set_header(tx, at, end - control->end, last.follows_free ? HFI_FOLLOWS_FREE : 0);
    hfi_tx_set(tx, &control->end, end);
    return hfi_arena_give_back(tx, at);
}
