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

/* In a class, the bits below a size's highest one count the bins. */
unsigned hfi_bin_of(uint64_t size)
{
    if (size < SMALL) {
        return (unsigned)(size / HFI_HEAP_GRAIN);
    }
    unsigned log = hfi_log_of(size);
    return (log - SMALL_LOG) * HFI_HEAP_BINS + (unsigned)(size >> (log - BINS_LOG));
}

static uint64_t *head_of(struct hfi_heap_control *control, unsigned bin)
{
    return &control->heads[bin / HFI_HEAP_BINS][bin % HFI_HEAP_BINS];
}

/* The first block of the first bin from this one on that has any; 0: none. */
static uint64_t head_from(const struct hfi_heap_control *control, unsigned bin)
{
    unsigned class = bin / HFI_HEAP_BINS;
    if (class >= HFI_HEAP_CLASSES) {
        return 0;
    }
    uint64_t bins = control->bins[class] & ~UINT64_C(0) << bin % HFI_HEAP_BINS;
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
    unsigned bin = hfi_bin_of(size);
    uint64_t own = *head_of(heap->control, bin);
    if (own != 0) {
        int error = hfi_free_block_at(heap, own, block);
        if (error != 0 || block->size >= size) {
            return error;
        }
    }
    uint64_t at = head_from(heap->control, bin + 1);
    if (at == 0) {
        return find_in_list(heap, own, size, block);
    }
    int error = hfi_free_block_at(heap, at, block);
    return error == 0 && block->size < size ? EBADMSG : error;
}

/* Where a free block hangs in its bin. */
struct place {
    unsigned bin;
    uint64_t *link; /* what leads to it: the bin's head, or the one before it */
    uint64_t next, previous;
};

static int find_place(
    const struct hfi_heap *heap, const struct hfi_block *block, struct place *place)
{
    struct hfi_block other;
    place->bin = hfi_bin_of(block->size);
    place->link = head_of(heap->control, place->bin);
    place->next = hfi_load64_relaxed(hfi_block_next(heap, block->at));
    place->previous = hfi_load64_relaxed(hfi_block_previous(heap, block->at));
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

static void vacate(struct hfi_tx *tx, const struct place *p)
{
    struct hfi_heap_control *control = tx->heap->control;
    hfi_tx_set(tx, p->link, p->next);
    if (p->next != 0) {
        hfi_set_word(tx, p->next + HFI_PREVIOUS, p->previous);
    } else if (p->previous == 0) {
        unsigned class = p->bin / HFI_HEAP_BINS;
        uint64_t bins = control->bins[class] & ~(UINT64_C(1) << p->bin % HFI_HEAP_BINS);
        hfi_tx_set(tx, &control->bins[class], bins);
        if (bins == 0) {
            uint64_t classes = control->classes & ~(UINT64_C(1) << class);
            hfi_tx_set(tx, &control->classes, classes);
        }
    }
}

int hfi_bin_unlink(struct hfi_tx *tx, const struct hfi_block *block)
{
    struct place p;
    int error = find_place(tx->heap, block, &p);
    if (error == 0) {
        vacate(tx, &p);
    }
    return error;
}

static void hang(struct hfi_tx *tx, const struct place *p, uint64_t at, uint64_t size)
{
    hfi_set_header(tx, at, size, HFI_FREE);
    hfi_set_word(tx, at + HFI_NEXT, p->next);
    hfi_set_word(tx, at + HFI_PREVIOUS, p->previous);
    hfi_set_word(tx, at + size - sizeof size, size);
    hfi_tx_set(tx, p->link, at);
    if (p->next != 0) {
        hfi_set_word(tx, p->next + HFI_PREVIOUS, at);
    }
}

/* As the first of its bin. */
static int link_free(struct hfi_tx *tx, uint64_t at, uint64_t size)
{
    struct hfi_heap_control *control = tx->heap->control;
    struct place p = {.previous = 0};
    struct hfi_block other;
    p.bin = hfi_bin_of(size);
    p.link = head_of(control, p.bin);
    p.next = *p.link;
    if (p.next != 0 && hfi_free_block_at(tx->heap, p.next, &other) != 0) {
        return EBADMSG;
    }
    hang(tx, &p, at, size);
    if (p.next == 0) {
        unsigned class = p.bin / HFI_HEAP_BINS;
        uint64_t bins = control->bins[class] | UINT64_C(1) << p.bin % HFI_HEAP_BINS;
        hfi_tx_set(tx, &control->bins[class], bins);
        hfi_tx_set(tx, &control->classes, control->classes | UINT64_C(1) << class);
    }
    return 0;
}

int hfi_bin_replace(
    struct hfi_tx *tx, const struct hfi_block *old, uint64_t at, uint64_t size)
{
    struct place p;
    int error = old != NULL ? find_place(tx->heap, old, &p) : 0;
    if (error != 0) {
        return error;
    }
    if (old != NULL && p.bin == hfi_bin_of(size)) {
        hang(tx, &p, at, size);
        return 0;
    }
    if (old != NULL) {
        vacate(tx, &p);
    }
    return link_free(tx, at, size);
}
