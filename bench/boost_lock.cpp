/* SPDX-License-Identifier: MIT */
#include "boost_lock.h"

#include <boost/interprocess/sync/interprocess_mutex.hpp>
#include <cerrno>
#include <new>

using boost::interprocess::interprocess_mutex;

static interprocess_mutex *as_mutex(void *lock)
{
    return static_cast<interprocess_mutex *>(lock);
}

/* noexcept: what Boost throws ends the bench, as a lock that cannot be had should. */
static inline int acquire(void *lock) noexcept
{
    as_mutex(lock)->lock();
    return 0;
}

static inline int release(void *lock) noexcept
{
    as_mutex(lock)->unlock();
    return 0;
}

static_assert(
    sizeof(interprocess_mutex) <= BOOST_LOCK_SIZE, "BOOST_LOCK_SIZE is too small");

int boost_lock_init(void *lock)
{
    try {
        new (lock) interprocess_mutex;
        return 0;
    } catch (...) {
        return ENOTSUP;
    }
}

int boost_lock_acquire(void *lock)
{
    return acquire(lock);
}

int boost_lock_release(void *lock)
{
    return release(lock);
}

int boost_lock_pairs(void *lock, uint64_t count)
{
    return loop_pairs(lock, count, acquire, release);
}

uint64_t boost_lock_contest(contest_t *contest, void *lock)
{
    return loop_contest(contest, lock, acquire, release);
}
