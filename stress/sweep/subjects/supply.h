/* SPDX-License-Identifier: MIT */
/*
 * What primitives that nobody holds have in common: tokens are posted and taken, each of
 * them by one, and whoever waits for one goes on while there are any. All of that is
 * counted, so the judge knows what the dead one did: a token that is missing was taken,
 * one too many was posted by it.
 */
#ifndef SWEEP_SUPPLY_H
#define SWEEP_SUPPLY_H

#include "../actor.h"
#include "../operation.h"

struct monitor;

struct supply {
    int (*take)(void);    /* waiting for one; EOWNERDEAD: the same, and told of a death */
    int (*attempt)(void); /* without waiting; EBUSY: there is none */
    int (*post)(void);
    unsigned (*left)(void); /* how many there are */
    bool (*due)(void);      /* whether one who waits has to go on; null: any are left */
    unsigned most;          /* that there can be at once; 0: no limit */
    bool stays;             /* taking takes nothing away: a manual event */
    const struct monitor *monitor; /* if it is made of a lock and one of these */
};

/* The supply that the bodies below use; set by the director before it forks. */
extern const struct supply *supply_in_use;

/* Bodies of actors. */
body_fn supply_take;
body_fn supply_post;
body_fn supply_post_and_take; /* at once: a barger at the worst time */
body_fn supply_revisit;       /* a newcomer, who brings what it takes if there is none */

int operate_supply_take(void);
int operate_supply_attempt(void);
int operate_supply_post(void);

/* Cues. */
cue_fn supply_has_one; /* opening */
cue_fn helper_posts;   /* until the victim is awake */
cue_fn helper_barges;  /* at the first sleep: posts and takes; then as helper_posts */

/* After the kill: who has been given something must go on; then the others are served. */
void supply_serve(struct scene *s);

/* The dead one's part must be nothing at its start, its operation's whole balance at its
 * end, and one of them in between. */
void supply_compare(struct scene *s, bool at_start);

/*
 * A supply made of a number that a lock guards and a condition variable announces: the
 * functions for its take, post and so on. The lock is the subject's.
 */
struct monitor {
    int (*wait)(void);
    int (*signal)(void);
    int (*broadcast)(void);
};

int monitor_take(void);
int monitor_take_by(int (*wait)(void)); /* ETIMEDOUT, if that says so */
int monitor_attempt(void);
int monitor_post(void);
unsigned monitor_left(void);
bool monitor_due(void);

body_fn monitor_post_quietly;  /* one, and does not tell */
body_fn monitor_post_burst;    /* all of the burst, then broadcasts */
body_fn monitor_post_and_hold; /* one, signals, and keeps the lock */

int operate_signal(void);
int operate_broadcast(void);

cue_fn one_is_untold; /* opening: the waiters sleep, there is one, nobody has signalled */
cue_fn enough_are_untold; /* the same, one for each waiter */
cue_fn helper_broadcasts; /* one for everybody */

#endif
