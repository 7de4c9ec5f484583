/* SPDX-License-Identifier: MIT */
/*
 * Retired blocks: a ring in the segment's heap, changed in the heap's transactions, so it
 * is the segment's, and no death loses what is in it. Commit points: of retiring, the
 * transaction that makes `retired` grow, with the pointers that change; of freeing, the
 * one that makes `freed` grow and gives the block back.
 *
 * `period_end` and `period` change together, after the period's fence: who finds them
 * needs none of its own to see whether the period is over. A period covers what was in
 * the ring before it began; who frees goes by the copy that it made before it looked.
 */
#include <errno.h>

#include "base/deadline.h"
#include "heap/arena.h"
#include "rcu/rcu.h"

/*
 * Retirings before one looks whether any block can be freed. One does at once after a
 * block that is large for the heap: so what waits though no reader holds it back is a
 * quarter of it at most.
 */
enum { BATCH = 64, LARGE = 4 * BATCH };

/* ---- the ring: with the heap's lock ---- */

/* *ring: as it was found, and was sound. */
static int enter(hf_segment_t *seg, struct hfi_tx *tx, struct hfi_ring *ring)
{
    int error = hfi_heap_enter(&seg->heap, tx);
    return error == 0 && !hfi_segment_ring(seg, ring) ? hfi_heap_cancel(tx, EBADMSG)
                                                      : error;
}

static uint64_t *place_of(const struct hfi_ring *ring, uint64_t number)
{
    return &ring->places[number % ring->capacity];
}

static int discard_ring(hf_segment_t *seg, struct hfi_tx *tx, const struct hfi_ring *ring)
{
    return ring->places != NULL
               ? hfi_heap_discard(tx, hfi_heap_offset(&seg->heap, ring->places))
               : 0;
}

/* Room for one more; commits. */
static int make_room(hf_segment_t *seg, struct hfi_tx *tx, struct hfi_ring *ring)
{
    if (ring->retired - ring->freed < ring->capacity) {
        return 0;
    }
    uint64_t block, capacity = ring->capacity != 0 ? 2 * ring->capacity : HFI_RING_MIN;
    if (capacity > HF_RCU_PENDING_MAX) {
        return EAGAIN;
    }
    int error =
        hfi_heap_allocate(tx, capacity * sizeof(uint64_t), HFI_HEAP_GRAIN, &block);
    if (error != 0) {
        return error;
    }
    struct hfi_ring larger = *ring;
    larger.places = hfi_heap_address(&seg->heap, block);
    larger.capacity = capacity;
    for (uint64_t n = ring->freed; n != ring->retired; n++) {
        *place_of(&larger, n) = *place_of(ring, n);
    }
    hfi_tx_publish(tx, &seg->rcu->ring, block);
    hfi_tx_publish(tx, &seg->rcu->capacity, capacity);
    error = discard_ring(seg, tx, ring);
    *ring = larger;
    return error == 0 ? hfi_tx_commit(tx) : error;
}

/* Its place is nobody's before the commit. Requires room. Returns its number, from 1. */
static uint64_t put(
    hf_segment_t *seg, struct hfi_tx *tx, const struct hfi_ring *ring, uint64_t block)
{
    uint64_t number = ring->retired + 1;
    hfi_store64_release(place_of(ring, ring->retired), block);
    hfi_tx_publish(tx, &seg->rcu->retired, number);
    return number;
}

static bool is_left(const struct hfi_ring *ring, uint64_t end)
{
    return ring->freed < end && ring->freed != ring->retired;
}

/* One that cannot be freed is given up, and counted: it must not be in the way of those
 * behind it. */
static int give_up(hf_segment_t *seg, uint64_t number)
{
    struct hfi_rcu_control *rcu = seg->rcu;
    struct hfi_tx tx;
    struct hfi_ring ring;
    int error = enter(seg, &tx, &ring);
    if (error != 0) {
        return error;
    }
    if (ring.freed == number) {
        hfi_tx_publish(&tx, &rcu->lost, rcu->lost + 1);
        hfi_tx_publish(&tx, &rcu->freed, number + 1);
    }
    return hfi_heap_leave(&tx);
}

