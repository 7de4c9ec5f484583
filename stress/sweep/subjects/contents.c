/* SPDX-License-Identifier: MIT */
/* The part of memory.h that is about the vector, the map and named objects. */
#include "memory.h"

#include "../stage.h"
#include "props.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>

/* ---- preparations ---- */

static int push(char byte)
{
    const struct prop p = prop_of(byte);
    return hf_vector_push_back(prop_room, &props->vector, &p);
}

static int make_room(void)
{
    const int code = hf_vector_reserve(prop_room, &props->vector, 4);
    return code == 0 ? push('p') : code;
}

struct reply arrange_room(void)
{
    return arrange(make_room);
}

/* The first push made room for two of this size. */
static int fill_vector(void)
{
    return push('p');
}

struct reply arrange_full_vector(void)
{
    return arrange(fill_vector);
}

static int set(hf_map_t *map, const char *key, char byte)
{
    const struct prop p = prop_of(byte);
    return hf_map_set(prop_room, map, key, 6, &p, sizeof p);
}

static int make_entry(void)
{
    return set(&props->map, thing, 'e');
}

struct reply arrange_entry(void)
{
    return arrange(make_entry);
}

/* One bystander and eleven others: three of its first four cells. */
static int fill_map(void)
{
    int code = 0;
    for (unsigned i = 0; code == 0 && i < 11; i++) {
        char key[8];
        snprintf(key, sizeof key, "key %02u", i);
        code = set(&props->map, key, 'k');
    }
    return code;
}

struct reply arrange_full_map(void)
{
    return arrange(fill_map);
}

struct reply arrange_object(void)
{
    return arrange(operate_construct);
}

struct reply arrange_unset(void)
{
    return arrange_once(fill_map, NULL);
}

/* ---- containers ---- */

static int push_and(bool moves)
{
    const void *before = hf_vector_data(&props->vector);
    const int code = push('n');
    const bool moved = hf_vector_data(&props->vector) != before;
    return code == 0 && moved != moves ? ESTALE : code;
}

int operate_push(void)
{
    return push_and(false);
}

int operate_push_and_grow(void)
{
    return push_and(true);
}

int operate_pop(void)
{
    struct prop p;
    return hf_vector_pop_back(prop_room, &props->vector, &p);
}

int operate_vector_get(void)
{
    struct prop p;
    return hf_vector_get(prop_room, &props->vector, 0, &p);
}

int operate_set(void)
{
    return set(&props->map, thing, 's');
}

int operate_insert(void)
{
    const struct prop p = prop_of('i');
    return hf_map_insert(prop_room, &props->map, thing, 6, &p, sizeof p);
}

int operate_set_first(void)
{
    return set(&props->empty_map, thing, 's');
}

int operate_erase(void)
{
    return hf_map_erase(prop_room, &props->map, thing, 6);
}

int operate_map_get(void)
{
    struct prop p;
    size_t size = sizeof p;
    return hf_map_get(prop_room, &props->map, thing, 6, &p, &size);
}

struct reply retract_set(void)
{
    return arranged(operate_erase());
}

struct reply retract_set_first(void)
{
    return arranged(hf_map_erase(prop_room, &props->empty_map, thing, 6));
}

/* ---- named objects ---- */

static int construct(int (*how)(void *object, void *arg))
{
    void *object;
    return hf_object_find_or_construct(prop_room, thing, PROP_SIZE, how, NULL, &object);
}

int operate_construct(void)
{
    return construct(prop_build);
}

static int refuse(void *object, void *arg)
{
    const int code = prop_build(object, arg);
    return code != 0 ? code : ECANCELED;
}

int operate_construct_and_refuse(void)
{
    return construct(refuse);
}

int operate_refuse_or_find(void)
{
    const int code = construct(refuse);
    return code == ECANCELED ? 0 : code;
}

static int build_slowly(void *object, void *arg)
{
    const struct timespec moment = {.tv_nsec = 100000};
    while (!*(volatile bool *)&stage->builder_may_end) {
        nanosleep(&moment, NULL);
    }
    return prop_build(object, arg);
}

struct reply construct_slowly(void)
{
    const struct reply r = props_enter();
    if (r.ending == BROKE) {
        return r;
    }
    const int code = construct(build_slowly);
    const int end = hf_segment_close(prop_room);
    return props_judged("constructing slowly", code != 0 ? code : end);
}

int operate_find(void)
{
    void *object;
    return hf_object_find(prop_room, thing, &object, NULL);
}

int operate_next(void)
{
    hf_object_cursor_t at = {0};
    char name[HF_NAME_SIZE];
    void *object;
    size_t size;
    const int code = hf_object_next(prop_room, &at, name, &object, &size);
    return code == 0 ? hf_object_next(prop_room, &at, name, &object, &size) : code;
}

int operate_destroy(void)
{
    return hf_object_destroy(prop_room, thing);
}
