/* SPDX-License-Identifier: MIT */
/*
 * Counter: the sum of cells, one a slot, each written by its slot's owner alone
 * (segment/counters.h). A thread looks its cells up once, and keeps their address
 * (participant/tally.h); from then on an add is one instruction.
 *
 * Commit points: of a creation, the transaction that puts the name into the index; of a
 * thread's first add to a group, that which publishes the slot's stripe, all zero; of an
 * add, the instruction. Dying between any two leaves a counter that is 0, or a stripe
 * that the slot's next owner goes on with.
 *
 * That one sees its predecessor's last add: who takes a slot has acquired the word that
 * says that its lease has died, which the kernel wrote after the owner's last
 * instruction, or the generation, which the owner raised after its tally had ended.
 */
#include <holdfast/counter.h>
#include <holdfast/object.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "heap/index.h"
#include "participant/member.h"
#include "segment/segment.h"

/* ---- open ---- */

static int id_of(
    const struct hf_segment *seg, const struct hfi_found *found, uint64_t *id)
{
    if (found->value_size != sizeof *id || found->key_size >= HF_NAME_SIZE) {
        return EBADMSG;
    }
    hfi_index_copy(&seg->heap, id, found->value, sizeof *id);
    return *id < HF_COUNTERS_MAX ? 0 : EBADMSG;
}

static int look(const struct hf_segment *seg, const struct hfi_key *key, uint64_t *id)
{
    const struct hfi_index *names = &seg->counters->names;
    struct hfi_found found;
    uint64_t version;
    int error;
    do {
        version = hfi_index_version(names);
        error = hfi_index_look(&seg->heap, names, key, &found);
        if (error == 0) {
            error = id_of(seg, &found, id);
        }
    } while (hfi_index_has_changed(names, version));
    return error;
}

/* The next number, if nobody was faster. */
static int put(struct hfi_tx *tx, const struct hf_segment *seg, const struct hfi_key *key,
    uint64_t *id)
{
    struct hfi_index *names = &seg->counters->names;
    struct hfi_found fresh;
    int error = look(seg, key, id);
    if (error != ENOENT) {
        return error;
    }
    *id = names->count;
    if (*id >= HF_COUNTERS_MAX) {
        return EAGAIN;
    }
    error = hfi_index_prepare(tx, names, key, sizeof *id, HFI_HEAP_GRAIN, &fresh);
    if (error == 0) {
        *(uint64_t *)hfi_heap_address(tx->heap, fresh.value) = *id;
        error = hfi_index_put(tx, names, key, &fresh, NULL);
    }
    return error;
}

static int create(struct hf_segment *seg, const struct hfi_key *key, uint64_t *id)
{
    struct hfi_tx tx;
    int error = hfi_heap_enter(&seg->heap, &tx);
    return error != 0 ? error : hfi_heap_end(&tx, put(&tx, seg, key, id));
}

int hf_counter_open(hf_segment_t *seg, const char *name, hf_counter_t *c)
{
    struct hfi_key key;
    uint64_t id;
    int error = c != NULL ? hfi_segment_key(seg, name, &key) : EINVAL;
    if (error == 0) {
        error = look(seg, &key, &id);
    }
    if (error == ENOENT) {
        error = create(seg, &key, &id);
    }
    if (error == 0) {
        *c = (hf_counter_t){seg, (uint32_t)id};
    }
    return error;
}

/* ---- add ---- */

/* The group's block of stripes' offsets, which commits: growing the segment for the
 * stripe wants a transaction of its own. */
static int make_group(struct hfi_tx *tx, const struct hf_segment *seg, unsigned group)
{
    const uint64_t *stripes;
    uint64_t block;
    int error = hfi_stripes_of(seg, group, &stripes);
    if (error != 0 || stripes != NULL) {
        return error;
    }
    error = hfi_heap_allocate(
        tx, seg->at.table.count * sizeof(uint64_t), HFI_HEAP_GRAIN, &block);
    if (error != 0) {
        return error;
    }
    hfi_tx_publish(tx, &seg->counters->groups[group], block);
    return hfi_tx_commit(tx);
}

static int make_stripe(
    struct hfi_tx *tx, const struct hf_segment *seg, unsigned group, uint32_t slot)
{
    struct hfi_stripe *stripe;
    const uint64_t *stripes;
    uint64_t block;
    int error = make_group(tx, seg, group);
    if (error == 0) {
        error = hfi_stripe_of(seg, group, slot, &stripe);
    }
    if (error != 0 || stripe != NULL) { /* its last owner's, who died publishing it */
        return error;
    }
    error = hfi_heap_allocate(tx, sizeof *stripe, HFI_STRIPE_ALIGNMENT, &block);
    if (error == 0) {
        error = hfi_stripes_of(seg, group, &stripes);
    }
    if (error == 0) {
        stripe = hfi_heap_address(tx->heap, block);
        stripe->group = group;
        stripe->slot = slot;
        hfi_tx_publish(tx, (uint64_t *)(uintptr_t)&stripes[slot], block);
    }
    return error;
}

/* The calling thread's stripe, made if need be. */
static int own_stripe(struct hf_segment *seg, unsigned group, struct hfi_stripe **stripe)
{
    const struct hfi_member *me;
    struct hfi_tx tx;
    hf_mutex_t *lock = &seg->heap.control->lock; /* for its address */
    int error = hfi_member_at(lock, sizeof *lock, &me);
    if (error != 0) {
        return error;
    }
    uint32_t slot = hfi_tag_slot(me->tag);
    error = hfi_stripe_of(seg, group, slot, stripe);
    if (error != 0 || *stripe != NULL) {
        return error;
    }
    error = hfi_heap_enter(&seg->heap, &tx);
    if (error == 0) {
        error = hfi_heap_end(&tx, make_stripe(&tx, seg, group, slot));
    }
    return error != 0 ? error : hfi_stripe_of(seg, group, slot, stripe);
}

