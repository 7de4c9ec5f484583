/* SPDX-License-Identifier: MIT */
#include "region/region.h"

#include <errno.h>
#include <string.h>

#include "base/atomics.h"

enum {
    NAME_LIMIT = 250, /* bytes; file systems take 255 */
    DEFAULT_PERMISSIONS = 0600
};

const char *hfi_region_name(const char *name)
{
    if (name == NULL) {
        return NULL;
    }
    name += name[0] == '/';
    size_t length = strnlen(name, NAME_LIMIT + 1);
    bool valid = length > 0 && length <= NAME_LIMIT &&
                 memchr(name, '/', length) == NULL && strcmp(name, ".") != 0 &&
                 strcmp(name, "..") != 0;
    return valid ? name : NULL;
}

bool hfi_region_are_flags_valid(unsigned flags)
{
    bool create = (flags & HF_CREATE) != 0;
    return (flags & ~(unsigned)(HF_CREATE | HF_EXCLUSIVE | HF_READ_ONLY)) == 0 &&
           (create ? (flags & HF_READ_ONLY) == 0 : (flags & HF_EXCLUSIVE) == 0);
}

bool hfi_region_are_permissions_valid(unsigned permissions)
{
    return permissions == 0 ||
           ((permissions & 0600) == 0600 && (permissions & ~0666U) == 0);
}

int hfi_region_find_or_make(
    unsigned flags, int (*find)(void *wish), int (*make)(void *wish), void *wish)
{
    for (;;) {
        int error = (flags & HF_EXCLUSIVE) != 0 ? ENOENT : find(wish);
        if (error != ENOENT || (flags & HF_CREATE) == 0) {
            return error;
        }
        error = make(wish);
        if (error != EEXIST || (flags & HF_EXCLUSIVE) != 0) {
            return error;
        }
        /* It came between our two looks. Should it go between the next two, another
         * process has created and removed one: somebody goes on. */
    }
}

static int vet(struct hfi_region *region)
{
    int error = hfi_object_inspect(region->object, &region->info);
    if (error == 0 && (!region->info.regular || region->info.foreign_and_open)) {
        error = EACCES;
    }
    if (error != 0) {
        hfi_object_close(region->object);
    }
    return error;
}

int hfi_region_open(struct hfi_region *region, const char *name, bool read_only)
{
    *region = (struct hfi_region){.read_only = read_only};
    int error = hfi_object_open(&region->object, name, read_only);
    return error != 0 ? error : vet(region);
}

int hfi_region_open_fd(struct hfi_region *region, int fd, bool read_only)
{
    bool descriptor_read_only;
    *region = (struct hfi_region){.read_only = read_only};
    int error = hfi_object_duplicate(&region->object, fd, &descriptor_read_only);
    if (error != 0) {
        return error;
    }
    if (descriptor_read_only && !read_only) {
        hfi_object_close(region->object);
        return EACCES;
    }
    return vet(region);
}

int hfi_region_create(struct hfi_region *region, unsigned permissions)
{
    *region = (struct hfi_region){.read_only = false};
    int error = hfi_object_create(
        &region->object, permissions != 0 ? permissions : DEFAULT_PERMISSIONS);
    return error != 0 ? error : vet(region);
}

int hfi_region_create_anonymous(struct hfi_region *region)
{
    *region = (struct hfi_region){.read_only = false};
    int error = hfi_object_create_anonymous(&region->object);
    return error != 0 ? error : vet(region);
}

int hfi_region_allocate(struct hfi_region *region, uint64_t size, uint64_t limit)
{
    int error = hfi_object_allocate(region->object, 0, size);
    if (error == 0) {
        region->info.size = size;
        error = hfi_region_map(region, limit);
    }
    if (error != 0) {
        hfi_region_close(region);
    }
    return error;
}

int hfi_region_map(struct hfi_region *region, uint64_t size)
{
    if (size > SIZE_MAX) {
        return ENOMEM;
    }
    region->size = (size_t)size;
    return hfi_object_map(region->object, 0, region->size,
        region->read_only ? HFI_ACCESS_READ : HFI_ACCESS_WRITE, &region->memory);
}

int hfi_region_inspect(const struct hfi_region *region, struct hfi_object_info *info)
{
    int error = hfi_object_inspect(region->object, info);
    if (error != 0) {
        return error;
    }
    bool ours = info->device == region->info.device && info->inode == region->info.inode;
    return ours ? 0 : EBADF;
}

int hfi_region_grow(const struct hfi_region *region, uint64_t from, uint64_t end)
{
    struct hfi_object_info info;
    int error = hfi_region_inspect(region, &info);
    if (error == 0) {
        error = hfi_object_allocate(region->object, from, end);
    }
    if (error == EPERM || error == ENOMEM) {
        return ENOSPC; /* sealed, limited */
    }
    return error == 0 && !hfi_region_backs(region, end) ? EBADMSG : error;
}

/* How far the object reaches: up to `end`, if its descriptor does not tell and the memory
 * there does. */
static uint64_t reach_of(const struct hfi_region *region, uint64_t end)
{
    struct hfi_object_info info;
    if (hfi_region_inspect(region, &info) == 0) {
        return info.size;
    }
    return hfi_object_is_behind((char *)region->memory + end - 1) ? end : 0;
}

bool hfi_region_has_grown(const struct hfi_region *region, uint64_t end)
{
    uint64_t *known = (uint64_t *)&region->info.size; /* the one field that may change */
    uint64_t backed = hfi_load64_relaxed(known);
    if (end > region->size) {
        return false;
    }
    uint64_t reach = reach_of(region, end);
    while (backed < reach && !hfi_cas64(known, &backed, reach)) {
        /* another thread knows of more, or less */
    }
    return end <= reach;
}

void hfi_region_close(struct hfi_region *region)
{
    struct hfi_object_info unused;
    if (region->memory != NULL) {
        hfi_object_unmap(region->memory, region->size);
        region->memory = NULL;
    }
    if (hfi_region_inspect(region, &unused) == 0) {
        hfi_object_close(region->object);
    }
}
