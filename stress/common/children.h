/* SPDX-License-Identifier: MIT */
/*
 * Child processes that die with the one who starts them, some in PID namespaces of their
 * own, and memory that they share with it at the same address.
 */
#ifndef STRESS_CHILDREN_H
#define STRESS_CHILDREN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

typedef struct {
    int life[2];     /* a pipe whose write end only the starter keeps: ends with it */
    bool namespaces; /* PID namespaces are permitted */
} stress_children_t;

/* Their orphans come to us, so that their end is known. 0 or an errno. */
int stress_children_begin(stress_children_t *children);

/* Forks one that does `work` and exits with 0; `apart`: in a PID namespace of its own. 0,
 * or an error that no retry mends. */
int stress_children_start(stress_children_t *children, bool apart,
    void (*work)(void *argument), void *argument, pid_t *pid);

/* All-zero; null: there is none. */
void *stress_shared_zeroes(size_t size);

#endif
