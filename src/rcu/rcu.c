/* SPDX-License-Identifier: MIT */
#include "rcu/rcu.h"

#include <errno.h>

#include "wait/mark.h"
#include "wait/wait.h"

_Static_assert(HF_RCU_NESTING_MAX < HFI_RCU_EPOCH, "the nesting fits below the epoch");

static uint64_t nesting_of(uint64_t section)
{
    return section & (HFI_RCU_EPOCH - 1);
}

int hfi_rcu_enter(hf_segment_t *seg, const struct hfi_member **me)
{
    return seg != NULL ? hfi_member_at(seg->rcu, sizeof *seg->rcu, me) : EINVAL;
}

/* ---- sections ---- */

/* Whether the thread used this segment last: then hfi_here is valid for it. */
static inline bool is_here(const hf_segment_t *seg)
{
    return seg != NULL && hfi_here.at == &seg->at &&
           hfi_here.incarnation == hfi_load32_relaxed(hfi_incarnation);
}

/*
 * In a section that began with a fence: the next ones shall have none, unless somebody
 * counts on it. We say so, then look; who begins to count on it says so, then looks at
 * what we said. Where it was revoked, our fence was what heeds it.
 */
static __attribute__((noinline)) void settle(const hf_segment_t *seg, uint32_t *bias)
{
    if (hfi_load32_acquire(&seg->rcu->fenced) == 0 && hfi_reached_by_fences) {
        hfi_store32_relaxed(bias, 0);
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
        if (hfi_load32_acquire(&seg->rcu->fenced) == 0) {
            return;
        }
    }
    hfi_store32_release(bias, HFI_FENCED);
}

static inline void begin_section(
    const hf_segment_t *seg, struct hfi_slot *slot, const uint64_t *epoch)
{
    uint64_t now = hfi_load64_acquire(epoch);
    hfi_mark(&slot->section, (now & ~(HFI_RCU_EPOCH - 1)) + 1, &slot->bias);
    if (!hfi_bias_is_plain(hfi_load32_relaxed(&slot->bias))) {
        settle(seg, &slot->bias);
    }
}

static __attribute__((noinline)) int lock_slow(hf_segment_t *seg)
{
    const struct hfi_member *me;
    int error = hfi_rcu_enter(seg, &me);
    if (error != 0) {
        return error;
    }
    struct hfi_slot *slot = hfi_member_slot(me);
    uint64_t section = hfi_load64_relaxed(&slot->section);
    if (section == 0) {
        begin_section(seg, slot, me->at->table.epoch);
    } else if (nesting_of(section) >= HF_RCU_NESTING_MAX) {
        return EAGAIN;
    } else {
        hfi_store64_release(&slot->section, section + 1);
    }
    return 0;
}

int hf_rcu_read_lock(hf_segment_t *seg)
{
    if (!is_here(seg) || hfi_load64_relaxed(&hfi_here.slot->section) != 0) {
        return lock_slow(seg);
    }
    begin_section(seg, hfi_here.slot, hfi_here.epoch);
    return 0;
}

/* Sections of later epochs than it awaits wake nobody: nobody need take the word back. */
static inline void end_section(struct hfi_slot *slot, uint64_t section)
{
    hfi_unmark(&slot->section, &slot->bias);
    if (hfi_load64_relaxed(&slot->awaited) > section) {
        hfi_wake(hfi_low_half(&slot->section), HFI_ALL);
    }
}

static __attribute__((noinline)) int unlock_slow(hf_segment_t *seg)
{
    const struct hfi_member *me;
    int error = hfi_rcu_enter(seg, &me);
    if (error != 0) {
        return error;
    }
    struct hfi_slot *slot = hfi_member_slot(me);
    uint64_t section = hfi_load64_relaxed(&slot->section);
    if (nesting_of(section) == 0) {
        return EPERM;
    }
    if (nesting_of(section) == 1) {
        end_section(slot, section);
    } else {
        hfi_store64_release(&slot->section, section - 1);
    }
    return 0;
}

int hf_rcu_read_unlock(hf_segment_t *seg)
{
    if (!is_here(seg)) {
        return unlock_slow(seg);
    }
    uint64_t section = hfi_load64_relaxed(&hfi_here.slot->section);
    if (nesting_of(section) != 1) {
        return unlock_slow(seg);
    }
    end_section(hfi_here.slot, section);
    return 0;
}

/* ---- grace periods ---- */

/* Whether all living readers have fences of their own, or are told to and had one. */
static bool all_fenced(const hf_segment_t *seg)
{
    const struct hfi_table *table = &seg->at.table;
    uint32_t used = hfi_table_used(table);
    uint64_t tag;
    bool all = true;
    for (uint32_t i = 0; i < used; i++) {
        uint32_t *word = &table->slots[i].bias, bias = hfi_load32_acquire(word);
        while (!hfi_bias_is_heeded(bias) && hfi_table_occupied(table, i, &tag)) {
            int error = hfi_bias_revoke(word, &bias);
            if (error == ENOTSUP) {
                all = false;
                break;
            }
        }
    }
    return all;
}

/* A fence between what was done before, everywhere, and what is looked at after. */
static bool fence(const hf_segment_t *seg)
{
    bool reached = hfi_fence_everyone();
    if (!reached) {
        hfi_store32_relaxed(&seg->rcu->fenced, 1);
        __atomic_thread_fence(__ATOMIC_SEQ_CST); /* pairs with settle's, and theirs */
    }
    if (hfi_load32_relaxed(&seg->rcu->fenced) != 0) {
        bool all = all_fenced(seg); /* also for the sake of those who cannot */
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
        return reached || all;
    }
    return true;
}

