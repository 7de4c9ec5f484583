/* SPDX-License-Identifier: MIT */
/* What the rows of holdfast's reader-writer lock are made of: who reads, who writes, and
 * who does one after the other. */
#ifndef SWEEP_SHARING_H
#define SWEEP_SHARING_H

#include "../scene.h"
#include "lock.h"

/* For writing, unless the process has come to read. */
extern const struct lock rwlock_lock;

/* Survivors. */
body_fn read_section, write_section;
body_fn
    rwlock_section; /* they read, write, or do all in turn, by the order they come in */

/* Preparations of victims. */
body_fn hold_read, hold_up;
body_fn take_over_reading; /* as a reader that is told of a death, and so writes */

/* Openings: the helper holds it so. */
cue_fn helper_reads, helper_ups, helper_writes;
cue_fn it_is_lost;

/* Cues for a helper that holds it in whatever way. */
cue_fn helper_lets_go;                                     /* waits until it has */
cue_fn helper_goes;                                        /* does not */
cue_fn helper_downgrades;                                  /* at the first sleep */
cue_fn helper_overtakes_and_steps_down, helper_steps_down; /* to upgradable, and stays */
cue_fn helper_overtakes; /* a reader, until that queues with the writers; and then once */

/* Operations of victims; those that take it for writing begin a change. */
int operate_read(void), operate_tryread(void);
int operate_timedread(void), operate_timeout_read(void);
int operate_read_or_repair(void), operate_read_section(void);
int operate_trywrite(void), operate_timedwrite(void), operate_timeout_write(void);
int operate_up(void), operate_tryup(void), operate_timedup(void);
int operate_timeout_up(void), operate_upgrade(void), operate_timedupgrade(void);
int operate_timeout_upgrade(void), operate_downgrade(void), operate_consistent(void);
int operate_up_and_down(void); /* each way of holding it, and from each to the next */
int operate_rwlock_owner(void), operate_rwlock_check(void);

#endif
