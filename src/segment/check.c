/* SPDX-License-Identifier: MIT */
/*
 * Check: whether a segment is as this library leaves one. What changes at any time (the
 * participants' slots) is looked at word by word: each must be possible by itself. The
 * heap is looked at under its lock, so as nobody is in the middle of anything.
 */
#include <holdfast/segment.h>

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "heap/check.h"
#include "heap/index.h"
#include "segment/segment.h"

enum { PATIENCE_MS = 2000 }; /* with whoever has the heap locked */

static void check_header(const struct hf_segment *seg, struct hfi_faults *faults)
{
    if (memcmp(seg->heap.start, &seg->header, offsetof(struct hfi_header, slots_used)) !=
        0) {
        hfi_fault(faults, 0, "the header is not the one that was there at the opening");
    }
    if (hfi_load32_acquire(seg->at.table.used) > seg->header.slot_count) {
        hfi_fault(faults, offsetof(struct hfi_header, slots_used),
            "more slots were joined than there are");
    }
}

/* ---- participants ---- */

/* Where a primitive may stand; 0: none. */
static bool is_place(const struct hf_segment *seg, const uint64_t *word)
{
    uint64_t offset = hfi_load64_relaxed(word);
    return offset == 0 ||
           (offset % HFI_GRID == 0 && offset >= seg->header.control_offset &&
               offset <= seg->header.total_limit - HFI_GRID);
}

/* What a thread may sleep on: a primitive, or the end of somebody's read section. */
static bool is_awaited(const struct hf_segment *seg, const uint64_t *word)
{
    uint64_t first = seg->header.table_offset + offsetof(struct hfi_slot, section);
    uint64_t from_first = hfi_load64_relaxed(word) - first;
    bool section = from_first % sizeof(struct hfi_slot) == 0 &&
                   from_first / sizeof(struct hfi_slot) < seg->at.table.count;
    return section || is_place(seg, word);
}

static bool are_places(const struct hf_segment *seg, const struct hfi_slot *slot)
{
    bool sound = is_awaited(seg, &slot->waiting_on) && is_place(seg, &slot->arrived_at);
    for (unsigned i = 0; i < HFI_READING_MAX; i++) {
        sound = sound && is_place(seg, &slot->reading[i]);
    }
    return sound;
}

/* A mark of an epoch that there has been, and nested at least once; or none. */
static bool is_section(const struct hf_segment *seg, const struct hfi_slot *slot)
{
    uint64_t section = hfi_load64_acquire(&slot->section);
    return section == 0 || (section % HFI_RCU_EPOCH != 0 &&
                               section / HFI_RCU_EPOCH <=
                                   hfi_load64_relaxed(&seg->rcu->epoch) / HFI_RCU_EPOCH);
}

static void check_slots(const struct hf_segment *seg, struct hfi_faults *faults)
{
    const struct hfi_table *table = &seg->at.table;
    for (uint32_t i = 0; i < table->count; i++) {
        const struct hfi_slot *slot = &table->slots[i];
        uint64_t at = hfi_heap_offset(&seg->heap, slot);
        uint64_t generation = hfi_load64_acquire(&slot->generation);
        if (generation > HFI_GENERATION_MAX) {
            hfi_fault(faults, at, "the participant's generation is beyond all numbers");
        }
        if (generation != 0 && i >= hfi_table_used(table)) {
            hfi_fault(faults, at, "a participant where nobody ever joined");
        }
        uint32_t word = hfi_load32_relaxed(&slot->lease_word);
        if (word % sizeof(uint32_t) != 0 || word > HFI_LEASE_SIZE - sizeof(uint32_t)) {
            hfi_fault(faults, at, "the participant's lease has its word elsewhere");
        }
        if (!are_places(seg, slot)) {
            hfi_fault(faults, at, "the participant waits for or holds what cannot be");
        }
        if (!is_section(seg, slot)) {
            hfi_fault(faults, at, "the participant is in a read section that cannot be");
        }
    }
}

/* ---- heap, directory ---- */

static void check_builders(const struct hf_segment *seg, struct hfi_faults *faults)
{
    struct hfi_cursor cursor = {.hash = 0}, after;
    struct hfi_found found;
    const struct hfi_index *index = &seg->heap.control->directory;
    for (; hfi_index_next(&seg->heap, index, &cursor, &found, &after) == 0;
         cursor = after) {
        if (found.builder != 0 &&
            hfi_table_life(&seg->at.table, found.builder) == HFI_IMPOSSIBLE) {
            hfi_fault(faults, found.entry, "the object is constructed by nobody");
        }
    }
}

