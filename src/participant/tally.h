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

struct hfi_tally {
    struct hfi_tally *next;
    const struct hfi_attachment *at;
    uint32_t incarnation; /* of the process; another one is a child's, who is not us */
    uint64_t *cells[HFI_GROUPS_MAX]; /* of each group; null: not looked up yet */
};

#pragma GCC visibility push(hidden)
extern _Thread_local struct hfi_tally *hfi_tally_last; /* used; null: none */
#pragma GCC visibility pop

static inline bool hfi_tally_is_of(const struct hfi_tally *t, const void *at)
{
    return t->at == at && t->incarnation == hfi_load32_relaxed(hfi_incarnation);
}

/* The thread's cells of a group, or null. */
static inline uint64_t *hfi_tally_cells(const struct hfi_tally *t, unsigned group)
{
    return __atomic_load_n(&t->cells[group], __ATOMIC_RELAXED); /* our own thread's */
}

/* The thread's tally there, which becomes the last one used; null: none. */
struct hfi_tally *hfi_tally_find(const struct hfi_attachment *at);
/* The same, made if need be, by a thread that has joined. ENOMEM. */
int hfi_tally_make(const struct hfi_attachment *at, struct hfi_tally **tally);
/* Before the thread leaves; null: in a child of fork, all that were its parent's. */
void hfi_tally_end(const struct hfi_attachment *at);

#endif
