/* SPDX-License-Identifier: MIT */
#include "heap/check.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "heap/arena.h"
#include "heap/bins.h"
#include "heap/cells.h"

void hfi_fault(struct hfi_faults *faults, uint64_t offset, const char *what)
{
    faults->count++;
    if (faults->report != NULL) {
        char words[160];
        snprintf(words, sizeof words, "offset %" PRIu64 ": %s", offset, what);
        faults->report(words, faults->arg);
    }
}

/* A fault at a word of the heap's control, unless it is as it should be. */
static void expect(const struct hfi_heap *heap, struct hfi_faults *faults, bool sound,
    const void *word, const char *what)
{
    if (!sound) {
        hfi_fault(faults, hfi_heap_offset(heap, word), what);
    }
}

/* ---- blocks ---- */

/* A number of blocks; the sum of squares tells two sets of the same size apart. */
struct set {
    uint64_t count, squares;
};

static void add(struct set *set, uint64_t at)
{
    set->count++;
    set->squares += at * at;
}

struct tally {
    struct set free;
    uint64_t used, blocks;
};

static void check_block(const struct hfi_heap *heap, struct hfi_faults *faults,
    const struct hfi_block *block, bool follows_free, struct tally *tally)
{
    if (block->follows_free != follows_free) {
        hfi_fault(faults, block->at, "the block is wrong about the one before it");
    }
    if (!block->is_free) {
        tally->blocks += block->size != 0;
        tally->used += block->size;
        return;
    }
    add(&tally->free, block->at);
    if (follows_free) {
        hfi_fault(faults, block->at, "two free blocks side by side");
    }
    if (*hfi_block_word(heap, block->at + block->size - 8) != block->size) {
        hfi_fault(faults, block->at, "the free block's end says another size");
    }
}

/* False: the walk could not reach the arena's end. */
static bool check_blocks(
    const struct hfi_heap *heap, struct hfi_faults *faults, struct tally *tally)
{
    struct hfi_block block = {.size = 0};
    uint64_t at = heap->first;
    do {
        bool follows_free = block.is_free;
        if (hfi_block_at(heap, at, &block) != 0) {
            hfi_fault(faults, at, "no block's header, where there must be one");
            return false;
        }
        check_block(heap, faults, &block, follows_free, tally);
        at += block.size;
    } while (block.size != 0);
    return true;
}

/* ---- bins ---- */

/*
 * Each block on the list names the one before it. So a list cannot run into itself: the
 * block that it came back to would have two before it.
 */
static void check_list(const struct hfi_heap *heap, struct hfi_faults *faults,
    unsigned class, unsigned bin, struct set *listed)
{
    uint64_t previous = 0;
    uint64_t at = heap->control->heads[class][bin];
    while (at != 0) {
        struct hfi_block block;
        if (hfi_block_at(heap, at, &block) != 0 || !block.is_free) {
            hfi_fault(faults, at, "a bin's list leads to what is no free block");
            return;
        }
        if (*hfi_block_previous(heap, at) != previous) {
            hfi_fault(faults, at,
                "the free block is wrong about the one before it in its "
                "bin");
            return;
        }
        if (hfi_bin_of(block.size) != class * HFI_HEAP_BINS + bin) {
            hfi_fault(faults, at, "the free block stands in the bin of another size");
            return;
        }
        add(listed, at);
        previous = at;
        at = *hfi_block_next(heap, at);
    }
}

static void check_class(const struct hfi_heap *heap, struct hfi_faults *faults,
    unsigned class, struct set *listed)
{
    const struct hfi_heap_control *control = heap->control;
    uint64_t bins = 0;
    for (unsigned bin = 0; bin < HFI_HEAP_BINS; bin++) {
        bins |= (uint64_t)(control->heads[class][bin] != 0) << bin;
        check_list(heap, faults, class, bin, listed);
    }
    expect(heap, faults, control->bins[class] == bins, &control->bins[class],
        "the map of a class's bins is not of those that hold blocks");
}

