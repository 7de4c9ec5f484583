/* SPDX-License-Identifier: MIT */
/*
 * What is swept. To add an operation, add a dozen lines to a subject's table; the bodies
 * that any lock can use are in lock.h, the cues in scene.h.
 */
#ifndef SWEEP_OPERATION_H
#define SWEEP_OPERATION_H

#include "actor.h"

#include <stdbool.h>

struct scene;
struct supply;

/* Something that the director arranges. */
typedef void cue_fn(struct scene *scene);

enum {
    MOST_WAITERS = 64,
    CROWD = MOST_WAITERS, /* the number of waiters in a crowd's row */
    FEW = 3               /* beyond it, only some points are swept */
};

/* When the waiters come, at the latest: at the kill they have all come. */
enum arrival {
    AT_THE_KILL,   /* when the victim stands where it will be killed */
    BEFORE_VICTIM, /* before its first step */
    BEHIND_VICTIM  /* when it has fallen asleep */
};

struct operation {
    const char *name;
    cue_fn *opening;       /* before the victim is forked; null: nothing to arrange */
    body_fn *prepare;      /* victim, not stepped, after the subject's enter */
    bool comes_unprepared; /* prepare stands in for enter */
    int (*operate)(void);  /* victim, stepped */
    int returns;           /* what operate must return, if it comes to that */
    bool paused;           /* not killed where it stands: the waiters come meanwhile,
                              then it is let go to its end, and lives on */
    bool stopped;          /* where it is not asleep it is not killed until the survivors
                              have gone on, whom it must not hold up */
    bool by_thread_exit;   /* the thread goes on from operate's return to its exit */
    cue_fn *victim_sleeps; /* what wakes it; null: it wakes by itself (a deadline) */
    enum arrival arrival;
    cue_fn *aftermath; /* right after the kill; null: the helper gives what it has */
    body_fn *waiter, *newcomer; /* null: the subject's survivor */
    enum ending before;         /* what the survivors find if it dies at once */
    enum ending after;   /* the same, if it dies at the end; one of both in between */
    unsigned also;       /* what they may find in between besides: 1 << ending */
    int balance;         /* what it adds to the subject's supply (a latch: writes) when it
                          has come to its end, which it does all at once */
    body_fn *retract;    /* after operate, by one process: takes back what it did; what
                            stays then (a larger table) may stay of the dead one's, too */
    body_fn *completion; /* what the survivors all do: in the end it has been done */
    bool crowd;          /* swept with a crowd, too */
    unsigned fewest_waiters, most_waiters; /* the latter: 0: no limit */
    bool deaths_coincide;                  /* two die: the back-stop may have to help */
};

/* A family of operations on one kind of shared state. A null body does nothing. */
struct subject {
    const char *name;
    bool ours; /* must survive everything; the others are there to compare */
    const struct lock *lock;
    const struct supply *supply; /* that its operations take from; null: none */
    body_fn *found;              /* one process, once a row: make the shared state */
    body_fn *enter;              /* each process, once: find it and take part */
    body_fn *reset;              /* one process, before each point: as new */
    body_fn *inspect;  /* one process, after each point; value: rescues so far */
    body_fn *dissolve; /* one process, at the end of a row */
    body_fn *survivor; /* the waiters and the newcomer, unless an operation has its own */
    body_fn *newcomer; /* null: the survivor */
    const struct operation *operations;
    unsigned operation_count;
};

extern const struct subject holdfast_mutex, holdfast_segment, holdfast_sem, holdfast_cond;
extern const struct subject holdfast_event, holdfast_auto_event, holdfast_once;
extern const struct subject glibc_robust, glibc_rwlock, glibc_sem, glibc_cond;
extern const struct subject holdfast_rwlock, holdfast_permits, holdfast_barrier;
extern const struct subject holdfast_memory, holdfast_counter, holdfast_latch,
    holdfast_rcu;
extern const struct subject glibc_tokens, glibc_barrier, sysv_sem;

#endif
