/* SPDX-License-Identifier: MIT */
/*
 * Heap: blocks of a segment's memory, given out and taken back in transactions.
 *
 * A transaction (heap/journal.h) changes the heap's own words in place, with a record to
 * undo them, and lists what shall be seen by those who take no lock. One store commits
 * both. Whoever dies before it has done nothing; after it, the next one who enters
 * finishes. docs/recovery.md has the argument.
 */
#ifndef HFI_HEAP_H
#define HFI_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <holdfast/mutex.h>

#include "base/checked.h"
#include "heap/journal.h"
#include "region/region.h"

enum {
    HFI_HEAP_CLASSES = 32, /* sizes by power of two */
    HFI_HEAP_BINS = 32,    /* of a class */
    HFI_HEAP_GRAIN = 16,   /* bytes; what blocks are aligned to, and multiples of */
    HFI_HEAP_PAGE = 4096,  /* bytes; the largest alignment */
};

/* A hash table of blocks (heap/index.h). Changed in transactions; read without a lock. */
struct hfi_index {
    uint64_t table;   /* block; 0: no entries */
    uint64_t version; /* grows when what readers may be reading is about to be freed */
    uint64_t count;   /* of entries */
    uint64_t spent;   /* cells of the table that are, or were, an entry */
};

/* Shared. All but the lock belongs to the lock's holder; offsets are from the segment's
 * start; a block is named by its payload's offset. */
struct hfi_heap_control {
    struct hfi_index directory; /* of the named objects */
    uint64_t built; /* constructions that have ended; who waits for one sleeps on it */
    uint64_t line_end[3]; /* who looks a name up meets nobody who allocates */
    hf_mutex_t lock;
    uint64_t lock_end[6];
    struct hfi_journal journal;
    uint64_t reserved;
    uint64_t end;     /* of the arena, in bytes; grows */
    uint64_t used;    /* bytes in blocks that are in use, headers included */
    uint64_t blocks;  /* in use */
    uint64_t classes; /* bit c: a bin of class c holds a free block */
    uint64_t bins[HFI_HEAP_CLASSES];                 /* bit b: bin b of the class does */
    uint64_t heads[HFI_HEAP_CLASSES][HFI_HEAP_BINS]; /* its first free block; 0 */
    uint64_t reserved_2;
};

_Static_assert(sizeof(struct hfi_index) == 32 &&
                   sizeof(struct hfi_heap_control) == 9408 &&
                   offsetof(struct hfi_heap_control, lock) == 64 &&
                   offsetof(struct hfi_heap_control, journal) == 128 &&
                   offsetof(struct hfi_heap_control, end) == 920 &&
                   offsetof(struct hfi_heap_control, heads) == 1208,
    "format");

/* The same in this process. */
struct hfi_heap {
    char *start; /* of the mapping */
    struct hfi_heap_control *control;
    uint64_t first; /* of the arena */
    uint64_t limit; /* of the mapping: it may grow so far */
    const struct hfi_region *region;
};

/* A heap in [first, end) of fresh memory, all zero. */
void hfi_heap_format(struct hfi_heap *heap, uint64_t end);

static inline void *hfi_heap_address(const struct hfi_heap *heap, uint64_t offset)
{
    return heap->start + offset;
}

static inline uint64_t hfi_heap_offset(const struct hfi_heap *heap, const void *address)
{
    return (uint64_t)((const char *)address - heap->start);
}

/* Whether there is memory at these bytes, whatever anybody wrote. */
static inline bool hfi_heap_covers(
    const struct hfi_heap *heap, uint64_t offset, uint64_t size)
{
    uint64_t end;
    return offset >= hfi_heap_offset(heap, heap->control) &&
           hfi_add(offset, size, &end) && hfi_region_backs(heap->region, end);
}

/*
 * Enters a transaction; the lock's last holder's is finished or undone first. Ends in
 * hfi_heap_leave or hfi_heap_cancel. EBADMSG: damaged; EDEADLK: the thread is in one.
 */
int hfi_heap_enter(struct hfi_heap *heap, struct hfi_tx *tx);
/* The same; ETIMEDOUT: somebody else was in one until the deadline. */
int hfi_heap_enter_until(
    struct hfi_heap *heap, struct hfi_tx *tx, const struct timespec *deadline);
/* Commits, and unlocks. */
int hfi_heap_leave(struct hfi_tx *tx);
/* Undoes all, and unlocks. Returns `error`. */
int hfi_heap_cancel(struct hfi_tx *tx, int error);
/* Returns when what was committed before the call has been stored. */
int hfi_heap_settle(struct hfi_heap *heap);
/* The one or the other: cancels if there is an error. */
int hfi_heap_end(struct hfi_tx *tx, int error);

/*
 * In a transaction. A block is all zero. `alignment`: a power of two up to a page.
 * ENOSPC; EBADMSG. Grows the segment where it may.
 */
int hfi_heap_allocate(
    struct hfi_tx *tx, uint64_t size, uint64_t alignment, uint64_t *block);
/*
 * Frees a block: the last thing that a transaction does to the heap, after publishing
 * that nothing leads to the block any more. Publishes up to four words. EBADMSG: not a
 * block in use.
 */
int hfi_heap_discard(struct hfi_tx *tx, uint64_t block);
/* Makes a block larger or smaller where it stands. ENOSPC: it cannot. */
int hfi_heap_resize(struct hfi_tx *tx, uint64_t block, uint64_t size);
/* Bytes that a block in use offers. EBADMSG. */
int hfi_heap_usable(const struct hfi_heap *heap, uint64_t block, uint64_t *size);
/* The arena shall end there, at least. ENOSPC: nothing has changed. */
int hfi_heap_grow(struct hfi_tx *tx, uint64_t end);

#endif
