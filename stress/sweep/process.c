/* SPDX-License-Identifier: MIT */
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 * NS_PER_MS + t.tv_nsec;
}

static bool read_proc(pid_t tid, const char *file, char *text, size_t size)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)tid, file);
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    const ssize_t got = read(fd, text, size - 1);
    close(fd);
    text[got > 0 ? got : 0] = '\0';
    return got > 0;
}

static bool is_interruptible(pid_t tid)
{
    char text[512];
    if (!read_proc(tid, "stat", text, sizeof text)) {
        return false;
    }
    const char *after_name = strrchr(text, ')');
    return after_name != NULL && strncmp(after_name, ") S", 3) == 0;
}

/* The state is asked twice: between, the thread may have left the call that we see. */
bool sleeps_in_call(pid_t tid, long idle)
{
    char text[256];
    if (!is_interruptible(tid) || !read_proc(tid, "syscall", text, sizeof text)) {
        return false;
    }
    char *end;
    const long call = strtol(text, &end, 10);
    return end != text && call >= 0 && call != idle && is_interruptible(tid);
}

int64_t starved_ns(pid_t pid)
{
    char text[96];
    long long ran = 0, stood = 0;
    if (pid == 0 || !read_proc(pid, "schedstat", text, sizeof text) ||
        sscanf(text, "%lld %lld", &ran, &stood) != 2) {
        return 0;
    }
    return stood;
}

pid_t fork_bound(void)
{
    const pid_t parent = getpid();
    const pid_t pid = fork();
    if (pid < 0) {
        give_up("fork: %s", strerror(errno));
    }
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent) {
            _exit(1); /* the parent died before we asked to be told */
        }
    }
    return pid;
}

void give_up(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    fputs("sweep: ", stderr);
    vfprintf(stderr, format, list);
    fputc('\n', stderr);
    va_end(list);
    exit(3);
}
