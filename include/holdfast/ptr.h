/* SPDX-License-Identifier: MIT */
/*
 * Offset pointer: a pointer between two places of one segment, the same at whatever
 * addresses processes have it.
 *
 *     typedef struct { hf_ptr_t next; long value; } node_t;    // in a segment
 *
 *     for (node_t *n = hf_ptr_get(&list->first); n != NULL; n = hf_ptr_get(&n->next)) {
 *         sum += n->value;
 *     }
 *
 * It holds the distance from itself to its target, so it is not to be copied by
 * assignment: get it and set the copy. All-zero is null; it cannot point to itself.
 *
 * Order. Set releases and get acquires: who gets a pointer sees what was stored in its
 * target before it was set. Both may be called at any time, by any thread, also on a
 * segment that is attached read-only (get), and from signal handlers. Setting is one
 * store: who dies has done it or has not.
 */
#ifndef HOLDFAST_PTR_H
#define HOLDFAST_PTR_H

#include <holdfast/common.h>
#include <holdfast/segment.h>

#ifdef __cplusplus
extern "C" {
#endif

/* 8 bytes at an 8-byte boundary. The field is private. */
typedef struct {
    HF_ALIGN8 int64_t hf_distance; /* in bytes, from here to the target; 0: null */
} hf_ptr_t;

/* `target` is in the same segment as the pointer, or null. Not for a pointer that owns a
 * block: see holdfast/heap.h. */
static inline void hf_ptr_set(hf_ptr_t *p, const void *target)
{
    int64_t distance = target != NULL ? (int64_t)((intptr_t)target - (intptr_t)p) : 0;
    __atomic_store_n(&p->hf_distance, distance, __ATOMIC_RELEASE);
}

/* The target, or null. Whatever wrote the pointer is believed: see hf_ptr_check. */
static inline void *hf_ptr_get(const hf_ptr_t *p)
{
    int64_t distance = __atomic_load_n(&p->hf_distance, __ATOMIC_ACQUIRE);
    return distance != 0 ? (void *)((uintptr_t)p + (uintptr_t)distance) : NULL;
}

/*
 * The same, believing nobody: `size` bytes at *target are in the segment's memory (its
 * root, or what hf_alloc gives out), and there is memory behind them. A null pointer is
 * 0, with a null *target. 0; EBADMSG: it leads elsewhere; EINVAL: `p` itself is not in
 * this segment, or a null argument.
 */
HF_API HF_NODISCARD int hf_ptr_check(
    const hf_segment_t *seg, const hf_ptr_t *p, size_t size, void **target);

#ifdef __cplusplus
}
#endif

#endif