/* Those before number `end`, and no more than `most`. */
static int free_until(hf_segment_t *seg, uint64_t end, unsigned most)
{
    struct hfi_tx tx;
    struct hfi_ring ring;
    int error = enter(seg, &tx, &ring);
    if (error != 0) {
        return error;
    }
    for (; is_left(&ring, end) && most-- > 0; ring.freed++) {
        hfi_tx_publish(&tx, &seg->rcu->freed, ring.freed + 1);
        error = hfi_heap_discard(&tx, *place_of(&ring, ring.freed));
        error = error == 0 ? hfi_tx_commit(&tx) : error;
        if (error != 0) {
            (void)hfi_heap_cancel(&tx, error);
            return give_up(seg, ring.freed);
        }
    }
    return hfi_heap_leave(&tx);
}

static int drop_empty_ring(hf_segment_t *seg)
{
    struct hfi_tx tx;
    struct hfi_ring ring;
    int error = enter(seg, &tx, &ring);
    if (error == 0 && ring.places != NULL && ring.freed == ring.retired) {
        hfi_tx_publish(&tx, &seg->rcu->ring, 0);
        hfi_tx_publish(&tx, &seg->rcu->capacity, 0);
        return hfi_heap_end(&tx, discard_ring(seg, &tx, &ring));
    }
    return error != 0 ? error : hfi_heap_leave(&tx);
}

/* ---- periods ---- */

/* Those that are in the ring now shall be freed after it. Without a fence on everyone
 * there is none, and they wait for somebody who can make one. */
static int begin_period(hf_segment_t *seg)
{
    struct hfi_rcu_control *rcu = seg->rcu;
    struct hfi_tx tx;
    struct hfi_ring ring;
    uint64_t epoch;
    int error = enter(seg, &tx, &ring);
    if (error != 0) {
        return error;
    }
    bool begins = ring.freed >= rcu->period_end && ring.freed != ring.retired &&
                  hfi_rcu_begin(seg, &epoch) == 0;
    if (begins) {
        hfi_tx_publish(&tx, &rcu->period_end, ring.retired);
        hfi_tx_publish(&tx, &rcu->period, epoch);
        hfi_tx_publish(&tx, &rcu->period_time, hfi_now());
    }
    return hfi_heap_leave(&tx);
}

/* Frees what the last period covers, if it is over, and begins the next one. */
static int tend(hf_segment_t *seg)
{
    const struct hfi_rcu_control *rcu = seg->rcu;
    struct hfi_tx tx;
    struct hfi_ring ring;
    int error = enter(seg, &tx, &ring);
    if (error != 0) {
        return error;
    }
    uint64_t end = rcu->period_end, epoch = rcu->period;
    bool waits = ring.freed < end;
    error = hfi_heap_cancel(&tx, 0);
    if (error == 0 && waits) {
        if (!hfi_rcu_is_over(seg, epoch)) {
            return 0;
        }
        error = free_until(seg, end, 2 * BATCH);
    }
    return error != 0 ? error : begin_period(seg);
}

/* Whether the block can be retired now. Asks first: a larger ring might come to stand in
 * one that is free. */
static int prepare(
    hf_segment_t *seg, struct hfi_tx *tx, struct hfi_ring *ring, uint64_t block)
{
    uint64_t unused;
    int error = hfi_heap_usable(&seg->heap, block, &unused);
    return error != 0 ? error : make_room(seg, tx, ring);
}

/*
 * Enters, with room to retire the block, or (p not null) what p points to, if anything,
 * which it looks at once and makes the block: p may be being set. Where there is no
 * room, what can be freed is: that takes a look at the last period, and perhaps one at a
 * period that it begins. What goes wrong in it is the heap's trouble, and told.
 */
static int enter_with_room(hf_segment_t *seg, struct hfi_tx *tx, struct hfi_ring *ring,
    const hf_ptr_t *p, uint64_t *block)
{
    enum { LOOKS = 2 };
    for (int look = 0;; look++) {
        int error = enter(seg, tx, ring);
        if (error != 0) {
            return error;
        }
        *block = p != NULL ? hfi_ptr_target(seg, p) : *block;
        error = *block != 0 ? prepare(seg, tx, ring, *block) : 0;
        if (error == 0) {
            return 0;
        }
        error = hfi_heap_cancel(tx, error);
        if ((error != EAGAIN && error != ENOSPC) || look == LOOKS) {
            return error;
        }
        (void)tend(seg);
    }
}

