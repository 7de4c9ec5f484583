/* SPDX-License-Identifier: MIT */
#include <holdfast/holdfast.h>

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "store.h"

static hf_segment_t *segment;

static bool create(void)
{
    char name[64];
    hf_segment_config_t config = {.size = STORE_SIZE};
    snprintf(name, sizeof name, "holdfast-brick-%d", (int)getpid());
    return hf_segment_open(&segment, name, HF_CREATE | HF_EXCLUSIVE, &config) == 0 &&
           hf_segment_remove(name) == 0;
}

static void destroy(void)
{
    (void)!hf_segment_close(segment);
}

static bool allocate_and_free(unsigned worker, size_t size)
{
    hf_ptr_t *own = (hf_ptr_t *)hf_segment_root(segment) + worker;
    int error = hf_alloc(segment, own, size); /* EEXIST: a dead one's, freed now */
    return (error == 0 || error == EEXIST) && hf_free(segment, own) == 0;
}

static bool construct_and_destroy(const char *name)
{
    void *object;
    int error =
        hf_object_find_or_construct(segment, name, sizeof(long), NULL, NULL, &object);
    if (error == 0) {
        error = hf_object_destroy(segment, name);
    }
    return error == 0 || error == ENOENT || error == EBUSY;
}

static bool find(const char *name)
{
    void *object;
    int error = hf_object_find(segment, name, &object, NULL);
    return error == 0 || error == ENOENT;
}

static bool is_sound(void)
{
    return hf_segment_check(segment, NULL, NULL) == 0;
}

const store_t holdfast_store = {"holdfast", create, destroy, allocate_and_free,
    construct_and_destroy, find, is_sound};
