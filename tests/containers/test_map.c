/* SPDX-License-Identifier: MIT */
#include "containers/map_room.h"

TestSuite(map, .init = set_up, .timeout = 60);

Test(map, keeps_many_keys_apart)
{
    enum { MANY = 20000 };
    for (uint64_t i = 0; i < MANY; i++) {
        assert_ok(set(i, i * i));
    }
    cr_assert_eq(count(), MANY);
    for (uint64_t i = 0; i < MANY; i++) {
        uint64_t value;
        assert_ok(get(i, &value));
        cr_assert_eq(value, i * i);
        assert_error(get(i + MANY, &value), ENOENT);
    }
    assert_nothing_is_lost();
}

/* A table whose cells have all been used stays short to probe: it is built anew. */
Test(map, erased_keys_make_room)
{
    for (uint64_t i = 0; i < 30000; i++) {
        assert_ok(set(i, i));
        if (i >= 10) {
            assert_ok(erase(i - 10));
            assert_error(erase(i - 10), ENOENT);
        }
    }
    cr_assert_eq(count(), 10);
    cr_assert_lt(info_of().used, 4096);
    assert_nothing_is_lost();
}

/* All memory there is, but for every other one of `holes` blocks, which it returns. */
static hf_ptr_t *use_up(unsigned holes, size_t hole)
{
    enum { MOST = 200 };
    void *object;
    assert_ok(hf_object_find_or_construct(
        segment, "all", MOST * sizeof(hf_ptr_t), NULL, NULL, &object));
    hf_ptr_t *all = object;
    unsigned n = 0;
    while (n < 2 * holes) {
        assert_ok(hf_alloc(segment, &all[n++], hole));
    }
    for (size_t size = 1 << 23; size > 0;) {
        cr_assert_lt(n, MOST);
        if (hf_alloc(segment, &all[n], size) == 0) {
            n++;
        } else {
            size /= 2;
        }
    }
    return all;
}

/* Sixteen cells: from twelve on it wants to grow, and fourteen may be spent at most. */
Test(map, without_memory_for_a_larger_table_the_rest_of_this_one_is_used)
{
    enum { ENTRY = 64, WANTS = 12, MOST = 14 };
    for (uint64_t i = 0; i < WANTS; i++) {
        assert_ok(set(i, i));
    }
    hf_ptr_t *all = use_up(8, ENTRY);
    assert_error(set(WANTS, 0), ENOSPC);
    for (uint64_t i = WANTS; i < MOST; i++) {
        assert_ok(hf_free(segment, &all[2 * (i - WANTS)]));
        assert_ok(set(i, i));
    }
    assert_ok(hf_free(segment, &all[8]));
    assert_error(set(MOST, 0), ENOSPC);
    assert_ok(hf_segment_check(segment, NULL, NULL));
    assert_ok(set(3, 33));
    assert_ok(erase(5));
    assert_ok(set(5, 55));
    cr_assert_eq(count(), MOST);
    assert_ok(hf_map_check(segment, map));
    assert_ok(hf_segment_check(segment, NULL, NULL));
}

Test(map, set_replaces_and_insert_does_not)
{
    uint64_t key = 1, value = 2, copy;
    assert_ok(hf_map_insert(segment, map, &key, 8, &value, 8));
    value = 3;
    assert_error(hf_map_insert(segment, map, &key, 8, &value, 8), EEXIST);
    assert_ok(get(1, &copy));
    cr_assert_eq(copy, 2);
    size_t used = info_of().used;
    assert_ok(set(1, 3));
    assert_ok(get(1, &copy));
    cr_assert_eq(copy, 3);
    cr_assert_eq(count(), 1);
    cr_assert_eq(info_of().used, used, "the old one is freed");
    assert_nothing_is_lost();
}

Test(map, keys_are_1_to_65535_bytes)
{
    static char key[65537];
    char copy[8];
    size_t sizes[] = {1, 2, 7, 8, 9, 255, 256, 4095, 65534, 65535};
    enum { SIZES = sizeof sizes / sizeof *sizes };
    memset(key, 'k', sizeof key);
    for (size_t i = 0; i < SIZES; i++) {
        assert_ok(hf_map_insert(segment, map, key, sizes[i], &sizes[i], sizeof *sizes));
    }
    for (size_t i = 0; i < SIZES; i++) {
        size_t value, size = sizeof value;
        assert_ok(hf_map_get(segment, map, key, sizes[i], &value, &size));
        cr_assert_eq(value, sizes[i]);
    }
    size_t bad[] = {0, 65536, 65537, SIZE_MAX};
    for (int i = 0; i < 4; i++) {
        size_t size = sizeof copy;
        assert_error(hf_map_set(segment, map, key, bad[i], "", 0), EINVAL);
        assert_error(hf_map_insert(segment, map, key, bad[i], "", 0), EINVAL);
        assert_error(hf_map_get(segment, map, key, bad[i], copy, &size), EINVAL);
        assert_error(hf_map_erase(segment, map, key, bad[i]), EINVAL);
    }
    assert_nothing_is_lost();
}

