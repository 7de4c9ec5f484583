/* SPDX-License-Identifier: MIT */
#include "segment/layout.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/checked.h"
#include "heap/arena.h"
#include "participant/table.h"
#include "region/region.h"
#include "segment/counters.h"

enum {
    VERSION = 1,
    REVISION = 0,
    DEFAULT_ROOT = 4096,
    DEFAULT_HEAP = 1 << 16, /* beside it */
    DEFAULT_PARTICIPANTS = 1024,
};

static const char finished[HFI_SIGNATURE_SIZE + 1] = "holdfast";
static const char unfinished[HFI_SIGNATURE_SIZE + 1] = "holdfas?";

static uint64_t checksum_of(const struct hfi_header *header)
{
    const unsigned char *bytes = (const unsigned char *)header;
    uint64_t sum = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < offsetof(struct hfi_header, checksum); i++) {
        sum = (sum ^ bytes[i]) * UINT64_C(0x100000001b3);
    }
    return sum;
}

uint64_t hfi_layout_counters(const struct hfi_header *header)
{
    return header->rcu_offset + sizeof(struct hfi_rcu_control);
}

uint64_t hfi_layout_arena(const struct hfi_header *header)
{
    uint64_t root_end = header->memory_offset + header->root_size;
    return (root_end + HFI_HEAP_GRAIN - 1) / HFI_HEAP_GRAIN * HFI_HEAP_GRAIN +
           HFI_HEAP_GRAIN - HFI_HEADER_SIZE;
}

static bool fits(uint64_t size)
{
    return size <= HFI_ARENA_LIMIT && size <= SIZE_MAX;
}

/* Everything else in a header follows from four numbers. */
static bool derive(uint32_t slots, uint64_t memory_size, uint64_t memory_limit,
    uint64_t root_size, struct hfi_header *header)
{
    if (!fits(memory_size) || !fits(memory_limit) || !fits(root_size)) {
        return false;
    }
    uint64_t control = sizeof *header + (uint64_t)slots * sizeof(struct hfi_slot);
    uint64_t rcu = control + sizeof(struct hfi_heap_control);
    uint64_t counters = rcu + sizeof(struct hfi_rcu_control);
    uint64_t memory = counters + sizeof(struct hfi_counters);
    *header = (struct hfi_header){
        .version = VERSION,
        .revision = REVISION,
        .header_size = sizeof *header,
        .slot_size = sizeof(struct hfi_slot),
        .slot_count = slots,
        .table_offset = sizeof *header,
        .control_offset = control,
        .memory_offset = memory,
        .memory_size = memory_size,
        .memory_limit = memory_limit,
        .root_size = root_size,
        .rcu_offset = rcu,
    };
    memcpy(header->signature, finished, HFI_SIGNATURE_SIZE);
    uint64_t arena = hfi_layout_arena(header) + HFI_HEADER_SIZE; /* at the least */
    uint64_t end = memory + memory_size;
    uint64_t limit = memory + memory_limit;
    end = end > arena ? end : arena;
    limit = limit > end ? limit : end;
    bool rounded = hfi_align_up(end, HFI_HEAP_PAGE, &header->total_size) &&
                   hfi_align_up(limit, HFI_HEAP_PAGE, &header->total_limit);
    header->checksum = checksum_of(header);
    return rounded && fits(header->total_limit);
}

static bool is_sensible(const hf_segment_config_t *c)
{
    return hfi_region_are_permissions_valid(c->permissions) &&
           c->max_participants <= HFI_SLOTS_MAX &&
           (c->size == 0 || c->root_size <= c->size) &&
           (c->max_size == 0 || c->size <= c->max_size);
}

int hfi_layout_plan(const hf_segment_config_t *config, struct hfi_header *header)
{
    if (!is_sensible(config)) {
        return EINVAL;
    }
    uint32_t slots = config->max_participants;
    uint64_t root = config->root_size;
    uint64_t size = config->size;
    if (root == 0) {
        root = size != 0 && size < DEFAULT_ROOT ? size : DEFAULT_ROOT;
    }
    if (size == 0) {
        size = root + DEFAULT_HEAP;
    }
    uint64_t limit = config->max_size > size ? config->max_size : size;
    slots = slots != 0 ? slots : DEFAULT_PARTICIPANTS;
    return derive(slots, size, limit, root, header) ? 0 : ENOSPC;
}

int hfi_layout_verify(const struct hfi_header *header, uint64_t object_size)
{
    if (memcmp(header->signature, finished, HFI_SIGNATURE_SIZE) != 0) {
        return EBADMSG;
    }
    if (header->version != VERSION) {
        return EPROTONOSUPPORT;
    }
    struct hfi_header expected = {.revision = 0};
    bool sound = header->slot_count >= 1 && header->slot_count <= HFI_SLOTS_MAX &&
                 header->root_size >= 1 && header->root_size <= header->memory_size &&
                 header->memory_size <= header->memory_limit &&
                 derive(header->slot_count, header->memory_size, header->memory_limit,
                     header->root_size, &expected);
    expected.revision = header->revision; /* ours to ignore */
    expected.checksum = checksum_of(&expected);
    bool same =
        sound && memcmp(header, &expected, offsetof(struct hfi_header, line_end)) == 0;
    return same && header->total_size <= object_size && object_size <= header->total_limit
               ? 0
               : EBADMSG;
}

bool hfi_layout_offers(const struct hfi_header *header, uint64_t object_size,
    const hf_segment_config_t *config)
{
    bool grown = object_size > header->total_size;
    uint64_t size = grown ? object_size - header->memory_offset : header->memory_size;
    return config->size <= size && config->max_size <= header->memory_limit &&
           config->root_size <= header->root_size &&
           config->max_participants <= header->slot_count;
}

bool hfi_layout_is_unfinished(const char signature[HFI_SIGNATURE_SIZE])
{
    return memcmp(signature, unfinished, HFI_SIGNATURE_SIZE) == 0;
}

void hfi_layout_mark_unfinished(char signature[HFI_SIGNATURE_SIZE])
{
    memcpy(signature, unfinished, HFI_SIGNATURE_SIZE);
}
