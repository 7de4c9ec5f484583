/* SPDX-License-Identifier: MIT */
/* What there is in the props and what room it takes, and whether it may be so. */
#include "../operation.h"
#include "../stage.h"
#include "props.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

struct stock {
    uint64_t facts; /* a hash of all that users can find */
    size_t used, blocks, size, segment_size;
};

static void add(struct stock *stock, const void *bytes, size_t size)
{
    const unsigned char *all = bytes;
    for (size_t i = 0; i < size; i++) {
        stock->facts = (stock->facts ^ all[i]) * UINT64_C(0x100000001b3);
    }
}

static void add_number(struct stock *stock, size_t n)
{
    add(stock, &n, sizeof n);
}

static int add_pointer(struct stock *stock, const hf_ptr_t *p)
{
    const void *block = hf_ptr_get(p);
    size_t size = 0;
    const int code = block != NULL ? hf_usable_size(prop_room, block, &size) : 0;
    add_number(stock, size);
    if (code == 0) {
        add(stock, block, size);
    }
    return code;
}

static int add_vector(struct stock *stock)
{
    struct prop p;
    size_t i = 0;
    int code;
    while ((code = hf_vector_get(prop_room, &props->vector, i, &p)) == 0) {
        add(stock, &p, sizeof p);
        i++;
    }
    add_number(stock, i);
    return code == ENOENT && i == hf_vector_size(&props->vector) ? 0 : EILSEQ;
}

static int add_map(struct stock *stock, const hf_map_t *map)
{
    hf_map_cursor_t at = {0};
    char key[64];
    struct prop p;
    int code = 0;
    size_t n = 0, count;
    for (;; n++) {
        size_t key_size = sizeof key, size = sizeof p;
        code = hf_map_next(prop_room, map, &at, key, &key_size, &p, &size);
        if (code != 0) {
            break;
        }
        add(stock, key, key_size);
        add(stock, &p, size);
    }
    add_number(stock, n);
    const bool counted = hf_map_count(prop_room, map, &count) == 0 && count == n;
    return code == ENOENT && counted ? 0 : EILSEQ;
}

static int add_objects(struct stock *stock)
{
    hf_object_cursor_t at = {0};
    char name[HF_NAME_SIZE];
    void *object;
    size_t size;
    int code;
    while ((code = hf_object_next(prop_room, &at, name, &object, &size)) == 0) {
        add(stock, name, strlen(name) + 1);
        add(stock, object, size);
    }
    return code == ENOENT ? 0 : code;
}

/* A reader that plays alone cannot wait for itself; it has retired nothing. */
static int free_retired(void)
{
    const int code = hf_rcu_barrier(prop_room);
    return code == EDEADLK ? 0 : code;
}

static int add_sizes(struct stock *stock)
{
    hf_heap_info_t heap;
    hf_segment_info_t info;
    int code = free_retired();
    if (code == 0) {
        code = hf_heap_info(prop_room, &heap);
    }
    if (code == 0) {
        code = hf_segment_info(prop_room, &info);
    }
    if (code == 0) {
        stock->used = heap.used;
        stock->blocks = heap.blocks;
        stock->size = heap.size;
        stock->segment_size = info.size;
    }
    return code == 0 && heap.used + heap.free != heap.size ? EILSEQ : code;
}

static int take_stock(struct stock *stock)
{
    *stock = (struct stock){.facts = UINT64_C(0xcbf29ce484222325)};
    int code = add_sizes(stock); /* first: it finishes what a dead one began */
    for (unsigned i = 0; code == 0 && i < POINTERS; i++) {
        code = add_pointer(stock, &props->pointers[i]);
    }
    for (unsigned i = 0; code == 0 && i < VISITORS; i++) {
        code = add_pointer(stock, &props->own[i]);
    }
    code = code != 0 ? code : add_vector(stock);
    code = code != 0 ? code : add_map(stock, &props->map);
    code = code != 0 ? code : add_map(stock, &props->empty_map);
    return code != 0 ? code : add_objects(stock);
}

