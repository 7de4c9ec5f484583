/* SPDX-License-Identifier: MIT */
/* Boost.Interprocess's mutex, as C sees it. */
#ifndef BENCH_BOOST_LOCK_H
#define BENCH_BOOST_LOCK_H

#include "loops.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { BOOST_LOCK_SIZE = 128 }; /* bytes that are enough for one */
int boost_lock_init(void *lock);
int boost_lock_acquire(void *lock);
int boost_lock_release(void *lock);
int boost_lock_pairs(void *lock, uint64_t count);
uint64_t boost_lock_contest(contest_t *contest, void *lock);

#ifdef __cplusplus
}
#endif

#endif
