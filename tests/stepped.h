/* SPDX-License-Identifier: MIT */
/* A child that runs one instruction at a time. */
#ifndef TESTS_STEPPED_H
#define TESTS_STEPPED_H

#include <sys/ptrace.h>

#include "party.h"

/* Instrumented code takes ten times as many steps: not all are looked at there. */
#if defined(__SANITIZE_ADDRESS__)
enum { EACH = 7 };
#else
enum { EACH = 1 };
#endif

/* In the child: from here on. */
static inline void stop_here(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __asm__ volatile("int3");
#else
    raise(SIGTRAP);
#endif
}

static inline bool trace_me(void)
{
    return ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0;
}

static inline void await_stop(pid_t child)
{
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP);
}

/* False: it has ended instead, and returned 0. */
static inline bool single_step(pid_t child)
{
    int status;
    cr_assert_eq(ptrace(PTRACE_SINGLESTEP, child, NULL, NULL), 0);
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFSTOPPED(status) ? WSTOPSIG(status) == SIGTRAP
                                 : WIFEXITED(status) && WEXITSTATUS(status) == 0);
    return WIFSTOPPED(status);
}

#endif
