/* SPDX-License-Identifier: MIT */
/*
 * Work on the segment's heap. A block is allocated at a pointer of the worker's own,
 * filled, and exchanged for what a shared slot held; that is checked and freed. So each
 * block has one owner at any moment: a slot, or a worker. Who sits down where one was
 * killed takes over what that one's pointer owns. Some slots are read in place, under a
 * lock. In the end all blocks are reached from slots, and nothing else is in use.
 */
#include <errno.h>
#include <inttypes.h>

#include "common/random.h"
#include "heap.h"
#include "kinds.h"
#include "ledger.h"

enum {
    SLOTS = 40,
    READ_IN_PLACE = 8, /* the first so many slots */
    SIZE_BITS = 15,
    ALIGNMENT_BITS = 12,
    MOST_MEMORY = 1 << 22,
    PAGE = 4096
};

typedef struct {
    _Alignas(64) hf_ptr_t own; /* null between two pieces of work */
    life_t life;               /* that has used it last */
} place_t;

typedef struct {
    _Alignas(64) hf_rwlock_t agreement; /* of those who read blocks in place */
    uint32_t object;
    hf_ptr_t slot[SLOTS];
    place_t place[]; /* by seat */
} pool_t;

static unsigned memory_objects(const torture_options_t *options)
{
    (void)options;
    return 1;
}

static size_t memory_size(const torture_options_t *options)
{
    return sizeof(pool_t) + (2 * options->processes + 1) * sizeof(place_t);
}

static int memory_prepare(const control_t *c, void *area, unsigned first)
{
    (void)c;
    pool_t *p = area;
    p->object = first;
    return 0;
}

static hf_ptr_t *own_of(const worker_t *w, pool_t *p)
{
    return &p->place[w->seat].own;
}

static hf_ptr_t *any_slot(worker_t *w, pool_t *p)
{
    return &p->slot[READ_IN_PLACE + stress_below(&w->random, SLOTS - READ_IN_PLACE)];
}

static hf_ptr_t *any_slot_read_in_place(worker_t *w, pool_t *p)
{
    return &p->slot[stress_below(&w->random, READ_IN_PLACE)];
}

static size_t any_size(worker_t *w)
{
    return PATTERN_LEAST - 1 + stress_any_scale(&w->random, SIZE_BITS);
}

/* ---- what is one's own ---- */

static bool resize(worker_t *w, pool_t *p, size_t size)
{
    worker_call(w, "hf_realloc", p->object);
    int error = hf_realloc(w->segment, own_of(w, p), size);
    worker_called(w);
    return heap_had_room(w, error, "hf_realloc", p->object);
}

static bool allocate_aligned(worker_t *w, pool_t *p, size_t size)
{
    size_t alignment = (size_t)1 << stress_below(&w->random, ALIGNMENT_BITS + 1);
    worker_call(w, "hf_alloc_aligned", p->object);
    int error = hf_alloc_aligned(w->segment, own_of(w, p), size, alignment);
    worker_called(w);
    if (error == 0 && (uintptr_t)hf_ptr_get(own_of(w, p)) % alignment != 0) {
        violation(w->control, "#%u: worker %u: a block is not aligned to %zu", p->object,
            w->seat, alignment);
    }
    return heap_had_room(w, error, "hf_alloc_aligned", p->object);
}

static bool allocate(worker_t *w, pool_t *p, size_t size)
{
    switch (stress_below(&w->random, 4)) {
    case 0:
        return resize(w, p, size);
    case 1:
        return allocate_aligned(w, p, size);
    default:
        break;
    }
    worker_call(w, "hf_alloc", p->object);
    int error = hf_alloc(w->segment, own_of(w, p), size);
    worker_called(w);
    return heap_had_room(w, error, "hf_alloc", p->object);
}

/* True: an own block of so many bytes at least, all zero. */
static bool make(worker_t *w, pool_t *p, size_t size)
{
    if (!allocate(w, p, size)) {
        return false;
    }
    const void *block = hf_ptr_get(own_of(w, p));
    size_t room = heap_usable_size(w, p->object, block);
    if (room < size || !is_all_zero(block, 0, room)) {
        pattern_complain(w, p->object, "got a block that is not fresh", block, room);
    }
    worker_step(w);
    return true;
}

