/* SPDX-License-Identifier: MIT */
/*
 * Actors: long-lived processes that run one body at a time for the director. All of them,
 * and the victims, are forked from the director, so a function has the same address in
 * each.
 */
#ifndef SWEEP_ACTOR_H
#define SWEEP_ACTOR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* How a body ended. */
enum ending {
    WENT_ON,   /* as if nobody had died */
    SAW_DEATH, /* EOWNERDEAD, repaired, went on */
    SAW_LOST,  /* ENOTRECOVERABLE */
    BROKE      /* a law was broken: see why */
};

struct reply {
    enum ending ending;
    uint64_t value; /* for bodies that look something up */
    int64_t when_ns;
    char why[112];
};

typedef struct reply body_fn(void);

struct reply went_on(void);
struct reply ended(enum ending ending);
struct reply broke(const char *format, ...) __attribute__((format(printf, 1, 2)));

struct actor {
    pid_t pid; /* 0: none */
    int channel;
    bool busy; /* has an order that it has not replied to */
    struct reply reply;
};

void actor_spawn(struct actor *a);

/* In a PID namespace of its own, where it has the number 1. False: not permitted. */
bool actor_spawn_as_init(struct actor *a);

/* Kills it, and returns once the kernel has buried it. */
void actor_kill(struct actor *a);

void actor_start(struct actor *a, body_fn *body);

/* Whether it has replied, waiting for that until the deadline (now_ns; 0: no waiting). */
bool actor_ended(struct actor *a, int64_t deadline_ns);

/* Starts and waits; an actor that is silent for seconds counts as broken. */
const struct reply *actor_call(struct actor *a, body_fn *body);

/* Waits until it has replied or sleeps in a call. False: it did neither for a second. */
bool actor_settles(struct actor *a);

#endif
