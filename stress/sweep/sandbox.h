/* SPDX-License-Identifier: MIT */
/*
 * A /dev/shm of our own, where the system permits one: then whatever lies there was left
 * by a victim, and nothing outlives this program.
 */
#ifndef SWEEP_SANDBOX_H
#define SWEEP_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

/* Tells on standard error if it is not permitted. */
void sandbox_enter(void);

/* Another one, for one who was forked and shall share it with nobody. */
void sandbox_renew(void);

/*
 * Whether anything of ours lies in /dev/shm: any name, or memory without a name, where it
 * is private; else names that contain `name`. `what` receives the first.
 */
bool sandbox_has_leftovers(const char *name, char *what, size_t size);

#endif
