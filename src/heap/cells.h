/* SPDX-License-Identifier: MIT */
/*
 * An index's table: a block whose first word says how many cells follow, a power of two.
 * A cell: 0, never used; GONE; or an entry's offset, which has 48 bits, below 16 bits of
 * its hash.
 */
#ifndef HFI_HEAP_CELLS_H
#define HFI_HEAP_CELLS_H

#include "heap/index.h"

enum { HFI_CELL_EMPTY = 0, HFI_CELL_GONE = 1, HFI_CELLS_MIN = 16 };

#define HFI_CELL_OFFSET ((UINT64_C(1) << 48) - 1)

struct hfi_cells {
    uint64_t cells; /* offset of the first */
    uint64_t mask;
    unsigned shift; /* of a hash, to its home */
};

/* So many cells may be spent, whatever happens: those that never were end a probe. */
static inline uint64_t hfi_cells_most(uint64_t cells)
{
    return cells - cells / 8;
}

static inline bool hfi_cell_is_entry(uint64_t cell)
{
    return cell > HFI_CELL_GONE;
}

static inline uint64_t hfi_cell(uint64_t entry, uint64_t hash)
{
    return hash << 48 | entry;
}

static inline uint64_t hfi_home_of(const struct hfi_cells *table, uint64_t hash)
{
    return hash >> table->shift;
}

static inline uint64_t hfi_cell_at(const struct hfi_cells *table, uint64_t i)
{
    return table->cells + (i & table->mask) * sizeof(uint64_t);
}

/* The index's table, as it is now; its cells are in memory. ENOENT: it has none yet;
 * EBADMSG. */
int hfi_index_table(
    const struct hfi_heap *heap, const struct hfi_index *index, struct hfi_cells *table);

/* What a cell names. Its key and value are in memory, whatever they are. EBADMSG. */
int hfi_index_entry(const struct hfi_heap *heap, uint64_t cell, uint64_t value,
    struct hfi_found *found, uint64_t *hash);

#endif
