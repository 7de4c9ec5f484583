/* SPDX-License-Identifier: MIT */
/*
 * Shared-memory objects. Commit points: of a named one's creation, the link that gives
 * the finished object its name (dying before it, the nameless object goes with us); of a
 * growth, the system's setting of the size, when all blocks are there.
 */
#include <holdfast/shm.h>

#include <errno.h>
#include <stdlib.h>

#include "region/region.h"

/* Also to the size that it has: then it fills holes. */
static int resize(const struct hfi_region *region, uint64_t size)
{
    struct hfi_object_info info;
    int error = hfi_region_inspect(region, &info);
    if (error != 0) {
        return error;
    }
    bool cut = size < info.size || size == 0; /* nothing can't be allocated */
    return cut ? hfi_object_cut(region->object, size)
               : hfi_object_allocate(region->object, 0, size);
}

/* The handle of what `open` opened. */
static int hand_out(
    hf_shm_t **shm, int (*open)(struct hfi_region *, const void *wish), const void *wish)
{
    int saved = errno;
    *shm = NULL;
    hf_shm_t *fresh = calloc(1, sizeof *fresh);
    int error = fresh != NULL ? open(&fresh->region, wish) : ENOMEM;
    if (error == 0) {
        *shm = fresh;
    } else {
        free(fresh);
    }
    errno = saved;
    return error;
}

/* ---- by name ---- */

struct wish {
    struct hfi_region *region;
    const char *name;
    unsigned flags;
    const hf_shm_config_t *config;
};

static int find(void *arg)
{
    const struct wish *wish = arg;
    hfi_process_lock();
    int error =
        hfi_region_open(wish->region, wish->name, (wish->flags & HF_READ_ONLY) != 0);
    if (error == 0 && wish->region->info.size < wish->config->size) {
        hfi_region_close(wish->region);
        error = EINVAL;
    }
    hfi_process_unlock();
    return error;
}

static int make(void *arg)
{
    const struct wish *wish = arg;
    int error = hfi_region_create(wish->region, wish->config->permissions);
    if (error != 0) {
        return error;
    }
    error = resize(wish->region, wish->config->size);
    if (error == 0) {
        error = hfi_object_publish(wish->region->object, wish->name);
    }
    if (error != 0) {
        hfi_region_close(wish->region);
    }
    return error;
}

static int open_by_name(struct hfi_region *region, const void *arg)
{
    struct wish wish = *(const struct wish *)arg;
    wish.region = region;
    return hfi_region_find_or_make(wish.flags, find, make, &wish);
}

int hf_shm_open(
    hf_shm_t **shm, const char *name, unsigned flags, const hf_shm_config_t *config)
{
    static const hf_shm_config_t no_wishes = {.size = 0};
    config = config != NULL ? config : &no_wishes;
    name = hfi_region_name(name);
    if (shm == NULL || name == NULL || !hfi_region_are_flags_valid(flags) ||
        !hfi_region_are_permissions_valid(config->permissions)) {
        return EINVAL;
    }
    struct wish wish = {NULL, name, flags, config};
    return hand_out(shm, open_by_name, &wish);
}

int hf_shm_remove(const char *name)
{
    int saved = errno;
    name = hfi_region_name(name);
    int error = name != NULL ? hfi_object_remove(name) : EINVAL;
    errno = saved;
    return error;
}

/* ---- by descriptor ---- */

static int open_anonymous(struct hfi_region *region, const void *size)
{
    int error = hfi_region_create_anonymous(region);
    if (error != 0) {
        return error;
    }
    error = resize(region, *(const uint64_t *)size);
    if (error != 0) {
        hfi_region_close(region);
    }
    return error;
}

int hf_shm_open_anonymous(hf_shm_t **shm, uint64_t size)
{
    return shm != NULL ? hand_out(shm, open_anonymous, &size) : EINVAL;
}

struct descriptor {
    int fd;
    bool read_only;
};

static int open_by_fd(struct hfi_region *region, const void *arg)
{
    const struct descriptor *descriptor = arg;
    hfi_process_lock();
    int error = hfi_region_open_fd(region, descriptor->fd, descriptor->read_only);
    hfi_process_unlock();
    return error;
}

int hf_shm_from_fd(hf_shm_t **shm, int fd, unsigned flags)
{
    if (shm == NULL || (flags & ~(unsigned)HF_READ_ONLY) != 0) {
        return EINVAL;
    }
    struct descriptor descriptor = {fd, flags != 0};
    return hand_out(shm, open_by_fd, &descriptor);
}

int hf_shm_fd(const hf_shm_t *shm, int *fd)
{
    if (shm == NULL || fd == NULL) {
        return EINVAL;
    }
    *fd = shm->region.object;
    return 0;
}

/* ---- either ---- */

int hf_shm_truncate(hf_shm_t *shm, uint64_t size)
{
    if (shm == NULL) {
        return EINVAL;
    }
    if (shm->region.read_only) {
        return EACCES;
    }
    int saved = errno;
    int error = resize(&shm->region, size);
    errno = saved;
    return error;
}

int hf_shm_size(const hf_shm_t *shm, uint64_t *size)
{
    if (shm == NULL || size == NULL) {
        return EINVAL;
    }
    struct hfi_object_info info;
    int error = hfi_region_inspect(&shm->region, &info);
    if (error == 0) {
        *size = info.size;
    }
    return error;
}

int hf_shm_close(hf_shm_t *shm)
{
    if (shm == NULL) {
        return EINVAL;
    }
    int saved = errno;
    hfi_process_lock();
    hfi_region_close(&shm->region);
    hfi_process_unlock();
    free(shm);
    errno = saved;
    return 0;
}
