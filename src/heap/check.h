/* SPDX-License-Identifier: MIT */
/*
 * Check: what must be true of a heap and of an index between transactions. Whoever calls
 * holds the heap's lock, or knows that nobody can take it. Ends soon and stays inside the
 * memory, whatever the bytes are.
 */
#ifndef HFI_HEAP_CHECK_H
#define HFI_HEAP_CHECK_H

#include "heap/heap.h"

struct hfi_faults {
    void (*report)(const char *words, void *arg); /* may be null */
    void *arg;
    unsigned count;
};

/* "offset N: what is wrong" */
void hfi_fault(struct hfi_faults *faults, uint64_t offset, const char *what);

/* Journal, blocks, bins. */
void hfi_heap_check(const struct hfi_heap *heap, struct hfi_faults *faults);
void hfi_index_check(const struct hfi_heap *heap, const struct hfi_index *index,
    struct hfi_faults *faults);

#endif
