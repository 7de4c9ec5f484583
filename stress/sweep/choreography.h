/* SPDX-License-Identifier: MIT */
/*
 * Choreographies: the races that are known to break robust mutexes, played as scheduled,
 * with holdfast and with glibc.
 */
#ifndef SWEEP_CHOREOGRAPHY_H
#define SWEEP_CHOREOGRAPHY_H

#include "options.h"

/* Plays all that the options want and prints how each went. False: one of ours broke. */
bool choreographies_play(const struct options *options);
void choreographies_list(const struct options *options);
bool choreographies_any(const struct options *options);

#endif
