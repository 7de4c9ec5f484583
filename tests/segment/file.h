/* SPDX-License-Identifier: MIT */
/* A segment by its name, and the file that it is. */
#ifndef TESTS_SEGMENT_FILE_H
#define TESTS_SEGMENT_FILE_H

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "party.h"

static char name[64], path[128];
static hf_segment_t *segment;

static inline void set_up(void)
{
    snprintf(name, sizeof name, "%s", fresh_name());
    snprintf(path, sizeof path, "/dev/shm/%s", name);
}

static inline void tear_down(void)
{
    unlink(path);
}

static inline void create(const hf_segment_config_t *config)
{
    assert_ok(hf_segment_open(&segment, name, HF_CREATE, config));
}

#endif