bool hfi_segment_ring(const struct hf_segment *seg, struct hfi_ring *ring)
{
    const struct hfi_rcu_control *rcu = seg->rcu;
    uint64_t size, at = hfi_load64_relaxed(&rcu->ring);
    *ring = (struct hfi_ring){
        .capacity = hfi_load64_relaxed(&rcu->capacity),
        .freed = hfi_load64_relaxed(&rcu->freed),
        .retired = hfi_load64_relaxed(&rcu->retired),
    };
    if (at == 0) {
        return ring->capacity == 0 && ring->retired == ring->freed;
    }
    if (hfi_heap_usable(&seg->heap, at, &size) != 0) {
        return false;
    }
    ring->places = hfi_heap_address(&seg->heap, at);
    return ring->capacity >= HFI_RING_MIN &&
           (ring->capacity & (ring->capacity - 1)) == 0 &&
           ring->capacity <= size / sizeof(uint64_t) &&
           ring->retired - ring->freed <= ring->capacity;
}

static void check_retired(const struct hf_segment *seg, struct hfi_faults *faults)
{
    const struct hfi_rcu_control *rcu = seg->rcu;
    struct hfi_ring ring;
    uint64_t size;
    if (!hfi_segment_ring(seg, &ring)) {
        hfi_fault(faults, hfi_heap_offset(&seg->heap, rcu),
            "the ring of retired blocks is not as large as it should be");
        return;
    }
    if (rcu->lost != 0) {
        hfi_fault(faults, hfi_heap_offset(&seg->heap, rcu),
            "retired blocks were lost: they could not be freed");
    }
    for (uint64_t n = ring.freed; n != ring.retired; n++) {
        const uint64_t *place = &ring.places[n % ring.capacity];
        if (hfi_heap_usable(&seg->heap, *place, &size) != 0) {
            hfi_fault(
                faults, hfi_heap_offset(&seg->heap, place), "no block was retired here");
        }
    }
}

static void check_memory(const struct hf_segment *seg, struct hfi_faults *faults)
{
    unsigned before = faults->count;
    hfi_heap_check(&seg->heap, faults);
    hfi_index_check(&seg->heap, &seg->heap.control->directory, faults);
    check_retired(seg, faults);
    if (faults->count == before) {
        check_builders(seg, faults);
        hfi_counters_check(seg, faults);
    }
}

static void report_holder(const struct hf_segment *seg, const struct hfi_faults *faults)
{
    hf_owner_t who;
    char words[100];
    if (faults->report != NULL && hf_mutex_owner(&seg->heap.control->lock, &who) == 0) {
        snprintf(words, sizeof words,
            "process %ld, thread %ld has the heap locked: it was not looked at",
            (long)who.pid, (long)who.tid);
        faults->report(words, faults->arg);
    }
}

/* A heap that cannot be entered is entered by nobody: it stands still. */
static int check_heap(struct hf_segment *seg, struct hfi_faults *faults)
{
    struct hfi_tx tx;
    const struct hfi_heap_control *control = seg->heap.control;
    struct timespec deadline = hf_deadline_in_ms(PATIENCE_MS);
    int error = hfi_heap_enter_until(&seg->heap, &tx, &deadline);
    if (error == EBADMSG) {
        hfi_fault(faults, hfi_heap_offset(&seg->heap, &control->lock),
            "the heap's lock, journal or end is damaged; it is closed for good");
    } else if (error == EACCES && faults->report != NULL) {
        faults->report(
            "attached read-only: the heap changes, and was not looked at", faults->arg);
    } else if (error == ETIMEDOUT) {
        report_holder(seg, faults);
    }
    if (error == 0 || error == EBADMSG) {
        check_memory(seg, faults);
    }
    return error == 0 ? hfi_heap_cancel(&tx, 0) : error == EACCES ? 0 : error;
}

int hf_segment_check(
    hf_segment_t *seg, void (*report)(const char *words, void *arg), void *arg)
{
    if (seg == NULL) {
        return EINVAL;
    }
    struct hfi_faults faults = {.report = report, .arg = arg};
    struct hfi_object_info info;
    uint64_t known = hfi_load64_relaxed(&seg->at.region.info.size);
    int error = hfi_region_inspect(&seg->at.region, &info);
    if (error != 0) {
        return error;
    }
    if (info.size < known) { /* touching what is gone is a fault */
        hfi_fault(&faults, info.size, "the segment ends here: it was cut short");
        return EBADMSG;
    }
    check_header(seg, &faults);
    check_slots(seg, &faults);
    error = check_heap(seg, &faults);
    return faults.count != 0 ? EBADMSG : error;
}
