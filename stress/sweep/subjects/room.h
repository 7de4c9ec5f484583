/* SPDX-License-Identifier: MIT */
/* Holdfast's primitives: one segment a row, with all of the cast in it. */
#ifndef SWEEP_ROOM_H
#define SWEEP_ROOM_H

#include <holdfast/holdfast.h>

#include "../actor.h"

enum { PERMITS = 3, LATCH_WORDS = 5 };

/* All-zero is as new. The spare ones are for victims that prepare themselves. */
struct room {
    hf_mutex_t mutex, spare;
    hf_cond_t cond;
    hf_sem_t sem, spare_sem;
    hf_event_t event;
    hf_once_t once;
    hf_rwlock_t rwlock;
    uint64_t comers; /* who are to take it each in another way */
    hf_barrier_t barrier;
    hf_permits_t permits;
    uint64_t cells[PERMITS]; /* of the permits */
    struct {
        _Atomic int users[PERMITS]; /* of what each permit is for; 0: nobody */
        _Atomic unsigned told;      /* of a death */
        unsigned kept;              /* permits, by the stagehand */
    } pool;
    hf_latch_t latch;
    uint64_t places[2 * LATCH_WORDS]; /* of the latch */
    struct {
        uint64_t before;        /* the number written before the victim's; 0: none */
        _Atomic unsigned found; /* of that one and the victim's: 1 << which */
    } written;
};

enum { SHORT_MS = 10, LONG_MS = 60000 };

/* Each process has its own way there. */
extern hf_segment_t *segment;
extern struct room *room;

body_fn room_found;
body_fn room_find;  /* opens it */
body_fn room_enter; /* opens it, and joins */
body_fn room_reset;
body_fn room_inspect; /* value: rescues */
body_fn room_remove;

/* Went on, or the error that `what` led to. */
struct reply judged(const char *what, int code);

#endif
