/* SPDX-License-Identifier: MIT */
#ifndef SWEEP_PLAYS_H
#define SWEEP_PLAYS_H

#include "troupe.h"

/* Plays it with a fresh cast. BROKE: the promise was broken, or `why` is
 * not_permitted. */
typedef struct reply play_fn(const struct troupe *troupe);

extern const char not_permitted[];

play_fn play_barger, play_late, play_late_barger;

/* For locks that know their owner. */
play_fn play_many_locks, play_left_segment, play_namespaces;

#endif
