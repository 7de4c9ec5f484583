/* SPDX-License-Identifier: MIT */
/*
 * A member: a process or a thread that plays its role until it is killed or all is over.
 */
#ifndef RCU_TORTURE_MEMBER_H
#define RCU_TORTURE_MEMBER_H

#include "stage.h"

typedef struct {
    control_t *control;
    hf_segment_t *segment;
    stage_t *stage;
    seat_t *seat;
    unsigned number; /* of the seat */
    uint64_t random;
    uint64_t steps_left;     /* threads: ends at the last of them; 0: lives on */
    uint64_t newest[PLACES]; /* version seen there */
} member_t;

void member_begin(member_t *m, control_t *c, unsigned seat, hf_segment_t *segment);
void member_work(member_t *m);

/* A moment between two stores at which a death leaves a new state behind: time passes now
 * and then, and a thread may end here. */
void member_step(member_t *m);

/* Ends this life here, whatever is in hand. */
_Noreturn void member_end(member_t *m);

/* Around each call of the library: for the watch and for the killer. */
void member_call(member_t *m, const char *call);
int member_called(member_t *m, int error);

/* Counts a violation if a call returned something else than it must. */
bool member_expect(member_t *m, int error, int expected, const char *call);

/* error = a call of the library. */
#define CALL(m, function, ...)                                                           \
    (member_call(m, #function), member_called(m, function(__VA_ARGS__)))

static inline void member_count(member_t *m, counter_t what)
{
    count_own(&m->seat->counted[what]);
}

/* ---- the roles: a piece of work ---- */

void reader_work(member_t *m);
void updater_work(member_t *m);
void retirer_work(member_t *m);
void synchronizer_work(member_t *m);

/* When all is quiet: frees everything. */
void writer_clear(member_t *m);

#endif
