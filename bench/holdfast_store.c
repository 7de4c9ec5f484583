/* SPDX-License-Identifier: MIT */
/* Ours: blocks and names of a segment; a map and a vector in it. */
#include "store.h"

#include <holdfast/holdfast.h>
#include <stdio.h>
#include <unistd.h>

typedef struct {
    hf_map_t map;
    hf_vector_t vector;
    hf_ptr_t slots[STORE_SLOTS];
} root_t;

static hf_segment_t *segment;
static root_t *root;

static int open_store(void)
{
    char name[64];
    snprintf(name, sizeof name, "holdfast-bench-%ld-heap", (long)getpid());
    hf_segment_config_t config = {.size = STORE_SIZE, .root_size = sizeof *root};
    int error = hf_segment_open(&segment, name, HF_CREATE | HF_EXCLUSIVE, &config);
    if (error != 0) {
        return error;
    }
    root = hf_segment_root(segment);
    error = hf_segment_remove(name);
    return error != 0 ? error : hf_vector_init(segment, &root->vector, sizeof(long));
}

static int allocate(unsigned slot, size_t size)
{
    return hf_alloc(segment, &root->slots[slot], size);
}

static int release(unsigned slot)
{
    return hf_free(segment, &root->slots[slot]);
}

static int add(const char *name)
{
    void *object;
    return hf_object_find_or_construct(segment, name, sizeof(long), NULL, NULL, &object);
}

static int find(const char *name)
{
    void *object;
    return hf_object_find(segment, name, &object, NULL);
}

static int put(const char *key)
{
    long value = 1;
    return hf_map_set(segment, &root->map, key, STORE_KEY, &value, sizeof value);
}

static int get(const char *key)
{
    long value;
    size_t size = sizeof value;
    return hf_map_get(segment, &root->map, key, STORE_KEY, &value, &size);
}

static int erase(const char *key)
{
    return hf_map_erase(segment, &root->map, key, STORE_KEY);
}

static int push(void)
{
    long value = 1;
    return hf_vector_push_back(segment, &root->vector, &value);
}

static int pop(void)
{
    long value;
    return hf_vector_pop_back(segment, &root->vector, &value);
}

static size_t used(void)
{
    hf_heap_info_t info;
    return hf_heap_info(segment, &info) == 0 ? info.used : 0;
}

const store_t holdfast_store = {.name = "holdfast",
    .open = open_store,
    .allocate = allocate,
    .release = release,
    .add = add,
    .find = find,
    .put = put,
    .get = get,
    .erase = erase,
    .push = push,
    .pop = pop,
    .used = used};
