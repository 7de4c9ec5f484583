/* SPDX-License-Identifier: MIT */
#include "participant/table.h"

#include <errno.h>
#include <stddef.h>

#include "base/deadline.h"

/* The word of the lease that tells its life. Its place was written by another process. */
static uint32_t *lease_word(struct hfi_slot *slot)
{
    uint32_t place = hfi_load32_relaxed(&slot->lease_word);
    if (place > HFI_LEASE_SIZE - sizeof(uint32_t) || place % sizeof(uint32_t) != 0) {
        place = 0;
    }
    return (uint32_t *)(void *)((char *)&slot->lease + place);
}

static bool is_leased(struct hfi_slot *slot)
{
    return hfi_lease_is_live(hfi_load32_acquire(lease_word(slot)));
}

static struct hfi_slot *slot_of(const struct hfi_table *table, uint64_t tag)
{
    uint32_t slot = hfi_tag_slot(tag);
    return slot < table->count ? &table->slots[slot] : NULL;
}

uint32_t hfi_table_used(const struct hfi_table *table)
{
    uint32_t used = hfi_load32_acquire(table->used);
    return used < table->count ? used : table->count;
}

static void raise_used(const struct hfi_table *table, uint32_t used)
{
    uint32_t now = hfi_load32_relaxed(table->used);
    while (now < used && !hfi_cas32(table->used, &now, used)) {
    }
}

/*
 * The commit point of an incarnation's end, and of the next one's beginning: from here on
 * the old tag is dead for good. Its own thread does it while its lease lives, or whoever
 * has claimed a slot whose lease does not.
 */
static uint64_t next_generation(struct hfi_slot *slot)
{
    /* acquire: what its last owner did comes before what we do */
    uint64_t next = hfi_load64_acquire(&slot->generation) + 1;
    hfi_store64_release(&slot->generation, next);
    return next;
}

/* A beginning and an end. */
static bool has_generations_left(const struct hfi_slot *slot)
{
    return hfi_load64_relaxed(&slot->generation) <= HFI_GENERATION_MAX - 2;
}

/* Release: who sees that a reader has gone sees that it has read. */
static void forget_marks(struct hfi_slot *slot)
{
    for (int i = 0; i < HFI_READING_MAX; i++) {
        hfi_store64_release(&slot->reading[i], 0);
    }
    hfi_store64_release(&slot->section, 0);
    hfi_store32_relaxed(&slot->bias, HFI_FENCED);
}

/* Sleepers of other processes watch the lease; those of the owner's, the generation. */
static void wake_watchers(struct hfi_slot *slot)
{
    hfi_wake(lease_word(slot), HFI_ALL);
    hfi_wake(hfi_low_half(&slot->generation), HFI_ALL);
}

/*
 * Requires the claim on the slot and a lease that is not live. Dying anywhere in here
 * leaves just that to the next claimant.
 */
static int begin(const struct hfi_table *table, uint32_t index, uint64_t *tag)
{
    struct hfi_slot *slot = &table->slots[index];
    raise_used(table, index + 1);
    uint64_t generation = next_generation(slot);
    /* The old tag is dead before the lease lives again: pairs with the acquires in
     * hfi_table_life, which looks at them in the other order. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    wake_watchers(slot); /* of the old one */
    hfi_store64_relaxed(&slot->waiting_on, 0);
    hfi_store64_relaxed(&slot->arrived_at, 0);
    forget_marks(slot);
    hfi_store32_relaxed(&slot->pid, hfi_process_id());
    hfi_store32_relaxed(&slot->tid, hfi_thread_id());
    hfi_store64_relaxed(&slot->process, hfi_process_nonce());
    uint32_t place;
    int error = hfi_lease_take(&slot->lease, &place);
    if (error != 0) {
        return error;
    }
    hfi_store32_relaxed(&slot->lease_word, place);
    /* Whoever reads the tag where we publish it sees all of the above: a release fence,
     * so that no lock's fast path need be one. */
    __atomic_thread_fence(__ATOMIC_RELEASE);
    *tag = hfi_tag(index, generation);
    return 0;
}

static bool is_free(struct hfi_slot *slot)
{
    return !is_leased(slot) && has_generations_left(slot);
}

/* EBUSY: not this slot. */
static int try_to_begin(const struct hfi_table *table, uint32_t index, uint64_t *tag)
{
    struct hfi_slot *slot = &table->slots[index];
    if (!is_free(slot)) {
        return EBUSY;
    }
    struct hfi_claim claim;
    int error = hfi_claim(&claim, table->region->object, &table->region->info, index);
    if (error != 0) {
        return error;
    }
    error = is_free(slot) ? begin(table, index, tag) : EBUSY;
    hfi_unclaim(&claim, table->region->object, index);
    return error;
}

/* A sleeper may have decided on the last owner of a slot and fall asleep on us instead,
 * if our thread id is the same: take such a slot only if there is no other. */
static bool was_namesake(const struct hfi_slot *slot, uint32_t tid)
{
    return hfi_load32_relaxed(&slot->tid) == tid;
}

