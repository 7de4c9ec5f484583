/* SPDX-License-Identifier: MIT */
#include "boost_lock.h"

#include <boost/interprocess/sync/interprocess_condition.hpp>
#include <boost/interprocess/sync/interprocess_mutex.hpp>
#include <boost/interprocess/sync/interprocess_semaphore.hpp>
#include <boost/interprocess/sync/interprocess_sharable_mutex.hpp>
#include <boost/interprocess/sync/scoped_lock.hpp>
#include <cerrno>
#include <new>

using namespace boost::interprocess;

/* noexcept: what Boost throws ends the bench, as a lock that cannot be had should. */
template <class T, void (T::*Call)()> static inline int call(void *thing) noexcept
{
    (static_cast<T *>(thing)->*Call)();
    return 0;
}

template <class T, class... Arguments>
static int make(void *thing, Arguments... arguments)
{
    static_assert(sizeof(T) <= BOOST_LOCK_SIZE, "BOOST_LOCK_SIZE is too small");
    try {
        new (thing) T(arguments...);
        return 0;
    } catch (...) {
        return ENOTSUP;
    }
}

constexpr auto lock_acquire = call<interprocess_mutex, &interprocess_mutex::lock>;
constexpr auto lock_release = call<interprocess_mutex, &interprocess_mutex::unlock>;
constexpr auto sem_take = call<interprocess_semaphore, &interprocess_semaphore::wait>;
constexpr auto sem_give = call<interprocess_semaphore, &interprocess_semaphore::post>;

using sharable = interprocess_sharable_mutex;
constexpr auto read_acquire = call<sharable, &sharable::lock_sharable>;
constexpr auto read_release = call<sharable, &sharable::unlock_sharable>;
constexpr auto write_acquire = call<sharable, &sharable::lock>;
constexpr auto write_release = call<sharable, &sharable::unlock>;

int boost_lock_init(void *lock)
{
    return make<interprocess_mutex>(lock);
}

int boost_lock_acquire(void *lock)
{
    return lock_acquire(lock);
}

int boost_lock_release(void *lock)
{
    return lock_release(lock);
}

int boost_lock_pairs(void *lock, uint64_t count)
{
    return loop_pairs(lock, count, lock_acquire, lock_release);
}

uint64_t boost_lock_contest(contest_t *contest, void *lock)
{
    return loop_contest(contest, lock, lock_acquire, lock_release);
}

int boost_sem_init(void *sem)
{
    return make<interprocess_semaphore>(sem, 1u);
}

int boost_sem_pairs(void *sem, uint64_t count)
{
    return loop_pairs(sem, count, sem_take, sem_give);
}

uint64_t boost_sem_contest(contest_t *contest, void *sem)
{
    return loop_contest(contest, sem, sem_take, sem_give);
}

int boost_rw_init(void *lock)
{
    return make<sharable>(lock);
}

int boost_read_pairs(void *lock, uint64_t count)
{
    return loop_pairs(lock, count, read_acquire, read_release);
}

uint64_t boost_reads(contest_t *contest, void *lock)
{
    return loop_reads(contest, lock, read_acquire, read_release);
}

int boost_write_pairs(void *lock, uint64_t count)
{
    return loop_pairs(lock, count, write_acquire, write_release);
}

uint64_t boost_write_contest(contest_t *contest, void *lock)
{
    return loop_contest(contest, lock, write_acquire, write_release);
}

int boost_signal_init(void *cond)
{
    return make<interprocess_condition>(cond);
}

static int nothing(void *) noexcept
{
    return 0;
}

int boost_signal_pairs(void *cond, uint64_t count)
{
    constexpr auto notify =
        call<interprocess_condition, &interprocess_condition::notify_one>;
    return loop_pairs(cond, count, notify, nothing);
}

struct trip {
    interprocess_mutex mutex;
    interprocess_condition cond;
    unsigned turn = 0;
};

int boost_cond_init(void *thing)
{
    return make<trip>(thing);
}

int boost_cond_side(void *thing, unsigned side, uint64_t count)
{
    trip *t = static_cast<trip *>(thing);
    for (uint64_t i = 0; i < count; i++) {
        scoped_lock<interprocess_mutex> lock(t->mutex);
        while (t->turn != side) {
            t->cond.wait(lock);
        }
        t->turn = 1 - side;
        t->cond.notify_one();
    }
    return 0;
}
