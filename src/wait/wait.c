/* SPDX-License-Identifier: MIT */
#include "wait/wait.h"

#include <errno.h>

/* A sleeper looks for itself at least so often; what somebody woken may need to get a
 * CPU. */
#define BACKSTOP (200 * HFI_MILLISECOND)
#define GRACE    (50 * HFI_MILLISECOND)

#define MOMENT (10 * HFI_MILLISECOND)

/*
 * Each look takes the line from who holds the lock, so there are gaps: some 3 us in all.
 * Who has slept and was overtaken sleeps again at once, which costs the others least; who
 * was overtaken often looks all the longer, so that nobody starves.
 */
enum { LOOKS = 8, GAP = 16 /* relaxes */, OFTEN = 4 /* sleeps */ };

static int looks_due(const struct hfi_wait *wait)
{
    if (hfi_single_cpu() || (wait->sleeps > 0 && wait->sleeps < OFTEN)) {
        return 0;
    }
    return wait->sleeps == 0 ? LOOKS : OFTEN * LOOKS;
}

bool hfi_wait_spin(
    const struct hfi_wait *wait, const uint64_t *word, bool (*is_ready)(uint64_t))
{
    for (int look = looks_due(wait); look > 0; look--) {
        for (int i = 0; i < GAP; i++) {
            hfi_cpu_relax();
        }
        if (is_ready(hfi_load64_relaxed(word))) {
            return true;
        }
    }
    return false;
}

/*
 * Two who answer each other do so within a microsecond while both are awake; once one of
 * them sleeps, a system call and some tens of microseconds are lost at each turn. So: a
 * long look now and then; if it was answered, more of them, until several in a row were
 * in vain. Each look lets others have the CPU: the one we wait for may want this one. An
 * answer that took long to be seen, because somebody else had the CPU, is none: who
 * sleeps is woken sooner.
 */
#define LOOK (30 * HFI_MILLISECOND / 1000)

static bool look_for_change(const uint64_t *word, uint32_t expected, bool *paid)
{
    enum { GLANCES = 4, SHORT_GAP = 4 /* relaxes */ };
    uint64_t start = hfi_now(), now = start;
    while (now - start < LOOK) {
        for (int glance = 0; glance < GLANCES; glance++) {
            if ((uint32_t)hfi_load64_relaxed(word) != expected) {
                *paid = hfi_now() - start < 2 * LOOK;
                return true;
            }
            for (int i = 0; i < SHORT_GAP; i++) {
                hfi_cpu_relax();
            }
        }
        hfi_yield();
        now = hfi_now();
    }
    *paid = false;
    return (uint32_t)hfi_load64_relaxed(word) != expected;
}

bool hfi_wait_for_change(
    const struct hfi_wait *wait, const uint64_t *word, uint32_t expected)
{
    enum { EVERY = 128, PATIENCE = 4 };
    static _Thread_local unsigned turn, trust;
    bool due = trust > 0 || ++turn % EVERY == 0;
    if (!due || wait->sleeps > 0) {
        return false;
    }
    bool paid;
    bool changed = look_for_change(word, expected, &paid);
    if (paid) {
        trust = PATIENCE;
    } else if (trust > 0) {
        trust--;
    }
    return changed;
}

bool hfi_wait_is_over(const struct hfi_wait *wait)
{
    return wait->deadline == 0 ||
           (wait->deadline != HFI_NEVER && hfi_now() >= wait->deadline);
}

bool hfi_wait_is_called_off(const struct hfi_wait *wait)
{
    return wait->also.word != NULL &&
           hfi_load32_relaxed(wait->also.word) != wait->also.expected;
}

