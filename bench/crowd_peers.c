/* SPDX-License-Identifier: MIT */
#include "crowd.h"

#include "shared.h"

#include <errno.h>
#include <holdfast/holdfast.h>
#include <semaphore.h>

/* ---- a condition variable, broadcast ---- */

typedef struct {
    hf_mutex_t mutex;
    hf_cond_t cond;
    unsigned released;
} holdfast_gate_t;

static int zero_will_do(void *thing)
{
    (void)thing;
    return 0;
}

static int holdfast_wait(void *thing)
{
    holdfast_gate_t *gate = thing;
    int failed = hf_mutex_lock(&gate->mutex);
    while (failed == 0 && gate->released == 0) {
        failed = hf_cond_wait(&gate->cond, &gate->mutex);
    }
    return failed | hf_mutex_unlock(&gate->mutex);
}

static int holdfast_change(holdfast_gate_t *gate, unsigned released)
{
    int failed = hf_mutex_lock(&gate->mutex);
    gate->released = released;
    return failed | hf_mutex_unlock(&gate->mutex);
}

static int holdfast_broadcast(void *thing, unsigned crowd)
{
    holdfast_gate_t *gate = thing;
    (void)crowd;
    int failed = holdfast_change(gate, 1);
    return failed | hf_cond_broadcast(&gate->cond);
}

static int holdfast_shut(void *thing)
{
    return holdfast_change(thing, 0);
}

typedef struct {
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    unsigned released;
} pthread_gate_t;

static int pthread_gate_init(void *thing)
{
    pthread_gate_t *gate = thing;
    int error = shared_mutex_init(&gate->mutex, PTHREAD_MUTEX_ROBUST);
    return error != 0 ? error : shared_cond_init(&gate->cond);
}

static int pthread_wait(void *thing)
{
    pthread_gate_t *gate = thing;
    int failed = pthread_mutex_lock(&gate->mutex);
    while (failed == 0 && gate->released == 0) {
        failed = pthread_cond_wait(&gate->cond, &gate->mutex);
    }
    return failed | pthread_mutex_unlock(&gate->mutex);
}

static int pthread_change(pthread_gate_t *gate, unsigned released)
{
    int failed = pthread_mutex_lock(&gate->mutex);
    gate->released = released;
    return failed | pthread_mutex_unlock(&gate->mutex);
}

static int pthread_broadcast(void *thing, unsigned crowd)
{
    pthread_gate_t *gate = thing;
    (void)crowd;
    int failed = pthread_change(gate, 1);
    return failed | pthread_cond_broadcast(&gate->cond);
}

static int pthread_shut(void *thing)
{
    return pthread_change(thing, 0);
}

/* ---- a semaphore, posted as often as there are waiters ---- */

static int holdfast_sem_wait(void *thing)
{
    return hf_sem_wait(thing);
}

static int holdfast_posts(void *thing, unsigned crowd)
{
    int failed = 0;
    for (unsigned i = 0; i < crowd; i++) {
        failed |= hf_sem_post(thing);
    }
    return failed;
}

static int posix_sem_init(void *thing)
{
    return sem_init(thing, 1, 0) == 0 ? 0 : errno;
}

static int posix_sem_wait(void *thing)
{
    return sem_wait(thing) == 0 ? 0 : errno;
}

static int posix_posts(void *thing, unsigned crowd)
{
    int failed = 0;
    for (unsigned i = 0; i < crowd; i++) {
        failed |= sem_post(thing);
    }
    return failed;
}

/* ---- an event, set ---- */

static int event_init(void *thing)
{
    return hf_event_init(thing, 0);
}

static int event_wait(void *thing)
{
    return hf_event_wait(thing);
}

static int event_set(void *thing, unsigned crowd)
{
    (void)crowd;
    return hf_event_set(thing);
}

static int event_reset(void *thing)
{
    return hf_event_reset(thing);
}

/* ---- a barrier that lacks one ---- */

static int holdfast_barrier_init(void *thing)
{
    return hf_barrier_init(thing, CROWD + 1);
}

static int holdfast_arrive(void *thing)
{
    return hf_barrier_wait(thing, NULL);
}

static int holdfast_come_last(void *thing, unsigned crowd)
{
    (void)crowd;
    return holdfast_arrive(thing);
}

static int pthread_barrier_shared(void *thing)
{
    return shared_barrier_init(thing, CROWD + 1);
}

static int pthread_arrive(void *thing)
{
    int result = pthread_barrier_wait(thing);
    return result == PTHREAD_BARRIER_SERIAL_THREAD ? 0 : result;
}

static int pthread_come_last(void *thing, unsigned crowd)
{
    (void)crowd;
    return pthread_arrive(thing);
}

const gathering_t gatherings[GATHERINGS] = {
    {"broadcast to 1,000, a waiter", "broadcast: holdfast", sizeof(holdfast_gate_t),
        zero_will_do, holdfast_wait, holdfast_broadcast, holdfast_shut},
    {NULL, "broadcast: pthread, robust mutex", sizeof(pthread_gate_t), pthread_gate_init,
        pthread_wait, pthread_broadcast, pthread_shut},
    {"1,000 posts to 1,000, a waiter", "posts: holdfast semaphore", sizeof(hf_sem_t),
        zero_will_do, holdfast_sem_wait, holdfast_posts, NULL},
    {NULL, "posts: sem_t, shared", sizeof(sem_t), posix_sem_init, posix_sem_wait,
        posix_posts, NULL},
    {"event set for 1,000, a waiter", "set: holdfast event", sizeof(hf_event_t),
        event_init, event_wait, event_set, event_reset},
    {NULL, "set: flag, robust mutex, broadcast", sizeof(pthread_gate_t),
        pthread_gate_init, pthread_wait, pthread_broadcast, pthread_shut},
    {"barrier of 1,001, a waiter", "barrier: holdfast", sizeof(hf_barrier_t),
        holdfast_barrier_init, holdfast_arrive, holdfast_come_last, NULL},
    {NULL, "barrier: pthread", sizeof(pthread_barrier_t), pthread_barrier_shared,
        pthread_arrive, pthread_come_last, NULL},
};
