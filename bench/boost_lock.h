/* SPDX-License-Identifier: MIT */
/* Boost.Interprocess's primitives, as C sees them. */
#ifndef BENCH_BOOST_LOCK_H
#define BENCH_BOOST_LOCK_H

#include "loops.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { BOOST_LOCK_SIZE = 256 }; /* bytes that are enough for any */
int boost_lock_init(void *lock);
int boost_lock_acquire(void *lock);
int boost_lock_release(void *lock);
int boost_lock_pairs(void *lock, uint64_t count);
uint64_t boost_lock_contest(contest_t *contest, void *lock);

int boost_sem_init(void *sem);
int boost_sem_pairs(void *sem, uint64_t count);
uint64_t boost_sem_contest(contest_t *contest, void *sem);

int boost_rw_init(void *lock);
int boost_read_pairs(void *lock, uint64_t count);
uint64_t boost_reads(contest_t *contest, void *lock);
int boost_write_pairs(void *lock, uint64_t count);
uint64_t boost_write_contest(contest_t *contest, void *lock);

/* Signals that nobody waits for. */
int boost_signal_init(void *cond);
int boost_signal_pairs(void *cond, uint64_t count);

/* One side of `count` round trips. */
int boost_cond_init(void *trip);
int boost_cond_side(void *trip, unsigned side, uint64_t count);

#ifdef __cplusplus
}
#endif

#endif
