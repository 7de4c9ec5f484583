/* SPDX-License-Identifier: MIT */
/*
 * Locks that guard records: what every holder for itself alone does about its grip, the
 * record and a dead predecessor, and all of it for a mutex.
 */
#ifndef TORTURE_GUARD_H
#define TORTURE_GUARD_H

#include "record.h"

typedef enum { GUARD_LOCK, GUARD_TRYLOCK, GUARD_TIMEDLOCK, GUARD_CALLS } guard_call_t;

enum { GUARD_LONGEST_WAIT_MS = 20, GUARD_AUDIT_WAIT_MS = 1000 };

guard_call_t guard_choose_call(worker_t *w);

/* What such a call returns when it has waited in vain. */
int guard_vain(guard_call_t how);

/* How a record's lock is declared consistent. */
typedef struct {
    const char *name;
    int (*call)(record_t *r);
} guard_consistent_t;

/* After a call that returned 0 or EOWNERDEAD: inside, with the record whole. */
void guard_enter(worker_t *w, unsigned grip, record_t *r, int error,
    const guard_consistent_t *consistent);

/* Before and after the call that gives it back. */
void guard_leave(worker_t *w, unsigned grip, record_t *r);
void guard_left(worker_t *w, unsigned grip);

/* ---- mutex ---- */

int guard_lock(worker_t *w, record_t *r, guard_call_t how);

/* What the call returned: true if the mutex is ours now. */
bool guard_taken(worker_t *w, unsigned grip, record_t *r, guard_call_t how, int error);

bool guard_take(worker_t *w, unsigned grip, record_t *r, guard_call_t how);
void guard_give(worker_t *w, unsigned grip, record_t *r);

/* When all is quiet: takes it, which must be possible. */
bool guard_take_at_last(worker_t *auditor, record_t *r);

#endif
