/* SPDX-License-Identifier: MIT */
#include "heap/arena.h"

#include <errno.h>

enum {
    FREE = 1,
    FOLLOWS_FREE = 2,
    SMALL = HFI_HEAP_BINS * HFI_HEAP_GRAIN, /* below it, one bin a size */
    SMALL_LOG = 9,
    BINS_LOG = 5,
};

#define SIZE_MASK ((UINT64_C(1) << 48) - HFI_HEAP_GRAIN)
#define LOW_BITS  ((UINT64_C(1) << 48) - 1)

_Static_assert(SMALL == 1 << SMALL_LOG && HFI_HEAP_BINS == 1 << BINS_LOG &&
                   HFI_ARENA_LIMIT == UINT64_C(1) << (SMALL_LOG + HFI_HEAP_CLASSES - 2),
    "bins");

/* ---- headers ---- */

static uint64_t check_of(uint64_t at, uint64_t low)
{
    return (low ^ at << 17) * UINT64_C(0x9e3779b97f4a7c15) >> 48 << 48;
}

static uint64_t header(uint64_t at, uint64_t size, unsigned flags)
{
    uint64_t low = size | flags;
    return check_of(at, low) | low;
}

int hfi_block_at(const struct hfi_heap *heap, uint64_t at, struct hfi_block *block)
{
    uint64_t end = heap->control->end;
    if (at % HFI_HEAP_GRAIN != HFI_HEAP_GRAIN - HFI_HEADER_SIZE || at < heap->first ||
        at >= end || end > heap->backed) {
        return EBADMSG;
    }
    uint64_t w = hfi_load64_relaxed(hfi_block_word(heap, at));
    uint64_t size = w & SIZE_MASK;
    *block = (struct hfi_block){
        .at = at,
        .size = size,
        .is_free = (w & FREE) != 0,
        .follows_free = (w & FOLLOWS_FREE) != 0,
    };
    bool sound = check_of(at, w & LOW_BITS) == (w & ~LOW_BITS) &&
                 (size == 0 ? at == end - HFI_HEADER_SIZE && !block->is_free
                            : size >= HFI_BLOCK_MIN && size < end - at);
    return sound ? 0 : EBADMSG;
}

static int free_block_at(
    const struct hfi_heap *heap, uint64_t at, struct hfi_block *block)
{
    int error = hfi_block_at(heap, at, block);
    return error == 0 && !block->is_free ? EBADMSG : error;
}

static void set_header(struct hfi_tx *tx, uint64_t at, uint64_t size, unsigned flags)
{
    hfi_tx_set(tx, hfi_block_word(tx->heap, at), header(at, size, flags));
}

/* ---- bins ---- */

static unsigned log_of(uint64_t n)
{
    return 63 - (unsigned)__builtin_clzll(n);
}

void hfi_arena_bin(uint64_t size, unsigned *class, unsigned *bin)
{
    if (size < SMALL) {
        *class = 0;
        *bin = (unsigned)(size / HFI_HEAP_GRAIN);
    } else {
        unsigned log = log_of(size);
        *class = log - SMALL_LOG + 1;
        *bin = (unsigned)(size >> (log - BINS_LOG)) & (HFI_HEAP_BINS - 1);
    }
}

/* The first block of the first bin from this one on that has any; 0: none. */
static uint64_t head_from(
    const struct hfi_heap_control *control, unsigned class, unsigned bin)
{
    uint64_t bins = control->bins[class] & ~UINT64_C(0) << bin;
    if (bins == 0) {
        uint64_t classes = control->classes & ~UINT64_C(0) << class << 1;
        if (classes == 0) {
            return 0;
        }
        class = (unsigned)__builtin_ctzll(classes);
        bins = class < HFI_HEAP_CLASSES ? control->bins[class] : 0;
    }
    unsigned first = bins != 0 ? (unsigned)__builtin_ctzll(bins) : HFI_HEAP_BINS;
    return first < HFI_HEAP_BINS ? control->heads[class][first] : 1; /* 1: damaged */
}

/*
 * The first of its own bin may do; any of the bins above does. Of those, the smallest
 * comes first: a good fit, if not the best.
 */
