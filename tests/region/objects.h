/* SPDX-License-Identifier: MIT */
/* What tests of shared-memory objects share: one that each of them may create. */
#ifndef TESTS_REGION_OBJECTS_H
#define TESTS_REGION_OBJECTS_H

#include <fcntl.h>
#include <sys/stat.h>

#include "party.h"

/* Handles are static: what is open at a test's end is no leak. */
static char name[64], path[128];
static hf_shm_t *shm;

static inline void set_up(void)
{
    snprintf(name, sizeof name, "%s", fresh_name());
    snprintf(path, sizeof path, "/dev/shm/%s", name);
}

static inline void tear_down(void)
{
    unlink(path);
}

static inline void create(uint64_t size)
{
    hf_shm_config_t config = {.size = size};
    assert_ok(hf_shm_open(&shm, name, HF_CREATE | HF_EXCLUSIVE, &config));
}

static inline uint64_t size_of(const hf_shm_t *object)
{
    uint64_t size;
    return hf_shm_size(object, &size) == 0 ? size : UINT64_MAX;
}

static inline void assert_size(const hf_shm_t *object, uint64_t expected)
{
    uint64_t size = size_of(object);
    cr_assert_eq(size, expected, "%ju", (uintmax_t)size);
}

static inline uint64_t allocated(const hf_shm_t *object)
{
    int fd;
    struct stat status;
    bool known = hf_shm_fd(object, &fd) == 0 && fstat(fd, &status) == 0;
    return known ? (uint64_t)status.st_blocks * 512 : UINT64_MAX;
}

#endif
