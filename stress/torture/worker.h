/* SPDX-License-Identifier: MIT */
/*
 * A worker: a process or a thread that does pieces of work until it is killed, in which
 * it may leave the segment and come back, fork a child, or exit, with and without
 * something in hand.
 */
#ifndef TORTURE_WORKER_H
#define TORTURE_WORKER_H

#include <holdfast/holdfast.h>

#include "control.h"

typedef struct {
    control_t *control;
    hf_segment_t *segment;
    char *root;
    unsigned seat;
    life_t life;
    uint64_t random;
    uint64_t steps_left; /* ends at the last of them; 0: lives on */
    uint64_t turns_left; /* a forked child's */
    uint32_t attended;   /* the last assembly */
    pid_t child;
    bool is_child;   /* was forked by a worker */
    bool has_forked; /* once in a process: its child has its life's number */
    bool fork_due;   /* fork at the next moment with something in hand */
} worker_t;

/* Sits down. The segment is the one inherited, or the thread's own opening of it. */
void worker_begin(worker_t *w, control_t *c, unsigned seat, hf_segment_t *segment);

/* Works until the finish; may exit the process or the thread before. Leaves the segment.
 */
void worker_work(worker_t *w);

/* A moment between two stores at which a death leaves a new state behind: the compiler
 * keeps their order, time passes now and then, and the worker may end here. */
void worker_step(worker_t *w);

/* Around each call of the library: for the watch and for the killer. */
void worker_call(worker_t *w, const char *call, unsigned object);
void worker_called(worker_t *w);

/* The same for a call that is tallied (control.h): between the two. */
void worker_tally(worker_t *w, unsigned object, tally_column_t column);
void worker_tallied(worker_t *w, unsigned object, tally_column_t column, bool done);

/* With something in hand: at an assembly, waits until one may go on; else does nothing.
 */
void worker_linger(worker_t *w);

/* Until the assembly that the worker attends goes on, or is over. */
bool worker_is_assembled(const worker_t *w);

/* With something in hand: forks if that is due. True in the child, which holds nothing.
 */
bool worker_forked(worker_t *w);

/* Counts a violation if a call returned something else than it must. */
void worker_expect(
    worker_t *w, int error, int expected, const char *call, unsigned object);

/* The same for a call that returned ETIMEDOUT: the deadline must have passed. */
void worker_expect_passed(
    worker_t *w, const struct timespec *deadline, const char *call, unsigned object);

#endif
