/* SPDX-License-Identifier: MIT */
/* hf_segment_check: a sound segment passes; what is damaged is told, with its place. */
#include <holdfast/heap.h>
#include <holdfast/object.h>

#include <sys/mman.h>

#include "heap/arena.h"
#include "heap/bins.h"
#include "heap/cells.h"
#include "party.h"
#include "segment/segment.h"

enum { PIECES = 12 };

static hf_segment_t *segment;
static struct hfi_heap_control *control;
static hf_ptr_t *pieces; /* every other one is null: free blocks between */
static int object;
static unsigned told;
static char words[4000]; /* all that was told */

static void set_up(void)
{
    hf_segment_config_t config = {.max_participants = 4};
    object = memfd_create("check", MFD_CLOEXEC);
    assert_ok(hf_segment_open_fd(&segment, object, HF_CREATE, &config));
    control = segment->heap.control;
    pieces = hf_segment_root(segment);
    for (unsigned i = 0; i < PIECES; i++) {
        assert_ok(hf_alloc(segment, &pieces[i], 100 + i / 4 * 1000));
    }
    for (unsigned i = 1; i < PIECES; i += 2) {
        assert_ok(hf_free(segment, &pieces[i]));
    }
    for (unsigned i = 0; i < 9; i++) {
        char name[2] = {(char)('a' + i), 0};
        void *found;
        assert_ok(hf_object_find_or_construct(segment, name, 50, NULL, NULL, &found));
    }
    assert_ok(hf_object_destroy(segment, "c"));
}

static void tear_down(void)
{
    close(object);
}

TestSuite(check, .init = set_up, .fini = tear_down, .timeout = 60);

static void note(const char *fault, void *arg)
{
    cr_assert_eq(arg, &told);
    told++;
    size_t length = strlen(words);
    snprintf(words + length, sizeof words - length, "%s\n", fault);
}

static int check(void)
{
    told = 0;
    words[0] = '\0';
    return hf_segment_check(segment, note, &told);
}

static uint64_t *word(uint64_t offset)
{
    return hfi_heap_address(&segment->heap, offset);
}

static uint64_t header_of(unsigned piece)
{
    return hfi_heap_offset(&segment->heap, hf_ptr_get(&pieces[piece])) - HFI_HEADER_SIZE;
}

static uint64_t next_to(unsigned piece)
{
    struct hfi_block block;
    assert_ok(hfi_block_at(&segment->heap, header_of(piece), &block));
    return block.at + block.size;
}

static uint64_t some_cell(bool entry)
{
    struct hfi_cells table;
    uint64_t i = 0;
    assert_ok(hfi_index_table(&segment->heap, &control->directory, &table));
    while (hfi_cell_is_entry(*word(hfi_cell_at(&table, i))) != entry) {
        i++;
    }
    return hfi_cell_at(&table, i);
}

static struct hfi_entry *some_entry(void)
{
    return hfi_heap_address(&segment->heap, *word(some_cell(true)) & HFI_CELL_OFFSET);
}

/* The word gets another value, is told of, and gets its own again: sound once more. */
static void expect_told(uint64_t *place, uint64_t value, const char *fault)
{
    uint64_t before = *place;
    *place = value;
    assert_error(check(), EBADMSG);
    cr_assert_geq(told, 1);
    bool found = strstr(words, fault) != NULL;
    cr_assert(found, "wanted '%s', was told '%s'", fault, words);
    assert_error(hf_segment_check(segment, NULL, NULL), EBADMSG);
    *place = before;
    assert_ok(check());
    cr_assert_eq(told, 0);
}

Test(check, a_sound_segment_passes)
{
    assert_ok(check());
    cr_assert_eq(told, 0);
    assert_ok(hf_segment_check(segment, NULL, NULL));
    assert_error(hf_segment_check(NULL, note, &told), EINVAL);
}

Test(check, a_damaged_header_is_told)
{
    uint64_t *header = (uint64_t *)(void *)segment->heap.start;
    expect_told(&header[1], 2, "offset 0: the header");
    uint64_t *used = (uint64_t *)(void *)segment->at.table.used;
    expect_told(used, 5, "more slots");
}

Test(check, a_damaged_participant_is_told)
{
    struct hfi_slot *slot = &segment->at.table.slots[2];
    expect_told(&slot->generation, HFI_GENERATION_MAX + 1, "beyond all");
    expect_told(&slot->generation, 1, "nobody ever joined");
    expect_told(&slot->waiting_on, 3, "cannot be");
    expect_told(&slot->waiting_on, segment->header.table_offset, "cannot be");
    expect_told(&slot->arrived_at, UINT64_MAX - 7, "cannot be");
    expect_told(&slot->reading[HFI_READING_MAX - 1], 8, "cannot be");
    expect_told(&slot->section, HFI_RCU_EPOCH, "read section");
    expect_told(&slot->section, UINT64_MAX, "read section");
    expect_told(
        (uint64_t *)(void *)&slot->arrived_round, UINT64_C(62) << 32, "elsewhere");
}

static int hold_the_heap(party_t *party)
{
    struct hfi_tx tx;
    (void)party;
    int error = hfi_heap_enter(&segment->heap, &tx);
    return error != 0 ? error : pause();
}

Test(check, who_holds_the_heap_is_told_and_not_waited_for)
{
    pid_t holder = spawn(hold_the_heap, NULL);
    hf_owner_t who = {.pid = 0};
    while (who.pid != holder) {
        assert_ok(hf_mutex_owner(&segment->heap.control->lock, &who));
    }
    assert_error(check(), ETIMEDOUT);
    cr_assert_not_null(strstr(words, "has the heap locked"));
    kill_and_reap(holder);
    assert_ok(check());
}

