/* SPDX-License-Identifier: MIT */
/* Mapped regions. Nothing of them is shared: who dies takes its own with it. */
#include <holdfast/region.h>

#include <errno.h>
#include <stdlib.h>

#include "region/region.h"

struct hf_region {
    char *memory;
    size_t size;
};

/* Length 0 means all that is left from the offset on. */
static bool is_within(uint64_t size, uint64_t offset, uint64_t *length)
{
    if (offset >= size || *length > size - offset) {
        return false;
    }
    if (*length == 0) {
        *length = size - offset;
    }
    return true;
}

static int map(hf_region_t *region, const hf_shm_t *shm, enum hfi_access access,
    uint64_t offset, uint64_t length)
{
    if (access == HFI_ACCESS_WRITE && shm->region.read_only) {
        return EACCES;
    }
    struct hfi_object_info info;
    int error = hfi_region_inspect(&shm->region, &info);
    if (error != 0) {
        return error;
    }
    if (!is_within(info.size, offset, &length)) {
        return ENXIO;
    }
    if (length > SIZE_MAX) {
        return ENOMEM;
    }
    void *memory;
    error = hfi_object_map(shm->region.object, offset, (size_t)length, access, &memory);
    if (error == 0) {
        *region = (hf_region_t){memory, (size_t)length};
    }
    return error;
}

int hf_region_map(hf_region_t **region, const hf_shm_t *shm, unsigned flags,
    uint64_t offset, size_t length)
{
    if (region == NULL || shm == NULL ||
        (flags != 0 && flags != HF_READ_ONLY && flags != HF_PRIVATE)) {
        return EINVAL;
    }
    int saved = errno;
    enum hfi_access access = flags == HF_READ_ONLY ? HFI_ACCESS_READ
                             : flags == HF_PRIVATE ? HFI_ACCESS_COPY
                                                   : HFI_ACCESS_WRITE;
    *region = NULL;
    hf_region_t *fresh = calloc(1, sizeof *fresh);
    int error = fresh != NULL ? map(fresh, shm, access, offset, length) : ENOMEM;
    if (error == 0) {
        *region = fresh;
    } else {
        free(fresh);
    }
    errno = saved;
    return error;
}

void *hf_region_address(const hf_region_t *region)
{
    return region != NULL ? region->memory : NULL;
}

size_t hf_region_size(const hf_region_t *region)
{
    return region != NULL ? region->size : 0;
}

int hf_region_flush(const hf_region_t *region, size_t offset, size_t length)
{
    uint64_t all = length;
    if (region == NULL || !is_within(region->size, offset, &all)) {
        return EINVAL;
    }
    int saved = errno;
    int error = hfi_object_flush(region->memory + offset, (size_t)all);
    errno = saved;
    return error;
}

int hf_region_unmap(hf_region_t *region)
{
    if (region == NULL) {
        return EINVAL;
    }
    int saved = errno;
    hfi_object_unmap(region->memory, region->size);
    free(region);
    errno = saved;
    return 0;
}
