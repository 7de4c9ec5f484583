/* SPDX-License-Identifier: MIT */
/*
 * What the kinds that use the segment's heap share: contents that tell whether they are
 * whole, accounts of what is freed, and the audit of what is left when all of it has been.
 */
#ifndef TORTURE_HEAP_H
#define TORTURE_HEAP_H

#include "worker.h"

enum {
    PATTERN_LEAST = 4 * sizeof(uint64_t),
    BLOCK_HEADER = 8, /* bytes that a block costs besides (holdfast/heap.h) */
    BLOCK_LEAST = 32
};

/* Fills `size` bytes, PATTERN_LEAST or more, in many steps. */
void pattern_fill(worker_t *w, void *bytes, uint64_t size);

/* What was filled and not touched since, in at most `room` bytes. */
bool pattern_is_whole(const void *bytes, uint64_t room);

bool is_all_zero(const void *bytes, uint64_t from, uint64_t to);

/* A violation about a pattern, with what it says of itself. */
void pattern_complain(
    worker_t *w, unsigned object, const char *what, const void *bytes, uint64_t room);

/* The calls of the heap that can only succeed. */
hf_heap_info_t heap_info(worker_t *w, unsigned object);
size_t heap_usable_size(worker_t *w, unsigned object, const void *block);
void heap_free(worker_t *w, unsigned object, hf_ptr_t *p);
void heap_check(worker_t *w, unsigned object);

/* A call that may find no room: true if it did. */
bool heap_had_room(worker_t *w, int error, const char *call, unsigned object);

/* When all is quiet: as heap_free; what is in use becomes less by the block exactly. */
void heap_free_at_last(worker_t *auditor, unsigned object, hf_ptr_t *p);

/* When everybody's things are freed: nothing is left but so many blocks. */
void heap_audit(worker_t *auditor, size_t lasting);

/* With nothing in hand. Who held the lock and died left nothing to be repaired. */
void heap_lock(
    worker_t *w, unsigned object, hf_rwlock_t *lock, int (*call)(hf_rwlock_t *));
void heap_unlock(worker_t *w, unsigned object, hf_rwlock_t *lock);

#endif
