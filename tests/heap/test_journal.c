/* SPDX-License-Identifier: MIT */
/* A holder of the heap's lock dies, and its journal says how far it came. */
#include "heap/journal.h"

#include <signal.h>

#include "party.h"
#include "segment/segment.h"

static hf_segment_t *segment;
static uint64_t *words;
static struct hfi_heap_control *control;

static void set_up(void)
{
    segment = open_fresh(4096, 0);
    words = hf_segment_root(segment);
    control = segment->heap.control;
    for (uint64_t i = 0; i < 16; i++) {
        words[i] = 100 + i;
    }
}

TestSuite(journal, .init = set_up, .timeout = 60);

static uint64_t offset_of(const uint64_t *word)
{
    return hfi_heap_offset(&segment->heap, word);
}

static void (*deed)(struct hfi_tx *);

static int do_and_die(party_t *unused)
{
    (void)unused;
    struct hfi_tx tx;
    if (hfi_heap_enter(&segment->heap, &tx) == 0) {
        deed(&tx);
        kill(getpid(), SIGKILL);
    }
    return EPROTO;
}

static void let_one_die_having(void (*done)(struct hfi_tx *))
{
    deed = done;
    pid_t child = spawn(do_and_die, NULL);
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static int next_in(void)
{
    hf_heap_info_t info;
    return hf_heap_info(segment, &info);
}

static void set_some(struct hfi_tx *tx)
{
    hfi_tx_set(tx, &words[0], 1);
    hfi_tx_set(tx, &words[1], 2);
    hfi_tx_set(tx, &words[0], 3);
    hfi_tx_publish(tx, &words[2], 4);
}

Test(journal, what_was_not_committed_has_not_happened)
{
    let_one_die_having(set_some);
    cr_assert_eq(words[0], 3);
    assert_ok(next_in());
    cr_assert_eq(words[0], 100, "the value before both");
    cr_assert_eq(words[1], 101);
    cr_assert_eq(words[2], 102);
    cr_assert_eq(control->journal.state, 0);
}

static void assert_as_it_was(void)
{
    for (uint64_t i = 0; i < 16; i++) {
        cr_assert_eq(words[i], 100 + i);
    }
    cr_assert_eq(control->journal.state, 0);
    assert_ok(next_in());
}

/* What no sound heap brings about. */
Test(journal, a_transaction_that_is_too_long_is_undone)
{
    struct hfi_tx tx;
    assert_ok(hfi_heap_enter(&segment->heap, &tx));
    for (uint64_t i = 0; i <= HFI_PUBLISH_MAX; i++) {
        hfi_tx_publish(&tx, &words[i], i);
    }
    assert_error(hfi_heap_leave(&tx), EBADMSG);
    assert_as_it_was();
    assert_ok(hfi_heap_enter(&segment->heap, &tx));
    for (uint64_t i = 0; i <= HFI_UNDO_MAX; i++) {
        hfi_tx_set(&tx, &words[i % 16], i);
    }
    assert_error(hfi_tx_commit(&tx), EBADMSG);
    hfi_tx_set(&tx, &words[0], 1);
    hfi_tx_set(&tx, &words[0], 100);
    assert_ok(hfi_heap_leave(&tx));
    assert_as_it_was();
}

/* No store is made yet. */
static void commit_only(struct hfi_tx *tx)
{
    tx->journal->state = UINT64_C(1) << 32 | tx->publish;
}

static void commit_some(struct hfi_tx *tx)
{
    set_some(tx);
    hfi_tx_publish(tx, &words[3], 5);
    commit_only(tx);
}

Test(journal, what_was_committed_is_finished)
{
    let_one_die_having(commit_some);
    cr_assert_eq(words[2], 102);
    assert_ok(next_in());
    cr_assert_eq(words[0], 3);
    cr_assert_eq(words[1], 2);
    cr_assert_eq(words[2], 4);
    cr_assert_eq(words[3], 5);
    cr_assert_eq(control->journal.state, 0);
}

/* A block of 0x55, with its header, stands at words[0]. */
static void discard(struct hfi_tx *tx)
{
    uint64_t block;
    int error = hfi_heap_allocate(tx, 100, 16, &block);
    if (error == 0) {
        memset(hfi_heap_address(tx->heap, block), 0x55, 100);
        hfi_tx_publish(tx, &words[0], block);
        hfi_tx_commit(tx);
        hfi_tx_publish(tx, &words[0], 0);
        error = hfi_heap_discard(tx, block);
    }
    words[1] = (uint64_t)error;
}

static void discard_and_commit(struct hfi_tx *tx)
{
    discard(tx);
    commit_only(tx);
}

static void assert_all_there(uint64_t block)
{
    uint64_t usable;
    assert_ok(hfi_heap_usable(&segment->heap, block, &usable));
    cr_assert_eq(usable, 104);
    const unsigned char *bytes = hfi_heap_address(&segment->heap, block);
    for (size_t i = 0; i < usable; i++) {
        cr_assert_eq(bytes[i], i < 100 ? 0x55 : 0);
    }
}

/* Who takes no lock may read it until then, and ask how large it is. */
Test(journal, what_is_discarded_is_untouched_until_the_commit)
{
    let_one_die_having(discard);
    cr_assert_eq(words[1], 0);
    assert_all_there(words[0]);
    assert_ok(next_in());
    assert_all_there(words[0]);
}

Test(journal, what_was_discarded_is_freed)
{
    hf_heap_info_t before, after;
    assert_ok(hf_heap_info(segment, &before));
    let_one_die_having(discard_and_commit);
    cr_assert_eq(words[1], 0);
    assert_all_there(words[0]);
    assert_ok(hf_heap_info(segment, &after));
    cr_assert_eq(words[0], 0);
    cr_assert_eq(memcmp(&before, &after, sizeof after), 0);
    assert_ok(hf_segment_check(segment, NULL, NULL));
}

static uint64_t forged_state;
static struct hfi_record forged;

static void forge(struct hfi_tx *tx)
{
    tx->journal->publish[0] = tx->journal->undo[0] = forged;
    tx->journal->state = forged_state;
}

static void assert_damaged(uint64_t state, uint64_t offset)
{
    set_up();
    forged_state = state;
    forged = (struct hfi_record){.offset = offset, .value = 7};
    let_one_die_having(forge);
    assert_error(next_in(), EBADMSG);
    assert_error(next_in(), EBADMSG);
    for (uint64_t i = 0; i < 16; i++) {
        cr_assert_eq(words[i], 100 + i);
    }
}

Test(journal, one_that_holds_nonsense_is_EBADMSG)
{
    uint64_t committed = UINT64_C(1) << 32;
    for (int i = 0; i < 2; i++) {
        uint64_t state = i == 0 ? 0 : committed;
        assert_damaged(state | 1, offset_of(words) + 4);
        assert_damaged(state | 1, 0);
        assert_damaged(state | 1, 192);
        assert_damaged(state | 1, UINT64_C(1) << 40);
        assert_damaged(state | 1, UINT64_MAX - 7);
        assert_damaged(state | 41, offset_of(words));
        assert_damaged(state | UINT64_C(1) << 33, offset_of(words));
    }
    assert_damaged(committed | 9, offset_of(words));
}
