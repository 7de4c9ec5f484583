/* SPDX-License-Identifier: MIT */
/*
 * Striped counters, as they stand in a segment. Counters are numbered in the order of
 * their creation, and 64 of them are a group. Of a group each slot has a stripe: a cell
 * for each counter, which the slot's owner alone writes. A counter is the sum of its
 * cells. Nothing of all this is ever taken away, so nobody who reads it needs a lock.
 */
#ifndef HFI_SEGMENT_COUNTERS_H
#define HFI_SEGMENT_COUNTERS_H

#include "heap/check.h"
#include "heap/heap.h"
#include "participant/tally.h"

struct hf_segment;

enum {
    HFI_GROUP = 64,            /* counters whose cells stand together */
    HFI_STRIPE_ALIGNMENT = 64, /* bytes */
    HFI_GROUPS = HF_COUNTERS_MAX / HFI_GROUP
};

/* Shared. Changed in transactions of the heap. */
struct hfi_counters {
    struct hfi_index names; /* to 8 bytes: the counter's number */
    uint64_t line_end[4];
    uint64_t groups[HFI_GROUPS]; /* block: offsets of the stripes, by slot; 0: none */
};

_Static_assert(sizeof(struct hfi_counters) == 8256, "format");

/* Shared; a block at a 64-byte boundary. With its header it fills whole cache lines. */
struct hfi_stripe {
    uint64_t cells[HFI_GROUP];
    uint32_t group, slot; /* whose it is */
    uint64_t line_end[6];
};

_Static_assert(sizeof(struct hfi_stripe) == 568, "format");

/* Null: nobody has added to a counter of the group. EBADMSG. */
int hfi_stripes_of(
    const struct hf_segment *seg, unsigned group, const uint64_t **stripes);
/* One of them. Null: its owners have added to none; EBADMSG. */
int hfi_stripe_at(
    const struct hf_segment *seg, const uint64_t *word, struct hfi_stripe **stripe);
/* The same, for one who will write to it. */
int hfi_stripe_of(const struct hf_segment *seg, unsigned group, uint32_t slot,
    struct hfi_stripe **stripe);

/* Requires the heap's lock, and that the heap is sound. */
void hfi_counters_check(const struct hf_segment *seg, struct hfi_faults *faults);

#endif