/* For those who ask who waits. Only the first sleep of a call reads the clock for it. */
static void publish(const struct hfi_wait *wait, uint64_t now)
{
    struct hfi_slot *slot = hfi_member_slot(&wait->me);
    hfi_store64_relaxed(&slot->waiting_since, now);
    hfi_store64_release(&slot->waiting_on, hfi_member_offset(&wait->me, wait->primitive));
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* False: one of them has died. */
static bool watch_all(const struct hfi_table *table, const uint64_t *holders,
    unsigned count, struct hfi_watch *watches)
{
    for (unsigned i = 0; i < count; i++) {
        if (!hfi_table_watch(table, holders[i], &watches[i])) {
            return false;
        }
    }
    return true;
}

static bool has_died(const struct hfi_table *table, uint64_t holder)
{
    return hfi_table_life(table, holder) != HFI_ALIVE;
}

/* After a timer's ring, first see whether the kernel's wake has gone to somebody else. */
static void pass_on_deaths(struct hfi_wait *wait, const struct hfi_watch *word,
    const uint64_t *holders, unsigned count)
{
    const struct hfi_table *table = &wait->me.at->table;
    for (unsigned i = 0; i < count; i++) {
        if (has_died(table, holders[i])) {
            (void)hfi_wait_may_take(wait, word->word, word->expected);
            hfi_table_pass_on_death(table, holders[i]);
        }
    }
}

void hfi_wait_sleep(struct hfi_wait *wait, uint32_t *word, uint32_t expected,
    const uint64_t *holders, unsigned count)
{
    const struct hfi_table *table = &wait->me.at->table;
    struct hfi_watch watches[HFI_WATCHES_MAX];
    uint64_t now = hfi_now();
    if (wait->sleeps == 0) {
        publish(wait, now);
    }
    wait->sleeps++;
    wait->rang = false;
    unsigned words = wait->also.word != NULL ? 2 : 1;
    count = count < HFI_WATCHES_MAX - words ? count : HFI_WATCHES_MAX - words;
    watches[0] = (struct hfi_watch){.word = word, .expected = expected};
    watches[1] = wait->also;
    if (watch_all(table, holders, count, watches + words)) {
        uint64_t ring = hfi_later(now, wait->unsure ? MOMENT : BACKSTOP);
        int error = hfi_sleep(watches, words + count, earlier(ring, wait->deadline));
        wait->rang = error == ETIMEDOUT && ring < wait->deadline && !wait->unsure;
    }
    pass_on_deaths(wait, watches, holders, count);
}

void hfi_wait_count_rescue(const struct hfi_wait *wait)
{
    uint64_t *rescues = &hfi_member_slot(&wait->me)->rescues;
    hfi_store64_relaxed(rescues, hfi_load64_relaxed(rescues) + 1);
}

bool hfi_wait_may_take(struct hfi_wait *wait, uint32_t *word, uint32_t expected)
{
    if (!wait->rang) {
        return true;
    }
    wait->rang = false;
    struct hfi_watch change = {.word = word, .expected = expected};
    (void)hfi_sleep(&change, 1, hfi_later(hfi_now(), GRACE));
    if (hfi_load32_relaxed(word) != expected) {
        return false;
    }
    hfi_wait_count_rescue(wait);
    return true;
}

void hfi_wait_finish(struct hfi_wait *wait)
{
    if (wait->sleeps > 0) {
        hfi_store64_relaxed(&hfi_member_slot(&wait->me)->waiting_on, 0);
    }
}

/* The slot's owner, if it sleeps on the thing: its slot is read twice, lest it change
 * hands. */
static bool sleeps_on(const struct hfi_table *table, uint32_t index, uint64_t offset,
    hf_owner_t *sleeper, uint64_t *since)
{
    const struct hfi_slot *slot = &table->slots[index];
    uint64_t tag, again;
    if (hfi_load64_acquire(&slot->waiting_on) != offset ||
        !hfi_table_occupied(table, index, &tag)) {
        return false;
    }
    sleeper->waiter_pid = (pid_t)hfi_load32_relaxed(&slot->pid);
    sleeper->waiter_tid = (pid_t)hfi_load32_relaxed(&slot->tid);
    *since = hfi_load64_relaxed(&slot->waiting_since);
    return hfi_load64_acquire(&slot->waiting_on) == offset &&
           hfi_table_occupied(table, index, &again) && again == tag;
}

void hfi_wait_report(
    const struct hfi_attachment *at, const void *primitive, hf_owner_t *report)
{
    uint64_t offset = (uintptr_t)primitive - (uintptr_t)at->region.memory;
    uint64_t now = hfi_now();
    uint64_t first = HFI_NEVER;
    for (uint32_t i = 0; i < hfi_table_used(&at->table); i++) {
        hf_owner_t sleeper;
        uint64_t since;
        if (!sleeps_on(&at->table, i, offset, &sleeper, &since)) {
            continue;
        }
        report->waiters++;
        if (since < first) {
            first = since;
            report->waiter_pid = sleeper.waiter_pid;
            report->waiter_tid = sleeper.waiter_tid;
            report->waited_ns = now > since ? now - since : 0;
        }
    }
}

int hfi_wait_tell(const void *primitive, size_t size, hf_owner_t *report)
{
    const struct hfi_attachment *at =
        report != NULL ? hfi_attachment_look(primitive, size) : NULL;
    if (at == NULL) {
        return EINVAL;
    }
    *report = (hf_owner_t){.pid = 0};
    hfi_wait_report(at, primitive, report);
    hfi_attachment_let_go();
    return 0;
}