int hfi_table_join(const struct hfi_table *table, uint64_t *tag)
{
    uint32_t me = hfi_thread_id();
    for (int pass = 0; pass < 2; pass++) {
        for (uint32_t i = 0; i < table->count; i++) {
            if (was_namesake(&table->slots[i], me) != (pass == 1)) {
                continue;
            }
            int error = try_to_begin(table, i, tag);
            if (error != EBUSY) {
                return error;
            }
        }
    }
    return EAGAIN;
}

/* A joiner that saw the slot free before its owner came holds the claim while it looks
 * again: for moments, unless it is stopped. */
static int claim_soon(
    const struct hfi_table *table, struct hfi_claim *claim, uint32_t index)
{
    uint64_t patience = hfi_now() + 10 * HFI_MILLISECOND;
    int error;
    while ((error = hfi_claim(
                claim, table->region->object, &table->region->info, index)) == EBUSY &&
           hfi_now() < patience) {
        hfi_pause(HFI_MILLISECOND / 10);
    }
    return error;
}

bool hfi_table_leave(const struct hfi_table *table, uint64_t tag)
{
    struct hfi_slot *slot = slot_of(table, tag);
    uint32_t index = hfi_tag_slot(tag);
    struct hfi_claim claim;
    bool claimed = claim_soon(table, &claim, index) == 0;
    forget_marks(slot); /* the lease may live on, and our marks with it */
    next_generation(slot);
    if (claimed) {
        hfi_lease_give_back(&slot->lease);
    }
    wake_watchers(slot);
    if (claimed) {
        hfi_unclaim(&claim, table->region->object, index);
    }
    return claimed;
}

enum hfi_life hfi_table_life(const struct hfi_table *table, uint64_t tag)
{
    struct hfi_slot *slot = slot_of(table, tag);
    if (slot == NULL) {
        return HFI_IMPOSSIBLE;
    }
    uint64_t generation = hfi_load64_acquire(&slot->generation);
    if (generation != hfi_tag_generation(tag)) {
        return generation > hfi_tag_generation(tag) ? HFI_DEAD : HFI_IMPOSSIBLE;
    }
    /* A generation ends before the slot's lease can live again, so a live word seen here
     * is the next incarnation's only if the generation has changed since. Both loads
     * acquire: whoever takes a dead one's lock sees what that one wrote. */
    bool live = is_leased(slot);
    bool same = hfi_load64_acquire(&slot->generation) == generation;
    return live && same ? HFI_ALIVE : HFI_DEAD;
}

bool hfi_table_occupied(const struct hfi_table *table, uint32_t slot, uint64_t *tag)
{
    *tag = hfi_tag(slot, hfi_load64_acquire(&table->slots[slot].generation));
    return hfi_table_life(table, *tag) == HFI_ALIVE;
}

/* live -> live and watched: now the kernel wakes one of us when the owner dies. */
static bool mark_watched(uint32_t *word, uint32_t *watched)
{
    uint32_t seen = hfi_load32_relaxed(word);
    while (hfi_lease_is_live(seen)) {
        *watched = hfi_lease_watched(seen);
        if (seen == *watched || hfi_cas32(word, &seen, *watched)) {
            return true;
        }
    }
    return false;
}

bool hfi_table_watch(const struct hfi_table *table, uint64_t tag, struct hfi_watch *watch)
{
    struct hfi_slot *slot = slot_of(table, tag);
    /* A kill takes a process's threads together, and the kernel's one wake must not go to
     * a thread that dies too: siblings wait for a leaving only. */
    if (hfi_load64_relaxed(&slot->process) == hfi_process_nonce()) {
        watch->word = hfi_low_half(&slot->generation);
        watch->expected = (uint32_t)hfi_tag_generation(tag);
        return hfi_table_life(table, tag) == HFI_ALIVE;
    }
    watch->word = lease_word(slot);
    /* Look at the owner's life after the mark: should the slot have changed hands before
     * it, we know; should it change hands later, the word is no longer as expected. */
    return mark_watched(watch->word, &watch->expected) &&
           hfi_table_life(table, tag) == HFI_ALIVE;
}

void hfi_table_pass_on_death(const struct hfi_table *table, uint64_t tag)
{
    struct hfi_slot *slot = slot_of(table, tag);
    if (slot != NULL) {
        wake_watchers(slot);
    }
}

int hfi_table_report(const struct hfi_table *table, uint64_t tag, hf_owner_t *who)
{
    enum hfi_life life = hfi_table_life(table, tag);
    if (life == HFI_IMPOSSIBLE) {
        return EBADMSG;
    }
    const struct hfi_slot *slot = slot_of(table, tag);
    who->alive = life == HFI_ALIVE;
    who->pid = (pid_t)hfi_load32_relaxed(&slot->pid);
    who->tid = (pid_t)hfi_load32_relaxed(&slot->tid);
    __atomic_thread_fence(__ATOMIC_ACQUIRE); /* the ids before the generation once more */
    if (hfi_load64_relaxed(&slot->generation) != hfi_tag_generation(tag)) {
        *who = (hf_owner_t){.pid = -1,
            .tid = -1,
            .waiters = who->waiters,
            .waiter_pid = who->waiter_pid,
            .waiter_tid = who->waiter_tid,
            .waited_ns = who->waited_ns};
    }
    return 0;
}
