/* SPDX-License-Identifier: MIT */
/* A child that runs one instruction at a time. */
#ifndef TESTS_STEPPED_H
#define TESTS_STEPPED_H

#include <stddef.h>
#include <stdint.h>
#include <sys/ptrace.h>
#include <sys/user.h>

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

/* Lets it run until it calls this function. */
static inline void run_to(pid_t child, uintptr_t function)
{
#if defined(__aarch64__)
    const unsigned long mask = 0xffffffff, trap = 0xd4200000; /* brk #0 */
#else
    const unsigned long mask = 0xff, trap = 0xcc; /* int3 */
#endif
    void *place = (void *)function;
    errno = 0;
    unsigned long code = (unsigned long)ptrace(PTRACE_PEEKTEXT, child, place, NULL);
    cr_assert_eq(errno, 0);
    void *trapped = (void *)((code & ~mask) | trap);
    cr_assert_eq(ptrace(PTRACE_POKETEXT, child, place, trapped), 0);
    cr_assert_eq(ptrace(PTRACE_CONT, child, NULL, NULL), 0);
    await_stop(child);
#if defined(__x86_64__)
    void *pc = (void *)offsetof(struct user_regs_struct, rip);
    cr_assert_eq(ptrace(PTRACE_POKEUSER, child, pc, place), 0);
#elif defined(__i386__)
    void *pc = (void *)offsetof(struct user_regs_struct, eip);
    cr_assert_eq(ptrace(PTRACE_POKEUSER, child, pc, place), 0);
#endif
    cr_assert_eq(ptrace(PTRACE_POKETEXT, child, place, (void *)code), 0);
}

#endif
