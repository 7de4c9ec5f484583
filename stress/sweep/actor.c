/* SPDX-License-Identifier: MIT */
#include "actor.h"

#include "process.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct reply ended(enum ending ending)
{
    return (struct reply){.ending = ending};
}

struct reply went_on(void)
{
    return ended(WENT_ON);
}

struct reply broke(const char *format, ...)
{
    struct reply r = {.ending = BROKE};
    va_list list;
    va_start(list, format);
    vsnprintf(r.why, sizeof r.why, format, list);
    va_end(list);
    return r;
}

static _Noreturn void act(int channel)
{
    for (;;) {
        body_fn *body;
        if (read(channel, &body, sizeof body) != (ssize_t)sizeof body) {
            _exit(0);
        }
        struct reply r = body();
        r.when_ns = now_ns();
        if (write(channel, &r, sizeof r) != (ssize_t)sizeof r) {
            _exit(1);
        }
    }
}

static int make_channel(struct actor *a)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
        give_up("socketpair: %s", strerror(errno));
    }
    *a = (struct actor){.channel = ends[0]};
    return ends[1];
}

void actor_spawn(struct actor *a)
{
    const int theirs = make_channel(a);
    a->pid = fork_bound();
    if (a->pid == 0) {
        close(a->channel);
        act(theirs);
    }
    close(theirs);
}

/* The go-between enters no namespace itself: it knows its child by the number we know
 * too. */
static _Noreturn void go_between(int channel)
{
    pid_t pid = unshare(CLONE_NEWPID) == 0 ? fork() : -1;
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        act(channel);
    }
    if (write(channel, &pid, sizeof pid) != (ssize_t)sizeof pid || pid < 0) {
        _exit(1);
    }
    close(channel);
    waitpid(pid, NULL, 0);
    _exit(0);
}

bool actor_spawn_as_init(struct actor *a)
{
    const int theirs = make_channel(a);
    const pid_t between = fork_bound();
    if (between == 0) {
        close(a->channel);
        go_between(theirs);
    }
    close(theirs);
    const bool told = read(a->channel, &a->pid, sizeof a->pid) == (ssize_t)sizeof a->pid;
    if (!told || a->pid < 0) {
        waitpid(between, NULL, 0);
        close(a->channel);
        a->pid = 0;
        return false;
    }
    return true;
}

void actor_kill(struct actor *a)
{
    if (a->pid == 0) {
        return;
    }
    kill(a->pid, SIGKILL);
    if (waitpid(a->pid, NULL, __WALL) < 0) { /* a go-between's child: its channel tells */
        char rest[sizeof(struct reply)];
        while (read(a->channel, rest, sizeof rest) > 0) {
        }
    }
    close(a->channel);
    *a = (struct actor){0};
}

void actor_start(struct actor *a, body_fn *body)
{
    a->busy = true;
    if (write(a->channel, &body, sizeof body) != (ssize_t)sizeof body) {
        give_up("an actor is gone: %s", strerror(errno));
    }
}

static void receive(struct actor *a)
{
    if (read(a->channel, &a->reply, sizeof a->reply) != (ssize_t)sizeof a->reply) {
        a->reply = broke("the process ended before its task");
        a->reply.when_ns = now_ns();
    }
    a->busy = false;
}

bool actor_ended(struct actor *a, int64_t deadline_ns)
{
    while (a->busy) {
        struct pollfd poller = {.fd = a->channel, .events = POLLIN};
        const int64_t left = deadline_ns - now_ns();
        const struct timespec limit = {left > 0 ? left / (1000 * NS_PER_MS) : 0,
            left > 0 ? left % (1000 * NS_PER_MS) : 0};
        if (ppoll(&poller, 1, &limit, NULL) > 0) {
            receive(a);
        } else if (left <= 0) {
            return false;
        }
    }
    return true;
}

const struct reply *actor_call(struct actor *a, body_fn *body)
{
    actor_start(a, body);
    if (!actor_ended(a, now_ns() + 5000LL * NS_PER_MS)) {
        a->reply = broke("a call that should not wait did not return");
    }
    return &a->reply;
}

/* It is given a second of a CPU, or ours: on a machine that is busy, or was stopped as a
 * whole, both may stand in line for longer. */
bool actor_settles(struct actor *a)
{
    enum { SECOND_MS = 1000, AWAY_MS = 20 };
    const int64_t starved = starved_ns(a->pid);
    int64_t last = now_ns(), deadline = last + SECOND_MS * NS_PER_MS;
    while (!actor_ended(a, 0) && !sleeps_in_call(a->pid, SYS_read)) {
        const int64_t now = now_ns();
        if (now - last > AWAY_MS * NS_PER_MS) {
            deadline += now - last;
        }
        last = now;
        if (now > deadline + starved_ns(a->pid) - starved) {
            return false;
        }
        sched_yield();
    }
    return true;
}
