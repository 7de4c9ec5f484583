/* SPDX-License-Identifier: MIT */
/*
 * A victim: a process that is single-stepped through one function and then killed.
 *
 * Its place is counted in *positions*. Position 0 is the function's first instruction;
 * each instruction leads to the next position; an instruction that falls asleep in the
 * kernel passes through one more, "asleep". A kill at position p thus means: p
 * instructions (sleeps included) have been executed in this very run, whatever path it
 * took.
 */
#ifndef SWEEP_TRACER_H
#define SWEEP_TRACER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum place {
    AT_INSTRUCTION, /* stopped before the instruction at pc */
    ASLEEP,         /* in the system call before pc */
    AT_END          /* the function has returned, or the thread has exited */
};

struct victim {
    pid_t pid; /* whom to kill */
    pid_t tid; /* the thread that is stepped */
    enum place place;
    uintptr_t pc;
    bool after_call; /* the last step was a system call */
};

/* What a victim does; runs in the victim. */
struct script {
    bool (*prepare)(void); /* not stepped; false: it cannot play */
    void (*operate)(void); /* stepped from its first instruction on */
    bool in_thread;        /* by a second thread, to the end of which it is stepped */
};

/* Forks it and brings it to position 0. False: its preparation failed. */
bool victim_start(struct victim *v, struct script script);

/* One position on. For a victim that is asleep: until its sleep is over; false if that
 * takes more than two seconds. */
bool victim_step(struct victim *v);

/*
 * Ways to leave many positions behind at once, for what a step costs. They do not count:
 * who uses them knows the path. A victim that took another one is only good for being
 * killed.
 */

/* Through its next system call, to just behind it, or to being asleep in it. */
void victim_run_call(struct victim *v);

/* Until it comes to this instruction for the Nth time from here (not counting that it may
 * stand there now); no system call may lie before. False: something else happened. */
bool victim_run_to(struct victim *v, uintptr_t pc, unsigned long times);

/* Lets it run to the end of its function, where it stays, alive. False: it has not come
 * there by the deadline. */
bool victim_finishes(struct victim *v, int64_t deadline_ns);

void victim_kill(const struct victim *v);

/* Returns when the kernel has buried it. */
void victim_bury(struct victim *v);

/* "function+0x12 (program+0x4512)". */
const char *place_name(uintptr_t pc, char *text, size_t size);

#endif
