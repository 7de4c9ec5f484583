/* SPDX-License-Identifier: MIT */
#include "tracer.h"

#include "process.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

/* Written by the victim, read by the director: which thread will be stepped. */
static _Atomic pid_t *ready_tid;

/* The stepped region ends where this is called. */
static __attribute__((noinline)) void curtain(void)
{
    __asm__ volatile("" ::: "memory");
}

static void *perform(void *script_of_mine)
{
    const struct script *script = script_of_mine;
    if (!script->prepare()) {
        _exit(1);
    }
    ptrace(PTRACE_TRACEME, 0, NULL, NULL);
    atomic_store(ready_tid, (pid_t)syscall(SYS_gettid));
    raise(SIGSTOP);
    script->operate();
    if (!script->in_thread) {
        curtain();
        raise(SIGSTOP); /* who was let go has come to the end, and stays alive */
    }
    return NULL;
}

static _Noreturn void play(struct script *script)
{
    pthread_t thread;
    if (!script->in_thread) {
        perform(script);
        _exit(0);
    }
    if (pthread_create(&thread, NULL, perform, script) != 0) {
        _exit(1);
    }
    for (;;) {
        pause();
    }
}

static uintptr_t read_pc(const struct victim *v)
{
    struct __ptrace_syscall_info info;
    void *const size = (void *)sizeof info;
    if (ptrace(PTRACE_GET_SYSCALL_INFO, v->tid, size, &info) < 0) {
        give_up("cannot read a victim's registers: %s", strerror(errno));
    }
    return (uintptr_t)info.instruction_pointer;
}

/* Whether the next instruction enters the kernel. Where we can't tell we say yes,
 * which only costs time. */
static bool is_before_call(const struct victim *v)
{
#if defined(__x86_64__)
    const uintptr_t mask = 0xffff, code = 0x050f; /* syscall */
#elif defined(__aarch64__)
    const uintptr_t mask = 0xffffffff, code = 0xd4000001; /* svc #0 */
#else
    const uintptr_t mask = 0, code = 0;
#endif
    errno = 0;
    const long word = ptrace(PTRACE_PEEKTEXT, v->tid, (void *)v->pc, NULL);
    return errno != 0 || ((uintptr_t)word & mask) == code;
}

/* A stop of the stepped thread has been reported: where is it? */
static void take_stop(struct victim *v, int status)
{
    if (!WIFSTOPPED(status)) {
        v->place = AT_END;
        return;
    }
    v->pc = read_pc(v);
    v->place = v->pc == (uintptr_t)curtain ? AT_END : AT_INSTRUCTION;
}

static bool try_stop(struct victim *v, int flags)
{
    int status = 0;
    const pid_t got = waitpid(v->tid, &status, __WALL | flags);
    if (got < 0) {
        v->place = AT_END; /* reaped before: it has exited */
        return true;
    }
    if (got > 0) {
        take_stop(v, status);
    }
    return got > 0;
}

/* Until the thread stops or falls asleep. */
static void await_stop_or_sleep(struct victim *v)
{
    for (unsigned looks = 1; !try_stop(v, WNOHANG); looks++) {
        if (looks % 64 == 0 && sleeps_in_call(v->tid, -1)) { /* the dearer look */
            v->place = ASLEEP;
            return;
        }
        sched_yield();
    }
}

static bool await_wake(struct victim *v)
{
    const int64_t deadline = now_ns() + 2000LL * NS_PER_MS;
    while (!try_stop(v, WNOHANG)) {
        if (now_ns() > deadline) {
            return false;
        }
        sched_yield();
    }
    return true;
}

static void resume(const struct victim *v, enum __ptrace_request how)
{
    if (ptrace(how, v->tid, NULL, NULL) < 0) {
        give_up("cannot resume a victim: %s", strerror(errno));
    }
}

bool victim_step(struct victim *v)
{
    if (v->place == ASLEEP) {
        v->after_call = true;
        return await_wake(v);
    }
    v->after_call = is_before_call(v);
    resume(v, PTRACE_SINGLESTEP);
    if (v->after_call) {
        await_stop_or_sleep(v);
        v->after_call = v->place != ASLEEP;
    } else {
        try_stop(v, 0);
    }
    return true;
}

void victim_run_call(struct victim *v)
{
    for (int stop = 0; stop < 2 && v->place == AT_INSTRUCTION; stop++) {
        resume(v, PTRACE_SYSCALL); /* it stops at the entry and at the exit */
        await_stop_or_sleep(v);
    }
}

#if defined(__x86_64__)
enum { HAS_BREAKPOINTS = true };
static const unsigned long trap_mask = 0xff, trap_code = 0xcc; /* int3 */
enum { TRAP_LENGTH = 1 }; /* that it moves the pc on by */

static bool set_pc(const struct victim *v, uintptr_t pc)
{
    return ptrace(PTRACE_POKEUSER, v->tid, (void *)offsetof(struct user_regs_struct, rip),
               (void *)pc) == 0;
}
#elif defined(__aarch64__)
enum { HAS_BREAKPOINTS = true };
static const unsigned long trap_mask = 0xffffffff, trap_code = 0xd4200000; /* brk #0 */
enum { TRAP_LENGTH = 0 };

