/* SPDX-License-Identifier: MIT */
/* Region: a shared-memory object that has been vetted, and its mapping. */
#ifndef HFI_REGION_H
#define HFI_REGION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <holdfast/common.h>

#include "base/atomics.h"
#include "platform/platform.h"

struct hfi_region {
    int object;
    bool read_only;
    struct hfi_object_info
        info;     /* as opened; .size as allocated, or seen to have grown */
    void *memory; /* null until mapped */
    size_t size;
};

/* The public handle of an object: its mappings are handles of their own. */
struct hf_shm {
    struct hfi_region region;
};

/* The name as the system takes it, without the slash that it may begin with; null:
 * invalid. */
const char *hfi_region_name(const char *name);

bool hfi_region_are_flags_valid(unsigned flags);
bool hfi_region_are_permissions_valid(unsigned permissions);

/*
 * Opens what exists or creates it, as the flags say: `find` returns ENOENT if there is
 * none, `make` returns EEXIST if somebody else was first.
 */
int hfi_region_find_or_make(
    unsigned flags, int (*find)(void *wish), int (*make)(void *wish), void *wish);

/*
 * Open what exists; refuse (EACCES) what is no plain file, and what another user owns and
 * the whole world may write: its contents are nobody's word. Closing may drop this
 * process's claims on the object (hfi_claim), so it requires the process lock.
 */
int hfi_region_open(struct hfi_region *region, const char *name, bool read_only);
int hfi_region_open_fd(struct hfi_region *region, int fd, bool read_only);

/* A new object without a name; empty. Permissions 0: the default. */
int hfi_region_create(struct hfi_region *region, unsigned permissions);
/* One that can never have any, nor be made smaller. */
int hfi_region_create_anonymous(struct hfi_region *region);
/* Allocates it in full, whatever it holds, and maps it, with room to grow up to the
 * limit; on failure closes it. */
int hfi_region_allocate(struct hfi_region *region, uint64_t size, uint64_t limit);

int hfi_region_map(struct hfi_region *region, uint64_t size);
/* What the object is now. EBADF: its descriptor was closed behind our back, and may be
 * another file's. */
int hfi_region_inspect(const struct hfi_region *region, struct hfi_object_info *info);
/* The bytes [from, end) get memory, in all processes. ENOSPC: nothing has changed; EBADF.
 */
int hfi_region_grow(const struct hfi_region *region, uint64_t from, uint64_t end);
bool hfi_region_has_grown(const struct hfi_region *region, uint64_t end);
/* Whether the object reaches to there: touching what is beyond its end is a fault.
 * Another process may have let it grow; what was seen of that never goes back. */
static inline bool hfi_region_backs(const struct hfi_region *region, uint64_t end)
{
    return end <= hfi_load64_relaxed(&region->info.size) ||
           hfi_region_has_grown(region, end);
}
/* What the descriptor has become, if it was closed behind our back, stays open. */
void hfi_region_close(struct hfi_region *region);

#endif