static int find(const struct hfi_heap *heap, uint64_t size, struct hfi_block *block)
{
    const struct hfi_heap_control *control = heap->control;
    unsigned class, bin;
    hfi_arena_bin(size, &class, &bin);
    uint64_t at = control->heads[class][bin];
    if (at != 0) {
        int error = free_block_at(heap, at, block);
        if (error != 0 || block->size >= size) {
            return error;
        }
    }
    at = bin + 1 < HFI_HEAP_BINS        ? head_from(control, class, bin + 1)
         : class + 1 < HFI_HEAP_CLASSES ? head_from(control, class + 1, 0)
                                        : 0;
    if (at == 0) {
        return ENOSPC;
    }
    int error = free_block_at(heap, at, block);
    return error == 0 && block->size < size ? EBADMSG : error;
}

static int unlink_block(struct hfi_tx *tx, const struct hfi_block *block)
{
    struct hfi_heap *heap = tx->heap;
    struct hfi_heap_control *control = heap->control;
    uint64_t next = *hfi_block_next(heap, block->at);
    uint64_t previous = *hfi_block_previous(heap, block->at);
    unsigned class, bin;
    struct hfi_block other;
    hfi_arena_bin(block->size, &class, &bin);
    if (next != 0 && (free_block_at(heap, next, &other) != 0 ||
                         *hfi_block_previous(heap, next) != block->at)) {
        return EBADMSG;
    }
    uint64_t *link = &control->heads[class][bin];
    if (previous != 0) {
        if (free_block_at(heap, previous, &other) != 0) {
            return EBADMSG;
        }
        link = hfi_block_next(heap, previous);
    }
    if (*link != block->at) {
        return EBADMSG;
    }
    hfi_tx_set(tx, link, next);
    if (next != 0) {
        hfi_tx_set(tx, hfi_block_previous(heap, next), previous);
    } else if (previous == 0) {
        uint64_t bins = control->bins[class] & ~(UINT64_C(1) << bin);
        hfi_tx_set(tx, &control->bins[class], bins);
        if (bins == 0) {
            hfi_tx_set(tx, &control->classes, control->classes & ~(UINT64_C(1) << class));
        }
    }
    return 0;
}

/* Makes [at, at + size) a free block. The one before is in use; the one behind will be
 * told. */
static int link_block(struct hfi_tx *tx, uint64_t at, uint64_t size)
{
    struct hfi_heap *heap = tx->heap;
    struct hfi_heap_control *control = heap->control;
    unsigned class, bin;
    struct hfi_block other;
    hfi_arena_bin(size, &class, &bin);
    uint64_t head = control->heads[class][bin];
    if (head != 0) {
        if (free_block_at(heap, head, &other) != 0) {
            return EBADMSG;
        }
        hfi_tx_set(tx, hfi_block_previous(heap, head), at);
    }
    set_header(tx, at, size, FREE);
    hfi_tx_set(tx, hfi_block_next(heap, at), head);
    hfi_tx_set(tx, hfi_block_previous(heap, at), 0);
    hfi_tx_set(tx, hfi_block_word(heap, at + size - 8), size);
    hfi_tx_set(tx, &control->heads[class][bin], at);
    if (head == 0) {
        hfi_tx_set(tx, &control->bins[class], control->bins[class] | UINT64_C(1) << bin);
        hfi_tx_set(tx, &control->classes, control->classes | UINT64_C(1) << class);
    }
    return 0;
}

/* ---- blocks ---- */