Test(check, a_damaged_journal_or_end_is_told)
{
    expect_told(&control->journal.state, 3, "the journal holds");
    expect_told(&control->end, control->end - 4096, "must be one");
    expect_told(&control->end, UINT64_MAX, "no table");
    expect_told(&control->used, control->used + 16, "bytes");
    expect_told(&control->blocks, control->blocks - 1, "blocks as are in use");
}

Test(check, a_damaged_block_is_told)
{
    uint64_t free = next_to(4);
    struct hfi_block block;
    assert_ok(hfi_block_at(&segment->heap, free, &block));
    expect_told(word(header_of(2)), *word(header_of(2)) ^ 16, "must be one");
    expect_told(word(free), 0, "no free block");
    expect_told(word(free + block.size - 8), block.size + 16, "another size");
    expect_told(word(free + 8), free, "in its bin");
    expect_told(word(free + 16), 8, "not those that are free");
}

Test(check, a_damaged_bin_is_told)
{
    uint64_t free = next_to(4);
    struct hfi_block block;
    assert_ok(hfi_block_at(&segment->heap, free, &block));
    unsigned class = hfi_bin_of(block.size) / HFI_HEAP_BINS;
    unsigned bin = hfi_bin_of(block.size) % HFI_HEAP_BINS;
    expect_told(&control->heads[class][bin], 0, "not those that are free");
    expect_told(&control->heads[0][0], free, "the bin of another size");
    expect_told(&control->heads[31][31], header_of(0), "no free block");
    expect_told(&control->heads[class][bin], next_to(8), "the bin of another size");
    expect_told(&control->bins[class], control->bins[class] ^ UINT64_C(1) << bin, "bins");
    expect_told(&control->bins[class], control->bins[class] | UINT64_C(1) << 40, "bins");
    expect_told(&control->classes, control->classes ^ UINT64_C(1) << 20, "classes");
}

Test(check, a_damaged_directory_is_told)
{
    struct hfi_index *index = &control->directory;
    struct hfi_entry *entry = some_entry();
    expect_told(&index->table, index->table + 8, "no table");
    expect_told(&index->count, index->count + 1, "entries' number");
    expect_told(&index->spent, index->spent - 1, "ever an entry");
    expect_told(word(index->table), 1 << 20, "no table");
    expect_told(word(some_cell(true)), HFI_CELL_GONE, "entries' number");
    expect_told(word(some_cell(false)), *word(some_cell(true)), "entries' number");
    expect_told(&entry->hash, entry->hash ^ 1, "hash");
    expect_told(&entry->value_size, 5000, "no entry");
    expect_told((uint64_t *)(void *)(entry + 1), 'z', "hash");
    expect_told(&entry->builder, hfi_tag(9, 1), "by nobody");
    expect_told(&entry->builder, hfi_tag(0, 1000), "by nobody");
}

Test(check, a_key_that_is_too_long_for_a_name_is_damage)
{
    char name[HF_NAME_SIZE + 8];
    hf_object_cursor_t cursor = {0};
    size_t objects;
    struct hfi_entry *entry = some_entry();
    entry->key_size = HF_NAME_SIZE;
    entry->value_at = 512;
    entry->value_size = 8;
    memset(name, 'x', sizeof name);
    int error = 0;
    while (error == 0) {
        error = hf_object_next(segment, &cursor, name, NULL, NULL);
    }
    cr_assert_eq(error, EBADMSG);
    cr_assert_eq(name[HF_NAME_SIZE], 'x');
    assert_error(hf_object_count(segment, &objects), EBADMSG);
}

Test(check, a_closed_heap_is_told_and_still_looked_at)
{
    *(uint64_t *)(void *)&control->lock = 8; /* LOST */
    assert_error(check(), EBADMSG);
    cr_assert_eq(told, 1);
    cr_assert(strstr(words, "closed for good") != NULL, "%s", words);
    control->used += 16;
    assert_error(check(), EBADMSG);
    cr_assert_eq(told, 2);
}

Test(check, a_segment_that_was_cut_short_is_told_and_not_touched)
{
    cr_assert_eq(ftruncate(object, 4096), 0);
    assert_error(check(), EBADMSG);
    cr_assert_eq(told, 1);
    cr_assert(strstr(words, "offset 4096: the segment ends here") != NULL, "%s", words);
}

Test(check, read_only_it_says_what_it_did_not_look_at)
{
    hf_segment_t *reader;
    assert_ok(hf_segment_open_fd(&reader, object, HF_READ_ONLY, NULL));
    assert_ok(hf_segment_check(reader, note, &told));
    cr_assert_eq(told, 1);
    cr_assert(strstr(words, "read-only") != NULL);
    segment->at.table.slots[3].waiting_on = 1;
    assert_error(hf_segment_check(reader, NULL, NULL), EBADMSG);
}

Test(check, what_a_dead_one_had_begun_is_undone_first)
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        struct hfi_tx tx;
        uint64_t block;
        int error = hfi_heap_enter(&segment->heap, &tx);
        if (error == 0) {
            error = hfi_heap_allocate(&tx, 3000, 16, &block);
        }
        _exit(error); /* in the middle */
    }
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert_eq(status, 0);
    cr_assert_neq(control->journal.state, 0);
    assert_ok(check());
    cr_assert_eq(told, 0);
}
