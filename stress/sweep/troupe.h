/* SPDX-License-Identifier: MIT */
/* Whose locks the choreographies are played with: many in one place, and one
 * elsewhere. */
#ifndef SWEEP_TROUPE_H
#define SWEEP_TROUPE_H

#include "actor.h"
#include "subjects/lock.h"

enum {
    MANY_LOCKS = 2200, /* in the first place; the kernel's walk of a list ends at 2,048 */
    ELSEWHERE = MANY_LOCKS /* the number of the one in the second place */
};

struct troupe {
    const char *name;
    bool ours;
    struct lock lock;          /* each acts on lock_number */
    int (*attempt)(void);      /* takes it without waiting */
    int (*timed)(unsigned ms); /* takes it, waiting so long at most; ETIMEDOUT */
    void (*map)(void);         /* in the director, before anybody is forked; or null */
    body_fn *found, *enter;    /* as a subject's */
    body_fn *leave_elsewhere;  /* gives up the second place, whatever is held there */
    body_fn *dissolve;
    body_fn *rescues; /* value: by the back-stop, so far; null: there is none */
};

/* The lock that this process deals with now. */
extern unsigned lock_number;

extern const struct troupe holdfast_troupe, glibc_troupe;

/* Semaphores of one token: locks that nobody owns. */
extern const struct troupe holdfast_sem_troupe, glibc_sem_troupe;

#endif
