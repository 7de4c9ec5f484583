/* SPDX-License-Identifier: MIT */
#include "segment/layout.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/checked.h"
#include "participant/table.h"
#include "region/region.h"

enum {
    VERSION = 1,
    REVISION = 0,
    LINE = 64,   /* bytes; nothing of ours shares one with the user's memory */
    PAGE = 4096, /* bytes; what an object's size is a multiple of, whatever the system's
                    page */
    DEFAULT_ROOT = 4096,
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

/* Everything else in a header follows from three numbers. */
static bool derive(
    uint32_t slots, uint64_t memory_size, uint64_t root_size, struct hfi_header *header)
{
    *header = (struct hfi_header){
        .version = VERSION,
        .revision = REVISION,
        .header_size = sizeof *header,
        .slot_size = sizeof(struct hfi_slot),
        .slot_count = slots,
        .table_offset = sizeof *header,
        .memory_offset = sizeof *header + (uint64_t)slots * sizeof(struct hfi_slot),
        .memory_size = memory_size,
        .root_size = root_size,
    };
    memcpy(header->signature, finished, HFI_SIGNATURE_SIZE);
    uint64_t end;
    bool fits = hfi_add(header->memory_offset, memory_size, &end) &&
                hfi_align_up(end, PAGE, &header->total_size) &&
                header->total_size <= INT64_MAX && header->total_size <= SIZE_MAX;
    header->checksum = checksum_of(header);
    return fits;
}

static bool is_sensible(const hf_segment_config_t *c)
{
    return hfi_region_are_permissions_valid(c->permissions) &&
           c->max_participants <= HFI_SLOTS_MAX &&
           (c->size == 0 || c->root_size <= c->size);
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
    bool fits = derive(
        slots != 0 ? slots : DEFAULT_PARTICIPANTS, size != 0 ? size : root, root, header);
    return fits ? 0 : ENOSPC;
}

int hfi_layout_verify(const struct hfi_header *header, uint64_t object_size)
{
    if (memcmp(header->signature, finished, HFI_SIGNATURE_SIZE) != 0) {
        return EBADMSG;
    }
    if (header->version != VERSION) {
        return EPROTONOSUPPORT;
    }
    struct hfi_header expected;
    bool sound =
        header->slot_count >= 1 && header->slot_count <= HFI_SLOTS_MAX &&
        header->root_size >= 1 && header->root_size <= header->memory_size &&
        derive(header->slot_count, header->memory_size, header->root_size, &expected);
    expected.revision = header->revision;
    bool same = sound && checksum_of(header) == header->checksum &&
                (expected.checksum = checksum_of(&expected)) == header->checksum;
    return same && header->total_size == object_size ? 0 : EBADMSG;
}

bool hfi_layout_offers(const struct hfi_header *header, const hf_segment_config_t *config)
{
    return config->size <= header->memory_size &&
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
