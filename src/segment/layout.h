/* SPDX-License-Identifier: MIT */
/* Layout: what stands where in a segment. docs/format.md shows it offset by offset. */
#ifndef HFI_SEGMENT_LAYOUT_H
#define HFI_SEGMENT_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <holdfast/segment.h>

enum { HFI_SIGNATURE_SIZE = 8 };

enum { HFI_RING_MIN = 64 };

#define HFI_RCU_EPOCH (UINT64_C(1) << 10) /* epochs count in these; below: the nesting */

/* Shared, of RCU (src/rcu). All but the first line belongs to who holds the heap's lock.
 * The ring holds `capacity` blocks; the one that was retired as number n, from 0 on,
 * stands at n modulo that. */
struct hfi_rcu_control {
    uint64_t epoch;  /* grows with each grace period that begins */
    uint32_t fenced; /* 1: somebody can make no fence on everyone; for good */
    uint32_t line_end[13];
    uint64_t ring; /* block; 0: none */
    uint64_t capacity;
    uint64_t freed;       /* so many blocks are no longer in the ring */
    uint64_t retired;     /* so many ever were */
    uint64_t period_end;  /* those before this one were retired before ... */
    uint64_t period;      /* ... the epoch became this, and everyone had a fence since */
    uint64_t period_time; /* CLOCK_MONOTONIC, ns */
    uint64_t lost;        /* blocks that could not be freed: the heap is damaged there */
};

_Static_assert(
    sizeof(struct hfi_rcu_control) == 128 && offsetof(struct hfi_rcu_control, ring) == 64,
    "format");

/* The start of a segment. Constant from its publication on, but for slots_used. */
struct hfi_header {
    char signature[HFI_SIGNATURE_SIZE]; /* "holdfast"; another while a descriptor's
                                           segment is being built */
    uint32_t version;                   /* of the format: others can't be read */
    uint32_t revision;                  /* of the version: others can */
    uint32_t header_size;               /* bytes of this struct */
    uint32_t slot_size;                 /* bytes of a participant's slot */
    uint32_t slot_count;                /* participants at most */
    uint32_t reserved;                  /* zero */
    uint64_t table_offset;   /* of the first slot; all offsets: bytes from the start */
    uint64_t control_offset; /* of the heap's control */
    uint64_t memory_offset;  /* of the user's memory: the root, then the heap's arena */
    uint64_t memory_size;
    uint64_t memory_limit; /* to which memory_size may be made to grow */
    uint64_t root_size;
    uint64_t total_size;  /* of the object; it may have grown since */
    uint64_t total_limit; /* of the mapping */
    uint64_t rcu_offset;  /* of RCU's control */
    uint64_t checksum;    /* FNV-1a, 64 bits, of all before it */
    uint64_t line_end[2];
    uint32_t slots_used; /* grows: no slot from here on was ever joined */
    uint32_t line_end_2[15];
};

_Static_assert(sizeof(struct hfi_header) == 192 &&
                   offsetof(struct hfi_header, total_size) == 80 &&
                   offsetof(struct hfi_header, slots_used) == 128,
    "format");

/* Where the counters' words are: behind RCU's control. */
uint64_t hfi_layout_counters(const struct hfi_header *header);

/* Where the heap's arena begins: behind the root. */
uint64_t hfi_layout_arena(const struct hfi_header *header);

/* The header of a segment with this config. EINVAL: nonsense; ENOSPC: beyond any memory.
 */
int hfi_layout_plan(const hf_segment_config_t *config, struct hfi_header *header);

/* Whether a header read from an object of this size is one that we wrote. EBADMSG;
 * EPROTONOSUPPORT. */
int hfi_layout_verify(const struct hfi_header *header, uint64_t object_size);

/* Whether such a segment, in an object of this size, is as large as the config asks for.
 */
bool hfi_layout_offers(const struct hfi_header *header, uint64_t object_size,
    const hf_segment_config_t *config);

/* The signature of an object in which a segment is being built, or whose builder died. */
bool hfi_layout_is_unfinished(const char signature[HFI_SIGNATURE_SIZE]);
void hfi_layout_mark_unfinished(char signature[HFI_SIGNATURE_SIZE]);

#endif
