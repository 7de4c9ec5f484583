/* SPDX-License-Identifier: MIT */
/* Map: an index of the segment's heap (heap/index.h) whose words stand with the user. */
#include <holdfast/map.h>

#include <errno.h>
#include <string.h>

#include "heap/check.h"
#include "heap/index.h"
#include "segment/segment.h"

_Static_assert(sizeof(hf_map_t) == sizeof(struct hfi_index), "the same words");

static struct hfi_index *index_of(const hf_map_t *map)
{
    return (struct hfi_index *)(uintptr_t)map;
}

static bool is_map(const struct hf_segment *seg, const hf_map_t *map)
{
    return seg != NULL && (uintptr_t)map % sizeof(uint64_t) == 0 &&
           hfi_segment_holds(seg, map, sizeof *map);
}

/* A map, and a key. */
static int check_arguments(const struct hf_segment *seg, const hf_map_t *map,
    const void *bytes, size_t size, struct hfi_key *key)
{
    if (!is_map(seg, map) || bytes == NULL || size == 0 || size >= HFI_KEY_MAX) {
        return EINVAL;
    }
    *key = hfi_key(bytes, size);
    return 0;
}

/* ---- without a lock ---- */

/*
 * A look at the index: good if nothing went away meanwhile. Who copies much beside a busy
 * writer could be overtaken for ever, so after some times it keeps the writers out for one
 * look, if it may lock, and whoever has the lock lets go of it soon.
 */
struct look {
    const struct hf_segment *seg;
    const struct hfi_index *index;
    uint64_t version;
    unsigned turns;
    bool alone;
    struct hfi_tx tx;
};

/* Not an initialiser: that would zero a transaction which hardly any look needs. */
static void look_start(
    struct look *look, const struct hf_segment *seg, const hf_map_t *map)
{
    look->seg = seg;
    look->index = index_of(map);
    look->turns = 0;
    look->alone = false;
}

static void look_begin(struct look *look)
{
    enum { OVERTAKEN = 8, PATIENCE_MS = 10 };
    if (look->turns++ >= OVERTAKEN && !look->seg->at.region.read_only) {
        struct hfi_heap *heap = (struct hfi_heap *)(uintptr_t)&look->seg->heap;
        struct timespec deadline = hf_deadline_in_ms(PATIENCE_MS);
        look->alone = hfi_heap_enter_until(heap, &look->tx, &deadline) == 0;
    }
    look->version = hfi_index_version(look->index);
}

static bool look_is_good(struct look *look)
{
    if (!look->alone) {
        return !hfi_index_has_changed(look->index, look->version);
    }
    (void)hfi_heap_cancel(&look->tx, 0); /* it changed nothing */
    return true;
}

/* ERANGE: there is no room for so many bytes. */
static int copy_out(
    const struct hfi_heap *heap, uint64_t offset, uint64_t size, void *copy, size_t room)
{
    if (copy == NULL) {
        return 0;
    }
    if (size > room) {
        return ERANGE;
    }
    hfi_index_copy(heap, copy, offset, size);
    return 0;
}

int hf_map_get(const hf_segment_t *seg, const hf_map_t *map, const void *key,
    size_t key_size, void *value, size_t *size)
{
    struct hfi_key k;
    struct hfi_found found;
    int error = size != NULL && (value != NULL || *size == 0)
                    ? check_arguments(seg, map, key, key_size, &k)
                    : EINVAL;
    if (error != 0) {
        return error;
    }
    struct look look;
    look_start(&look, seg, map);
    do {
        look_begin(&look);
        error = hfi_index_look(&seg->heap, look.index, &k, &found);
        if (error == 0) {
            error =
                value == NULL && found.value_size != 0
                    ? ERANGE
                    : copy_out(&seg->heap, found.value, found.value_size, value, *size);
        }
    } while (!look_is_good(&look));
    if (error == 0 || error == ERANGE) {
        *size = (size_t)found.value_size;
    }
    return error;
}

/* Where an iteration was, and where it will be. */
struct step {
    struct hfi_cursor at, after;
    struct hfi_found found;
};

static int look_next(const struct hf_segment *seg, const struct hfi_index *index,
    struct step *step, void *key, size_t key_room, void *value, size_t room)
{
    const struct hfi_found *found = &step->found;
    int error = hfi_index_next(&seg->heap, index, &step->at, &step->found, &step->after);
    if (error == 0) {
        error =
            copy_out(&seg->heap, hfi_index_key(found), found->key_size, key, key_room);
    }
    if (error == 0) {
        error = copy_out(&seg->heap, found->value, found->value_size, value, room);
    }
    return error;
}

