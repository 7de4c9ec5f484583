/* SPDX-License-Identifier: MIT */
/* The mutexes that are measured side by side. */
#include "bench.h"
#include "boost_lock.h"
#include "peer.h"
#include "shared.h"

#include <errno.h>
#include <fcntl.h>
#include <holdfast/holdfast.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/mman.h>

/* The floor: no lock that one compare-and-swap takes can cost less. */

typedef _Atomic uint64_t floor_word_t;

int floor_init(void *lock)
{
    atomic_init((floor_word_t *)lock, 0);
    return 0;
}

static inline int floor_acquire(void *lock)
{
    uint64_t free = 0;
    return atomic_compare_exchange_strong_explicit(
               (floor_word_t *)lock, &free, 1, memory_order_acquire, memory_order_relaxed)
               ? 0
               : EBUSY;
}

static inline int floor_release(void *lock)
{
    return atomic_exchange_explicit((floor_word_t *)lock, 0, memory_order_release) == 1
               ? 0
               : EPERM;
}

int floor_pairs(void *lock, uint64_t count)
{
    return loop_pairs(lock, count, floor_acquire, floor_release);
}

static int holdfast_init(void *lock)
{
    return hf_mutex_init(lock, 0);
}

static int recursive_init(void *lock)
{
    return hf_mutex_init(lock, HF_RECURSIVE);
}

/* Locked already: what is measured is the depth. */
static int nested_init(void *lock)
{
    int error = recursive_init(lock);
    return error != 0 ? error : hf_mutex_lock(lock);
}

static inline int holdfast_acquire(void *lock)
{
    return hf_mutex_lock(lock);
}

static inline int holdfast_release(void *lock)
{
    return hf_mutex_unlock(lock);
}

static int holdfast_recover(void *lock)
{
    return hf_mutex_consistent(lock);
}

static unsigned holdfast_sleepers(void *lock)
{
    hf_owner_t who;
    return hf_mutex_owner(lock, &who) == 0 ? who.waiters : 0;
}

static int holdfast_pairs(void *lock, uint64_t count)
{
    return loop_pairs(lock, count, holdfast_acquire, holdfast_release);
}

static uint64_t holdfast_contest(contest_t *contest, void *lock)
{
    return loop_contest(contest, lock, holdfast_acquire, holdfast_release);
}

static int plain_init(void *lock)
{
    return shared_mutex_init(lock, PTHREAD_MUTEX_STALLED);
}

static int robust_init(void *lock)
{
    return shared_mutex_init(lock, PTHREAD_MUTEX_ROBUST);
}

static inline int pthread_acquire(void *lock)
{
    return pthread_mutex_lock(lock);
}

static inline int pthread_release(void *lock)
{
    return pthread_mutex_unlock(lock);
}

static int robust_recover(void *lock)
{
    return pthread_mutex_consistent(lock);
}

static int pthread_pairs(void *lock, uint64_t count)
{
    return loop_pairs(lock, count, pthread_acquire, pthread_release);
}

static uint64_t pthread_contest(contest_t *contest, void *lock)
{
    return loop_contest(contest, lock, pthread_acquire, pthread_release);
}

/* The kernel's locks on files, which go with their process. One file serves all
 * measurements, which come one after the other: it ends with us. */

static int file_init(void *fd)
{
    static int file = -1;
    if (file < 0) {
        file = memfd_create("holdfast-bench", MFD_CLOEXEC);
    }
    *(int *)fd = file;
    return file < 0 ? errno : 0;
}

static inline int record_change(const void *fd, short type)
{
    struct flock all = {.l_type = type, .l_whence = SEEK_SET};
    return fcntl(*(const int *)fd, F_SETLKW, &all) == 0 ? 0 : errno;
}

static inline int record_acquire(void *fd)
{
    return record_change(fd, F_WRLCK);
}

static inline int record_release(void *fd)
{
    return record_change(fd, F_UNLCK);
}