Test(map, a_value_that_does_not_fit_is_not_copied)
{
    char copy[8] = "before";
    size_t size = 4;
    assert_ok(hf_map_set(segment, map, "k", 1, "hello", 5));
    assert_error(hf_map_get(segment, map, "k", 1, copy, &size), ERANGE);
    cr_assert_eq(size, 5);
    cr_assert_str_eq(copy, "before");
    assert_ok(hf_map_get(segment, map, "k", 1, copy, &size));
    cr_assert_str_eq(copy, "helloe", "and nothing behind it");
    size = 8;
    assert_ok(hf_map_get(segment, map, "k", 1, copy, &size));
    cr_assert_eq(size, 5);
    assert_ok(hf_map_set(segment, map, "k", 1, NULL, 0));
    assert_ok(hf_map_get(segment, map, "k", 1, copy, &size));
    cr_assert_eq(size, 0);
}

Test(map, how_large_a_value_is_can_be_asked_for)
{
    size_t size = 0;
    assert_ok(hf_map_set(segment, map, "k", 1, "value", 5));
    assert_error(hf_map_get(segment, map, "k", 1, NULL, &size), ERANGE);
    cr_assert_eq(size, 5);
    assert_ok(hf_map_set(segment, map, "k", 1, NULL, size = 0));
    assert_ok(hf_map_get(segment, map, "k", 1, NULL, &size));
    cr_assert_eq(size, 0);
}

Test(map, what_does_not_fit_leaves_all_as_it_was)
{
    static char large[1 << 16];
    assert_ok(set(1, 1));
    uint64_t key = 2;
    int error;
    do {
        key++;
        error = hf_map_set(segment, map, &key, 8, large, sizeof large);
    } while (error == 0);
    assert_error(error, ENOSPC);
    hf_heap_info_t before = info_of(), after;
    size_t n = count();
    assert_error(hf_map_set(segment, map, &key, 8, large, sizeof large), ENOSPC);
    uint64_t one = 1, value;
    assert_error(hf_map_set(segment, map, &one, 8, large, sizeof large), ENOSPC);
    assert_error(hf_map_set(segment, map, &one, 8, large, SIZE_MAX), ENOSPC);
    after = info_of();
    cr_assert_eq(memcmp(&before, &after, sizeof after), 0);
    cr_assert_eq(count(), n);
    assert_ok(get(1, &value));
    cr_assert_eq(value, 1);
    assert_nothing_is_lost();
}

Test(map, what_can_never_be_right_is_EINVAL)
{
    void *bad[BAD_ADDRESSES];
    char copy[8];
    size_t size = 8;
    hf_map_cursor_t cursor = {0};
    bad_addresses(segment, sizeof *map, bad);
    for (int i = 0; i < BAD_ADDRESSES; i++) {
        hf_map_t *m = bad[i];
        if (i == 5 || i == 6) {
            continue; /* reserved for growth, see below */
        }
        assert_error(hf_map_set(segment, m, "k", 1, "v", 1), EINVAL);
        assert_error(hf_map_get(segment, m, "k", 1, copy, &size), EINVAL);
        assert_error(hf_map_erase(segment, m, "k", 1), EINVAL);
        assert_error(hf_map_next(segment, m, &cursor, NULL, NULL, NULL, NULL), EINVAL);
        assert_error(hf_map_count(segment, m, &size), EINVAL);
        assert_error(hf_map_clear(segment, m), EINVAL);
        assert_error(hf_map_free(segment, m), EINVAL);
    }
    hf_map_t *unbacked = (hf_map_t *)(void *)((char *)room + (1 << 20));
    assert_error(hf_map_set(segment, unbacked, "k", 1, "v", 1), EINVAL);
    assert_error(hf_map_get(segment, unbacked, "k", 1, copy, &size), EINVAL);
    assert_error(hf_map_set(segment, map, NULL, 1, "v", 1), EINVAL);
    assert_error(hf_map_set(segment, map, "k", 1, NULL, 1), EINVAL);
    assert_error(hf_map_get(segment, map, "k", 1, NULL, &size), EINVAL);
    assert_error(hf_map_get(segment, map, "k", 1, copy, NULL), EINVAL);
    assert_error(hf_map_set(NULL, map, "k", 1, "v", 1), EINVAL);
}

