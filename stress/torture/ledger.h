/* SPDX-License-Identifier: MIT */
/*
 * The ledger of deaths: what each life had in hand when it died, so that in the end every
 * EOWNERDEAD can be held against a death and every death of a holder against an
 * EOWNERDEAD.
 *
 * A worker publishes its grip on an object before and after each call, in one word with
 * its grips on all objects. The order that makes the law hold whatever instruction it
 * dies at:
 *
 *     WANTS; lock; entries or recoveries += 1; HOLDS or REPAIRS; ...; YIELDS; unlock;
 * NONE
 *
 * Dead in HOLDS or REPAIRS it was a holder for sure, and its own recovery has been
 * counted. Dead in WANTS or YIELDS it may have been one.
 */
#ifndef TORTURE_LEDGER_H
#define TORTURE_LEDGER_H

#include "control.h"

enum { GRIP_BITS = 16, GRIP_PHASE_BITS = 3, MAX_OBJECTS = 1 << 13 };

static inline unsigned grip_object(uint32_t grips, unsigned which)
{
    return (grips >> (which * GRIP_BITS) & 0xffff) >> GRIP_PHASE_BITS;
}

static inline grip_t grip_phase(uint32_t grips, unsigned which)
{
    return (grip_t)(grips >> (which * GRIP_BITS) & ((1u << GRIP_PHASE_BITS) - 1));
}

static inline bool grip_is_sure(grip_t g)
{
    return g == GRIP_HOLDS || g == GRIP_REPAIRS;
}

/* While it lasts, nobody else can take the object for itself alone. */
static inline bool grip_keeps(grip_t g)
{
    return grip_is_sure(g) || g == GRIP_SHARES;
}

/* Whether a life with these grips holds the object, also beside others; any object if it
 * is -1. */
bool grips_hold(uint32_t grips, int object);
/* Whether its death is told to the next one. */
bool grips_sure(uint32_t grips, int object);
bool grips_repair(uint32_t grips);
bool grips_want(uint32_t grips, int object);

/* Only by who sits there. */
void grip_set(seat_t *seat, unsigned which, unsigned object, grip_t phase);

/* Books what the life in this seat had in hand. By who knows that it is dead, or by
 * itself when it leaves. Killed half-way and done again, it makes the law weaker, never
 * wrong. */
void account_death(control_t *c, unsigned seat);

/* Says that all lives up to `number` are as good as dead. Before they are. */
void doom(seat_t *seat, uint64_t number);

/* The same for the life `number` alone, killed by a signal or by its thread's end: from
 * here its recovery is timed. */
void doom_timed(control_t *c, seat_t *seat, uint64_t number, uint64_t up_to);

static inline bool is_doomed(const control_t *c, life_t life)
{
    return count_read(&c->seat[seat_of(life)].doomed) >= number_of(life);
}

/* Times a recovery by who sits in `by`: from the death (or from the call, if that began
 * later) until now. */
void account_recovery(control_t *c, life_t dead, unsigned by);

/* "3 holds #5, wants #7". */
const char *grips_text(char *text, size_t size, unsigned seat, uint32_t grips);

/* The same of all seats' calls on an object. */
tally_sum_t tally_sum(const control_t *c, unsigned object, tally_column_t column);

/* How many calls on the object were killed so that nobody knows what they have done. */
uint64_t tally_undecided(const control_t *c, unsigned object);

/* Holds every EOWNERDEAD against the deaths, and what nobody knows against the kills.
 * When all is quiet. */
void ledger_audit(control_t *c);

#endif
