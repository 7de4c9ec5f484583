/* SPDX-License-Identifier: MIT */
#include "participant/table.h"

#include <pthread.h>
#include <sys/mman.h>

#include "party.h"

/* A table in memory of its own, in a process that has been set up as a segment would. */
static struct hfi_table table;
static struct hfi_region region;

static void new_table(uint32_t slots)
{
    size_t size = 4096 + slots * sizeof(struct hfi_slot);
    int object = memfd_create("table", MFD_CLOEXEC);
    cr_assert_eq(ftruncate(object, (off_t)size), 0);
    char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, object, 0);
    cr_assert_neq(memory, MAP_FAILED);
    table = (struct hfi_table){.slots = (struct hfi_slot *)(void *)(memory + 4096),
        .used = (uint32_t *)(void *)memory,
        .count = slots,
        .region = &region};
    region.object = object;
    assert_ok(hfi_object_inspect(object, &region.info));
    assert_ok(hfi_renew_incarnation());
}

static uint64_t join(void)
{
    uint64_t tag;
    assert_ok(hfi_table_join(&table, &tag));
    return tag;
}

Test(table, a_tag_lives_from_joining_to_leaving)
{
    new_table(4);
    uint64_t tag = join();
    cr_assert_eq(hfi_table_life(&table, tag), HFI_ALIVE);
    cr_assert_eq(hfi_table_used(&table), 1);
    cr_assert(hfi_table_leave(&table, tag));
    cr_assert_eq(hfi_table_life(&table, tag), HFI_DEAD);
}

static int stand_in_the_way(party_t *unused)
{
    (void)unused;
    struct hfi_claim claim;
    int error = hfi_claim(&claim, region.object, &region.info, 0);
    hfi_store32_release(&table.slots[1].pid, error == 0 ? 1 : 2);
    return error != 0 ? error : pause();
}

/* The lease lives on then: the marks must not. */
Test(table, who_leaves_reads_nothing_though_a_joiner_stands_in_the_way)
{
    new_table(2);
    uint64_t tag = join();
    struct hfi_slot *slot = &table.slots[hfi_tag_slot(tag)];
    slot->section = 1025;
    slot->reading[HFI_READING_MAX - 1] = 64;
    pid_t joiner = spawn(stand_in_the_way, NULL);
    while (hfi_load32_acquire(&table.slots[1].pid) == 0) {
        sched_yield();
    }
    bool gave_back = hfi_table_leave(&table, tag);
    kill_and_reap(joiner);
    cr_assert(!gave_back);
    cr_assert_eq(slot->section, 0);
    cr_assert_eq(slot->reading[HFI_READING_MAX - 1], 0);
}

Test(table, a_full_one_is_EAGAIN_until_somebody_leaves)
{
    new_table(2);
    uint64_t first = join();
    join();
    uint64_t tag;
    assert_error(hfi_table_join(&table, &tag), EAGAIN);
    cr_assert(hfi_table_leave(&table, first));
    assert_ok(hfi_table_join(&table, &tag));
}

static pid_t spawn_member(uint64_t *tag)
{
    int ends[2];
    cr_assert_eq(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        uint64_t mine = 0;
        if (hfi_renew_incarnation() == 0 && hfi_table_join(&table, &mine) != 0) {
            mine = 0;
        }
        if (write(ends[1], &mine, sizeof mine) == (ssize_t)sizeof mine) {
            pause();
        }
        _exit(1);
    }
    cr_assert_eq(read(ends[0], tag, sizeof *tag), (ssize_t)sizeof *tag);
    cr_assert_neq(*tag, 0);
    return child;
}

Test(table, a_killed_members_slot_is_joined_again_under_another_tag)
{
    new_table(1);
    uint64_t dead, tag;
    pid_t child = spawn_member(&dead);
    cr_assert_eq(hfi_table_life(&table, dead), HFI_ALIVE);
    assert_error(hfi_table_join(&table, &tag), EAGAIN);
    kill_and_reap(child);
    cr_assert_eq(hfi_table_life(&table, dead), HFI_DEAD);
    tag = join();
    cr_assert_eq(hfi_tag_slot(tag), hfi_tag_slot(dead));
    cr_assert_eq(hfi_table_life(&table, tag), HFI_ALIVE);
    cr_assert_eq(hfi_table_life(&table, dead), HFI_DEAD, "a stale tag is never alive");
}

/* The generation made narrow: two incarnations are left in the only slot. */
Test(table, a_slot_whose_generations_are_used_up_is_retired)
{
    new_table(1);
    table.slots[0].generation = HFI_GENERATION_MAX - 4;
    uint64_t tags[2], tag;
    for (int i = 0; i < 2; i++) {
        tags[i] = join();
        cr_assert_eq(hfi_table_life(&table, tags[i]), HFI_ALIVE);
        cr_assert(hfi_table_leave(&table, tags[i]));
    }
    assert_error(hfi_table_join(&table, &tag), EAGAIN);
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(hfi_table_life(&table, tags[i]), HFI_DEAD);
    }
}

Test(table, a_namesakes_slot_is_the_last_choice)
{
    new_table(2);
    uint64_t tag = join();
    cr_assert(hfi_table_leave(&table, tag));
    uint64_t second = join();
    cr_assert_neq(hfi_tag_slot(second), hfi_tag_slot(tag));
    cr_assert_eq(hfi_tag_slot(join()), hfi_tag_slot(tag), "but it is a choice");
}

Test(table, a_tag_that_was_never_given_is_impossible)
{
    new_table(2);
    uint64_t tag = join();
    uint64_t future = hfi_tag(hfi_tag_slot(tag), hfi_tag_generation(tag) + 1);
    cr_assert_eq(hfi_table_life(&table, future), HFI_IMPOSSIBLE);
    cr_assert_eq(hfi_table_life(&table, hfi_tag(2, 1)), HFI_IMPOSSIBLE);
    cr_assert_eq(hfi_table_life(&table, hfi_tag(HFI_SLOTS_MAX - 1, 1)), HFI_IMPOSSIBLE);
}

Test(table, damage_in_a_slot_crashes_nobody)
{
    new_table(2);
    uint64_t tag = join();
    for (uint32_t place = 0; place < 200; place++) {
        table.slots[0].lease_word = place * 0x01010101U;
        (void)hfi_table_life(&table, tag);
        struct hfi_watch watch;
        (void)hfi_table_watch(&table, tag, &watch);
    }
    *table.used = UINT32_MAX;
    cr_assert_eq(hfi_table_used(&table), 2);
}

/* A sibling would absorb the one wake that a lease has. */
Test(table, siblings_watch_the_generation_and_others_the_lease)
{
    new_table(2);
    struct hfi_watch watch;
    uint64_t sibling = join(), other;
    cr_assert(hfi_table_watch(&table, sibling, &watch));
    cr_assert_eq(watch.word, hfi_low_half(&table.slots[0].generation));
    pid_t child = spawn_member(&other);
    cr_assert(hfi_table_watch(&table, other, &watch));
    struct hfi_slot *slot = &table.slots[hfi_tag_slot(other)];
    cr_assert_eq((char *)watch.word, (char *)&slot->lease + slot->lease_word);
    kill_and_reap(child);
    cr_assert_not(hfi_table_watch(&table, other, &watch));
}
