/* SPDX-License-Identifier: MIT */
/* The crew: starts members, kills and stops some, and watches the others' calls. */
#ifndef RCU_TORTURE_CREW_H
#define RCU_TORTURE_CREW_H

#include <pthread.h>

#include "member.h"

typedef struct {
    pthread_t thread;
    pid_t pid;
    bool up;
    bool doomed;         /* has been killed (threads: told to end) */
    bool apart;          /* in a PID namespace of its own */
    uint64_t stopped_ns; /* until then; 0: it runs */
    bool disturbed;      /* was stopped since the last look */
    uint64_t call;       /* under way when last looked at */
    uint64_t waited_ns;  /* in it */
    bool reported;
} post_t;

typedef struct {
    control_t *control;
    hf_segment_t *segment;
    stress_progress_t *progress;
    stress_children_t children;
    post_t post[MOST_MEMBERS];
    uint64_t random;
    uint64_t next_kill_ns, next_stop_ns, last_look_ns;
    uint64_t started, kills, pairs, stops, apart;
    uint64_t stalls, longest_ns, longest_read_ns, longest_gap_ns, rescues;
    const char *longest_call;
} crew_t;

int crew_create(
    crew_t *crew, control_t *c, hf_segment_t *segment, stress_progress_t *progress);

/* Starts who is missing. 0, or an error that no retry mends. */
int crew_fill(crew_t *crew);

/* Sees who has ended. */
void crew_reap(crew_t *crew);

/* Kills, stops and lets go on who is due. */
void crew_act(crew_t *crew, uint64_t now);

/* Looks at all calls and at the rescues. Often. */
void crew_look(crew_t *crew, uint64_t now);

/* Lets all who are stopped go on. */
void crew_release(crew_t *crew);

unsigned crew_up(const crew_t *crew);

/* Those who have not finished are complained about; and killed, if they are processes. */
void crew_give_up(crew_t *crew);

#endif
