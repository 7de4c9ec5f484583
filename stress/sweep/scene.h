/* SPDX-License-Identifier: MIT */
/*
 * One scene: a victim comes, is stepped to a position and killed there, and the survivors
 * are watched. The cast (all but the victim) is kept from scene to scene.
 */
#ifndef SWEEP_SCENE_H
#define SWEEP_SCENE_H

#include "actor.h"
#include "operation.h"
#include "tracer.h"

enum { PATIENCE_MS = 500 }; /* by then after the kill, all survivors must have gone on */

struct cast {
    struct actor stagehand; /* keeps the shared state; takes no part */
    struct actor helper;    /* holds what the victim wants */
    struct actor newcomer;  /* comes when the waiters have gone on */
    struct actor waiters[MOST_WAITERS];
};

enum verdict { GO_ON, HANG, BROKEN, VERDICT_COUNT };

/* How a scene went. */
struct outcome {
    enum verdict verdict;
    bool at_end;   /* the victim had come to its operation's end */
    bool strayed;  /* it was elsewhere when the path was recorded */
    bool starved;  /* 500 ms were over, but not without the wait for a CPU */
    bool too_slow; /* so slow to the kill that sleepers may have looked up meanwhile */
    uintptr_t pc;  /* where it was killed */
    bool asleep;   /* in the call before pc */
    double recovery_ms; /* from the kill to the last survivor's going on */
    bool late;          /* that took so long that a timer must have helped */
    uint64_t rescues;   /* by the back-stop, in this scene */
    char why[160];
};

struct scene {
    const struct subject *subject;
    const struct operation *operation;
    unsigned waiters;
    struct cast cast;
    uint64_t rescues_before;

    /* within one scene */
    struct victim victim;
    bool waiters_came, helper_holds;
    unsigned victim_slept; /* so many times */
    bool victim_lives;     /* beyond the moment at which others would be killed */
    int64_t begun_ns, killed_ns;
    int64_t starved_ns; /* the cast, before the kill */
    struct outcome outcome;
};

/* Fills the cast and founds the subject's state for these operations. */
void scene_found(struct scene *s, const struct subject *subject, unsigned waiters);
void scene_dissolve(struct scene *s);

/* The acts of one scene. */
void scene_open(struct scene *s);              /* the victim stands at position 0 */
bool scene_can_advance(const struct scene *s); /* neither at its end nor gone wrong */
void scene_advance(struct scene *s);           /* by one position */
void scene_waiters_come(struct scene *s);      /* unless they have */
void scene_victim_slept(struct scene *s); /* it came to sleep otherwise than by that */
struct outcome scene_close(
    struct scene *s, bool at_start); /* the kill, and the verdict */

/* For how long the cast has ever stood in line for a CPU, in all. */
int64_t scene_starved_ns(const struct scene *s);

/* After the kill: hears all survivors and judges. */
void scene_judge(struct scene *s, bool at_start);

/* The verdict on this scene, unless it has a bad one already. */
void scene_breaks(struct scene *s, enum verdict verdict, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A fresh process in its place. */
void scene_recast(struct scene *s, struct actor *a);

/* Cues for operations. */
cue_fn helper_takes;  /* opening: the helper holds the lock */
cue_fn holder_dies;   /* opening: somebody holds the lock, and is dead */
cue_fn helper_gives;  /* gives what it holds */
cue_fn helper_passes; /* at the first sleep: gives, and takes again before anybody else */
cue_fn helper_dies;   /* is killed holding it */
void helper_does(struct scene *s, body_fn *body);

#endif
