/* SPDX-License-Identifier: MIT */
#include "process.h"

#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static int open_stat(pid_t pid)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        give_up(path, errno);
    }
    return fd;
}

process_t process_start(process_body_t *body, void *context)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
        give_up("socketpair", errno);
    }
    fflush(NULL);
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid < 0) {
        give_up("fork", errno);
    }
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() == parent) {
            close(ends[0]);
            body(ends[1], context);
        }
        _exit(0);
    }
    close(ends[1]);
    return (process_t){.pid = pid, .channel = ends[0], .stat = open_stat(pid)};
}

void process_kill(process_t *p)
{
    kill(p->pid, SIGKILL);
    while (waitpid(p->pid, NULL, 0) < 0 && errno == EINTR) {
    }
    close(p->channel);
    close(p->stat);
}

void channel_send(int channel, const void *message, size_t size)
{
    ssize_t sent = send(channel, message, size, MSG_NOSIGNAL);
    if (sent != (ssize_t)size) {
        give_up("talking to a child", sent < 0 ? errno : EIO);
    }
}

void channel_receive(int channel, void *message, size_t size)
{
    ssize_t received;
    do {
        received = recv(channel, message, size, MSG_WAITALL);
    } while (received < 0 && errno == EINTR);
    if (received != (ssize_t)size) {
        give_up("listening to a child", received < 0 ? errno : ECHILD);
    }
}

/* The state follows the command name, which may itself hold spaces and parentheses. */
static char state_of(const process_t *p)
{
    char text[512];
    ssize_t size = pread(p->stat, text, sizeof text - 1, 0);
    if (size <= 0) {
        give_up("a child has ended too early", ECHILD);
    }
    text[size] = '\0';
    const char *end = strrchr(text, ')');
    return end != NULL && end[1] == ' ' ? end[2] : '?';
}

void process_await_sleep(const process_t *p)
{
    uint64_t limit = now_ns() + 10000000000u;
    while (state_of(p) != 'S') {
        if (now_ns() > limit) {
            give_up("waiting for a child to fall asleep", ETIMEDOUT);
        }
    }
}