static struct set check_bins(const struct hfi_heap *heap, struct hfi_faults *faults)
{
    const struct hfi_heap_control *control = heap->control;
    struct set listed = {.count = 0};
    uint64_t classes = 0;
    for (unsigned class = 0; class < HFI_HEAP_CLASSES; class ++) {
        check_class(heap, faults, class, &listed);
        classes |= (uint64_t)(control->bins[class] != 0) << class;
    }
    expect(heap, faults, control->classes == classes, &control->classes,
        "the map of classes is not of those that have bins");
    return listed;
}

/* ---- the whole ---- */

void hfi_heap_check(const struct hfi_heap *heap, struct hfi_faults *faults)
{
    const struct hfi_heap_control *control = heap->control;
    expect(heap, faults, control->journal.state == 0, &control->journal.state,
        "the journal holds a transaction, and nobody is in one");
    struct tally tally = {.used = 0};
    bool whole = check_blocks(heap, faults, &tally);
    struct set listed = check_bins(heap, faults);
    if (!whole) {
        return; /* what was not seen was not counted */
    }
    expect(heap, faults,
        listed.count == tally.free.count && listed.squares == tally.free.squares,
        control->heads, "the blocks in the bins are not those that are free");
    expect(heap, faults, control->used == tally.used, &control->used,
        "not as many bytes as are in use");
    expect(heap, faults, control->blocks == tally.blocks, &control->blocks,
        "not as many blocks as are in use");
}

/* ---- an index ---- */

/* *turns: steps that looking for keys may still take. Usual ones need far fewer; in a
 * table that somebody has made to be slow not all are looked for. */
static const char *fault_of_entry(const struct hfi_heap *heap,
    const struct hfi_index *index, const struct hfi_cells *table, uint64_t cell,
    uint64_t value, uint64_t *turns)
{
    struct hfi_found found, again;
    uint64_t hash, size;
    if (hfi_index_entry(heap, cell, value, &found, &hash) != 0 ||
        hfi_heap_usable(heap, found.entry, &size) != 0 ||
        found.value - found.entry + found.value_size > size) {
        return "the cell leads to what is no entry";
    }
    uint64_t number = (cell - table->cells) / sizeof value;
    uint64_t steps = 1 + found.key_size / sizeof value +
                     ((number - hfi_home_of(table, hash)) & table->mask);
    if (steps > *turns) {
        return NULL;
    }
    *turns -= steps;
    const char *bytes = hfi_heap_address(heap, hfi_index_key(&found));
    struct hfi_key key = hfi_key(bytes, found.key_size);
    if (key.hash != hash || value != hfi_cell(found.entry, hash)) {
        return "the hash is not that of the entry's key";
    }
    if (hfi_index_look(heap, index, &key, &again) != 0) {
        return "the entry's key is not found from its home";
    }
    return again.cell != cell ? "the entry's key is there twice" : NULL;
}

void hfi_index_check(
    const struct hfi_heap *heap, const struct hfi_index *index, struct hfi_faults *faults)
{
    struct hfi_cells table;
    int error = hfi_index_table(heap, index, &table);
    uint64_t count = 0, spent = 0;
    if (error == EBADMSG) {
        hfi_fault(faults, hfi_heap_offset(heap, &index->table), "no table is there");
        return;
    }
    enum { MEAN_PROBES = 64 };
    uint64_t cells = error == 0 ? table.mask + 1 : 0;
    uint64_t turns = cells * MEAN_PROBES + heap->control->end / sizeof(uint64_t);
    for (uint64_t i = 0; i < cells; i++) {
        uint64_t cell = hfi_cell_at(&table, i);
        uint64_t value = hfi_load64_relaxed(hfi_heap_address(heap, cell));
        const char *what = NULL;
        if (hfi_cell_is_entry(value)) {
            count++;
            what = fault_of_entry(heap, index, &table, cell, value, &turns);
        }
        spent += value != HFI_CELL_EMPTY;
        if (what != NULL) {
            hfi_fault(faults, cell, what);
        }
    }
    expect(heap, faults, index->count == count, &index->count, "not the entries' number");
    expect(heap, faults, index->spent == spent, &index->spent,
        "not the number of cells that were ever an entry");
    expect(heap, faults, spent <= hfi_cells_most(cells), &index->table,
        "the table is too full");
}
