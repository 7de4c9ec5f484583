/* SPDX-License-Identifier: MIT */
#include "store.h"

#include <boost/interprocess/managed_shared_memory.hpp>
#include <string>
#include <unistd.h>

namespace ipc = boost::interprocess;

static ipc::managed_shared_memory *memory;

static bool create() noexcept
{
    try {
        std::string name = "holdfast-brick-" + std::to_string(getpid()) + "-boost";
        memory =
            new ipc::managed_shared_memory(ipc::create_only, name.c_str(), STORE_SIZE);
        return ipc::shared_memory_object::remove(name.c_str());
    } catch (...) {
        return false;
    }
}

static void destroy() noexcept
{
    delete memory;
}

static bool allocate_and_free(unsigned, size_t size) noexcept
{
    try {
        void *block = memory->allocate(size);
        memory->deallocate(block);
        return true;
    } catch (const ipc::bad_alloc &) {
        return true; /* killed ones have lost memory: not held against it */
    } catch (...) {
        return false;
    }
}

static bool construct_and_destroy(const char *name) noexcept
{
    try {
        memory->find_or_construct<long>(name)(0);
        memory->destroy<long>(name);
        return true;
    } catch (const ipc::bad_alloc &) {
        return true;
    } catch (...) {
        return false;
    }
}

static bool find(const char *name) noexcept
{
    try {
        memory->find<long>(name);
        return true;
    } catch (...) {
        return false;
    }
}

static bool is_sound() noexcept
{
    try {
        return memory->check_sanity();
    } catch (...) {
        return false;
    }
}

const store_t boost_store = {"Boost managed_shared_memory", create, destroy,
    allocate_and_free, construct_and_destroy, find, is_sound};
