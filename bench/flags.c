/* SPDX-License-Identifier: MIT */
/* What is set and waited for: an event that lets one pass, and what is done once. */
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
