/* SPDX-License-Identifier: MIT */
#include "participant/attachment.h"

#include <stdlib.h>

#include "participant/lookup.h"

struct hfi_attachment *hfi_attachments;

struct hfi_attachment *hfi_attachment_of_object(
    uint64_t device, uint64_t inode, bool read_only)
{
    for (struct hfi_attachment *at = hfi_attachments; at != NULL; at = at->next) {
        if (at->region.info.device == device && at->region.info.inode == inode &&
            at->region.read_only == read_only) {
            return at;
        }
    }
    return NULL;
}

struct hfi_attachment *hfi_attachment_at(const void *address, size_t size)
{
    return hfi_find_attachment(address, size);
}

bool hfi_attachment_backs(
    const struct hfi_attachment *at, const void *address, size_t size)
{
    uintptr_t end = (uintptr_t)address - (uintptr_t)at->region.memory + size;
    return hfi_attachment_holds(at, address, size) && hfi_region_backs(&at->region, end);
}

bool hfi_attachment_is_open(const struct hfi_attachment *at)
{
    for (struct hfi_attachment *other = hfi_attachments; other != NULL;
         other = other->next) {
        if (other == at) {
            return hfi_is_open(at);
        }
    }
    return false;
}

void hfi_attachment_add(struct hfi_attachment *at)
{
    at->next = hfi_attachments;
    rcu_assign_pointer(hfi_attachments, at);
}

static void drop_if_unneeded(struct hfi_attachment *at)
{
    if (at->opens > 0 || at->members > 0) {
        return;
    }
    struct hfi_attachment **link = &hfi_attachments;
    while (*link != at) {
        link = &(*link)->next;
    }
    rcu_assign_pointer(*link, at->next);
    synchronize_rcu(); /* readers may look at its memory */
    hfi_region_close(&at->region);
    free(at);
}

/* Readers may look at it. */
static void set_opens(struct hfi_attachment *at, unsigned opens)
{
    __atomic_store_n(&at->opens, opens, __ATOMIC_RELAXED);
}

/* What was closed behind our back is replaced. Others may be about to use it: to no avail,
 * for the old number is wrong, and the new one is right. */
static void renew_descriptor(struct hfi_attachment *at, struct hfi_region *region)
{
    struct hfi_object_info unused;
    if (hfi_region_inspect(&at->region, &unused) == 0) {
        hfi_region_close(region);
    } else {
        __atomic_store_n(&at->region.object, region->object, __ATOMIC_RELAXED);
    }
}

void hfi_attachment_reopen(struct hfi_attachment *at, struct hfi_region *region)
{
    renew_descriptor(at, region);
    set_opens(at, at->opens + 1);
}

void hfi_attachment_close(struct hfi_attachment *at)
{
    set_opens(at, at->opens - 1);
    drop_if_unneeded(at);
}

void hfi_attachment_add_member(struct hfi_attachment *at)
{
    at->members++;
}

void hfi_attachment_drop_member(struct hfi_attachment *at)
{
    at->members--;
    drop_if_unneeded(at);
}

void hfi_attachment_forget_members(void)
{
    for (struct hfi_attachment *at = hfi_attachments; at != NULL;) {
        struct hfi_attachment *next = at->next;
        at->members = 0;
        drop_if_unneeded(at);
        at = next;
    }
}

const struct hfi_attachment *hfi_attachment_look(const void *address, size_t size)
{
    return hfi_look(address, size);
}

void hfi_attachment_let_go(void)
{
    hfi_let_go();
}
