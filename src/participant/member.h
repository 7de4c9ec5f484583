/* SPDX-License-Identifier: MIT */
/*
 * Member: the calling thread in a segment. Answers "who am I here?" for an address,
 * joining the segment if need be.
 */
#ifndef HFI_PARTICIPANT_MEMBER_H
#define HFI_PARTICIPANT_MEMBER_H

#include <stddef.h>
#include <stdint.h>

#include "participant/attachment.h"

struct hfi_member {
    struct hfi_attachment *at;
    uint64_t tag;
};

/* The segment that the thread used last. Zero: none. */
struct hfi_here {
    uintptr_t begin;
    uintptr_t units;      /* 8-byte units from begin at which a 16-byte primitive fits */
    uintptr_t wide_units; /* the same of one of 32 bytes */
    uint64_t tag;
    struct hfi_slot *slot; /* the thread's own */
    const uint64_t *epoch; /* at->table.epoch */
    struct hfi_attachment *at;
    uintptr_t start;      /* of the mapping: offsets count from here */
    uint32_t incarnation; /* of the process; another one is a child's, who is not us */
};

#pragma GCC visibility push(hidden)
extern _Thread_local struct hfi_here hfi_here;
#pragma GCC visibility pop

/* Rotating the offset makes one comparison of two: an address off the 8-byte grid is far
 * out of range. */
static inline uintptr_t hfi_unit_of(const void *address)
{
    uintptr_t offset = (uintptr_t)address - hfi_here.begin;
    return offset >> 3 | offset << (sizeof offset * 8 - 3);
}

static inline bool hfi_is_within(const void *address, uintptr_t units)
{
    return hfi_unit_of(address) < units &&
           hfi_here.incarnation == hfi_load32_relaxed(hfi_incarnation);
}

/* Whether up to 32 bytes are in the segment that the thread used last: then hfi_here is
 * valid for them. If not, ask hfi_member_at. */
static inline bool hfi_is_here(const void *address)
{
    return hfi_is_within(address, hfi_here.wide_units);
}

/* The same of so many 8-byte units. */
static inline bool hfi_are_here(const void *address, uintptr_t units)
{
    return hfi_is_within(address, hfi_here.units) &&
           units <= hfi_here.units - hfi_unit_of(address) + 1;
}

/* The thread's tag at this address, where 16 bytes matter, or 0. */
static inline uint64_t hfi_tag_here(const void *address)
{
    return hfi_is_within(address, hfi_here.units) ? hfi_here.tag : 0;
}

/*
 * The thread in the segment that holds these bytes. Valid until the thread's next call.
 * EINVAL: in none, or off the 8-byte grid; EACCES: read-only; what joining returns.
 */
int hfi_member_at(const void *address, size_t size, const struct hfi_member **member);

/* After a fork, or at the first use: makes this process one of its own, whose threads
 * have joined nothing. To be called before members are counted. Requires the process
 * lock. */
int hfi_member_renew(void);

/* The calling thread leaves, if it has joined. Requires the process lock. */
void hfi_member_leave(struct hfi_attachment *at);

static inline struct hfi_slot *hfi_member_slot(const struct hfi_member *member)
{
    return &member->at->table.slots[hfi_tag_slot(member->tag)];
}

/* Where an address of the member's segment is in it: the same number in every process. */
static inline uint64_t hfi_member_offset(
    const struct hfi_member *member, const void *address)
{
    return (uintptr_t)address - (uintptr_t)member->at->region.memory;
}

#endif
