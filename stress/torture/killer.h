/* SPDX-License-Identifier: MIT */
/*
 * The killer: picks moments and victims. Most kills are aimed, because most instructions
 * of a worker are harmless ones:
 *
 *     anyone      any moment
 *     caller      some microseconds after it went into a call of the library
 *     holder      while it holds something, rather something that another waits for
 *     woken       a waiter, some microseconds after the holder began to unlock
 *
 * Some are followed by a second one within a millisecond, rather of one that repairs.
 * Workers are also stopped for a while, holders rather than others; meanwhile what they
 * hold must not change hands.
 */
#ifndef TORTURE_KILLER_H
#define TORTURE_KILLER_H

#include "crew.h"
#include "watch.h"

typedef struct {
    uint64_t until_ns; /* of the stop; 0: runs */
    bool seen;         /* has come to a stand, and these are what it holds: */
    uint32_t grips;
    uint64_t entries[GRIPS];
} stop_t;

typedef struct {
    crew_t *crew;
    watch_t *watch;
    stop_t *stop; /* by worker */
    uint64_t random;
    uint64_t next_kill_ns;
    uint64_t next_stop_ns;
    bool wants_assembly; /* for its next kill; see assembly.h */
    uint64_t pairs, stops, stops_of_holders;
} killer_t;

int killer_create(killer_t *k, crew_t *crew, watch_t *watch);

/* Does what is due. */
void killer_act(killer_t *k, uint64_t now);

/* When something will be due. */
uint64_t killer_next_ns(const killer_t *k);

/* What the crew reports. */
void killer_saw_stop(killer_t *k, unsigned i);
void killer_saw_end(killer_t *k, unsigned i);

/* Lets all who are stopped go on. */
void killer_release(killer_t *k);

/* Kills worker i, for `reason`. */
void killer_kill(killer_t *k, unsigned i, const char *reason);

#endif
