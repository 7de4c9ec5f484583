/* SPDX-License-Identifier: MIT */
/*
 * Vector. Writers are in a transaction of the heap; each call is one commit, whose stores
 * come in an order that readers rely on:
 *
 *   push     size + 1, last: the element is in its place before
 *   grow     data, capacity; then the version; the old elements are freed after that
 *   pop      size - 1, then the version: the place is written to after that
 *   free     size 0, data null, capacity 0; then the version
 *
 * Readers load the version, the size and then the data, so the data have room for the
 * size; they copy, and look at the version again. The same: nothing that they read was
 * freed or overwritten meanwhile, since the version is raised after something has gone
 * and before its memory is put to another use, and they loaded the version first. One
 * that meets a free half-way, its writer stopped there, finds no data for its size: that
 * is damage only if the size, read again, is the same.
 */
#include <holdfast/vector.h>

#include <errno.h>
#include <string.h>

#include "segment/segment.h"

_Static_assert(sizeof(hf_vector_t) == 48, "format");

enum { ROOM_MIN = 64 /* bytes, for the first element */ };

/* A vector, as it was at some moment. */
struct view {
    uint64_t size, capacity, element_size;
    uint64_t data; /* offset; 0: none */
};

static bool is_vector(const struct hf_segment *seg, const hf_vector_t *v)
{
    return seg != NULL && (uintptr_t)v % sizeof(uint64_t) == 0 &&
           hfi_segment_holds(seg, v, sizeof *v);
}

/* What an element's size is certified with: it says how much is copied. */
static uint64_t check_of(uint64_t offset, uint64_t element_size)
{
    return (offset << 1 ^ element_size ^ 1) * UINT64_C(0x9e3779b97f4a7c15);
}

/* EBADMSG: damaged, or being freed. Asks only for what there is to be read. */
static int view_of(const struct hf_segment *seg, const hf_vector_t *v, struct view *view)
{
    uint64_t bytes;
    view->size = hfi_load64_acquire(&v->hf_size);
    view->data = hfi_ptr_target(seg, &v->hf_data);
    view->capacity = hfi_load64_acquire(&v->hf_capacity);
    view->element_size = hfi_load64_acquire(&v->hf_element_size);
    bool sound = view->element_size != 0 && view->size <= view->capacity &&
                 hfi_load64_acquire(&v->hf_check) ==
                     check_of(hfi_heap_offset(&seg->heap, v), view->element_size) &&
                 !__builtin_mul_overflow(view->size, view->element_size, &bytes) &&
                 (view->size == 0 || hfi_segment_covers(seg, view->data, bytes));
    return sound ? 0 : EBADMSG;
}

/* ---- without a lock ---- */

/* Copies bytes that may be changing. */
static void copy_out(char *to, const char *from, uint64_t size)
{
    uint64_t n;
    for (uint64_t at = 0; at < size; at += n) {
        uint64_t word;
        bool whole =
            (uintptr_t)(from + at) % sizeof word == 0 && size - at >= sizeof word;
        n = whole ? sizeof word : 1;
        if (whole) {
            word = hfi_load64_acquire((const uint64_t *)(const void *)(from + at));
            memcpy(to + at, &word, sizeof word);
        } else {
            to[at] = __atomic_load_n(from + at, __ATOMIC_ACQUIRE);
        }
    }
}

/* Nothing that was read between the version and this had gone. */
static bool is_settled(
    const hf_vector_t *v, uint64_t version, const struct view *view, int error)
{
    return hfi_load64_acquire(&v->hf_version) == version &&
           (error != EBADMSG || hfi_load64_relaxed(&v->hf_size) == view->size);
}

int hf_vector_get(const hf_segment_t *seg, const hf_vector_t *v, size_t index, void *copy)
{
    if (!is_vector(seg, v) || copy == NULL) {
        return EINVAL;
    }
    struct view view;
    uint64_t version;
    int error;
    do {
        version = hfi_load64_acquire(&v->hf_version);
        error = view_of(seg, v, &view);
        if (error == 0 && index >= view.size) {
            error = ENOENT;
        }
        if (error == 0) {
            const char *data = hfi_heap_address(&seg->heap, view.data);
            copy_out(copy, data + index * view.element_size, view.element_size);
        }
    } while (!is_settled(v, version, &view, error));
    return error;
}

int hf_vector_check(const hf_segment_t *seg, const hf_vector_t *v)
{
    if (!is_vector(seg, v)) {
        return EINVAL;
    }
    struct view view;
    uint64_t version;
    int error;
    do {
        version = hfi_load64_acquire(&v->hf_version);
        error = view_of(seg, v, &view);
    } while (!is_settled(v, version, &view, error));
    return error;
}

/* ---- in a transaction ---- */

/* All of its room is a block of the heap, or there is none. */
static int check_block(const struct hfi_heap *heap, const struct view *view)
{
    uint64_t usable = 0;
    int error = view->data != 0 ? hfi_heap_usable(heap, view->data, &usable) : 0;
    bool sound = (view->data != 0) == (view->capacity != 0) &&
                 view->capacity <= usable / view->element_size;
    return error == 0 && !sound ? EBADMSG : error;
}

static int enter(
    struct hf_segment *seg, hf_vector_t *v, struct hfi_tx *tx, struct view *view)
{
    int error = is_vector(seg, v) ? hfi_heap_enter(&seg->heap, tx) : EINVAL;
    if (error != 0) {
        return error;
    }
    error = view_of(seg, v, view);
    if (error == 0) {
        error = check_block(&seg->heap, view);
    }
    return error != 0 ? hfi_heap_cancel(tx, error) : 0;
}

