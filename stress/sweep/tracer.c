/* SPDX-License-Identifier: MIT */
#include "tracer.h"

#include "process.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
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

/* Whether the next instruction enters the kernel. Where we can't tell we say yes, which only
 * costs time. */
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
    while (!try_stop(v, WNOHANG)) {
        if (sleeps_in_call(v->tid, -1)) {
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

bool victim_step(struct victim *v)
{
    if (v->place == ASLEEP) {
        return await_wake(v);
    }
    v->after_call = is_before_call(v);
    if (ptrace(PTRACE_SINGLESTEP, v->tid, NULL, NULL) < 0) {
        give_up("cannot step a victim: %s", strerror(errno));
    }
    if (v->after_call) {
        await_stop_or_sleep(v);
    } else {
        try_stop(v, 0);
    }
    return true;
}

/* Two stops a call: at its entry and at its exit. */
bool victim_run_calls(struct victim *v, unsigned long calls)
{
    for (unsigned long stop = 0; stop < 2 * calls; stop++) {
        if (ptrace(PTRACE_SYSCALL, v->tid, NULL, NULL) < 0) {
            give_up("cannot run a victim: %s", strerror(errno));
        }
        await_stop_or_sleep(v);
        if (v->place != AT_INSTRUCTION) {
            return false;
        }
    }
    v->after_call = true;
    return true;
}

/* False: it exited instead. */
static bool await_ready(struct victim *v)
{
    while ((v->tid = atomic_load(ready_tid)) == 0) {
        if (waitpid(v->pid, NULL, WNOHANG) != 0) {
            return false;
        }
        sched_yield();
    }
    int status;
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

void victim_kill(const struct victim *v)
{
    kill(v->pid, SIGKILL);
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
