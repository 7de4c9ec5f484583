/* SPDX-License-Identifier: MIT */
/* Semaphores (tokens that anyone posts) and permits (which their holder's death gives
 * back), side by side. */
#include "bench.h"
#include "boost_lock.h"
#include "peer.h"

#include <errno.h>
#include <holdfast/holdfast.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <unistd.h>

static int result_of(int result)
{
    return result == 0 ? 0 : errno;
}

/* ---- one token, or one permit: so all of them can be used as a lock ---- */

/* The floor: who takes must see that there is one, who gives need not. */

typedef _Atomic uint64_t tokens_t;

static int tokens_init(void *tokens)
{
    atomic_init((tokens_t *)tokens, 1);
    return 0;
}

static inline int tokens_take(void *tokens)
{
    uint64_t one = 1;
    return atomic_compare_exchange_strong_explicit(
               (tokens_t *)tokens, &one, 0, memory_order_acquire, memory_order_relaxed)
               ? 0
               : EBUSY;
}

static inline int tokens_give(void *tokens)
{
    atomic_fetch_add_explicit((tokens_t *)tokens, 1, memory_order_release);
    return 0;
}

static int tokens_pairs(void *tokens, uint64_t count)
{
    return loop_pairs(tokens, count, tokens_take, tokens_give);
}

static int holdfast_init(void *sem)
{
    return hf_sem_init(sem, 1);
}

static inline int holdfast_wait(void *sem)
{
    return hf_sem_wait(sem);
}

static inline int holdfast_post(void *sem)
{
    return hf_sem_post(sem);
}

static int holdfast_pairs(void *sem, uint64_t count)
{
    return loop_pairs(sem, count, holdfast_wait, holdfast_post);
}

static uint64_t holdfast_contest(contest_t *contest, void *sem)
{
    return loop_contest(contest, sem, holdfast_wait, holdfast_post);
}

static int posix_init(void *sem)
{
    return result_of(sem_init(sem, 1, 1));
}

static inline int posix_wait(void *sem)
{
    return result_of(sem_wait(sem));
}

static inline int posix_post(void *sem)
{
    return result_of(sem_post(sem));
}

static int posix_pairs(void *sem, uint64_t count)
{
    return loop_pairs(sem, count, posix_wait, posix_post);
}

static uint64_t posix_contest(contest_t *contest, void *sem)
{
    return loop_contest(contest, sem, posix_wait, posix_post);
}

const peer_t sem_peers[SEM_PEERS] = {
    [SEM_FLOOR] = {.name = "floor: compare-and-swap, fetch-and-add",
        .size = sizeof(tokens_t),
        .init = tokens_init,
        .pairs = tokens_pairs},
    [SEM_HOLDFAST] = {.name = "holdfast semaphore",
        .size = sizeof(hf_sem_t),
        .init = holdfast_init,
        .pairs = holdfast_pairs,
        .contest = holdfast_contest},
    [SEM_POSIX] = {.name = "sem_t, shared",
        .size = sizeof(sem_t),
        .init = posix_init,
        .pairs = posix_pairs,
        .contest = posix_contest},
#ifdef BENCH_BOOST
    [SEM_BOOST] = {.name = "Boost interprocess_semaphore",
        .size = BOOST_LOCK_SIZE,
        .init = boost_sem_init,
        .pairs = boost_sem_pairs,
        .contest = boost_sem_contest},
#else
    [SEM_BOOST] = {.name = "Boost interprocess_semaphore", .missing = "not installed"},
#endif
};

const peer_set_t sem_set = {.peers = sem_peers,
    .count = SEM_PEERS,
    .floor = SEM_FLOOR,
    .reference = SEM_POSIX,
    .subject = SEM_HOLDFAST};

/* ---- permits ---- */

static unsigned taken; /* by this process: the loops are one thread's */

static int permits_init(void *permits)
{
    return hf_permits_init(permits, 1);
}

static inline int permits_acquire(void *permits)
{
    return hf_permits_acquire(permits, &taken);
}

static inline int permits_release(void *permits)
{
    return hf_permits_release(permits, taken);
}

static int permits_pairs(void *permits, uint64_t count)
{
    return loop_pairs(permits, count, permits_acquire, permits_release);
}

static uint64_t permits_contest(contest_t *contest, void *permits)
{
    return loop_contest(contest, permits, permits_acquire, permits_release);
}

/* The kernel keeps a SysV semaphore until it is told: at our exit, though not after a
 * SIGKILL. One serves all measurements, which come one after the other. */
static int sysv = -1;
static pid_t sysv_owner;

static void remove_sysv(void)
{
    if (getpid() == sysv_owner) {
        semctl(sysv, 0, IPC_RMID);
    }
}

static int sysv_init(void *id)
{
    union {
        int val;
        void *other;
    } one = {.val = 1};
    if (sysv < 0) {
        sysv = semget(IPC_PRIVATE, 1, 0600);
        if (sysv < 0) {
            return errno;
        }
        sysv_owner = getpid();
        atexit(remove_sysv);
    }
    *(int *)id = sysv;
    return result_of(semctl(sysv, 0, SETVAL, one));
}

static inline int sysv_add(void *id, short n)
{
    struct sembuf change = {.sem_num = 0, .sem_op = n, .sem_flg = SEM_UNDO};
    return result_of(semop(*(int *)id, &change, 1));
}

static inline int sysv_take(void *id)
{
    return sysv_add(id, -1);
}

static inline int sysv_give(void *id)
{
    return sysv_add(id, 1);
}

static int sysv_pairs(void *id, uint64_t count)
{
    return loop_pairs(id, count, sysv_take, sysv_give);
}

static uint64_t sysv_contest(contest_t *contest, void *id)
{
    return loop_contest(contest, id, sysv_take, sysv_give);
}

static const peer_t permits_peers[] = {
    {.name = "floor: compare-and-swap, fetch-and-add",
        .size = sizeof(tokens_t),
        .init = tokens_init,
        .pairs = tokens_pairs},
    {.name = "holdfast permits",
        .size = sizeof(hf_permits_t) + sizeof(uint64_t),
        .init = permits_init,
        .pairs = permits_pairs,
        .contest = permits_contest},
    {.name = "SysV semaphore, SEM_UNDO",
        .size = sizeof(int),
        .init = sysv_init,
        .pairs = sysv_pairs,
        .contest = sysv_contest},
};

const peer_set_t permits_set = {
    .peers = permits_peers, .count = 3, .floor = 0, .reference = 2, .subject = 1};
