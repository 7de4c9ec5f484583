/* SPDX-License-Identifier: MIT */
/*
 * Kinds of work, one for each primitive. Each kind has its own area in the segment's root
 * and its own objects, which are numbered through all kinds. A new primitive is a new
 * kind: one file, one line here and one in kinds.c. What it must keep to: publish grips
 * in the order that ledger.h gives, bracket library calls with worker_call and
 * worker_called, and step between stores to shared data.
 */
#ifndef TORTURE_KINDS_H
#define TORTURE_KINDS_H

#include <stddef.h>

#include "worker.h"

typedef struct {
    const char *name;
    unsigned (*objects)(const torture_options_t *options);
    size_t (*size)(const torture_options_t *options); /* bytes of its area */
    size_t memory; /* bytes of the segment's heap that it may come to use; 0: none */

    /* Blocks of it that are in use when its audit has ended. */
    size_t lasting;

    /* Sets up the area, which is zero. `first` is the number of its first object. */
    int (*prepare)(const control_t *c, void *area, unsigned first);

    /* One piece of work; afterwards nothing is in hand. */
    void (*turn)(worker_t *w, void *area);

    /* Takes something and leaves it half changed. Null: nothing can be held. */
    void (*hold)(worker_t *w, void *area);

    /* Takes the object (counted from the kind's first, as below), lingers
     * (worker_linger), gives it back: see assembly.h. Two: one holds it and the next one
     * too, others wait for either. */
    void (*attend)(worker_t *w, void *area, unsigned object, bool two);

    /* Whether those who wait in a call on the object are the library's to wake. Null:
     * always, as whoever has the thing gives it back. */
    bool (*can_go_on)(const control_t *c, void *area, unsigned object);

    /* Gives what they wait for, if nobody has; the auditor must not be made to wait.
     * False: it would have to. Null: they need no help. */
    bool (*help)(worker_t *w, void *area, unsigned object);

    /* When all is quiet: is everything there, can everything be taken? */
    void (*audit)(worker_t *auditor, void *area);

    /* As hf_mutex_owner. */
    int (*owner)(const control_t *c, void *area, unsigned object, hf_owner_t *who);
} kind_t;

/* Where some wait in an assembly for what others give: one in so many gives, so that who
 * is not woken by it sleeps on. */
enum { GIVER_EVERY = 4 };

extern const kind_t mutex_kind, condvar_kind, semaphore_kind, permits_kind, rwlock_kind,
    barrier_kind, event_kind, once_kind, memory_kind, names_kind, vector_kind, map_kind,
    latch_kind, counter_kind;

/* Which kinds there are to be: names with commas between. False: one line on stderr. */
bool kinds_choose(const char *program, const char *list);

unsigned kinds_objects(const torture_options_t *options);
size_t kinds_size(const torture_options_t *options);
size_t kinds_memory(void);
int kinds_prepare(const control_t *c, char *root);
void kinds_turn(worker_t *w);
void kinds_hold(worker_t *w);
unsigned kinds_any_object(const control_t *c, uint64_t *random);
void kinds_attend(worker_t *w, unsigned object, bool two);
bool kinds_can_go_on(const control_t *c, char *root, uint32_t object);
bool kinds_help(worker_t *w, uint32_t object);
void kinds_audit(worker_t *auditor);

/* Who holds the object and who waits, as text. */
void kinds_describe(
    const control_t *c, char *root, uint32_t object, char *text, size_t size);

/* The i-th kind's name and objects; null: there are no more. */
const char *kinds_name(const control_t *c, unsigned i, unsigned *first, unsigned *count);

#endif
