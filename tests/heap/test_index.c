/* SPDX-License-Identifier: MIT */
/* What users of an index cannot bring about: keys of one hash. Else: the map's tests. */
#include "heap/index.h"

#include "party.h"
#include "segment/segment.h"

enum { ALIKE = 40 };

static hf_segment_t *segment;
static struct hfi_index *table;
static const struct hfi_heap *heap;

static void set_up(void)
{
    hf_segment_config_t config = {.size = 1 << 16, .max_size = 1 << 20};
    const char *name = fresh_name();
    assert_ok(hf_segment_open(&segment, name, HF_CREATE, &config));
    assert_ok(hf_segment_remove(name));
    table = hf_segment_root(segment);
    heap = &segment->heap;
}

TestSuite(index, .init = set_up, .timeout = 60);

static struct hfi_key key_of(const uint64_t *n, uint64_t hash)
{
    return (struct hfi_key){.bytes = n, .size = sizeof *n, .hash = hash};
}

static int put(uint64_t n, uint64_t hash)
{
    struct hfi_tx tx;
    struct hfi_found fresh;
    struct hfi_key key = key_of(&n, hash);
    int error = hfi_heap_enter(&segment->heap, &tx);
    if (error != 0) {
        return error;
    }
    error = hfi_index_prepare(&tx, table, &key, 8, 16, &fresh);
    if (error == 0) {
        error = hfi_index_put(&tx, table, &key, &fresh, NULL);
    }
    return hfi_heap_end(&tx, error);
}

/* The highest: probing goes on from the end of the table at its start. */
static const uint64_t hashes[] = {0, UINT64_C(1) << 63, UINT64_MAX};

Test(index, keys_of_one_hash_are_found_and_shown_once)
{
    for (size_t h = 0; h < 3; h++) {
        for (uint64_t n = 0; n < ALIKE; n++) {
            assert_ok(put(n, hashes[h]));
            assert_error(put(n, hashes[h]), EBADMSG); /* not twice */
        }
    }
    struct hfi_cursor at = {0}, after;
    struct hfi_found found;
    for (size_t h = 0; h < 3; h++) {
        bool seen[ALIKE] = {false};
        for (uint64_t i = 0; i < ALIKE; i++) {
            uint64_t n;
            assert_ok(hfi_index_next(heap, table, &at, &found, &after));
            at = after;
            cr_assert_eq(at.hash, hashes[h]);
            hfi_index_copy(heap, &n, hfi_index_key(&found), sizeof n);
            cr_assert(n < ALIKE && !seen[n]);
            seen[n] = true;
            struct hfi_key key = key_of(&n, hashes[h]);
            struct hfi_found same;
            assert_ok(hfi_index_look(heap, table, &key, &same));
            cr_assert_eq(same.entry, found.entry);
        }
    }
    assert_error(hfi_index_next(heap, table, &at, &found, &after), ENOENT);
    cr_assert_eq(table->count, 3 * ALIKE);
}

/* They all have one home, far from the rest of their table. */
Test(index, keys_chosen_to_collide_are_shown_in_order)
{
    enum { CHOSEN = 3000 };
    const uint64_t home = UINT64_MAX << 20;
    for (uint64_t n = CHOSEN; n-- > 0;) {
        assert_ok(put(n, home | n));
    }
    struct hfi_cursor at = {0};
    struct hfi_found found;
    for (uint64_t n = 0; n < CHOSEN; n++) {
        assert_ok(hfi_index_next(heap, table, &at, &found, &at));
        cr_assert_eq(at.hash, home | n);
    }
    assert_error(hfi_index_next(heap, table, &at, &found, &at), ENOENT);
}