static bool is_same(const struct stock *a, const struct stock *b)
{
    return a->facts == b->facts && a->used == b->used && a->blocks == b->blocks &&
           a->size == b->size && a->segment_size == b->segment_size;
}

/* ---- the stagehand ---- */

/* The stock before the operation, after it, and after what it did was taken back. */
static struct stock before, after, retracted;

static struct reply act_and_take_stock(
    const char *what, body_fn *act, struct stock *stock)
{
    const struct reply r = act != NULL ? act() : went_on();
    return r.ending == BROKE ? r : props_judged(what, take_stock(stock));
}

static struct reply operate(void)
{
    const int code = stage->operation->operate();
    return code == stage->operation->returns ? went_on()
                                             : broke("played alone it returned %d", code);
}

static struct reply play_alone(void)
{
    const struct operation *op = stage->operation;
    struct reply r = act_and_take_stock("before", op->prepare, &before);
    if (r.ending != BROKE) {
        r = act_and_take_stock("operating", operate, &after);
    }
    if (r.ending != BROKE && op->completion != NULL) {
        r = act_and_take_stock("completing", op->completion, &after);
    }
    retracted = before;
    if (r.ending != BROKE && op->retract != NULL) {
        r = act_and_take_stock("taking back", op->retract, &retracted);
        if (r.ending != BROKE &&
            (retracted.facts != before.facts || is_same(&retracted, &before))) {
            r = broke("there is no state between before and after");
        }
    }
    return r;
}

static struct reply leave(void)
{
    int code = 0;
    while (code == 0) {
        code = props_close(); /* as often as opened */
    }
    prop_room = NULL;
    return props_judged("hf_segment_remove", hf_segment_remove(stage->segment_name));
}

struct reply props_reset(void)
{
    static bool rehearsed;
    struct reply r = prop_room != NULL ? leave() : went_on();
    if (r.ending != BROKE && !rehearsed) {
        rehearsed = true;
        r = props_judged("setting up", props_create());
        r = r.ending != BROKE ? play_alone() : r;
        const struct reply end = leave();
        r = r.ending != BROKE ? end : r;
    }
    return r.ending != BROKE ? props_judged("setting up", props_create()) : r;
}

struct reply props_dissolve(void)
{
    return prop_room != NULL ? leave() : went_on();
}

/* A dead one's construction stands there until somebody asks for it. */
static int ask_for_thing(void)
{
    void *object;
    int code = hf_object_find(prop_room, thing, &object, NULL);
    if (code == ENOENT) {
        code = hf_object_destroy(prop_room, thing);
    }
    return code == ENOENT ? 0 : code;
}

static struct reply compare(const struct stock *now)
{
    const bool completed = stage->operation->completion != NULL;
    const bool undone = stage->may_be_undone && !completed;
    const bool done = stage->may_be_done || completed;
    if ((undone && is_same(now, &before)) || (done && is_same(now, &after)) ||
        (undone && done && is_same(now, &retracted))) {
        return went_on();
    }
    const bool facts_are_right =
        (undone && now->facts == before.facts) || (done && now->facts == after.facts);
    return broke(
        "%s; %zu bytes in %zu blocks of %zu; %zu in %zu before, %zu in %zu after",
        facts_are_right ? "what is there is right, its room is not" : "neither of both",
        now->used, now->blocks, now->size, before.used, before.blocks, after.used,
        after.blocks);
}

struct reply props_inspect(void)
{
    static uint64_t rescues; /* each scene has a segment of its own */
    struct stock now;
    hf_segment_info_t info = {0};
    struct reply r = props_check();
    int code = r.ending != BROKE ? ask_for_thing() : 0;
    code = code != 0 ? code : take_stock(&now);
    code = code != 0 ? code : hf_segment_info(prop_room, &info);
    if (r.ending != BROKE) {
        r = code == 0 ? compare(&now) : props_judged("taking stock", code);
    }
    if (r.ending != BROKE && info.participants != 1) {
        r = broke("%u participants are left of 1", info.participants);
    }
    rescues += info.rescues;
    r.value = rescues;
    return r;
}
