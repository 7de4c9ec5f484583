/* SPDX-License-Identifier: MIT */
/* The reader-writer locks that are measured side by side: for reading, for writing. */
#include "boost_lock.h"
#include "peer.h"
#include "shared.h"

#include <holdfast/holdfast.h>
#include <stdatomic.h>

/* The floor of a lock that counts its readers. */

typedef _Atomic uint64_t readers_t;

static int readers_init(void *readers)
{
    atomic_init((readers_t *)readers, 0);
    return 0;
}

static inline int readers_add(void *readers)
{
    atomic_fetch_add_explicit((readers_t *)readers, 1, memory_order_acquire);
    return 0;
}

static inline int readers_subtract(void *readers)
{
    atomic_fetch_sub_explicit((readers_t *)readers, 1, memory_order_release);
    return 0;
}

static int readers_pairs(void *readers, uint64_t count)
{
    return loop_pairs(readers, count, readers_add, readers_subtract);
}

static uint64_t readers_reads(contest_t *contest, void *readers)
{
    return loop_reads(contest, readers, readers_add, readers_subtract);
}

static int holdfast_init(void *lock)
{
    return hf_rwlock_init(lock);
}

static inline int holdfast_read(void *lock)
{
    return hf_rwlock_rdlock(lock);
}

static inline int holdfast_write(void *lock)
{
    return hf_rwlock_wrlock(lock);
}

static inline int holdfast_unlock(void *lock)
{
    return hf_rwlock_unlock(lock);
}

static int holdfast_read_pairs(void *lock, uint64_t count)
{
    return loop_pairs(lock, count, holdfast_read, holdfast_unlock);
}

static uint64_t holdfast_reads(contest_t *contest, void *lock)
{
    return loop_reads(contest, lock, holdfast_read, holdfast_unlock);
}

static int holdfast_write_pairs(void *lock, uint64_t count)
{
    return loop_pairs(lock, count, holdfast_write, holdfast_unlock);
}

static uint64_t holdfast_contest(contest_t *contest, void *lock)
{
    return loop_contest(contest, lock, holdfast_write, holdfast_unlock);
}

static int pthread_init(void *lock)
{
    return shared_rwlock_init(lock);
}

static inline int pthread_read(void *lock)
{
    return pthread_rwlock_rdlock(lock);
}

static inline int pthread_write(void *lock)
{
    return pthread_rwlock_wrlock(lock);
}

static inline int pthread_unlock(void *lock)
{
    return pthread_rwlock_unlock(lock);
}

static int pthread_read_pairs(void *lock, uint64_t count)
{
    return loop_pairs(lock, count, pthread_read, pthread_unlock);
}

static uint64_t pthread_reads(contest_t *contest, void *lock)
{
    return loop_reads(contest, lock, pthread_read, pthread_unlock);
}

static int pthread_write_pairs(void *lock, uint64_t count)
{
    return loop_pairs(lock, count, pthread_write, pthread_unlock);
}

static uint64_t pthread_contest(contest_t *contest, void *lock)
{
    return loop_contest(contest, lock, pthread_write, pthread_unlock);
}

const peer_t read_peers[RW_PEERS] = {
    [RW_FLOOR] = {.name = "floor: fetch-and-add, fetch-and-sub",
        .size = sizeof(readers_t),
        .init = readers_init,
        .pairs = readers_pairs,
        .reads = readers_reads},
    [RW_HOLDFAST] = {.name = "holdfast rwlock",
        .size = sizeof(hf_rwlock_t),
        .init = holdfast_init,
        .pairs = holdfast_read_pairs,
        .reads = holdfast_reads},
    [RW_PTHREAD] = {.name = "pthread_rwlock, shared",
        .size = sizeof(pthread_rwlock_t),
        .init = pthread_init,
        .pairs = pthread_read_pairs,
        .reads = pthread_reads},
#ifdef BENCH_BOOST
    [RW_BOOST] = {.name = "Boost interprocess_sharable_mutex",
        .size = BOOST_LOCK_SIZE,
        .init = boost_rw_init,
        .pairs = boost_read_pairs,
        .reads = boost_reads},
#else
    [RW_BOOST] = {.name = "Boost interprocess_sharable_mutex",
        .missing = "not installed"},
#endif
};

const peer_t write_peers[RW_PEERS] = {
    [RW_FLOOR] = {.name = "floor: compare-and-swap, exchange",
        .size = sizeof(uint64_t),
        .init = floor_init,
        .pairs = floor_pairs},
    [RW_HOLDFAST] = {.name = "holdfast rwlock",
        .size = sizeof(hf_rwlock_t),
        .init = holdfast_init,
        .pairs = holdfast_write_pairs,
        .contest = holdfast_contest},
    [RW_PTHREAD] = {.name = "pthread_rwlock, shared",
        .size = sizeof(pthread_rwlock_t),
        .init = pthread_init,
        .pairs = pthread_write_pairs,
        .contest = pthread_contest},
#ifdef BENCH_BOOST
    [RW_BOOST] = {.name = "Boost interprocess_sharable_mutex",
        .size = BOOST_LOCK_SIZE,
        .init = boost_rw_init,
        .pairs = boost_write_pairs,
        .contest = boost_write_contest},
#else
    [RW_BOOST] = {.name = "Boost interprocess_sharable_mutex",
        .missing = "not installed"},
#endif
};

const peer_set_t read_set = {.peers = read_peers,
    .count = RW_PEERS,
    .floor = RW_FLOOR,
    .reference = RW_PTHREAD,
    .subject = RW_HOLDFAST};

const peer_set_t write_set = {.peers = write_peers,
    .count = RW_PEERS,
    .floor = RW_FLOOR,
    .reference = RW_PTHREAD,
    .subject = RW_HOLDFAST};
