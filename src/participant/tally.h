/* SPDX-License-Identifier: MIT */
/*
 * Tally: where the calling thread counts in a segment: in cells of its slot's own, which
 * it looks up once. A tally ends before its thread leaves the segment, so whoever has the
 * slot then is the only one that writes those cells.
 *
 * Signal handlers look tallies up in the middle of whatever their thread does: each store
 * here leaves the list whole.
 */
#ifndef HFI_PARTICIPANT_TALLY_H
#define HFI_PARTICIPANT_TALLY_H

#include <stddef.h>
#include <stdint.h>

#include "base/atomics.h"
#include "participant/attachment.h"

enum {
    HFI_GROUP = 64, /* counters whose cells stand together */
    HFI_GROUPS_MAX = 1024,
    HFI_COUNTERS_MAX = HFI_GROUP * HFI_GROUPS_MAX
};

/* Of a number of groups: a thread that counts little needs little. */
enum { HFI_CHUNK = 32 };

struct hfi_chunk {
    uint64_t *cells[HFI_CHUNK]; /* of each group; null: not looked up yet */
};

struct hfi_tally {
    struct hfi_tally *next;
    const struct hfi_attachment *at;
    uint32_t incarnation; /* of the process; another one is a child's, who is not us */
    struct hfi_chunk *chunks[HFI_GROUPS_MAX / HFI_CHUNK]; /* null: none looked up yet */
};

#pragma GCC visibility push(hidden)
extern _Thread_local struct hfi_tally *hfi_tally_last; /* used; null: none */
#pragma GCC visibility pop

static inline bool hfi_tally_is_of(const struct hfi_tally *t, const void *at)
{
    return t->at == at && t->incarnation == hfi_load32_relaxed(hfi_incarnation);
}

/* The thread's cells of a group, or null. Relaxed: they are our own thread's. */
static inline uint64_t *hfi_tally_cells(const struct hfi_tally *t, unsigned group)
{
    const struct hfi_chunk *chunk =
        __atomic_load_n(&t->chunks[group / HFI_CHUNK], __ATOMIC_RELAXED);
    return chunk != NULL
               ? __atomic_load_n(&chunk->cells[group % HFI_CHUNK], __ATOMIC_RELAXED)
               : NULL;
}

/* The thread's tally there, which becomes the last one used; null: none. */
struct hfi_tally *hfi_tally_find(const struct hfi_attachment *at);
/* Keeps the cells of a group, in a segment that the thread has joined. ENOMEM. */
int hfi_tally_keep(const struct hfi_attachment *at, unsigned group, uint64_t *cells);
/* Before the thread leaves; null: in a child of fork, all that were its parent's. */
void hfi_tally_end(const struct hfi_attachment *at);

#endif