static int record_pairs(void *fd, uint64_t count)
{
    return loop_pairs(fd, count, record_acquire, record_release);
}

static uint64_t record_contest(contest_t *contest, void *fd)
{
    return loop_contest(contest, fd, record_acquire, record_release);
}

static inline int flock_acquire(void *fd)
{
    return flock(*(int *)fd, LOCK_EX) == 0 ? 0 : errno;
}

static inline int flock_release(void *fd)
{
    return flock(*(int *)fd, LOCK_UN) == 0 ? 0 : errno;
}

static int flock_pairs(void *fd, uint64_t count)
{
    return loop_pairs(fd, count, flock_acquire, flock_release);
}

/* A party must open the file itself: what fork hands on is its parent's lock. */
static uint64_t flock_contest(contest_t *contest, void *fd)
{
    char path[32];
    snprintf(path, sizeof path, "/proc/self/fd/%d", *(int *)fd);
    int own = open(path, O_RDWR | O_CLOEXEC);
    return loop_contest(contest, &own, flock_acquire, flock_release);
}

const peer_t lock_peers[LOCK_PEERS] = {
    [LOCK_FLOOR] = {.name = "floor: compare-and-swap, exchange",
        .size = sizeof(floor_word_t),
        .init = floor_init,
        .pairs = floor_pairs},
    [LOCK_HOLDFAST] = {.name = "holdfast mutex",
        .size = sizeof(hf_mutex_t),
        .init = holdfast_init,
        .pairs = holdfast_pairs,
        .contest = holdfast_contest,
        .acquire = holdfast_acquire,
        .release = holdfast_release,
        .recover = holdfast_recover,
        .sleepers = holdfast_sleepers},
    [LOCK_RECURSIVE] = {.name = "holdfast mutex, recursive",
        .size = sizeof(hf_mutex_t),
        .variant = true,
        .init = recursive_init,
        .pairs = holdfast_pairs},
    [LOCK_NESTED] = {.name = "holdfast mutex, recursive, one level in",
        .size = sizeof(hf_mutex_t),
        .variant = true,
        .init = nested_init,
        .pairs = holdfast_pairs},
    [LOCK_PLAIN] = {.name = "pthread mutex, shared",
        .size = sizeof(pthread_mutex_t),
        .init = plain_init,
        .pairs = pthread_pairs,
        .contest = pthread_contest,
        .acquire = pthread_acquire,
        .release = pthread_release},
    [LOCK_ROBUST] = {.name = "pthread mutex, shared, robust",
        .size = sizeof(pthread_mutex_t),
        .init = robust_init,
        .pairs = pthread_pairs,
        .contest = pthread_contest,
        .acquire = pthread_acquire,
        .release = pthread_release,
        .recover = robust_recover},
#ifdef BENCH_BOOST
    [LOCK_BOOST] = {.name = "Boost interprocess_mutex",
        .size = BOOST_LOCK_SIZE,
        .init = boost_lock_init,
        .pairs = boost_lock_pairs,
        .contest = boost_lock_contest,
        .acquire = boost_lock_acquire,
        .release = boost_lock_release},
#else
    [LOCK_BOOST] = {.name = "Boost interprocess_mutex", .missing = "not installed"},
#endif
    [LOCK_RECORD] = {.name = "fcntl record lock",
        .size = sizeof(int),
        .init = file_init,
        .pairs = record_pairs,
        .contest = record_contest,
        .acquire = record_acquire,
        .release = record_release},
    [LOCK_FLOCK] = {.name = "flock",
        .size = sizeof(int),
        .init = file_init,
        .pairs = flock_pairs,
        .contest = flock_contest},
};

const peer_set_t lock_set = {.peers = lock_peers,
    .count = LOCK_PEERS,
    .floor = LOCK_FLOOR,
    .reference = LOCK_ROBUST,
    .subject = LOCK_HOLDFAST};