static int tell_next(struct hfi_tx *tx, uint64_t at, bool follows_free)
{
    struct hfi_block next;
    int error = hfi_block_at(tx->heap, at, &next);
    if (error == 0 && next.follows_free != follows_free) {
        set_header(tx, at, next.size,
            (next.is_free ? FREE : 0) | (follows_free ? FOLLOWS_FREE : 0));
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

/* Cuts [at, at + room), which stands in no bin, to a block in use and a free rest. */
static int cut(struct hfi_tx *tx, uint64_t at, uint64_t room, uint64_t size, bool after)
{
    if (room - size < HFI_BLOCK_MIN) {
        size = room;
    }
    set_header(tx, at, size, after ? FOLLOWS_FREE : 0);
    bool rest = size < room;
    int error = rest ? link_block(tx, at + size, room - size) : 0;
    return error != 0 ? error : tell_next(tx, at + room, rest);
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

int hfi_arena_take(
    struct hfi_tx *tx, uint64_t payload, uint64_t alignment, struct hfi_block *block)
{
    uint64_t size;
    if (!block_size(payload, &size)) {
        return ENOSPC;
    }
    uint64_t spare = alignment > HFI_HEAP_GRAIN ? alignment + HFI_BLOCK_MIN : 0;
    struct hfi_block found;
    int error = find(tx->heap, size + spare, &found);
    if (error == 0) {
        error = unlink_block(tx, &found);
    }
    uint64_t front = spare != 0 && error == 0 ? front_of(found.at, alignment) : 0;
    if (front != 0) {
        error = link_block(tx, found.at, front);
    }
    if (error == 0) {
        uint64_t at = found.at + front;
        error = cut(tx, at, found.size - front, size, front != 0);
        uint64_t w = *hfi_block_word(tx->heap, at);
        *block = (struct hfi_block){.at = at, .size = w & SIZE_MASK};
        account(tx, 1, block->size);
    }
    return error;
}

int hfi_arena_give_back(struct hfi_tx *tx, uint64_t at)
{
    struct hfi_block block, other;
    int error = hfi_block_at(tx->heap, at, &block);
    if (error != 0 || block.is_free || block.size == 0) {
        return EBADMSG;
    }
    account(tx, UINT64_C(-1), -block.size);
    error = hfi_block_at(tx->heap, at + block.size, &other);
    if (error == 0 && other.is_free) {
        error = unlink_block(tx, &other);
        block.size += other.size;
    }
    if (error == 0 && block.follows_free) {
        uint64_t size = *hfi_block_word(tx->heap, at - 8);
        error = size <= at ? free_block_at(tx->heap, at - size, &other) : EBADMSG;
        if (error == 0 && other.size != size) {
            error = EBADMSG;
        }
        if (error == 0) {
            error = unlink_block(tx, &other);
            block.at = other.at;
            block.size += other.size;
        }
    }
    if (error == 0) {
        error = link_block(tx, block.at, block.size);
    }
    return error != 0 ? error : tell_next(tx, block.at + block.size, true);
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
    if (next.is_free) {
        error = unlink_block(tx, &next);
    }
    if (error == 0) {
        error = cut(tx, at, room, size, block.follows_free);
    }
    if (error == 0) {
        account(tx, 0, (*hfi_block_word(tx->heap, at) & SIZE_MASK) - block.size);
    }
    return error;
}

int hfi_arena_largest(const struct hfi_heap *heap, uint64_t *payload)
{
    const struct hfi_heap_control *control = heap->control;
    *payload = 0;
    if (control->classes == 0) {
        return 0;
    }
    unsigned class = log_of(control->classes);
    if (class >= HFI_HEAP_CLASSES || control->bins[class] == 0) {
        return EBADMSG;
    }
    unsigned bin = log_of(control->bins[class]);
    uint64_t at = bin < HFI_HEAP_BINS ? control->heads[class][bin] : 1;
    uint64_t turns = control->end / HFI_BLOCK_MIN; /* a damaged list may have no end */
    while (at != 0) {
        struct hfi_block block;
        if (turns-- == 0 || free_block_at(heap, at, &block) != 0) {
            return EBADMSG;
        }
        uint64_t offered = block.size - HFI_HEADER_SIZE;
        *payload = offered > *payload ? offered : *payload;
        at = *hfi_block_next(heap, at);
    }
    return 0;
}

/* ---- its end ---- */

void hfi_arena_format(struct hfi_heap *heap, uint64_t end)
{
    heap->control->end = heap->first + HFI_HEADER_SIZE;
    *hfi_block_word(heap, heap->first) = header(heap->first, 0, 0);
    if (end - heap->control->end >= HFI_BLOCK_MIN) {
        struct hfi_tx tx = {.heap = heap, .journal = &heap->control->journal};
        int error = hfi_arena_extend(&tx, end);
        (void)error; /* of damage only */
        hfi_tx_commit(&tx);
    }
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
        header(end - HFI_HEADER_SIZE, 0, 0);
    account(tx, 1, end - control->end);
    set_header(tx, at, end - control->end, last.follows_free ? FOLLOWS_FREE : 0);
    hfi_tx_set(tx, &control->end, end);
    return hfi_arena_give_back(tx, at);
}
