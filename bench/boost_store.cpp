/* SPDX-License-Identifier: MIT */
/* Boost.Interprocess's managed_shared_memory: rbtree_best_fit, and its index of names; a
 * map and a vector in it, which need a lock of Boost's to be shared, as ours do not. */
#include "store.h"

#include <array>
#include <boost/container_hash/hash.hpp>
#include <boost/interprocess/allocators/allocator.hpp>
#include <boost/interprocess/containers/vector.hpp>
#include <boost/interprocess/managed_shared_memory.hpp>
#include <boost/interprocess/sync/interprocess_sharable_mutex.hpp>
#include <boost/interprocess/sync/scoped_lock.hpp>
#include <boost/interprocess/sync/sharable_lock.hpp>
#include <boost/unordered_map.hpp>
#include <cerrno>
#include <cstring>
#include <string>
#include <unistd.h>

namespace ipc = boost::interprocess;

template <class T>
using allocator_of = ipc::allocator<T, ipc::managed_shared_memory::segment_manager>;
using text_t = std::array<char, STORE_KEY>;
using mutex_t = ipc::interprocess_sharable_mutex;

struct root {
    explicit root(ipc::managed_shared_memory::segment_manager *manager)
        : map(0, boost::hash<text_t>(), std::equal_to<text_t>(), manager), vector(manager)
    {
    }
    mutex_t mutex;
    boost::unordered_map<text_t, long, boost::hash<text_t>, std::equal_to<text_t>,
        allocator_of<std::pair<const text_t, long>>>
        map;
    ipc::vector<long, allocator_of<long>> vector;
};

static ipc::managed_shared_memory *memory;
static void *slots[STORE_SLOTS];
static root *contents;

static int open_store() noexcept
{
    try {
        std::string name = "holdfast-bench-" + std::to_string(getpid()) + "-boost";
        memory =
            new ipc::managed_shared_memory(ipc::create_only, name.c_str(), STORE_SIZE);
        ipc::shared_memory_object::remove(name.c_str());
        contents = memory->construct<root>(ipc::anonymous_instance)(
            memory->get_segment_manager());
        return 0;
    } catch (...) {
        return ENOMEM;
    }
}

static int allocate(unsigned slot, size_t size) noexcept
{
    slots[slot] = memory->allocate(size, std::nothrow);
    return slots[slot] != nullptr ? 0 : ENOSPC;
}

static int release(unsigned slot) noexcept
{
    memory->deallocate(slots[slot]);
    return 0;
}

static int add(const char *name) noexcept
{
    return memory->construct<long>(name, std::nothrow)(0) != nullptr ? 0 : ENOSPC;
}

static int find(const char *name) noexcept
{
    return memory->find<long>(name).first != nullptr ? 0 : ENOENT;
}

static text_t key_of(const char *text)
{
    text_t key;
    std::memcpy(key.data(), text, key.size());
    return key;
}

/* noexcept here and below: what Boost throws ends the bench. */
static int put(const char *key) noexcept
{
    ipc::scoped_lock<mutex_t> lock(contents->mutex);
    contents->map[key_of(key)] = 1;
    return 0;
}

static int get(const char *key) noexcept
{
    ipc::sharable_lock<mutex_t> lock(contents->mutex);
    return contents->map.find(key_of(key)) != contents->map.end() ? 0 : ENOENT;
}

static int erase(const char *key) noexcept
{
    ipc::scoped_lock<mutex_t> lock(contents->mutex);
    return contents->map.erase(key_of(key)) == 1 ? 0 : ENOENT;
}

static int push() noexcept
{
    ipc::scoped_lock<mutex_t> lock(contents->mutex);
    contents->vector.push_back(1);
    return 0;
}

static int pop() noexcept
{
    ipc::scoped_lock<mutex_t> lock(contents->mutex);
    contents->vector.pop_back();
    return 0;
}

static size_t used() noexcept
{
    return memory->get_size() - memory->get_free_memory();
}

const store_t boost_store = {"Boost managed_shared_memory", nullptr, open_store, allocate,
    release, add, find, put, get, erase, push, pop, used};
