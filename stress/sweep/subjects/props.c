/* SPDX-License-Identifier: MIT */
#include "props.h"

#include "../stage.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

hf_segment_t *prop_room;
struct props *props;

const char bystander[] = "bystander", thing[] = "thing";

struct reply props_judged(const char *what, int code)
{
    return code == 0 ? went_on() : broke("%s: %s", what, strerror(code));
}

int props_open(unsigned flags)
{
    const size_t size = sizeof(struct props) + 16384;
    const hf_segment_config_t config = {.root_size = sizeof(struct props),
        .size = size,
        .max_size = 4 * size,
        .max_participants = stage->cast_size + 4};
    const int code = hf_segment_open(&prop_room, stage->segment_name, flags, &config);
    props = code == 0 ? hf_segment_root(prop_room) : NULL;
    return code;
}

int props_close(void)
{
    return hf_segment_close(prop_room);
}

struct reply props_enter(void)
{
    int code = props_open(0);
    if (code == 0) {
        code = hf_mutex_lock(&props->spare);
    }
    return props_judged(
        "opening and joining", code != 0 ? code : hf_mutex_unlock(&props->spare));
}

/* ---- props ---- */

void prop_fill(void *bytes, size_t size, char byte)
{
    memset(bytes, byte, size);
}

struct prop prop_of(char byte)
{
    struct prop p;
    prop_fill(&p, sizeof p, byte);
    return p;
}

bool prop_is_whole(const void *bytes, size_t size)
{
    const char *all = bytes;
    return size == PROP_SIZE && all[0] != 0 && memcmp(all, all + 1, size - 1) == 0;
}

/* Volatile: each store is one of its own, so that a death can fall between any two. */
int prop_build(void *object, void *arg)
{
    volatile struct prop *p = object;
    const struct prop whole = prop_of('o');
    (void)arg;
    for (unsigned i = 0; i < PROP_SIZE / sizeof whole.words[0]; i++) {
        if (p->words[i] != 0) {
            return EILSEQ; /* no fresh memory */
        }
        p->words[i] = whole.words[i];
    }
    return 0;
}

static int put_bystanders(void)
{
    void *object;
    const struct prop p = prop_of('b');
    hf_ptr_t *last = &props->pointers[POINTERS - 1];
    const int codes[] = {hf_vector_init(prop_room, &props->vector, PROP_SIZE),
        hf_vector_push_back(prop_room, &props->vector, &p),
        hf_map_set(prop_room, &props->map, bystander, sizeof bystander, &p, PROP_SIZE),
        hf_object_find_or_construct(
            prop_room, bystander, PROP_SIZE, prop_build, NULL, &object),
        hf_alloc(prop_room, last, PROP_SIZE)};
    for (unsigned i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        if (codes[i] != 0) {
            return codes[i];
        }
    }
    prop_fill(hf_ptr_get(last), PROP_SIZE, 'b');
    return 0;
}

int props_create(void)
{
    const int code = props_open(HF_CREATE | HF_EXCLUSIVE);
    return code == 0 ? put_bystanders() : code;
}

/* ---- survivors ---- */

static char complaint[64];

static void note(const char *words, void *arg)
{
    (void)arg;
    snprintf(complaint, sizeof complaint, "%.*s", (int)sizeof complaint - 1, words);
}

struct reply props_check(void)
{
    complaint[0] = '\0';
    const int code = hf_segment_check(prop_room, note, NULL);
    return code == 0 && complaint[0] == '\0'
               ? went_on()
               : broke("hf_segment_check: %d, %s", code, complaint);
}

static bool map_is_whole(const hf_map_t *map)
{
    hf_map_cursor_t at = {0};
    for (;;) {
        struct prop p;
        size_t size = sizeof p;
        const int code = hf_map_next(prop_room, map, &at, NULL, NULL, &p, &size);
        if (code != 0 || !prop_is_whole(&p, size)) {
            return code == ENOENT;
        }
    }
}

static bool vector_is_whole(void)
{
    struct prop p;
    for (size_t i = 0;; i++) {
        const int code = hf_vector_get(prop_room, &props->vector, i, &p);
        if (code != 0 || !prop_is_whole(&p, sizeof p)) {
            return code == ENOENT && i > 0;
        }
    }
}

static bool objects_are_whole(void)
{
    hf_object_cursor_t at = {0};
    for (;;) {
        void *object;
        size_t size;
        const int code = hf_object_next(prop_room, &at, NULL, &object, &size);
        if (code != 0 || !prop_is_whole(object, size)) {
            return code == ENOENT;
        }
    }
}

static struct reply look(void)
{
    void *object;
    struct prop p;
    size_t size = sizeof p;
    int code = hf_object_find(prop_room, bystander, &object, NULL);
    if (code == 0) {
        code = hf_map_get(prop_room, &props->map, bystander, sizeof bystander, &p, &size);
    }
    if (code == 0) {
        code = hf_vector_get(prop_room, &props->vector, 0, &p);
    }
    if (code != 0) {
        return props_judged("looking up a bystander", code);
    }
    return !vector_is_whole() ? broke("a torn vector")
           : !map_is_whole(&props->map) || !map_is_whole(&props->empty_map)
               ? broke("a torn map")
           : !objects_are_whole() ? broke("a torn object")
                                  : went_on();
}

/* The first call is the one that goes on for the dead: it is not always the same. */
static struct reply begin(uint64_t me)
{
    hf_heap_info_t info;
    if (me % 2 == 0) {
        return props_check();
    }
    const int code = hf_heap_info(prop_room, &info);
    return code != 0 ? props_judged("hf_heap_info", code)
           : info.used + info.free == info.size
               ? went_on()
               : broke("%zu used and %zu free are not %zu", info.used, info.free,
                     info.size);
}

static struct reply use_heap(void)
{
    static const char zeros[PROP_SIZE];
    const uint64_t me = __atomic_fetch_add(&props->visits, 1, __ATOMIC_RELAXED);
    hf_ptr_t *own = &props->own[me % VISITORS];
    const struct reply r = begin(me);
    int code = r.ending != BROKE ? hf_alloc(prop_room, own, PROP_SIZE) : 0;
    if (r.ending == BROKE || code != 0) {
        return r.ending == BROKE ? r : props_judged("allocating", code);
    }
    if (memcmp(hf_ptr_get(own), zeros, PROP_SIZE) != 0) {
        return broke("a block is not all zero");
    }
    prop_fill(hf_ptr_get(own), PROP_SIZE, 'v');
    code = hf_free(prop_room, own);
    return code == 0 ? props_check() : props_judged("freeing", code);
}

static struct reply construct(void)
{
    void *object;
    const int code = hf_object_find_or_construct(
        prop_room, thing, PROP_SIZE, prop_build, NULL, &object);
    return code != 0 ? props_judged("finding or constructing", code)
           : prop_is_whole(object, PROP_SIZE) ? went_on()
                                              : broke("half of an object was found");
}

struct reply props_come_and(body_fn *act)
{
    int code = props_open(0);
    if (code != 0) {
        return props_judged("opening", code);
    }
    const struct reply r = act();
    code = props_close();
    return r.ending == BROKE || code == 0 ? r : props_judged("closing", code);
}

static struct reply use_and_look(void)
{
    const struct reply r = use_heap();
    return r.ending == BROKE ? r : look();
}

struct reply props_visit(void)
{
    return props_come_and(use_and_look);
}

struct reply props_look(void)
{
    return props_come_and(look);
}

struct reply props_construct(void)
{
    return props_come_and(construct);
}
