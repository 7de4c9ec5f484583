/* SPDX-License-Identifier: MIT */
/*
 * The crew: starts workers as processes, as processes in PID namespaces of their own, or
 * as threads, and tells how they end. Every process dies with the conductor.
 */
#ifndef TORTURE_CREW_H
#define TORTURE_CREW_H

#include <pthread.h>
#include <stdbool.h>
#include <sys/types.h>

#include "common/children.h"
#include "worker.h"

typedef struct {
    worker_t worker; /* threads: the thread's own; it must outlive its stack */
    pthread_t thread;
    pid_t pid;
    bool up;     /* runs, or has been killed and not yet been reaped */
    bool doomed; /* has been killed (threads: told to end) */
    bool stopped;
} member_t;

typedef struct {
    control_t *control;
    hf_segment_t *segment;
    member_t *member;
    stress_children_t children;
    uint64_t started;
} crew_t;

typedef enum { CREW_NOTHING, CREW_ENDED, CREW_STOPPED } crew_event_t;

int crew_create(crew_t *crew, control_t *c, hf_segment_t *segment);

bool crew_in_namespace(const crew_t *crew, unsigned i);

/* Starts worker i. 0, or an error that no retry mends. */
int crew_start(crew_t *crew, unsigned i);

/* What has happened to whom, one thing at a time; an ended worker has been accounted for.
 */
crew_event_t crew_next_event(crew_t *crew, unsigned *who);

unsigned crew_up(const crew_t *crew);

#endif