static int find_cell(struct hf_segment *seg, uint32_t id, uint64_t **cell)
{
    unsigned group = id / HFI_GROUP;
    const hf_tally_t *t = hfi_tally_find(seg);
    struct hfi_stripe *stripe;
    *cell = t != NULL ? hf_tally_cell(t, id) : NULL;
    if (*cell != NULL) { /* a signal handler, too, may come as far as here */
        return 0;
    }
    int error = own_stripe(seg, group, &stripe);
    if (error == 0) {
        *cell = &stripe->cells[id % HFI_GROUP];
        error = hfi_tally_keep(seg, group * HFI_GROUP, HFI_GROUP, stripe->cells);
    }
    return error;
}

static bool is_counter(hf_counter_t c)
{
    return c.hf_segment != NULL && c.hf_id < HF_COUNTERS_MAX;
}

int hf_counter_add_called(hf_counter_t c, int64_t n)
{
    uint64_t *cell;
    int error = is_counter(c) ? find_cell(c.hf_segment, c.hf_id, &cell) : EINVAL;
    if (error == 0) {
        hf_tally_add(cell, n);
    }
    return error;
}

/* ---- read: relaxed, as each cell is a number by itself ---- */

int hf_counter_read(hf_counter_t c, int64_t *sum)
{
    const struct hf_segment *seg = c.hf_segment;
    const uint64_t *stripes;
    if (!is_counter(c) || sum == NULL) {
        return EINVAL;
    }
    int error = hfi_stripes_of(seg, c.hf_id / HFI_GROUP, &stripes);
    uint32_t used = error == 0 && stripes != NULL ? hfi_table_used(&seg->at.table) : 0;
    uint64_t total = 0;
    for (uint32_t slot = 0; error == 0 && slot < used; slot++) {
        struct hfi_stripe *stripe;
        error = hfi_stripe_at(seg, &stripes[slot], &stripe);
        if (error == 0 && stripe != NULL) {
            total += hfi_load64_relaxed(&stripe->cells[c.hf_id % HFI_GROUP]);
        }
    }
    *sum = (int64_t)total;
    return error;
}

/* Of all counters at once, by number. */
struct sums {
    unsigned groups;
    uint64_t of[];
};

/* A slot's stripes of all groups. */
static int add_up_slot(const struct hf_segment *seg, uint32_t slot, struct sums *sums)
{
    int error = 0;
    for (unsigned g = 0; error == 0 && g < sums->groups; g++) {
        uint64_t *of = &sums->of[g * HFI_GROUP];
        const uint64_t *stripes;
        struct hfi_stripe *stripe = NULL;
        error = hfi_stripes_of(seg, g, &stripes);
        if (error == 0 && stripes != NULL) {
            error = hfi_stripe_at(seg, &stripes[slot], &stripe);
        }
        for (unsigned i = 0; stripe != NULL && i < HFI_GROUP; i++) {
            of[i] += hfi_load64_relaxed(&stripe->cells[i]);
        }
    }
    return error;
}

/* Slot by slot: a thread's stripes were mostly made one after the other, and stand so. */
static int add_up(const struct hf_segment *seg, struct sums *sums)
{
    int error = 0;
    for (uint32_t slot = 0; error == 0 && slot < hfi_table_used(&seg->at.table); slot++) {
        error = add_up_slot(seg, slot, sums);
    }
    return error;
}

/* The next name, with its terminator, and its number. */
static int next(
    const struct hf_segment *seg, struct hfi_cursor *cursor, char *name, uint64_t *id)
{
    const struct hfi_index *names = &seg->counters->names;
    struct hfi_found found;
    struct hfi_cursor after;
    uint64_t version;
    int error;
    do {
        version = hfi_index_version(names);
        error = hfi_index_next(&seg->heap, names, cursor, &found, &after);
        if (error == 0) {
            error = id_of(seg, &found, id);
        }
        if (error == 0) {
            hfi_index_copy(&seg->heap, name, hfi_index_key(&found), found.key_size);
            name[found.key_size] = '\0';
        }
    } while (hfi_index_has_changed(names, version));
    if (error == 0) {
        *cursor = after;
    }
    return error;
}

static int show(const struct hf_segment *seg, const struct sums *sums,
    void (*see)(const char *name, int64_t sum, void *arg), void *arg)
{
    struct hfi_cursor cursor = {.hash = 0};
    char name[HF_NAME_SIZE];
    uint64_t id;
    int error;
    while ((error = next(seg, &cursor, name, &id)) == 0) {
        if (id < sums->groups * HFI_GROUP) { /* it may be a new one */
            see(name, (int64_t)sums->of[id], arg);
        }
    }
    return error == ENOENT ? 0 : error;
}

int hf_counter_each(
    hf_segment_t *seg, void (*see)(const char *name, int64_t sum, void *arg), void *arg)
{
    if (seg == NULL || see == NULL) {
        return EINVAL;
    }
    uint64_t count = hfi_load64_acquire(&seg->counters->names.count);
    if (count > HF_COUNTERS_MAX) {
        return EBADMSG;
    }
    unsigned groups = (unsigned)((count + HFI_GROUP - 1) / HFI_GROUP);
    int saved = errno;
    struct sums *sums = calloc(1, sizeof *sums + groups * HFI_GROUP * sizeof(uint64_t));
    errno = saved;
    if (sums == NULL) {
        return ENOMEM;
    }
    sums->groups = groups;
    int error = add_up(seg, sums);
    if (error == 0) {
        error = show(seg, sums, see, arg);
    }
    free(sums);
    return error;
}
