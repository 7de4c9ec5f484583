/* SPDX-License-Identifier: MIT */
/* Region: a shared-memory object that has been vetted, and its mapping. */
#ifndef HFI_REGION_H
#define HFI_REGION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "platform/platform.h"

struct hfi_region {
    int object;
    bool read_only;
    struct hfi_object_info info; /* as opened; .size as allocated */
    void *memory;                /* null until mapped */
    size_t size;
};

/* The name as the system takes it, without the slash that it may begin with; null:
 * invalid. */
const char *hfi_region_name(const char *name);

/*
 * Open what exists; refuse (EACCES) what is no plain file, and what another user owns and
 * the whole world may write: its contents are nobody's word. Closing may drop this
 * process's claims on the object (hfi_claim), so it requires the process lock.
 */
int hfi_region_open(struct hfi_region *region, const char *name, bool read_only);
int hfi_region_open_fd(struct hfi_region *region, int fd, bool read_only);

/* A new object without a name, allocated in full and mapped; all zero. */
int hfi_region_create(struct hfi_region *region, uint64_t size, unsigned permissions);
/* The same in an object that exists, whatever it holds. */
int hfi_region_allocate(struct hfi_region *region, uint64_t size);

int hfi_region_map(struct hfi_region *region, uint64_t size);
void hfi_region_close(struct hfi_region *region);

#endif
