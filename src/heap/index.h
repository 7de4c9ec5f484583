/* SPDX-License-Identifier: MIT */
/*
 * Index: a hash table from byte strings to byte strings, in a heap. The directory of
 * named objects is one, the counters' names are, and so is each hf_map_t.
 *
 * An entry is one block that never changes while it is in the table; the table is a block
 * of cells, open to linear probing. Changes are transactions of the heap, which show one
 * store at a time: a cell that names an entry, or no longer does, or another table.
 *
 * Readers take no lock and wait for nobody, also not for a writer that was stopped or
 * killed half-way. What they read may be freed under them, and be anything: they check
 * each number before they use it, and at the end whether `version` is still the same. A
 * writer raises it after taking something away, and before freeing it. So:
 *
 *     do {
 *         version = hfi_index_version(index);
 *         error = hfi_index_look(heap, index, key, &found);  ... copy what was found ...
 *     } while (hfi_index_has_changed(index, version));
 */
#ifndef HFI_HEAP_INDEX_H
#define HFI_HEAP_INDEX_H

#include "heap/heap.h"

struct hfi_key {
    const void *bytes;
    uint64_t size;
    uint64_t hash;
};

struct hfi_key hfi_key(const void *bytes, uint64_t size);

enum { HFI_KEY_MAX = 1 << 16 };

/* Shared; the key follows, padded with zeros to 8 bytes, then the value. */
struct hfi_entry {
    uint64_t hash;
    uint32_t key_size;
    uint32_t value_at; /* from the entry's start */
    uint64_t value_size;
    uint64_t builder; /* tag of who is constructing the value; 0: it is there */
};

_Static_assert(sizeof(struct hfi_entry) == 32, "format");

struct hfi_found {
    uint64_t cell;  /* offset of the cell */
    uint64_t entry; /* block */
    uint64_t value; /* offset */
    uint64_t key_size, value_size, builder;
};

/* ---- without a lock ---- */

static inline uint64_t hfi_index_version(const struct hfi_index *index)
{
    return hfi_load64_acquire(&index->version);
}

/* All that was read before is loaded with acquire, so this load comes last. */
static inline bool hfi_index_has_changed(const struct hfi_index *index, uint64_t version)
{
    return hfi_load64_relaxed(&index->version) != version;
}

/* ENOENT; EBADMSG: damaged, or it is changing. */
int hfi_index_look(const struct hfi_heap *heap, const struct hfi_index *index,
    const struct hfi_key *key, struct hfi_found *found);

/* Copies bytes that may be changing. The offset and size are of what was found. */
void hfi_index_copy(
    const struct hfi_heap *heap, void *to, uint64_t offset, uint64_t size);

/* The key of what was found. */
static inline uint64_t hfi_index_key(const struct hfi_found *found)
{
    return found->entry + sizeof(struct hfi_entry);
}

/* Where an iteration is; zero: at the start. Entries come in the order of their hashes,
 * whatever the table's size becomes. */
struct hfi_cursor {
    uint64_t hash;
    uint64_t ties; /* entries of that hash that have been seen */
};

/* The first entry from the cursor on. ENOENT: there is none; EBADMSG. */
int hfi_index_next(const struct hfi_heap *heap, const struct hfi_index *index,
    const struct hfi_cursor *cursor, struct hfi_found *found, struct hfi_cursor *after);

/* ---- in a transaction ---- */

/*
 * A fresh entry, to be filled and then put into the table: its value is zero and stands
 * at a multiple of `alignment`, 16 or more. May commit what the transaction has done.
 */
int hfi_index_prepare(struct hfi_tx *tx, struct hfi_index *index,
    const struct hfi_key *key, uint64_t value_size, uint64_t alignment,
    struct hfi_found *fresh);
/* Shows it: in place of `old`, which is discarded, or, if that is null, anew. */
int hfi_index_put(struct hfi_tx *tx, struct hfi_index *index, const struct hfi_key *key,
    const struct hfi_found *fresh, const struct hfi_found *old);
/* Takes the entry out, and discards it. */
int hfi_index_take_out(
    struct hfi_tx *tx, struct hfi_index *index, const struct hfi_found *found);
/* Discards the table of an index without entries. */
int hfi_index_drop_table(struct hfi_tx *tx, struct hfi_index *index);

#endif
