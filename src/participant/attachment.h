/* SPDX-License-Identifier: MIT */
/*
 * Attachment: a segment mapped in this process, and the map from addresses to
 * attachments.
 *
 * The map is a list that readers walk under liburcu's bp flavour, which asks no thread to
 * register: a mapping does not go away under a reader. Those who change it hold the
 * process lock, and never inside a read section, since they wait for readers.
 */
#ifndef HFI_PARTICIPANT_ATTACHMENT_H
#define HFI_PARTICIPANT_ATTACHMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "participant/table.h"
#include "region/region.h"

enum { HFI_GRID = 8 }; /* bytes: every primitive stands at such a boundary */

struct hfi_attachment {
    struct hfi_attachment *next;
    struct hfi_region region;
    struct hfi_table table;
    uintptr_t begin;  /* of the memory where primitives may stand */
    uintptr_t length; /* bytes */
    unsigned opens;   /* not yet closed; process lock, but readers may look at it */
    unsigned members; /* this process's threads with a lease in it; process lock */
};

static inline bool hfi_attachment_holds(
    const struct hfi_attachment *at, const void *address, size_t size)
{
    uintptr_t offset = (uintptr_t)address - at->begin;
    return offset < at->length && at->length - offset >= size;
}

/* The same, and there is memory behind it: a segment may not have grown so far yet. */
bool hfi_attachment_backs(
    const struct hfi_attachment *at, const void *address, size_t size);

/* ---- with the process lock ---- */

struct hfi_attachment *hfi_attachment_of_object(
    uint64_t device, uint64_t inode, bool read_only);
struct hfi_attachment *hfi_attachment_at(const void *address, size_t size);
bool hfi_attachment_is_open(
    const struct hfi_attachment *at); /* also for a wild pointer */
void hfi_attachment_add(struct hfi_attachment *at);
/* Takes the region over, with a descriptor of the same object. */
void hfi_attachment_reopen(struct hfi_attachment *at, struct hfi_region *region);
/* Closed as often as opened, and without members, it is unmapped and freed. */
void hfi_attachment_close(struct hfi_attachment *at);
void hfi_attachment_add_member(struct hfi_attachment *at);
void hfi_attachment_drop_member(struct hfi_attachment *at);
/* After a fork: no thread of this process is in any table. */
void hfi_attachment_forget_members(void);

/* ---- any time: null (in none, or off the grid), or one that stays as it is until
 * hfi_attachment_let_go ---- */

const struct hfi_attachment *hfi_attachment_look(const void *address, size_t size);
void hfi_attachment_let_go(void);

#endif
