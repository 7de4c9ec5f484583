/* SPDX-License-Identifier: MIT */
/*
 * Barrier: a word with the number of the round. Who has arrived stands in the parties'
 * own slots, so a dead one's arrival is withdrawn by its death, and the count is derived,
 * never kept. Whoever finds all parties arrived completes the round: it need not be the
 * last.
 *
 * Commit point: the compare-and-swap round -> round + 1. Before it two sleepers are
 * woken, to look for themselves: should the one that completes die between it and waking
 * all, they see the new round, and whoever goes on wakes two more.
 */
#include <holdfast/barrier.h>

#include <errno.h>

#include "participant/member.h"
#include "wait/wait.h"

_Static_assert(sizeof(hf_barrier_t) == 16, "format");

static uint32_t round_of(const hf_barrier_t *b)
{
    return (uint32_t)hfi_load64_acquire(&b->hf_word);
}

static bool is_damaged(const hf_barrier_t *b)
{
    return hfi_load64_relaxed(&b->hf_word) > UINT32_MAX ||
           hfi_load32_relaxed(&b->hf_parties) > HFI_SLOTS_MAX;
}

/* ---- arrivals: (barrier, round), in the arriver's slot ---- */

static void arrive(const hf_barrier_t *b, const struct hfi_member *me, uint32_t round)
{
    struct hfi_slot *slot = hfi_member_slot(me);
    hfi_store32_relaxed(&slot->arrived_round, round);
    hfi_store64_release(&slot->arrived_at, hfi_member_offset(me, b));
    /* Of two that arrive together, the second to get here sees the first one's arrival.
     */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static void withdraw(const struct hfi_member *me)
{
    hfi_store64_release(&hfi_member_slot(me)->arrived_at, 0);
}

/* A party that has gone on may come to another barrier, in a round of the same number. */
static bool has_arrived(
    const struct hfi_table *table, uint32_t index, uint64_t barrier, uint32_t round)
{
    struct hfi_slot *slot = &table->slots[index];
    uint64_t tag;
    return hfi_load64_acquire(&slot->arrived_at) == barrier &&
           hfi_load32_acquire(&slot->arrived_round) == round &&
           hfi_load64_acquire(&slot->arrived_at) == barrier &&
           hfi_table_occupied(table, index, &tag);
}

static bool have_all_arrived(
    const hf_barrier_t *b, const struct hfi_member *me, uint32_t round)
{
    const struct hfi_table *table = &me->at->table;
    uint64_t barrier = hfi_member_offset(me, b);
    uint32_t missing = hfi_load32_relaxed(&b->hf_parties);
    uint32_t used = hfi_table_used(table);
    for (uint32_t i = 0; i < used && missing > 0; i++) {
        missing -= has_arrived(table, i, barrier, round);
    }
    return missing == 0;
}

/* Twice: one counted at first may have died, and its successor been counted too. */
static bool is_complete(
    const hf_barrier_t *b, const struct hfi_member *me, uint32_t round)
{
    return have_all_arrived(b, me, round) && have_all_arrived(b, me, round);
}

/* ---- wait ---- */

/* round -> the next one. False: somebody else has done it. */
static bool complete(hf_barrier_t *b, uint32_t round)
{
    uint64_t w = round;
    hfi_wake(hfi_low_half(&b->hf_word), HFI_WAKE_PAIR);
    return hfi_cas64(&b->hf_word, &w, (uint32_t)(round + 1));
}

static bool wait_for_others(hf_barrier_t *b, struct hfi_wait *wait, uint32_t round)
{
    bool completed = false, over = false;
    while (!over) {
        completed = round_of(b) == round && is_complete(b, &wait->me, round);
        over = completed || round_of(b) != round;
        if (!over && !hfi_wait_for_change(wait, &b->hf_word, round)) {
            hfi_wait_sleep(wait, hfi_low_half(&b->hf_word), round, NULL, 0);
        }
    }
    if (wait->rang) {
        hfi_wait_count_rescue(wait); /* who goes on wakes two: we were not */
    }
    return completed && complete(b, round);
}

int hf_barrier_wait(hf_barrier_t *b, bool *last)
{
    const struct hfi_member *me;
    int error = hfi_member_at(b, sizeof *b, &me);
    if (error != 0) {
        return error;
    }
    if (is_damaged(b)) {
        return EBADMSG;
    }
    if (hfi_load32_relaxed(&b->hf_parties) == 0) {
        return EINVAL;
    }
    uint32_t round = round_of(b);
    struct hfi_wait wait = hfi_wait_start(me, b, HFI_NEVER);
    arrive(b, me, round);
    bool completed = wait_for_others(b, &wait, round);
    hfi_wake(hfi_low_half(&b->hf_word), completed ? HFI_ALL : HFI_WAKE_PAIR);
    withdraw(&wait.me);
    hfi_wait_finish(&wait);
    if (last != NULL) {
        *last = completed;
    }
    return 0;
}

/* ---- the rest ---- */

int hf_barrier_init(hf_barrier_t *b, unsigned parties)
{
    const struct hfi_member *me;
    bool sensible = parties >= 1 && parties <= HFI_SLOTS_MAX;
    int error = sensible ? hfi_member_at(b, sizeof *b, &me) : EINVAL;
    if (error == 0) {
        b->hf_parties = parties;
        b->hf_reserved = 0;
        hfi_store64_release(&b->hf_word, 0);
    }
    return error;
}

int hf_barrier_owner(const hf_barrier_t *b, hf_owner_t *who)
{
    return hfi_wait_tell(b, sizeof *b, who);
}

int hf_barrier_check(const hf_barrier_t *b)
{
    const struct hfi_attachment *at = hfi_attachment_look(b, sizeof *b);
    if (at == NULL) {
        return EINVAL;
    }
    bool damaged = is_damaged(b);
    hfi_attachment_let_go();
    return damaged ? EBADMSG : 0;
}
