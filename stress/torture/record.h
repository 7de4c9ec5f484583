/* SPDX-License-Identifier: MIT */
/*
 * The guarded data: a counter kept twice with a checksum, the share of each seat in it,
 * who is inside, and the plan of the change under way. All of it is plain memory that
 * only the holder of the record's lock may touch: TSan can judge, and a second holder is
 * seen.
 *
 *     by 0                        nothing under way: value == copy, check fits, and
 *     (no change)                 value == sum of applied == sum of claims, seat by seat
 *     by X                        X wrote the plan, then `by`: each of value, copy, check
 * and (change under way)          applied[seat of X] is the old one or the new one by 0,
 * inside X              the change is in; X may not yet have claimed it
 *
 * If X dies with `by` set, the next holder finishes the change or takes it back, as it
 * likes; killed over that, the one after it may do the opposite: the plan stays until all
 * is done. If X dies between the change and its claim, the next holder claims it in X's
 * name. So at the end each increment is decided, and none may be missing.
 */
#ifndef TORTURE_RECORD_H
#define TORTURE_RECORD_H

#include <holdfast/holdfast.h>

#include "worker.h"

typedef struct {
    _Alignas(64) union {
        hf_mutex_t lock;
        hf_rwlock_t rwlock;
    };
    uint32_t recursive;
    uint32_t object; /* its number */
    life_t inside;   /* who holds the lock; 0: nobody */
    uint64_t value, copy, check;
    life_t by;
    uint64_t old_value;   /* the plan: old_value + 1, and */
    uint64_t old_applied; /* applied[seat of `by`] = old_applied + 1 */
    uint64_t applied[];   /* by seat */
} record_t;

size_t record_size(unsigned seats);
void record_prepare(record_t *r, unsigned object);

/* After a lock that returned 0: nobody may be inside, nothing under way. */
void record_enter(worker_t *w, record_t *r);

/* With the lock for reading: nobody may be inside, nothing under way. */
void record_look(worker_t *w, const record_t *r);

/* After EOWNERDEAD, before consistent: whoever was inside must be dead; then we are. */
void record_repair(worker_t *w, record_t *r);

/* One increment, and the claim to it. */
void record_change(worker_t *w, record_t *r);

/* The same, broken off in the middle. */
void record_change_half(worker_t *w, record_t *r);

/* Before unlock. */
void record_exit(worker_t *w, record_t *r);

/* At the end, inside: every increment that was claimed is there, and no other. */
void record_audit(worker_t *auditor, record_t *r);

#endif
