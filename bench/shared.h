/* SPDX-License-Identifier: MIT */
/* glibc's objects for several processes. 0 or an errno value. */
#ifndef BENCH_SHARED_H
#define BENCH_SHARED_H

#include <pthread.h>

int shared_mutex_init(pthread_mutex_t *mutex, int robustness);
int shared_cond_init(pthread_cond_t *cond);
int shared_rwlock_init(pthread_rwlock_t *lock);
int shared_barrier_init(pthread_barrier_t *barrier, unsigned parties);

#endif