/* The own block, which was somebody's: it must be whole. */
static void inspect(worker_t *w, pool_t *p)
{
    const void *block = hf_ptr_get(own_of(w, p));
    size_t room = heap_usable_size(w, p->object, block);
    if (!pattern_is_whole(block, room)) {
        pattern_complain(w, p->object, "got a block that is not whole", block, room);
    }
    worker_step(w);
}

/* Makes the own block, which is whole, larger or smaller, then fills it anew. */
static void change_size(worker_t *w, pool_t *p)
{
    size_t size = any_size(w);
    size_t before = heap_usable_size(w, p->object, hf_ptr_get(own_of(w, p)));
    uint64_t filled = ((const uint64_t *)hf_ptr_get(own_of(w, p)))[1];
    if (!resize(w, p, size)) {
        return;
    }
    void *block = hf_ptr_get(own_of(w, p));
    size_t after = heap_usable_size(w, p->object, block);
    if (after < size || (after >= filled && !pattern_is_whole(block, after)) ||
        (after > before && !is_all_zero(block, before, after))) {
        pattern_complain(w, p->object, "got another block when resizing", block, after);
    }
    worker_step(w);
    pattern_fill(w, block, size);
}

static void exchange(worker_t *w, pool_t *p, hf_ptr_t *a, hf_ptr_t *b)
{
    worker_step(w);
    worker_call(w, "hf_ptr_swap", p->object);
    int error = hf_ptr_swap(w->segment, a, b);
    worker_called(w);
    worker_expect(w, error, 0, "hf_ptr_swap", p->object);
    worker_step(w);
}

static void free_own(worker_t *w, pool_t *p)
{
    heap_free(w, p->object, own_of(w, p));
    if (hf_ptr_get(own_of(w, p)) != NULL) {
        violation(w->control, "#%u: worker %u: freed, and there", p->object, w->seat);
    }
}

/* ---- pieces of work ---- */

static void publish(worker_t *w, pool_t *p)
{
    size_t size = any_size(w);
    if (!make(w, p, size)) {
        return;
    }
    pattern_fill(w, hf_ptr_get(own_of(w, p)), size);
    if (stress_one_in(&w->random, 4)) {
        change_size(w, p);
    }
    exchange(w, p, own_of(w, p), any_slot(w, p));
}

static void take(worker_t *w, pool_t *p)
{
    exchange(w, p, own_of(w, p), any_slot(w, p));
    if (hf_ptr_get(own_of(w, p)) == NULL || stress_one_in(&w->random, 2)) {
        return;
    }
    inspect(w, p);
    change_size(w, p);
    exchange(w, p, own_of(w, p), any_slot(w, p));
}

static void replace_read_in_place(worker_t *w, pool_t *p)
{
    size_t size = any_size(w);
    if (make(w, p, size)) {
        pattern_fill(w, hf_ptr_get(own_of(w, p)), size);
    } /* else takes one away */
    heap_lock(w, p->object, &p->agreement, hf_rwlock_wrlock);
    exchange(w, p, own_of(w, p), any_slot_read_in_place(w, p));
    heap_unlock(w, p->object, &p->agreement);
}

static void read_in_place(worker_t *w, pool_t *p)
{
    heap_lock(w, p->object, &p->agreement, hf_rwlock_rdlock);
    for (unsigned i = 0; i < READ_IN_PLACE; i++) {
        const void *block = hf_ptr_get(&p->slot[i]);
        size_t room = block ? heap_usable_size(w, p->object, block) : 0;
        if (block && !pattern_is_whole(block, room)) {
            pattern_complain(w, p->object, "reads what is not whole", block, room);
        }
        worker_step(w);
    }
    heap_unlock(w, p->object, &p->agreement);
}

