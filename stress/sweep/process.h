/* SPDX-License-Identifier: MIT */
/* What the director asks of the system about clocks and other processes. */
#ifndef SWEEP_PROCESS_H
#define SWEEP_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { NS_PER_MS = 1000000 };

/* Nanoseconds on CLOCK_MONOTONIC. */
int64_t now_ns(void);

/*
 * Whether this thread sleeps inside a system call other than `idle` (the call in which it
 * waits for orders; -1: none). A thread that is stopped, or runs, does not sleep.
 */
bool sleeps_in_call(pid_t tid, long idle);

/* For how long, ever, this process was ready to run and stood in line for a CPU. */
int64_t starved_ns(pid_t pid);

/* Forks; the child is killed with its parent. */
pid_t fork_bound(void);

/* Ends this program: the harness itself cannot go on (not a verdict on any subject). */
_Noreturn void give_up(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
