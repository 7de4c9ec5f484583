/* SPDX-License-Identifier: MIT */
/* Child processes that take orders, and how to know that one of them is asleep. */
#ifndef BENCH_PROCESS_H
#define BENCH_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

typedef struct {
    pid_t pid;
    int channel; /* socket to the child's own channel */
    int stat;    /* its /proc/PID/stat, open */
} process_t;

typedef void process_body_t(int channel, void *context);

/* The child runs the body and exits; it dies with its parent, whatever happens. */
process_t process_start(process_body_t *body, void *context);

/* Kills it, wherever it is, and waits until it is gone. */
void process_kill(process_t *p);

/* The whole message or nothing: giving up if the other side is gone. */
void channel_send(int channel, const void *message, size_t size);
void channel_receive(int channel, void *message, size_t size);

/* Waits until the kernel shows it as sleeping; gives up after ten seconds. */
void process_await_sleep(const process_t *p);

#endif