int hfi_rcu_begin(hf_segment_t *seg, uint64_t *epoch)
{
    *epoch = __atomic_add_fetch(&seg->rcu->epoch, HFI_RCU_EPOCH, __ATOMIC_SEQ_CST);
    return fence(seg) ? 0 : ENOTSUP;
}

static bool is_older(uint64_t section, uint64_t epoch)
{
    return section != 0 && section < epoch;
}

static uint64_t *older_section(struct hfi_slot *slot, uint64_t epoch)
{
    /* acquire: what was read in a section that has ended was read before */
    return is_older(hfi_load64_acquire(&slot->section), epoch) ? &slot->section : NULL;
}

bool hfi_rcu_is_over(const hf_segment_t *seg, uint64_t epoch)
{
    uint32_t slot = 0;
    uint64_t reader;
    return hfi_find_mark(&seg->at.table, older_section, epoch, &slot, &reader) == NULL;
}

static void raise(uint64_t *word, uint64_t value)
{
    uint64_t now = hfi_load64_relaxed(word);
    while (now < value && !hfi_cas64(word, &now, value)) {
        /* somebody else awaits it too */
    }
}

/* Says that a wake is awaited, has a fence, and looks once more: the section's end sees
 * what we said, or we see the end. */
static void look_and_sleep(hf_segment_t *seg, struct hfi_wait *wait,
    struct hfi_slot *slot, uint64_t epoch, uint64_t reader)
{
    uint64_t section = hfi_load64_acquire(&slot->section);
    if (!is_older(section, epoch) ||
        hfi_wait_for_change(wait, &slot->section, (uint32_t)section)) {
        return;
    }
    raise(&slot->awaited, epoch);
    wait->unsure = !fence(seg);
    section = hfi_load64_acquire(&slot->section);
    if (is_older(section, epoch)) {
        hfi_wait_sleep(wait, hfi_low_half(&slot->section), (uint32_t)section, &reader, 1);
    }
    if (wait->rang && !is_older(hfi_load64_relaxed(&slot->section), epoch)) {
        hfi_wait_count_rescue(
            wait); /* its end wakes us, unlike a nested one's: it has not */
    }
}

/* Slot by slot: one that was passed may have a mark again, but of a section that sees
 * what came before the period. */
static void wait_for_readers(
    hf_segment_t *seg, const struct hfi_member *me, uint64_t epoch)
{
    const struct hfi_table *table = &seg->at.table;
    uint32_t next = 0;
    uint64_t reader;
    while (hfi_find_mark(table, older_section, epoch, &next, &reader) != NULL) {
        uint32_t at = next;
        struct hfi_slot *slot = &table->slots[at];
        struct hfi_wait wait = hfi_wait_start(me, &slot->section, HFI_NEVER);
        do {
            look_and_sleep(seg, &wait, slot, epoch, reader);
        } while (hfi_find_mark(table, older_section, epoch, &next, &reader) != NULL &&
                 next == at);
        hfi_wait_finish(&wait);
    }
}

int hf_rcu_synchronize(hf_segment_t *seg)
{
    const struct hfi_member *found;
    int error = hfi_rcu_enter(seg, &found);
    if (error != 0) {
        return error;
    }
    struct hfi_member me = *found;
    if (hfi_load64_relaxed(&hfi_member_slot(&me)->section) != 0) {
        return EDEADLK;
    }
    uint64_t epoch;
    error = hfi_heap_settle(&seg->heap); /* a dead one's pointers: before the period */
    if (error == 0) {
        error = hfi_rcu_begin(seg, &epoch);
    }
    if (error == 0) {
        wait_for_readers(seg, &me, epoch);
    }
    return error;
}

/* ---- questions ---- */

/* How long those who sleep for the section's end have, or the retired blocks. */
static uint64_t waited_for(const hf_segment_t *seg, uint64_t *section, hf_owner_t *report)
{
    const struct hfi_rcu_control *rcu = seg->rcu;
    hfi_wait_report(&seg->at, section, report);
    uint64_t now = hfi_now(), since = hfi_load64_relaxed(&rcu->period_time);
    bool held_back =
        hfi_load64_relaxed(&rcu->freed) < hfi_load64_relaxed(&rcu->period_end) &&
        is_older(hfi_load64_relaxed(section), hfi_load64_relaxed(&rcu->period));
    uint64_t waited = held_back && now > since ? now - since : 0;
    return waited > report->waited_ns ? waited : report->waited_ns;
}

int hf_rcu_stalled(hf_segment_t *seg, hf_owner_t *reader)
{
    if (seg == NULL || reader == NULL) {
        return EINVAL;
    }
    *reader = (hf_owner_t){.pid = 0};
    const struct hfi_table *table = &seg->at.table;
    uint64_t epoch = hfi_load64_acquire(table->epoch), tag;
    uint64_t *section;
    for (uint32_t slot = 0;
         (section = hfi_find_mark(table, older_section, epoch, &slot, &tag)) != NULL;
         slot++) {
        hf_owner_t other = {.pid = 0};
        other.waited_ns = waited_for(seg, section, &other);
        if (other.waited_ns > reader->waited_ns &&
            hfi_table_report(table, tag, &other) == 0 && other.alive) {
            *reader = other;
        }
    }
    return 0;
}
