/* SPDX-License-Identifier: MIT */
/* What is set and waited for: an event that lets one pass, and what is done once; a signal
 * that nobody waits for, and a barrier of one. */
#include "boost_lock.h"
#include "peer.h"
#include "shared.h"

#include <errno.h>
#include <holdfast/holdfast.h>
#include <stdatomic.h>

/* ---- event: set, then pass it ---- */

typedef _Atomic uint64_t flag_t;

static int flag_init(void *flag)
{
    atomic_init((flag_t *)flag, 0);
    return 0;
}

static inline int flag_set(void *flag)
{
    atomic_exchange_explicit((flag_t *)flag, 1, memory_order_release);
    return 0;
}

static inline int flag_consume(void *flag)
{
    uint64_t set = 1;
    return atomic_compare_exchange_strong_explicit(
               (flag_t *)flag, &set, 0, memory_order_acquire, memory_order_relaxed)
               ? 0
               : EBUSY;
}

static int flag_pairs(void *flag, uint64_t count)
{
    return loop_pairs(flag, count, flag_set, flag_consume);
}

static int event_init(void *event)
{
    return hf_event_init(event, HF_AUTO_RESET);
}

static inline int event_set(void *event)
{
    return hf_event_set(event);
}

static inline int event_wait(void *event)
{
    return hf_event_wait(event);
}

static int event_pairs(void *event, uint64_t count)
{
    return loop_pairs(event, count, event_set, event_wait);
}

/* glibc has none: a flag, with a mutex and a condition variable. */

typedef struct {
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    int set;
} guarded_flag_t;

static int guarded_init(void *thing)
{
    guarded_flag_t *flag = thing;
    int error = shared_mutex_init(&flag->mutex, PTHREAD_MUTEX_ROBUST);
    return error != 0 ? error : shared_cond_init(&flag->cond);
}

static inline int guarded_set(void *thing)
{
    guarded_flag_t *flag = thing;
    int failed = pthread_mutex_lock(&flag->mutex);
    flag->set = 1;
    failed |= pthread_cond_signal(&flag->cond);
    return failed | pthread_mutex_unlock(&flag->mutex);
}

static inline int guarded_wait(void *thing)
{
    guarded_flag_t *flag = thing;
    int failed = pthread_mutex_lock(&flag->mutex);
    while (failed == 0 && flag->set == 0) {
        failed = pthread_cond_wait(&flag->cond, &flag->mutex);
    }
    flag->set = 0;
    return failed | pthread_mutex_unlock(&flag->mutex);
}

static int guarded_pairs(void *flag, uint64_t count)
{
    return loop_pairs(flag, count, guarded_set, guarded_wait);
}

static const peer_t event_peers[] = {
    {.name = "floor: exchange, compare-and-swap",
        .size = sizeof(flag_t),
        .init = flag_init,
        .pairs = flag_pairs},
    {.name = "holdfast event, automatic",
        .size = sizeof(hf_event_t),
        .init = event_init,
        .pairs = event_pairs},
    {.name = "flag, robust mutex, pthread_cond",
        .size = sizeof(guarded_flag_t),
        .init = guarded_init,
        .pairs = guarded_pairs},
};

const peer_set_t events_set = {
    .peers = event_peers, .count = 3, .floor = 0, .reference = 2, .subject = 1};

/* ---- once: it is done already ---- */

static inline int nothing(void *unused)
{
    (void)unused;
    return 0;
}

static void nothing_to_do(void)
{
}

static int do_nothing(void *unused)
{
    (void)unused;
    return 0;
}

static int done_init(void *flag)
{
    atomic_init((flag_t *)flag, 1);
    return 0;
}

static inline int done_look(void *flag)
{
    return atomic_load_explicit((flag_t *)flag, memory_order_acquire) == 1 ? 0 : EBUSY;
}

static int done_pairs(void *flag, uint64_t count)
{
    return loop_pairs(flag, count, done_look, nothing);
}

static inline int holdfast_once(void *once)
{
    return hf_once(once, do_nothing, NULL);
}

static int holdfast_once_pairs(void *once, uint64_t count)
{
    return loop_pairs(once, count, holdfast_once, nothing);
}

static int once_zero(void *once)
{
    *(pthread_once_t *)once = PTHREAD_ONCE_INIT;
    return 0;
}