int hf_map_next(const hf_segment_t *seg, const hf_map_t *map, hf_map_cursor_t *cursor,
    void *key, size_t *key_size, void *value, size_t *size)
{
    if (!is_map(seg, map) || cursor == NULL || (key != NULL && key_size == NULL) ||
        (value != NULL && size == NULL)) {
        return EINVAL;
    }
    struct look look;
    look_start(&look, seg, map);
    struct step step = {.at = {.hash = cursor->hf_hash, .ties = cursor->hf_ties}};
    int error;
    do {
        look_begin(&look);
        error = look_next(seg, look.index, &step, key, key != NULL ? *key_size : 0, value,
            value != NULL ? *size : 0);
    } while (!look_is_good(&look));
    if (error == 0) {
        *cursor = (hf_map_cursor_t){step.after.hash, step.after.ties};
    }
    if (error == 0 || error == ERANGE) {
        if (key_size != NULL) {
            *key_size = (size_t)step.found.key_size;
        }
        if (size != NULL) {
            *size = (size_t)step.found.value_size;
        }
    }
    return error;
}

int hf_map_count(const hf_segment_t *seg, const hf_map_t *map, size_t *count)
{
    if (!is_map(seg, map) || count == NULL) {
        return EINVAL;
    }
    *count = (size_t)hfi_load64_acquire(&map->hf_count);
    return 0;
}

int hf_map_check(hf_segment_t *seg, const hf_map_t *map)
{
    struct hfi_tx tx;
    int error = is_map(seg, map) ? hfi_heap_enter(&seg->heap, &tx) : EINVAL;
    if (error != 0) {
        return error;
    }
    struct hfi_faults faults = {.report = NULL};
    hfi_index_check(&seg->heap, index_of(map), &faults);
    return hfi_heap_cancel(&tx, faults.count != 0 ? EBADMSG : 0);
}

/* ---- changing ---- */

/* In a transaction; preparing may commit, but nothing has been done before it. */
static int store(struct hfi_tx *tx, struct hfi_index *index, const struct hfi_key *key,
    const void *value, size_t size, bool replace)
{
    struct hfi_found old, fresh;
    int error = hfi_index_look(tx->heap, index, key, &old);
    bool is_there = error == 0;
    if (error != ENOENT && !(is_there && replace)) {
        return is_there ? EEXIST : error;
    }
    error = hfi_index_prepare(tx, index, key, size, HFI_HEAP_GRAIN, &fresh);
    if (error == 0 && size != 0) {
        memcpy(hfi_heap_address(tx->heap, fresh.value), value, size);
    }
    return error != 0 ? error
                      : hfi_index_put(tx, index, key, &fresh, is_there ? &old : NULL);
}

static int enter_and_store(struct hf_segment *seg, hf_map_t *map, const void *bytes,
    size_t key_size, const void *value, size_t size, bool replace)
{
    struct hfi_tx tx;
    struct hfi_key key;
    int error = value != NULL || size == 0
                    ? check_arguments(seg, map, bytes, key_size, &key)
                    : EINVAL;
    if (error == 0) {
        error = hfi_heap_enter(&seg->heap, &tx);
    }
    if (error != 0) {
        return error;
    }
    error = store(&tx, index_of(map), &key, value, size, replace);
    return hfi_heap_end(&tx, error);
}

int hf_map_set(hf_segment_t *seg, hf_map_t *map, const void *key, size_t key_size,
    const void *value, size_t size)
{
    return enter_and_store(seg, map, key, key_size, value, size, true);
}

int hf_map_insert(hf_segment_t *seg, hf_map_t *map, const void *key, size_t key_size,
    const void *value, size_t size)
{
    return enter_and_store(seg, map, key, key_size, value, size, false);
}

int hf_map_erase(hf_segment_t *seg, hf_map_t *map, const void *key, size_t key_size)
{
    struct hfi_tx tx;
    struct hfi_key k;
    struct hfi_found found;
    int error = check_arguments(seg, map, key, key_size, &k);
    if (error == 0) {
        error = hfi_heap_enter(&seg->heap, &tx);
    }
    if (error != 0) {
        return error;
    }
    error = hfi_index_look(&seg->heap, index_of(map), &k, &found);
    if (error == 0) {
        error = hfi_index_take_out(&tx, index_of(map), &found);
    }
    return hfi_heap_end(&tx, error);
}

/* One commit for each entry: dying half-way leaves the others. */
static int clear(struct hfi_tx *tx, struct hfi_index *index)
{
    struct hfi_cursor at = {.hash = 0}, after;
    for (;;) {
        struct hfi_found found;
        int error = hfi_index_next(tx->heap, index, &at, &found, &after);
        if (error == 0) {
            error = hfi_index_take_out(tx, index, &found);
        }
        error = error == 0 ? hfi_tx_commit(tx) : error;
        if (error != 0) {
            return error == ENOENT ? 0 : error;
        }
        at.hash = after.hash; /* what is before it is gone */
    }
}

static int empty(struct hf_segment *seg, hf_map_t *map, bool give_back)
{
    struct hfi_tx tx;
    int error = is_map(seg, map) ? hfi_heap_enter(&seg->heap, &tx) : EINVAL;
    if (error != 0) {
        return error;
    }
    error = clear(&tx, index_of(map));
    if (error == 0 && give_back) {
        error = hfi_index_drop_table(&tx, index_of(map));
    }
    return hfi_heap_end(&tx, error);
}

int hf_map_clear(hf_segment_t *seg, hf_map_t *map)
{
    return empty(seg, map, false);
}

int hf_map_free(hf_segment_t *seg, hf_map_t *map)
{
    return empty(seg, map, true);
}
