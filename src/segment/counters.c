/* SPDX-License-Identifier: MIT */
#include "segment/counters.h"

#include <holdfast/object.h>

#include <errno.h>

#include "heap/index.h"
#include "segment/segment.h"

/* ---- where things are ---- */

int hfi_stripes_of(const struct hf_segment *seg, unsigned group, const uint64_t **stripes)
{
    /* acquire: pairs with the stores of the transaction that made it */
    uint64_t at = hfi_load64_acquire(&seg->counters->groups[group]);
    bool sound = at % sizeof(uint64_t) == 0 &&
                 hfi_segment_covers(seg, at, seg->at.table.count * sizeof(uint64_t));
    *stripes = at != 0 && sound ? hfi_heap_address(&seg->heap, at) : NULL;
    return at == 0 || sound ? 0 : EBADMSG;
}

int hfi_stripe_at(
    const struct hf_segment *seg, const uint64_t *word, struct hfi_stripe **stripe)
{
    uint64_t at = hfi_load64_acquire(word); /* pairs as above */
    bool sound =
        at % HFI_STRIPE_ALIGNMENT == 0 && hfi_segment_covers(seg, at, sizeof **stripe);
    *stripe = at != 0 && sound ? hfi_heap_address(&seg->heap, at) : NULL;
    return at == 0 || sound ? 0 : EBADMSG;
}

/* Whether it is a block in use, and nobody else's. */
static bool is_stripe_of(const struct hf_segment *seg, const struct hfi_stripe *stripe,
    unsigned group, uint32_t slot)
{
    uint64_t size;
    uint64_t at = hfi_heap_offset(&seg->heap, stripe);
    return hfi_heap_usable(&seg->heap, at, &size) == 0 && size >= sizeof *stripe &&
           hfi_load32_relaxed(&stripe->group) == group &&
           hfi_load32_relaxed(&stripe->slot) == slot;
}

int hfi_stripe_of(const struct hf_segment *seg, unsigned group, uint32_t slot,
    struct hfi_stripe **stripe)
{
    const uint64_t *stripes;
    *stripe = NULL;
    int error = hfi_stripes_of(seg, group, &stripes);
    if (error == 0 && stripes != NULL) {
        error = hfi_stripe_at(seg, &stripes[slot], stripe);
    }
    bool sound =
        error == 0 && (*stripe == NULL || is_stripe_of(seg, *stripe, group, slot));
    return sound ? 0 : EBADMSG;
}

/* ---- check ---- */

/* Numbers are given out in turn, each once. */
static void check_names(const struct hf_segment *seg, struct hfi_faults *faults)
{
    struct hfi_cursor cursor = {.hash = 0}, after;
    struct hfi_found found;
    const struct hfi_index *names = &seg->counters->names;
    uint64_t seen[HF_COUNTERS_MAX / 64] = {0};
    for (; hfi_index_next(&seg->heap, names, &cursor, &found, &after) == 0;
         cursor = after) {
        uint64_t id = names->count;
        if (found.value_size == sizeof id) {
            hfi_index_copy(&seg->heap, &id, found.value, sizeof id);
        }
        if (id >= names->count || id >= HF_COUNTERS_MAX ||
            found.key_size >= HF_NAME_SIZE) {
            hfi_fault(
                faults, found.entry, "the counter has a number or a name that none has");
            continue;
        }
        if ((seen[id / 64] & UINT64_C(1) << id % 64) != 0) {
            hfi_fault(faults, found.entry, "the counter's number is another one's, too");
        }
        seen[id / 64] |= UINT64_C(1) << id % 64;
    }
}

static void check_group(
    const struct hf_segment *seg, unsigned group, struct hfi_faults *faults)
{
    const uint64_t *stripes;
    const struct hfi_table *table = &seg->at.table;
    uint64_t *word = &seg->counters->groups[group];
    uint64_t size, at = hfi_heap_offset(&seg->heap, word);
    int error = hfi_stripes_of(seg, group, &stripes);
    if (error == 0 && stripes == NULL) {
        return;
    }
    if (error != 0 || hfi_heap_usable(&seg->heap, *word, &size) != 0 ||
        size < table->count * sizeof(uint64_t)) {
        hfi_fault(faults, at, "no block of stripes is there");
        return;
    }
    if (group * (uint64_t)HFI_GROUP >= seg->counters->names.count) {
        hfi_fault(faults, at, "stripes of counters that there are none");
    }
    for (uint32_t slot = 0; slot < table->count; slot++) {
        struct hfi_stripe *stripe;
        error = hfi_stripe_of(seg, group, slot, &stripe);
        if (error != 0) {
            hfi_fault(faults, hfi_heap_offset(&seg->heap, &stripes[slot]),
                "the slot's stripe is not there, or another's");
        } else if (stripe != NULL && slot >= hfi_table_used(table)) {
            hfi_fault(faults, hfi_heap_offset(&seg->heap, &stripes[slot]),
                "a stripe of a slot that nobody ever joined");
        }
    }
}

void hfi_counters_check(const struct hf_segment *seg, struct hfi_faults *faults)
{
    unsigned before = faults->count;
    hfi_index_check(&seg->heap, &seg->counters->names, faults);
    if (faults->count == before) {
        check_names(seg, faults);
    }
    for (unsigned group = 0; group < HFI_GROUPS; group++) {
        check_group(seg, group, faults);
    }
}
