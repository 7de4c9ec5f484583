/* SPDX-License-Identifier: MIT */
/*
 * A /dev/shm of our own, where the system permits one: then whatever lies there was left by a
 * victim, and nothing outlives this program.
 */
#ifndef SWEEP_SANDBOX_H
#define SWEEP_SANDBOX_H

#include <stdbool.h>

/* To be called before anything is forked. Tells on standard error if it is not permitted. */
void sandbox_enter(void);

/* Whether /dev/shm is ours alone. */
bool sandbox_is_private(void);

#endif