static void raise_version(struct hfi_tx *tx, hf_vector_t *v)
{
    hfi_tx_publish(tx, &v->hf_version, v->hf_version + 1);
}

/* Elsewhere, with room for so many at least; *view: as it will be. */
static int move(struct hfi_tx *tx, hf_vector_t *v, uint64_t capacity, struct view *view)
{
    struct hfi_heap *heap = tx->heap;
    uint64_t bytes, fresh, usable, old = view->data;
    if (__builtin_mul_overflow(capacity, view->element_size, &bytes)) {
        return ENOSPC;
    }
    int error = hfi_heap_allocate(tx, bytes, HFI_HEAP_GRAIN, &fresh);
    if (error == 0) {
        error = hfi_heap_usable(heap, fresh, &usable);
    }
    if (error != 0) {
        return error;
    }
    view->data = fresh;
    view->capacity = usable / view->element_size;
    hfi_ptr_publish(tx, &v->hf_data, fresh);
    hfi_tx_publish(tx, &v->hf_capacity, view->capacity);
    if (old == 0) {
        return 0;
    }
    memcpy(hfi_heap_address(heap, fresh), hfi_heap_address(heap, old),
        view->size * view->element_size);
    raise_version(tx, v);
    return hfi_heap_discard(tx, old);
}

/* Twice the room, so that pushing costs the same on average; or just enough. */
static int grow(struct hfi_tx *tx, hf_vector_t *v, struct view *view)
{
    uint64_t least = view->size + 1;
    uint64_t ample = view->capacity != 0              ? 2 * view->capacity
                     : view->element_size <= ROOM_MIN ? ROOM_MIN / view->element_size
                                                      : 1;
    int error = move(tx, v, ample, view);
    return error == ENOSPC && least < ample ? move(tx, v, least, view) : error;
}

int hf_vector_push_back(hf_segment_t *seg, hf_vector_t *v, const void *element)
{
    struct hfi_tx tx;
    struct view view;
    int error = element != NULL ? enter(seg, v, &tx, &view) : EINVAL;
    if (error != 0) {
        return error;
    }
    if (view.size == view.capacity) {
        error = grow(&tx, v, &view);
    }
    if (error == 0) {
        char *data = hfi_heap_address(&seg->heap, view.data);
        memcpy(data + view.size * view.element_size, element, view.element_size);
        hfi_tx_publish(&tx, &v->hf_size, view.size + 1);
    }
    return hfi_heap_end(&tx, error);
}

int hf_vector_pop_back(hf_segment_t *seg, hf_vector_t *v, void *element)
{
    struct hfi_tx tx;
    struct view view;
    int error = enter(seg, v, &tx, &view);
    if (error != 0) {
        return error;
    }
    if (view.size == 0) {
        return hfi_heap_cancel(&tx, ENOENT);
    }
    if (element != NULL) {
        const char *data = hfi_heap_address(&seg->heap, view.data);
        memcpy(element, data + (view.size - 1) * view.element_size, view.element_size);
    }
    hfi_tx_publish(&tx, &v->hf_size, view.size - 1);
    raise_version(&tx, v);
    return hfi_heap_leave(&tx);
}

int hf_vector_reserve(hf_segment_t *seg, hf_vector_t *v, size_t capacity)
{
    struct hfi_tx tx;
    struct view view;
    int error = enter(seg, v, &tx, &view);
    if (error != 0) {
        return error;
    }
    if (capacity > view.capacity) {
        error = move(&tx, v, capacity, &view);
    }
    return hfi_heap_end(&tx, error);
}

static int empty(struct hf_segment *seg, hf_vector_t *v, bool give_back)
{
    struct hfi_tx tx;
    struct view view;
    int error = enter(seg, v, &tx, &view);
    if (error != 0) {
        return error;
    }
    bool has_block = give_back && view.data != 0;
    hfi_tx_publish(&tx, &v->hf_size, 0);
    if (has_block) {
        hfi_ptr_publish(&tx, &v->hf_data, 0);
        hfi_tx_publish(&tx, &v->hf_capacity, 0);
    }
    raise_version(&tx, v);
    return hfi_heap_end(&tx, has_block ? hfi_heap_discard(&tx, view.data) : 0);
}

int hf_vector_clear(hf_segment_t *seg, hf_vector_t *v)
{
    return empty(seg, v, false);
}

int hf_vector_free(hf_segment_t *seg, hf_vector_t *v)
{
    return empty(seg, v, true);
}

static bool is_blank(const hf_vector_t *v)
{
    return v->hf_data.hf_distance == 0 && v->hf_size == 0 && v->hf_capacity == 0 &&
           v->hf_element_size == 0 && v->hf_check == 0 && v->hf_version == 0;
}

int hf_vector_init(hf_segment_t *seg, hf_vector_t *v, size_t element_size)
{
    struct hfi_tx tx;
    struct view view;
    bool valid = is_vector(seg, v) && element_size != 0;
    int error = valid ? hfi_heap_enter(&seg->heap, &tx) : EINVAL;
    if (error != 0) {
        return error;
    }
    if (is_blank(v)) {
        uint64_t check = check_of(hfi_heap_offset(&seg->heap, v), element_size);
        hfi_tx_publish(&tx, &v->hf_check, check);
        hfi_tx_publish(&tx, &v->hf_element_size, element_size);
    } else {
        error = view_of(seg, v, &view);
        if (error == 0 && view.element_size != element_size) {
            error = EEXIST;
        }
    }
    return hfi_heap_end(&tx, error);
}
