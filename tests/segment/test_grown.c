/* SPDX-License-Identifier: MIT */
/* A segment that has grown under a reader, who does not know it yet. */
#include <holdfast/heap.h>

#include <sys/mman.h>

#include "heap/arena.h"
#include "party.h"
#include "segment/segment.h"

Test(grown, who_knows_less_of_it_finds_no_damage, .timeout = 60)
{
    hf_segment_config_t config = {.size = 1 << 16, .max_size = 1 << 20};
    hf_segment_t *segment;
    int object = memfd_create("grown", MFD_CLOEXEC);
    assert_ok(hf_segment_open_fd(&segment, object, HF_CREATE, &config));
    hf_ptr_t *p = hf_segment_root(segment);
    assert_ok(hf_alloc(segment, p, 100));
    struct hfi_region region_before = segment->at.region; /* as another process has it */
    struct hfi_heap as_before = segment->heap;
    as_before.region = &region_before;

    assert_ok(hf_segment_grow(segment, 1 << 19));

    struct hfi_block block;
    uint64_t at = hfi_heap_offset(&as_before, hf_ptr_get(p)) - HFI_HEADER_SIZE;
    cr_assert_lt(region_before.info.size, as_before.control->end);
    assert_ok(hfi_block_at(&as_before, at, &block));
    cr_assert_geq(block.size, 100);
    close(object);
}