static void grow(worker_t *w, pool_t *p)
{
    hf_segment_info_t info;
    worker_expect(w, hf_segment_info(w->segment, &info), 0, "hf_segment_info", p->object);
    worker_call(w, "hf_segment_grow", p->object);
    int error = hf_segment_grow(w->segment, info.size + PAGE);
    worker_called(w);
    heap_had_room(w, error, "hf_segment_grow", p->object);
}

/* Takes all that is free in one place; others must grow the segment, or go without. */
static void hog(worker_t *w, pool_t *p)
{
    make(w, p, heap_info(w, p->object).largest_free);
    worker_step(w);
    free_own(w, p);
}

static void do_something(worker_t *w, pool_t *p)
{
    switch (stress_below(&w->random, 16)) {
    case 0:
    case 1:
    case 2:
    case 3:
        take(w, p);
        break;
    case 4:
        exchange(w, p, any_slot(w, p), any_slot(w, p));
        break;
    case 5:
        heap_free(w, p->object, any_slot(w, p)); /* which nobody reads in place */
        break;
    case 6:
    case 7:
        replace_read_in_place(w, p);
        break;
    case 8:
    case 9:
        read_in_place(w, p);
        break;
    case 10:
        heap_info(w, p->object);
        break;
    default:
        publish(w, p);
        break;
    }
}

/* After a death it is a call of the heap that completes what the dead one was doing;
 * then its pointer tells what it owned, filled or not. */
static void take_over(worker_t *w, pool_t *p)
{
    place_t *place = &p->place[w->seat];
    if (place->life != w->life) {
        heap_info(w, p->object);
        if (hf_ptr_get(&place->own) != NULL) {
            heap_usable_size(w, p->object, hf_ptr_get(&place->own));
            free_own(w, p);
        }
        place->life = w->life;
    }
}

static void memory_turn(worker_t *w, void *area)
{
    pool_t *p = area;
    take_over(w, p);
    do_something(w, p);
    if (hf_ptr_get(own_of(w, p)) != NULL) {
        inspect(w, p);
        free_own(w, p);
    }
    if (stress_one_in(&w->random, 1024)) {
        grow(w, p);
    }
    if (stress_one_in(&w->random, 2048)) {
        hog(w, p);
    }
    if (stress_one_in(&w->random, 2048)) {
        heap_check(w, p->object);
    }
}

/* Leaves with a block that only its pointer knows of. */
static void memory_hold(worker_t *w, void *area)
{
    pool_t *p = area;
    take_over(w, p);
    make(w, p, any_size(w));
}

/* All are at the heap's lock when the killer strikes. */
static void memory_attend(worker_t *w, void *area, unsigned object, bool two)
{
    (void)two;
    seat_t *seat = &w->control->seat[w->seat];
    pool_t *p = area;
    grip_set(seat, 0, p->object + object, GRIP_WANTS);
    do {
        memory_turn(w, p);
    } while (worker_is_assembled(w));
    grip_set(seat, 0, 0, GRIP_NONE);
}

static void memory_audit(worker_t *auditor, void *area)
{
    pool_t *p = area;
    control_t *c = auditor->control;
    take_over(auditor, p);
    for (unsigned i = 0; i < SLOTS; i++) {
        const void *block = hf_ptr_get(&p->slot[i]);
        size_t room = block ? heap_usable_size(auditor, p->object, block) : 0;
        if (block && !pattern_is_whole(block, room)) {
            pattern_complain(auditor, p->object, "finds what is not whole", block, room);
        }
        heap_free_at_last(auditor, p->object, &p->slot[i]);
    }
    for (unsigned i = 0; i < c->seats; i++) {
        heap_free_at_last(auditor, p->object, &p->place[i].own);
    }
}

static int memory_owner(const control_t *c, void *area, unsigned object, hf_owner_t *who)
{
    (void)c, (void)object;
    return hf_rwlock_owner(&((pool_t *)area)->agreement, who);
}

const kind_t memory_kind = {
    .name = "memory",
    .memory = MOST_MEMORY,
    .objects = memory_objects,
    .size = memory_size,
    .prepare = memory_prepare,
    .turn = memory_turn,
    .hold = memory_hold,
    .attend = memory_attend,
    .audit = memory_audit,
    .owner = memory_owner,
};
