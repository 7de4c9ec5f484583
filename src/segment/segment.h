/* SPDX-License-Identifier: MIT */
/* What the calls on a segment's memory need of its handle. */
#ifndef HFI_SEGMENT_SEGMENT_H
#define HFI_SEGMENT_SEGMENT_H

#include <holdfast/ptr.h>
#include <holdfast/segment.h>

#include "heap/heap.h"
#include "participant/attachment.h"
#include "segment/counters.h"
#include "segment/layout.h"

struct hf_segment {
    struct hfi_attachment at; /* first: who drops an attachment frees the segment too */
    struct hfi_header header; /* as it was verified */
    struct hfi_heap heap;
    struct hfi_rcu_control *rcu;
    struct hfi_counters *counters;
};

/* Whether these bytes are of the segment's memory, as users have it. */
bool hfi_segment_covers(const struct hf_segment *seg, uint64_t offset, uint64_t size);
bool hfi_segment_holds(const struct hf_segment *seg, const void *address, uint64_t size);

/* Of a name, of 1 to 255 bytes. EINVAL: it is not, or there is no segment. */
struct hfi_key;
int hfi_segment_key(const hf_segment_t *seg, const char *name, struct hfi_key *key);

/* Whether a pointer may stand there. False also without a segment. */
bool hfi_segment_has_pointer(const struct hf_segment *seg, const hf_ptr_t *p);

/* The ring of retired blocks, as it was at one look. */
struct hfi_ring {
    uint64_t *places; /* null: there is none */
    uint64_t capacity, freed, retired;
};

/* False: it cannot be one, nor none. With the heap's lock. */
bool hfi_segment_ring(const struct hf_segment *seg, struct hfi_ring *ring);

/* The offset that a pointer leads to, whatever that is; 0: null. */
uint64_t hfi_ptr_target(const struct hf_segment *seg, const hf_ptr_t *p);
/* As hf_ptr_set, when the transaction commits. */
void hfi_ptr_publish(struct hfi_tx *tx, hf_ptr_t *p, uint64_t target);

#endif
