/* SPDX-License-Identifier: MIT */
/* Several fields that are read together: a latch, and what else keeps them whole. */
#include "peer.h"
#include "shared.h"

#include <holdfast/holdfast.h>
#include <string.h>

enum { SIZE = 64 };

typedef struct {
    char bytes[SIZE];
} fields_t;

static fields_t own; /* what is written, and where what is read goes */

/* As if it had been changed or looked at. */
static inline void use(fields_t *fields)
{
    __asm__ volatile("" : : "r"(fields) : "memory");
}

static inline int nothing(void *unused)
{
    (void)unused;
    return 0;
}

/* ---- the bytes alone ---- */

static inline int plain_read(void *fields)
{
    memcpy(&own, fields, SIZE);
    use(&own);
    return 0;
}

static inline int plain_write(void *fields)
{
    use(&own);
    memcpy(fields, &own, SIZE);
    return 0;
}

static int plain_reads(void *fields, uint64_t count)
{
    return loop_pairs(fields, count, plain_read, nothing);
}

static int plain_writes(void *fields, uint64_t count)
{
    return loop_pairs(fields, count, plain_write, nothing);
}

/* A latch is told the size call by call: so is this memcpy, which is a call then. */
static inline size_t told_size(void)
{
    size_t size = SIZE;
    __asm__ volatile("" : "+r"(size));
    return size;
}

static inline int called_read(void *fields)
{
    memcpy(&own, fields, told_size());
    use(&own);
    return 0;
}

static inline int called_write(void *fields)
{
    use(&own);
    memcpy(fields, &own, told_size());
    return 0;
}

static int called_reads(void *fields, uint64_t count)
{
    return loop_pairs(fields, count, called_read, nothing);
}

static int called_writes(void *fields, uint64_t count)
{
    return loop_pairs(fields, count, called_write, nothing);
}

/* ---- latch ---- */

static int latch_init(void *latch)
{
    return hf_latch_write(latch, &own, SIZE);
}

static inline int latch_read(void *latch)
{
    int error = hf_latch_read(latch, &own, SIZE);
    use(&own);
    return error;
}

static inline int latch_write(void *latch)
{
    use(&own);
    return hf_latch_write(latch, &own, SIZE);
}

static int latch_reads(void *latch, uint64_t count)
{
    return loop_pairs(latch, count, latch_read, nothing);
}

static int latch_writes(void *latch, uint64_t count)
{
    return loop_pairs(latch, count, latch_write, nothing);
}

static uint64_t latch_read_on(contest_t *contest, void *latch)
{
    return loop_reads(contest, latch, latch_read, nothing);
}

/* A thread that only reads never joins; one that has is not looked up. */
static uint64_t latch_read_joined_on(contest_t *contest, void *latch)
{
    int error = hf_latch_write(latch, &own, SIZE);
    return error == 0 ? loop_reads(contest, latch, latch_read, nothing) : CONTEST_FAILED;
}

static uint64_t latch_write_on(contest_t *contest, void *latch)
{
    return loop_contest(contest, latch, latch_write, nothing);
}

enum { LATCH_SIZE = sizeof(hf_latch_t) + 2 * SIZE };

/* ---- under a lock ---- */

typedef struct {
    pthread_rwlock_t lock;
    fields_t fields;
} shared_fields_t;

static int shared_init(void *thing)
{
    return shared_rwlock_init(&((shared_fields_t *)thing)->lock);
}

static inline int shared_read(void *thing)
{
    shared_fields_t *shared = thing;
    int failed = pthread_rwlock_rdlock(&shared->lock);
    plain_read(&shared->fields);
    return failed | pthread_rwlock_unlock(&shared->lock);
}

static inline int shared_write(void *thing)
{
    shared_fields_t *shared = thing;
    int failed = pthread_rwlock_wrlock(&shared->lock);
    plain_write(&shared->fields);
    return failed | pthread_rwlock_unlock(&shared->lock);
}

static int shared_reads(void *thing, uint64_t count)
{
    return loop_pairs(thing, count, shared_read, nothing);
}

static uint64_t shared_read_on(contest_t *contest, void *thing)
{
    return loop_reads(contest, thing, shared_read, nothing);
}

static uint64_t shared_write_on(contest_t *contest, void *thing)
{
    return loop_contest(contest, thing, shared_write, nothing);
}

