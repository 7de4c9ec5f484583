/* SPDX-License-Identifier: MIT */
/* Boost.Interprocess's managed_shared_memory: rbtree_best_fit, and its index of names. */
#include "store.h"

#include <boost/interprocess/managed_shared_memory.hpp>
#include <cerrno>
#include <string>
#include <unistd.h>

namespace ipc = boost::interprocess;

static ipc::managed_shared_memory *memory;
static void *slots[STORE_SLOTS];

static int open_store() noexcept
{
    try {
        std::string name = "holdfast-bench-" + std::to_string(getpid()) + "-boost";
        memory =
            new ipc::managed_shared_memory(ipc::create_only, name.c_str(), STORE_SIZE);
        ipc::shared_memory_object::remove(name.c_str());
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

static size_t used() noexcept
{
    return memory->get_size() - memory->get_free_memory();
}

const store_t boost_store = {"Boost managed_shared_memory", nullptr, open_store, allocate,
    release, add, find, used};