static inline int glibc_once(void *once)
{
    return pthread_once(once, nothing_to_do);
}

static int glibc_once_pairs(void *once, uint64_t count)
{
    return loop_pairs(once, count, glibc_once, nothing);
}

static const peer_t once_peers[] = {
    {.name = "floor: a load",
        .size = sizeof(flag_t),
        .init = done_init,
        .pairs = done_pairs},
    {.name = "holdfast once",
        .size = sizeof(hf_once_t),
        .init = nothing,
        .pairs = holdfast_once_pairs},
    {.name = "pthread_once (one process only)",
        .size = sizeof(pthread_once_t),
        .init = once_zero,
        .pairs = glibc_once_pairs},
};

const peer_set_t once_set = {
    .peers = once_peers, .count = 3, .floor = 0, .reference = 2, .subject = 1};

/* ---- condition variable: a signal that nobody waits for ---- */

static inline int holdfast_signal(void *cond)
{
    return hf_cond_signal(cond);
}

static int holdfast_signal_pairs(void *cond, uint64_t count)
{
    return loop_pairs(cond, count, holdfast_signal, nothing);
}

static int pthread_cond_shared(void *cond)
{
    return shared_cond_init(cond);
}

static inline int pthread_signal(void *cond)
{
    return pthread_cond_signal(cond);
}

static int pthread_signal_pairs(void *cond, uint64_t count)
{
    return loop_pairs(cond, count, pthread_signal, nothing);
}

static const peer_t signal_peers[] = {
    {.name = "floor: a load",
        .size = sizeof(flag_t),
        .init = done_init,
        .pairs = done_pairs},
    {.name = "holdfast condition variable",
        .size = sizeof(hf_cond_t),
        .init = nothing,
        .pairs = holdfast_signal_pairs},
    {.name = "pthread_cond, shared",
        .size = sizeof(pthread_cond_t),
        .init = pthread_cond_shared,
        .pairs = pthread_signal_pairs},
#ifdef BENCH_BOOST
    {.name = "Boost interprocess_condition",
        .size = BOOST_LOCK_SIZE,
        .init = boost_signal_init,
        .pairs = boost_signal_pairs},
#else
    {.name = "Boost interprocess_condition", .missing = "not installed"},
#endif
};

const peer_set_t signal_set = {
    .peers = signal_peers, .count = 4, .floor = 0, .reference = 2, .subject = 1};

/* ---- a barrier of one: each who comes is the last ---- */

static inline int flag_add(void *flag)
{
    atomic_fetch_add_explicit((flag_t *)flag, 1, memory_order_acq_rel);
    return 0;
}

static int flag_add_pairs(void *flag, uint64_t count)
{
    return loop_pairs(flag, count, flag_add, nothing);
}

static int holdfast_barrier_init(void *barrier)
{
    return hf_barrier_init(barrier, 1);
}

static inline int holdfast_round(void *barrier)
{
    return hf_barrier_wait(barrier, NULL);
}

static int holdfast_round_pairs(void *barrier, uint64_t count)
{
    return loop_pairs(barrier, count, holdfast_round, nothing);
}

static int pthread_barrier_one(void *barrier)
{
    return shared_barrier_init(barrier, 1);
}

static inline int pthread_round(void *barrier)
{
    return pthread_barrier_wait(barrier) == PTHREAD_BARRIER_SERIAL_THREAD ? 0 : EPROTO;
}

static int pthread_round_pairs(void *barrier, uint64_t count)
{
    return loop_pairs(barrier, count, pthread_round, nothing);
}

static const peer_t barrier_peers[] = {
    {.name = "floor: fetch-and-add",
        .size = sizeof(flag_t),
        .init = flag_init,
        .pairs = flag_add_pairs},
    {.name = "holdfast barrier",
        .size = sizeof(hf_barrier_t),
        .init = holdfast_barrier_init,
        .pairs = holdfast_round_pairs},
    {.name = "pthread_barrier, shared",
        .size = sizeof(pthread_barrier_t),
        .init = pthread_barrier_one,
        .pairs = pthread_round_pairs},
};

const peer_set_t barrier_set = {
    .peers = barrier_peers, .count = 3, .floor = 0, .reference = 2, .subject = 1};
