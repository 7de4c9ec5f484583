/* SPDX-License-Identifier: MIT */
#include "heap/bins.h"

#include <errno.h>

enum {
    SMALL = HFI_HEAP_BINS * HFI_HEAP_GRAIN, /* below it, one bin a size */
    SMALL_LOG = 9,
    BINS_LOG = 5,
};

_Static_assert(SMALL == 1 << SMALL_LOG && HFI_HEAP_BINS == 1 << BINS_LOG &&
                   HFI_ARENA_LIMIT == UINT64_C(1) << (SMALL_LOG + HFI_HEAP_CLASSES - 2),
    "bins");

void hfi_bin_of(uint64_t size, unsigned *class, unsigned *bin)
{
    if (size < SMALL) {
        *class = 0;
        *bin = (unsigned)(size / HFI_HEAP_GRAIN);
    } else {
        unsigned log = hfi_log_of(size);
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

/* The first block of the list that is large enough; a damaged list may have no end. */
static int find_in_list(
    const struct hfi_heap *heap, uint64_t at, uint64_t size, struct hfi_block *block)
{
    uint64_t turns = heap->control->end / HFI_BLOCK_MIN;
    for (; at != 0; at = *hfi_block_next(heap, at)) {
        if (turns-- == 0 || hfi_free_block_at(heap, at, block) != 0) {
            return EBADMSG;
        }
        if (block->size >= size) {
            return 0;
        }
    }
    return ENOSPC;
}

int hfi_bin_find(const struct hfi_heap *heap, uint64_t size, struct hfi_block *block)
{
    const struct hfi_heap_control *control = heap->control;
    unsigned class, bin;
    hfi_bin_of(size, &class, &bin);
    uint64_t own = control->heads[class][bin];
    if (own != 0) {
        int error = hfi_free_block_at(heap, own, block);
        if (error != 0 || block->size >= size) {
            return error;
        }
    }
    uint64_t at = bin + 1 < HFI_HEAP_BINS        ? head_from(control, class, bin + 1)
                  : class + 1 < HFI_HEAP_CLASSES ? head_from(control, class + 1, 0)
                                                 : 0;
    if (at == 0) {
        return find_in_list(heap, own, size, block);
    }
    int error = hfi_free_block_at(heap, at, block);
    return error == 0 && block->size < size ? EBADMSG : error;
}

/* Where a free block hangs in its bin. */
struct place {
    unsigned class, bin;
    uint64_t *link; /* what leads to it: the bin's head, or the one before it */
    uint64_t next, previous;
};

static int find_place(
    const struct hfi_heap *heap, const struct hfi_block *block, struct place *place)
{
    struct hfi_block other;
    hfi_bin_of(block->size, &place->class, &place->bin);
    place->link = &heap->control->heads[place->class][place->bin];
    place->next = *hfi_block_next(heap, block->at);
    place->previous = *hfi_block_previous(heap, block->at);
    if (place->next != 0 && (hfi_free_block_at(heap, place->next, &other) != 0 ||
                                *hfi_block_previous(heap, place->next) != block->at)) {
        return EBADMSG;
    }
    if (place->previous != 0) {
        if (hfi_free_block_at(heap, place->previous, &other) != 0) {
            return EBADMSG;
        }
        place->link = hfi_block_next(heap, place->previous);
    }
    return *place->link == block->at ? 0 : EBADMSG;
}

bool hfi_bin_holds(const struct hfi_heap *heap, const struct hfi_block *block)
{
    struct place p;
    return block->size == 0 || find_place(heap, block, &p) == 0;
}

bool hfi_bin_takes(const struct hfi_heap *heap, uint64_t size)
{
    unsigned class, bin;
    struct hfi_block head;
    hfi_bin_of(size, &class, &bin);
    uint64_t at = heap->control->heads[class][bin];
    return at == 0 || hfi_free_block_at(heap, at, &head) == 0;
}

int hfi_bin_unlink(struct hfi_tx *tx, const struct hfi_block *block)
{
    struct hfi_heap_control *control = tx->heap->control;
    struct place p;
    if (find_place(tx->heap, block, &p) != 0) {
        return EBADMSG;
    }
    hfi_tx_set(tx, p.link, p.next);
    if (p.next != 0) {
        hfi_tx_set(tx, hfi_block_previous(tx->heap, p.next), p.previous);
    } else if (p.previous == 0) {
        uint64_t bins = control->bins[p.class] & ~(UINT64_C(1) << p.bin);
        hfi_tx_set(tx, &control->bins[p.class], bins);
        if (bins == 0) {
            uint64_t classes = control->classes & ~(UINT64_C(1) << p.class);
            hfi_tx_set(tx, &control->classes, classes);
        }
    }
    return 0;
}

/* Makes [at, at + size) a free block there. The one before is in use; the one behind will
 * be told. */
static void hang(struct hfi_tx *tx, const struct place *p, uint64_t at, uint64_t size)
{
    struct hfi_heap *heap = tx->heap;
    hfi_set_header(tx, at, size, HFI_FREE);
    hfi_tx_set(tx, hfi_block_next(heap, at), p->next);
    hfi_tx_set(tx, hfi_block_previous(heap, at), p->previous);
    hfi_tx_set(tx, hfi_block_word(heap, at + size - 8), size);
    hfi_tx_set(tx, p->link, at);
    if (p->next != 0) {
        hfi_tx_set(tx, hfi_block_previous(heap, p->next), at);
    }
}

int hfi_bin_link(struct hfi_tx *tx, uint64_t at, uint64_t size)
{
    struct hfi_heap_control *control = tx->heap->control;
    struct place p = {.previous = 0};
    struct hfi_block other;
    hfi_bin_of(size, &p.class, &p.bin);
    p.link = &control->heads[p.class][p.bin];
    p.next = *p.link;
    if (p.next != 0 && hfi_free_block_at(tx->heap, p.next, &other) != 0) {
        return EBADMSG;
    }
    hang(tx, &p, at, size);
    if (p.next == 0) {
        uint64_t bins = control->bins[p.class] | UINT64_C(1) << p.bin;
        hfi_tx_set(tx, &control->bins[p.class], bins);
        hfi_tx_set(tx, &control->classes, control->classes | UINT64_C(1) << p.class);
    }
    return 0;
}

static bool share_a_bin(uint64_t a, uint64_t b)
{
    unsigned class_a, class_b, bin_a, bin_b;
    hfi_bin_of(a, &class_a, &bin_a);
    hfi_bin_of(b, &class_b, &bin_b);
    return class_a == class_b && bin_a == bin_b;
}

int hfi_bin_replace(
    struct hfi_tx *tx, const struct hfi_block *old, uint64_t at, uint64_t size)
{
    if (old == NULL || !share_a_bin(old->size, size)) {
        int error = old != NULL ? hfi_bin_unlink(tx, old) : 0;
        return error != 0 ? error : hfi_bin_link(tx, at, size);
    }
    struct place p;
    int error = find_place(tx->heap, old, &p);
    if (error == 0) {
        hang(tx, &p, at, size);
    }
    return error;
}
