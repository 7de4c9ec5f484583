/* SPDX-License-Identifier: MIT */
/*
 * Kinds of work. Each kind has its own area in the segment's root and its own objects,
 * which are numbered through all kinds. A new primitive is a new kind: one file, one line
 * in kinds.c. What it must keep to: publish grips in the order that ledger.h gives,
 * bracket library calls with worker_call and worker_called, and step between stores to
 * shared data.
 */
#ifndef TORTURE_KINDS_H
#define TORTURE_KINDS_H

#include <stddef.h>

#include "worker.h"

typedef struct {
    unsigned (*objects)(const torture_options_t *options);
    size_t (*size)(const torture_options_t *options); /* bytes of its area */

    /* Sets up the area, which is zero. `first` is the number of its first object. */
    int (*prepare)(const control_t *c, void *area, unsigned first);

    /* One piece of work; afterwards nothing is in hand. */
    void (*turn)(worker_t *w, void *area);

    /* Takes something and leaves it half changed. */
    void (*hold)(worker_t *w, void *area);

    /* Takes the object (counted from the kind's first), lingers (worker_linger), gives it
     * back: see assembly.h. Two: one holds it and the next one too, others wait for
     * either. */
    void (*attend)(worker_t *w, void *area, unsigned object, bool two);

    /* When all is quiet: is everything there, can everything be taken? */
    void (*audit)(worker_t *auditor, void *area);

    /* Who holds the object (counted from the kind's first) and who waits, as text. */
    void (*describe)(
        const control_t *c, void *area, unsigned object, char *text, size_t size);
} kind_t;

extern const kind_t mutex_kind;

unsigned kinds_objects(const torture_options_t *options);
size_t kinds_size(const torture_options_t *options);
int kinds_prepare(const control_t *c, char *root);
void kinds_turn(worker_t *w);
void kinds_hold(worker_t *w);
void kinds_attend(worker_t *w, unsigned object, bool two);
void kinds_audit(worker_t *auditor);
void kinds_describe(
    const control_t *c, char *root, unsigned object, char *text, size_t size);

#endif
