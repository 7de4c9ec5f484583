/* SPDX-License-Identifier: MIT */
/* What the calls on a segment's memory need of its handle. */
#ifndef HFI_SEGMENT_SEGMENT_H
#define HFI_SEGMENT_SEGMENT_H

#include <holdfast/segment.h>

#include "heap/heap.h"
#include "participant/attachment.h"
#include "segment/layout.h"

struct hf_segment {
    struct hfi_attachment at; /* first: who drops an attachment frees the segment too */
    struct hfi_header header; /* as it was verified */
    struct hfi_heap heap;
};

#endif
