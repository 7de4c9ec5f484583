/* SPDX-License-Identifier: MIT */
/*
 * A peer: one implementation of "acquire, then release". To measure another kind of
 * thing, write its table of peers and name it in the sections that shall measure it.
 */
#ifndef BENCH_PEER_H
#define BENCH_PEER_H

#include "loops.h"

#include <stdbool.h>
#include <stddef.h>

/* How often this party got its turn, or CONTEST_FAILED. */
typedef uint64_t peer_contest_t(contest_t *contest, void *thing);

typedef struct {
    const char *name;
    const char *missing; /* why it cannot be measured here; null: it can */
    bool variant;        /* of ours: in the tables, not in the chart */
    size_t size;
    int (*init)(void *thing); /* on zeroed memory; 0 or an errno value */

    /* One function for each loop of loops.h. A null contest: measured by one thread only.
     */
    int (*pairs)(void *thing, uint64_t count);
    peer_contest_t *contest, *reads;

    /* Single calls, for latencies. A null recover: it does not survive its holder. A null
     * sleepers: it cannot tell, and only the kernel is asked whether somebody sleeps. */
    peer_call_t *acquire, *release, *recover;
    unsigned (*sleepers)(void *thing);
} peer_t;

/* Peers of one kind, and which of them the ratios are about. */
typedef struct {
    const peer_t *peers;
    unsigned count;
    unsigned floor;     /* what nothing of its kind can beat */
    unsigned reference; /* glibc's or the system's */
    unsigned subject;   /* ours */
} peer_set_t;

enum { MAX_PEERS = 16 };

enum {
    LOCK_FLOOR,
    LOCK_HOLDFAST,
    LOCK_RECURSIVE,
    LOCK_NESTED,
    LOCK_PLAIN,
    LOCK_ROBUST,
    LOCK_BOOST,
    LOCK_RECORD,
    LOCK_FLOCK,
    LOCK_PEERS
};
extern const peer_t lock_peers[LOCK_PEERS];
extern const peer_set_t lock_set;

enum { SEM_FLOOR, SEM_HOLDFAST, SEM_POSIX, SEM_BOOST, SEM_PEERS };
extern const peer_t sem_peers[SEM_PEERS];
extern const peer_set_t sem_set;
extern const peer_set_t permits_set;

enum { RW_FLOOR, RW_HOLDFAST, RW_PTHREAD, RW_BOOST, RW_PEERS };
extern const peer_t read_peers[RW_PEERS], write_peers[RW_PEERS];
extern const peer_set_t read_set;
extern const peer_set_t write_set;

extern const peer_set_t events_set;
extern const peer_set_t once_set;
extern const peer_set_t signal_set;
extern const peer_set_t barrier_set;
extern const peer_set_t count_set;

extern const peer_set_t section_set;
extern const peer_set_t snapshot_read_set, snapshot_write_set;

enum {
    SNAPSHOT_JOINED,
    SNAPSHOT_LATCH,
    SNAPSHOT_ROBUST,
    SNAPSHOT_RWLOCK,
    SNAPSHOT_PEERS
};
extern const peer_t snapshot_peers[SNAPSHOT_PEERS];

/* The floor of all that one compare-and-swap takes. */
int floor_init(void *lock);
int floor_pairs(void *lock, uint64_t count);

/* Zeroes the memory and initialises it; gives up on an error. */
void peer_init(const peer_t *peer, void *thing);

/* Nanoseconds of one of so many pairs. Gives up on an error. */
double peer_time(const peer_t *peer, void *thing, uint64_t pairs);

/* As many as take less than a time slice: most batches are then not interrupted, however
 * busy the machine. The best of some tries. */
uint64_t peer_fitting_pairs(const peer_t *peer, void *thing);

/* Its name in the chart, where ours is "holdfast"; null: it has no place there. */
const char *peer_in_chart(const peer_set_t *set, unsigned p);

#endif
