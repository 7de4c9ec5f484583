/* SPDX-License-Identifier: MIT */
/*
 * Participant table: who uses a segment, and which of them are alive.
 *
 * A participant is one thread in one segment. It owns a slot for one incarnation; its tag
 * (slot, generation) marks what it holds. docs/recovery.md has the argument.
 */
#ifndef HFI_PARTICIPANT_TABLE_H
#define HFI_PARTICIPANT_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <holdfast/common.h>

#include "base/atomics.h"
#include "platform/platform.h"
#include "region/region.h"

enum { HFI_SLOTS_MAX = 16384, HFI_READING_MAX = 8 };
enum {
    HFI_FENCED = 3 /* a slot's bias until its owner says otherwise: see wait/bias.h */
};

/* ---- tags: bits 5..18 slot, 19..63 generation; 0..4 are the primitives' flags ---- */

enum { HFI_FLAG_BITS = 5, HFI_SLOT_BITS = 14 };

#define HFI_FLAGS_MASK     ((UINT64_C(1) << HFI_FLAG_BITS) - 1)
#define HFI_GENERATION_MAX ((UINT64_C(1) << (64 - HFI_FLAG_BITS - HFI_SLOT_BITS)) - 1)

static inline uint64_t hfi_tag(uint32_t slot, uint64_t generation)
{
    return generation << (HFI_FLAG_BITS + HFI_SLOT_BITS) | (uint64_t)slot
                                                               << HFI_FLAG_BITS;
}

static inline uint32_t hfi_tag_slot(uint64_t tag)
{
    return (uint32_t)(tag >> HFI_FLAG_BITS) & (HFI_SLOTS_MAX - 1);
}

static inline uint64_t hfi_tag_generation(uint64_t tag)
{
    return tag >> (HFI_FLAG_BITS + HFI_SLOT_BITS);
}

/* ---- slots ---- */

/* Its owner writes all of it; others mark the lease's word, and sleep on it. */
struct hfi_slot {
    struct hfi_lease lease;
    uint64_t generation; /* of the incarnation that is or was last in it; grows at each
                               beginning and each end */
    uint64_t waiting_on; /* offset in the segment of what the thread sleeps on; 0: none */
    uint64_t waiting_since; /* CLOCK_MONOTONIC, ns; valid beside waiting_on */
    uint64_t rescues; /* sleeps that only the back-stop ended; the next owner goes on */
    uint64_t process; /* the owner's process's nonce */
    uint64_t arrived_at;    /* offset of the barrier that it has come to; 0: none */
    uint32_t arrived_round; /* in which of its rounds; valid beside arrived_at */
    uint32_t lease_word;    /* where in the lease its life is read, bytes */
    uint32_t pid, tid;      /* the owner's, in its own PID namespace */
    uint64_t
        reading[HFI_READING_MAX]; /* offsets of the reader-writer locks that it holds for
                                          reading, or is about to; 0: none */
    uint64_t section; /* RCU: the epoch in which its section began, and the nesting; 0 */
    uint64_t awaited; /* RCU: who waits for sections of epochs before this one sleeps on
                         `section`; others raise it */
    uint32_t bias;    /* RCU: whether its sections have fences (wait/bias.h) */
    uint32_t reserved;
    uint64_t line_end[5];
};

_Static_assert(sizeof(struct hfi_slot) == 256 &&
                   offsetof(struct hfi_slot, generation) == 64 &&
                   offsetof(struct hfi_slot, reading) == 128 &&
                   offsetof(struct hfi_slot, bias) == 208,
    "format");

struct hfi_table {
    struct hfi_slot *slots;
    uint32_t *used;  /* shared: no slot from here on was ever joined */
    uint64_t *epoch; /* shared: RCU's; grows by steps above the nesting */
    uint32_t count;
    const struct hfi_region *region; /* claims on its object's numbers, one a slot, admit
                                        to joining and leaving */
};

/* EAGAIN: no slot is free. Requires the process lock. */
int hfi_table_join(const struct hfi_table *table, uint64_t *tag);
/* Whatever the tag holds is a dead one's from now on. False: somebody stands in the way;
 * the lease stays taken, and its memory needed, until the thread ends. Requires the
 * process lock. */
bool hfi_table_leave(const struct hfi_table *table, uint64_t tag);

/* Slots that are worth looking at: those ever joined. */
uint32_t hfi_table_used(const struct hfi_table *table);

enum hfi_life { HFI_DEAD, HFI_ALIVE, HFI_IMPOSSIBLE /* no such tag was ever given */ };

enum hfi_life hfi_table_life(const struct hfi_table *table, uint64_t tag);

/* The same of whoever is in the slot; *tag: its tag, if it is alive. */
bool hfi_table_occupied(const struct hfi_table *table, uint32_t slot, uint64_t *tag);

/* Who a tag is, for hf_owner_t. EBADMSG: nobody ever. */
int hfi_table_report(const struct hfi_table *table, uint64_t tag, hf_owner_t *who);

/* Makes the watch that ends a sleep when the tag's owner dies or leaves. False: it has.
 */
bool hfi_table_watch(
    const struct hfi_table *table, uint64_t tag, struct hfi_watch *watch);

/* The kernel wakes one of those who watch a dead lease: that one calls this, for the
 * others. */
void hfi_table_pass_on_death(const struct hfi_table *table, uint64_t tag);

#endif