typedef struct {
    pthread_mutex_t lock;
    fields_t fields;
} robust_fields_t;

static int robust_init(void *thing)
{
    return shared_mutex_init(&((robust_fields_t *)thing)->lock, PTHREAD_MUTEX_ROBUST);
}

static inline int robust_read(void *thing)
{
    robust_fields_t *robust = thing;
    int failed = pthread_mutex_lock(&robust->lock);
    plain_read(&robust->fields);
    return failed | pthread_mutex_unlock(&robust->lock);
}

static inline int robust_write(void *thing)
{
    robust_fields_t *robust = thing;
    int failed = pthread_mutex_lock(&robust->lock);
    plain_write(&robust->fields);
    return failed | pthread_mutex_unlock(&robust->lock);
}

static int robust_reads(void *thing, uint64_t count)
{
    return loop_pairs(thing, count, robust_read, nothing);
}

static int robust_writes(void *thing, uint64_t count)
{
    return loop_pairs(thing, count, robust_write, nothing);
}

static uint64_t robust_read_on(contest_t *contest, void *thing)
{
    return loop_reads(contest, thing, robust_read, nothing);
}

static uint64_t robust_write_on(contest_t *contest, void *thing)
{
    return loop_contest(contest, thing, robust_write, nothing);
}

/* ---- alone ---- */

enum { PLAIN, CALLED, LATCH, ROBUST, SHARED, PEERS };

static const peer_t readers[PEERS] = {
    [PLAIN] = {.name = "memcpy, its size known to the compiler",
        .size = SIZE,
        .init = nothing,
        .pairs = plain_reads},
    [CALLED] = {.name = "floor: memcpy, told the size",
        .size = SIZE,
        .init = nothing,
        .pairs = called_reads},
    [LATCH] = {.name = "holdfast latch",
        .size = LATCH_SIZE,
        .init = latch_init,
        .pairs = latch_reads},
    [ROBUST] = {.name = "robust mutex, memcpy",
        .size = sizeof(robust_fields_t),
        .init = robust_init,
        .pairs = robust_reads},
    [SHARED] = {.name = "pthread_rwlock, memcpy",
        .size = sizeof(shared_fields_t),
        .init = shared_init,
        .pairs = shared_reads},
};

const peer_set_t snapshot_read_set = {.peers = readers,
    .count = PEERS,
    .floor = CALLED,
    .reference = SHARED,
    .subject = LATCH};

static const peer_t writers[] = {
    [PLAIN] = {.name = "memcpy, its size known to the compiler",
        .size = SIZE,
        .init = nothing,
        .pairs = plain_writes},
    [CALLED] = {.name = "floor: memcpy, told the size",
        .size = SIZE,
        .init = nothing,
        .pairs = called_writes},
    [LATCH] = {.name = "holdfast latch",
        .size = LATCH_SIZE,
        .init = latch_init,
        .pairs = latch_writes},
    [ROBUST] = {.name = "robust mutex, memcpy",
        .size = sizeof(robust_fields_t),
        .init = robust_init,
        .pairs = robust_writes},
};

const peer_set_t snapshot_write_set = {.peers = writers,
    .count = sizeof writers / sizeof writers[0],
    .floor = CALLED,
    .reference = ROBUST,
    .subject = LATCH};

/* ---- beside one who writes ---- */

const peer_t snapshot_peers[SNAPSHOT_PEERS] = {
    [SNAPSHOT_JOINED] = {.name = "holdfast latch, its reader has joined",
        .size = LATCH_SIZE,
        .init = latch_init,
        .reads = latch_read_joined_on,
        .contest = latch_write_on},
    [SNAPSHOT_LATCH] = {.name = "holdfast latch, its reader has not",
        .size = LATCH_SIZE,
        .init = latch_init,
        .reads = latch_read_on,
        .contest = latch_write_on},
    [SNAPSHOT_ROBUST] = {.name = "robust mutex, memcpy",
        .size = sizeof(robust_fields_t),
        .init = robust_init,
        .reads = robust_read_on,
        .contest = robust_write_on},
    [SNAPSHOT_RWLOCK] = {.name = "pthread_rwlock, memcpy",
        .size = sizeof(shared_fields_t),
        .init = shared_init,
        .reads = shared_read_on,
        .contest = shared_write_on},
};