Test(map, a_damaged_one_is_EBADMSG)
{
    hf_map_t forged[] = {{.hf_count = 1}, {.hf_count = UINT64_MAX},
        {.hf_count = UINT64_C(1) << 63}, {.hf_table = 8}, {.hf_table = 12345},
        {.hf_table = UINT64_MAX}, {.hf_table = UINT64_C(1) << 40}};
    for (size_t i = 0; i < sizeof forged / sizeof *forged; i++) {
        uint64_t value;
        *map = forged[i];
        hf_heap_info_t before = info_of();
        assert_error(set(1, 1), EBADMSG);
        assert_error(get(1, &value), forged[i].hf_table == 0 ? ENOENT : EBADMSG);
        hf_heap_info_t after = info_of();
        cr_assert_eq(memcmp(&before, &after, sizeof after), 0);
        cr_assert_eq(memcmp(map, &forged[i], sizeof *map), 0);
    }
}

/* Every word of table and entries in turn is overwritten: no call crashes or hangs. */
Test(map, damage_anywhere_is_an_error_code_or_an_answer)
{
    uint64_t wild[] = {0, 1, 77, UINT64_MAX, UINT64_C(1) << 33, (UINT64_C(1) << 48) - 8};
    for (uint64_t i = 0; i < 8; i++) {
        assert_ok(set(i, i));
    }
    hf_segment_info_t info;
    assert_ok(hf_segment_info(segment, &info));
    uint64_t *words = (uint64_t *)(void *)((char *)room + (sizeof *room + 15) / 16 * 16);
    for (size_t w = 0; w < 140; w++) {
        for (size_t i = 0; i < sizeof wild / sizeof *wild; i++) {
            uint64_t saved = words[w], value;
            words[w] = wild[i];
            for (uint64_t key = 0; key < 9; key++) {
                int error = get(key, &value);
                cr_assert(
                    error == 0 || error == ENOENT || error == EBADMSG || error == ERANGE);
            }
            hf_map_cursor_t cursor = {0};
            int error, n = 0;
            while ((error = hf_map_next(segment, map, &cursor, NULL, NULL, NULL, NULL)) ==
                   0) {
                cr_assert_lt(n++, 20);
            }
            cr_assert(error == ENOENT || error == EBADMSG);
            words[w] = saved;
        }
    }
    uint64_t value;
    assert_ok(get(7, &value));
}

Test(map, clear_keeps_the_table_and_free_does_not)
{
    for (uint64_t i = 0; i < 1000; i++) {
        assert_ok(set(i, i));
    }
    assert_ok(hf_map_clear(segment, map));
    cr_assert_eq(count(), 0);
    cr_assert_eq(info_of().blocks, 1);
    assert_error(erase(1), ENOENT);
    assert_ok(set(1, 1));
    assert_nothing_is_lost();
    assert_nothing_is_lost();
    assert_ok(set(1, 1));
}

Test(map, who_may_only_look_can_look)
{
    const char *name = fresh_name();
    hf_segment_t *seen;
    char copy[8];
    size_t size = sizeof copy, n;
    hf_map_cursor_t cursor = {0};
    assert_ok(hf_segment_open(&segment, name, HF_CREATE, NULL));
    assert_ok(hf_segment_open(&seen, name, HF_READ_ONLY, NULL));
    assert_ok(hf_segment_remove(name));
    hf_map_t *m = hf_segment_root(segment), *looked_at = hf_segment_root(seen);
    assert_ok(hf_map_set(segment, m, "key", 3, "value", 6));
    assert_ok(hf_map_get(seen, looked_at, "key", 3, copy, &size));
    cr_assert_str_eq(copy, "value");
    assert_ok(hf_map_next(seen, looked_at, &cursor, NULL, NULL, NULL, NULL));
    assert_ok(hf_map_count(seen, looked_at, &n));
    cr_assert_eq(n, 1);
    assert_error(hf_map_set(seen, looked_at, "k", 1, "v", 1), EACCES);
    assert_error(hf_map_erase(seen, looked_at, "key", 3), EACCES);
    assert_error(hf_map_clear(seen, looked_at), EACCES);
}
