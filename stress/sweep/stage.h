/* SPDX-License-Identifier: MIT */
/*
 * The stage: memory that the director shares with all it forks. It holds what a lock
 * guards, the peers' primitives, and what a victim has to say. (Holdfast's primitives
 * stand in a segment of their own; each process keeps its own way to them.)
 */
#ifndef SWEEP_STAGE_H
#define SWEEP_STAGE_H

#include "actor.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdint.h>

struct operation;

struct stage {
    struct {
        uint64_t first, second; /* written in turn, equal outside the lock */
        pid_t inside;           /* who is in the guarded section; 0: nobody */
        _Atomic uint64_t
            done; /* changes made, counted without the lock, after the change */
    } guarded;
    struct {
        unsigned posted, taken; /* by those who live; each counts what it did */
        unsigned burst;         /* how many the next burst posts */
        bool owed;              /* all who wait shall go on, whatever is left */
        bool told;              /* of the tokens beside a condition variable */
        unsigned tokens;        /* beside a condition variable */
    } supply;
    struct {
        unsigned parties;
        _Atomic unsigned came, went_on, lasts; /* of those who live */
        unsigned victim_came;                  /* or may have; it is not withdrawn */
    } round;                                   /* of a barrier */
    unsigned cast_size;                        /* of those who take part */
    unsigned deaths;                           /* in this scene */
    const struct operation *operation; /* in this scene; the same place in everybody */
    bool may_be_undone, may_be_done;   /* it, when all is judged */
    bool builder_may_end;              /* the one whom the victim waits for */
    char segment_name[48];
    bool may_be_removed;   /* the segment, so that there may be a second one */
    int returned;          /* by the victim's operation; -1: it has not */
    struct reply prepared; /* the victim's word on its preparation */
    struct {
        pthread_mutex_t mutex;
        pthread_rwlock_t rwlock;
        pthread_cond_t cond;
        sem_t sem;
        pthread_barrier_t barrier;
        int semaphores; /* System V's, by number */
    } glibc;
};

extern struct stage *stage;

void stage_build(void);

#endif
