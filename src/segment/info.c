/* SPDX-License-Identifier: MIT */
/* How large a segment is, how it fares, and making it larger. */
#include <holdfast/segment.h>

#include <errno.h>

#include "segment/segment.h"

/* As asked for at creation; as far as it has grown. */
static size_t memory_size(const struct hf_segment *seg)
{
    uint64_t end = hfi_load64_relaxed(&seg->heap.control->end);
    bool grown = end > seg->header.total_size && end <= seg->header.total_limit;
    uint64_t size = grown ? end - seg->header.memory_offset : seg->header.memory_size;
    uint64_t limit = seg->header.memory_limit; /* pages are whole, and may go beyond it */
    return (size_t)(size < limit ? size : limit);
}

int hf_segment_info(const hf_segment_t *seg, hf_segment_info_t *info)
{
    if (seg == NULL || info == NULL) {
        return EINVAL;
    }
    const struct hfi_table *table = &seg->at.table;
    *info = (hf_segment_info_t){
        .size = memory_size(seg),
        .root_size = (size_t)seg->header.root_size,
        .max_size = (size_t)seg->header.memory_limit,
        .max_participants = table->count,
    };
    uint64_t tag;
    for (uint32_t i = 0; i < hfi_table_used(table); i++) {
        info->participants += hfi_table_occupied(table, i, &tag);
        info->rescues += hfi_load64_relaxed(&table->slots[i].rescues);
    }
    return 0;
}

int hf_segment_grow(hf_segment_t *seg, size_t size)
{
    struct hfi_tx tx;
    int error = seg != NULL ? hfi_heap_enter(&seg->heap, &tx) : EINVAL;
    if (error != 0) {
        return error;
    }
    error = size <= seg->header.memory_limit
                ? hfi_heap_grow(&tx, seg->header.memory_offset + size)
                : ENOSPC;
    return hfi_heap_end(&tx, error);
}
