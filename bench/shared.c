/* SPDX-License-Identifier: MIT */
#include "shared.h"

int shared_mutex_init(pthread_mutex_t *mutex, int robustness)
{
    pthread_mutexattr_t attributes;
    int error = pthread_mutexattr_init(&attributes);
    if (error != 0) {
        return error;
    }
    error = pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    if (error == 0) {
        error = pthread_mutexattr_setrobust(&attributes, robustness);
    }
    if (error == 0) {
        error = pthread_mutex_init(mutex, &attributes);
    }
    pthread_mutexattr_destroy(&attributes);
    return error;
}

int shared_cond_init(pthread_cond_t *cond)
{
    pthread_condattr_t attributes;
    int error = pthread_condattr_init(&attributes);
    if (error != 0) {
        return error;
    }
    error = pthread_condattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    if (error == 0) {
        error = pthread_cond_init(cond, &attributes);
    }
    pthread_condattr_destroy(&attributes);
    return error;
}

int shared_rwlock_init(pthread_rwlock_t *lock)
{
    pthread_rwlockattr_t attributes;
    int error = pthread_rwlockattr_init(&attributes);
    if (error != 0) {
        return error;
    }
    error = pthread_rwlockattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    if (error == 0) {
        error = pthread_rwlock_init(lock, &attributes);
    }
    pthread_rwlockattr_destroy(&attributes);
    return error;
}

int shared_barrier_init(pthread_barrier_t *barrier, unsigned parties)
{
    pthread_barrierattr_t attributes;
    int error = pthread_barrierattr_init(&attributes);
    if (error != 0) {
        return error;
    }
    error = pthread_barrierattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    if (error == 0) {
        error = pthread_barrier_init(barrier, &attributes, parties);
    }
    pthread_barrierattr_destroy(&attributes);
    return error;
}