static bool set_pc(const struct victim *v, uintptr_t pc)
{
    return v->pc == pc;
}
#else
enum { HAS_BREAKPOINTS = false };
static const unsigned long trap_mask, trap_code;
enum { TRAP_LENGTH = 0 };

static bool set_pc(const struct victim *v, uintptr_t pc)
{
    return v->pc == pc;
}
#endif

static bool run_to_next(struct victim *v, uintptr_t pc)
{
    errno = 0;
    const unsigned long code =
        (unsigned long)ptrace(PTRACE_PEEKTEXT, v->tid, (void *)pc, NULL);
    void *const trap = (void *)((code & ~trap_mask) | trap_code);
    if (errno != 0 || ptrace(PTRACE_POKETEXT, v->tid, (void *)pc, trap) != 0) {
        return false;
    }
    resume(v, PTRACE_CONT);
    await_stop_or_sleep(v);
    if (v->place != AT_INSTRUCTION || v->pc != pc + TRAP_LENGTH || !set_pc(v, pc)) {
        return false;
    }
    v->pc = pc;
    v->place = pc == (uintptr_t)curtain ? AT_END : AT_INSTRUCTION;
    return ptrace(PTRACE_POKETEXT, v->tid, (void *)pc, (void *)code) == 0;
}

bool victim_run_to(struct victim *v, uintptr_t pc, unsigned long times)
{
    for (; times > 0; times--) {
        if (v->pc == pc) {
            victim_step(v);
        }
        if (!HAS_BREAKPOINTS || v->place != AT_INSTRUCTION || !run_to_next(v, pc)) {
            return false;
        }
    }
    return true;
}

/* Its stop may be seen before its word that it is ready. False: it exited instead. */
static bool await_ready(struct victim *v)
{
    int status = 0;
    while ((v->tid = atomic_load(ready_tid)) == 0) {
        if (waitpid(v->pid, &status, __WALL | WNOHANG) != 0) {
            v->tid = v->pid;
            return WIFSTOPPED(status);
        }
        sched_yield();
    }
    return waitpid(v->tid, &status, __WALL) == v->tid && WIFSTOPPED(status);
}

static void share_ready_tid(void)
{
    if (ready_tid == NULL) {
        ready_tid = mmap(NULL, sizeof *ready_tid, PROT_READ | PROT_WRITE,
            MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (ready_tid == MAP_FAILED) {
            give_up("mmap: %s", strerror(errno));
        }
    }
    atomic_store(ready_tid, 0);
}

bool victim_start(struct victim *v, struct script script)
{
    share_ready_tid();
    *v = (struct victim){.pid = fork_bound()};
    if (v->pid == 0) {
        play(&script);
    }
    if (!await_ready(v)) {
        v->pid = 0;
        return false;
    }
    ptrace(PTRACE_SETOPTIONS, v->tid, NULL, (void *)PTRACE_O_EXITKILL);
    v->pc = read_pc(v);
    while (v->pc != (uintptr_t)script.operate) {
        victim_step(v);
        if (v->place != AT_INSTRUCTION) {
            give_up("a victim missed the start of its operation");
        }
    }
    return true;
}

bool victim_finishes(struct victim *v, int64_t deadline_ns)
{
    int status = 0;
    if (v->place == AT_INSTRUCTION) {
        resume(v, PTRACE_CONT);
    }
    while (v->place != AT_END && now_ns() < deadline_ns) {
        const pid_t got = waitpid(v->tid, &status, __WALL | WNOHANG);
        if (got != 0 && (!WIFSTOPPED(status) || WSTOPSIG(status) == SIGSTOP)) {
            v->place = AT_END;
        } else if (got != 0) {
            resume(v, PTRACE_CONT);
        }
        sched_yield();
    }
    return v->place == AT_END;
}

void victim_kill(const struct victim *v)
{
    if (v->pid != 0) {
        kill(v->pid, SIGKILL);
    }
}

/* A traced thread is buried by its tracer, apart from its process. */
void victim_bury(struct victim *v)
{
    int status;
    if (v->pid == 0) {
        return;
    }
    while (v->tid != v->pid && waitpid(v->tid, &status, __WALL) == v->tid &&
           WIFSTOPPED(status)) {
    }
    while (waitpid(v->pid, &status, __WALL) == v->pid && WIFSTOPPED(status)) {
    }
    v->pid = 0;
}

const char *place_name(uintptr_t pc, char *text, size_t size)
{
    Dl_info info;
    if (dladdr((void *)pc, &info) == 0 || info.dli_fname == NULL) {
        snprintf(text, size, "%#lx", (unsigned long)pc);
        return text;
    }
    const char *slash = strrchr(info.dli_fname, '/');
    const unsigned long in_file = (unsigned long)(pc - (uintptr_t)info.dli_fbase);
    int used = 0;
    if (info.dli_sname != NULL) {
        used = snprintf(text, size, "%s+%#lx, ", info.dli_sname,
            (unsigned long)(pc - (uintptr_t)info.dli_saddr));
    }
    if (used >= 0 && (size_t)used < size) {
        snprintf(text + used, size - (size_t)used, "%s+%#lx",
            slash != NULL ? slash + 1 : info.dli_fname, in_file);
    }
    return text;
}
