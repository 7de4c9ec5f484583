/* SPDX-License-Identifier: MIT */
#include "common/children.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct {
    stress_children_t *children;
    void (*work)(void *argument);
    void *argument;
} order_t;

/* A user namespace of one's own permits the PID namespace where privilege does not. */
static bool enter_namespace(void)
{
    return unshare(CLONE_NEWPID) == 0 || unshare(CLONE_NEWUSER | CLONE_NEWPID) == 0;
}

static bool are_namespaces_permitted(void)
{
    int status = 1;
    pid_t pid = fork();
    if (pid == 0) {
        _exit(enter_namespace() ? 0 : 1);
    }
    return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

int stress_children_begin(stress_children_t *children)
{
    if (pipe2(children->life, O_CLOEXEC) != 0) {
        return errno;
    }
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    children->namespaces = are_namespaces_permitted();
    return 0;
}

/* The order matters: after PR_SET_PDEATHSIG the starter's death kills us; if it had died
 * before, the pipe is at its end. */
static void tie_to_starter(const stress_children_t *children)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    struct pollfd life = {.fd = children->life[0], .events = POLLIN};
    if (poll(&life, 1, 0) != 0) {
        _exit(0);
    }
}

static _Noreturn void be_child(const order_t *order)
{
    sigset_t none;
    sigemptyset(&none);
    signal(SIGINT, SIG_IGN); /* a terminal sends it to the whole group */
    signal(SIGTERM, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    tie_to_starter(order->children);
    sigprocmask(SIG_SETMASK, &none, NULL);
    order->work(order->argument);
    exit(0);
}

static int start_here(const order_t *order, pid_t *pid)
{
    *pid = fork();
    if (*pid == 0) {
        close(order->children->life[1]);
        be_child(order);
    }
    return *pid > 0 ? 0 : errno;
}

/* In the middle process: the parent of the first process of a new PID namespace. */
static _Noreturn void fork_into_namespace(const order_t *order, int starter)
{
    char go;
    close(order->children->life[1]);
    if (!enter_namespace()) {
        _exit(1);
    }
    pid_t pid = fork();
    if (pid == 0) {
        if (read(starter, &go, 1) != 1) {
            _exit(0);
        }
        close(starter);
        be_child(order);
    }
    bool told = pid > 0 && write(starter, &pid, sizeof pid) == sizeof pid;
    _exit(told ? 0 : 1);
}

/*
 * unshare applies to later children only, and can't be taken back without privilege; so
 * a process in the middle does it, forks the child, tells us its id and ends, and the
 * child becomes ours (we are the subreaper). It waits for our word, lest the middle's end
 * counts as its parent's.
 */
static int start_apart(const order_t *order, pid_t *pid)
{
    int pair[2];
    int status = 1;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
        return errno;
    }
    pid_t middle = fork();
    if (middle == 0) {
        close(pair[0]);
        fork_into_namespace(order, pair[1]);
    }
    close(pair[1]);
    bool done = middle > 0 && waitpid(middle, &status, 0) == middle && status == 0 &&
                read(pair[0], pid, sizeof *pid) == sizeof *pid &&
                send(pair[0], "g", 1, MSG_NOSIGNAL) == 1;
    close(pair[0]);
    return done ? 0 : EAGAIN;
}

int stress_children_start(stress_children_t *children, bool apart,
    void (*work)(void *argument), void *argument, pid_t *pid)
{
    const order_t order = {.children = children, .work = work, .argument = argument};
    fflush(stdout);
    return apart ? start_apart(&order, pid) : start_here(&order, pid);
}

void *stress_shared_zeroes(size_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}
