/* SPDX-License-Identifier: MIT */
/* What every lock has in common: a guarded section, and bodies made of taking and
 * giving. */
#ifndef SWEEP_LOCK_H
#define SWEEP_LOCK_H

#include "../actor.h"

struct lock {
    int (*take)(void);
    int (*give)(void);
    int (*repaired)(void); /* after EOWNERDEAD; null: this lock reports no deaths */
};

/* The lock that the bodies below use; set by the director before it forks. */
extern const struct lock *lock_in_use;

/* Bodies of actors and preparations of victims. */
body_fn lock_section; /* take, check, change, give */
body_fn lock_look;    /* take, check for a while, give: for who shares it */
body_fn lock_hold;    /* take, and stand in the middle of a change */
body_fn lock_release; /* end the change, give */
body_fn lock_pass; /* the same, and take it again at once: a barger at the worst time */
body_fn lock_take_over; /* as lock_hold, from a dead holder; data repaired */

/* Operations of victims; each returns the first code that is not 0. */
int operate_take(void); /* take; when it has it, begin a change */
int operate_give(void); /* after lock_hold_whole */
int operate_section(void);

body_fn lock_hold_whole; /* take, make a whole change, hold */

/* Whether the data is as it must be for who holds the lock. */
struct reply lock_check(void);

/* For operations that take by other means than lock->take. */
int begin_change(int taken);
void end_change(void);

#endif