static bool is_large(const hf_segment_t *seg, uint64_t block)
{
    uint64_t size;
    return hfi_heap_usable(&seg->heap, block, &size) == 0 &&
           size > (seg->heap.control->end - seg->heap.first) / LARGE;
}

/* In a transaction, which it ends: retires the block, if there is one. Requires room. */
static int retire_and_leave(
    hf_segment_t *seg, struct hfi_tx *tx, const struct hfi_ring *ring, uint64_t block)
{
    bool due =
        block != 0 && (put(seg, tx, ring, block) % BATCH == 0 || is_large(seg, block));
    int error = hfi_heap_leave(tx);
    if (error == 0 && due) {
        (void)tend(seg);
    }
    return error;
}

/* ---- public ---- */

int hf_rcu_retire(hf_segment_t *seg, void *block)
{
    struct hfi_tx tx;
    struct hfi_ring ring;
    if (seg == NULL || block == NULL) {
        return EINVAL;
    }
    uint64_t offset = hfi_heap_offset(&seg->heap, block);
    int error = enter_with_room(seg, &tx, &ring, NULL, &offset);
    return error != 0 ? error : retire_and_leave(seg, &tx, &ring, offset);
}

int hf_rcu_replace(hf_segment_t *seg, hf_ptr_t *p, hf_ptr_t *fresh)
{
    struct hfi_tx tx;
    struct hfi_ring ring;
    uint64_t before = 0;
    bool valid = hfi_segment_has_pointer(seg, p) && p != fresh &&
                 (fresh == NULL || hfi_segment_has_pointer(seg, fresh));
    int error = valid ? enter_with_room(seg, &tx, &ring, p, &before) : EINVAL;
    if (error != 0) {
        return error;
    }
    uint64_t after = fresh != NULL ? hfi_ptr_target(seg, fresh) : 0;
    if (after == hfi_heap_offset(&seg->heap, p)) {
        return hfi_heap_cancel(&tx, EINVAL);
    }
    hfi_ptr_publish(&tx, p, after);
    if (fresh != NULL) {
        hfi_ptr_publish(&tx, fresh, 0);
    }
    return retire_and_leave(seg, &tx, &ring, before);
}

int hf_rcu_barrier(hf_segment_t *seg)
{
    struct hfi_tx tx;
    struct hfi_ring ring;
    int error = seg != NULL ? enter(seg, &tx, &ring) : EINVAL;
    if (error != 0) {
        return error;
    }
    uint64_t end = ring.retired;
    error = hfi_heap_cancel(&tx, 0);
    if (error == 0) {
        error = hf_rcu_synchronize(seg);
    }
    while (error == 0 && hfi_load64_relaxed(&seg->rcu->freed) < end) {
        error = free_until(seg, end, BATCH);
    }
    return error != 0 ? error : drop_empty_ring(seg);
}

/* That a block takes of the heap. */
static size_t bytes_of(const hf_segment_t *seg, uint64_t block)
{
    uint64_t size;
    int error = hfi_heap_usable(&seg->heap, block, &size);
    return error == 0 ? (size_t)(size + HFI_HEADER_SIZE) : 0;
}

int hf_rcu_info(hf_segment_t *seg, hf_rcu_info_t *info)
{
    struct hfi_tx tx;
    struct hfi_ring ring;
    int error = seg != NULL && info != NULL ? enter(seg, &tx, &ring) : EINVAL;
    if (error != 0) {
        return error;
    }
    const struct hfi_rcu_control *rcu = seg->rcu;
    *info = (hf_rcu_info_t){
        .periods = hfi_load64_relaxed(&rcu->epoch) / HFI_RCU_EPOCH,
        .pending = (size_t)(ring.retired - ring.freed),
        .pending_bytes = bytes_of(seg, rcu->ring),
        .fenced = hfi_load32_relaxed(&rcu->fenced) != 0,
    };
    for (uint64_t n = ring.freed; n != ring.retired; n++) {
        info->pending_bytes += bytes_of(seg, *place_of(&ring, n));
    }
    return hfi_heap_cancel(&tx, 0);
}
