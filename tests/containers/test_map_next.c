/* SPDX-License-Identifier: MIT */
/* Iterating over a map. */
#include "containers/map_room.h"

TestSuite(map_next, .init = set_up, .timeout = 60);

Test(map_next, iteration_shows_each_entry_once_whatever_comes_and_goes)
{
    enum { STAY = 500 };
    static unsigned char seen[STAY];
    hf_map_cursor_t cursor = {0};
    uint64_t key, value, others = STAY;
    size_t key_size = sizeof key, size = sizeof value;
    for (uint64_t i = 0; i < STAY; i++) {
        assert_ok(set(i, i + 1));
    }
    int error;
    while ((error = hf_map_next(segment, map, &cursor, &key, &key_size, &value, &size)) ==
           0) {
        cr_assert_eq(key_size, 8);
        cr_assert_eq(size, 8);
        cr_assert_eq(value, key + 1);
        if (key < STAY) {
            cr_assert_eq(seen[key]++, 0);
            assert_ok(set(key, key + 1)); /* another entry, of the same key */
        }
        for (int i = 0; i < 5; i++, others++) { /* tables come and go */
            assert_ok(set(others, others + 1));
        }
        for (uint64_t i = others - 5; i < others - (others % 2 ? 0 : 4); i++) {
            assert_ok(erase(i));
        }
        if (others > 40000) {
            break; /* what comes may be shown, too */
        }
    }
    cr_assert(error == ENOENT || others > 40000);
    for (uint64_t i = 0; error == ENOENT && i < STAY; i++) {
        cr_assert_eq(seen[i], 1);
    }
    cr_assert_eq(error, ENOENT);
    assert_nothing_is_lost();
}

/* Small tables, in which runs go on at the start, filled and thinned out at random. */
Test(map_next, iteration_shows_each_entry_once_wherever_it_stands)
{
    enum { TABLES = 4000, MOST = 12, MORE = 8 };
    uint64_t keys[MOST + MORE], state = 1, key;
    for (unsigned table = 0; table < TABLES; table++) {
        unsigned left = 1 + table % MOST, all = left + table / MOST % MORE;
        for (unsigned i = 0; i < all; i++) {
            state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            keys[i] = state;
            assert_ok(set(keys[i], 0));
        }
        for (unsigned i = left; i < all; i++) {
            assert_ok(erase(keys[i]));
        }
        unsigned shown = 0, seen[MOST] = {0};
        hf_map_cursor_t at = {0};
        for (size_t size = sizeof key;
             hf_map_next(segment, map, &at, &key, &size, NULL, NULL) == 0; shown++) {
            for (unsigned i = 0; i < left; i++) {
                seen[i] += keys[i] == key;
            }
        }
        cr_assert_eq(shown, left);
        for (unsigned i = 0; i < left; i++) {
            cr_assert_eq(seen[i], 1);
        }
        assert_ok(hf_map_free(segment, map));
    }
}

Test(map_next, what_does_not_fit_is_asked_for_again)
{
    hf_map_cursor_t cursor = {0};
    char key[8], value[8];
    size_t key_size = 2, size = 8;
    assert_ok(hf_map_set(segment, map, "key", 3, "value", 5));
    assert_error(
        hf_map_next(segment, map, &cursor, key, &key_size, value, &size), ERANGE);
    cr_assert_eq(key_size, 3);
    size = 4;
    assert_error(
        hf_map_next(segment, map, &cursor, key, &key_size, value, &size), ERANGE);
    cr_assert_eq(size, 5);
    assert_ok(hf_map_next(segment, map, &cursor, key, &key_size, value, &size));
    cr_assert_eq(memcmp(key, "key", 3), 0);
    cr_assert_eq(memcmp(value, "value", 5), 0);
    assert_error(
        hf_map_next(segment, map, &cursor, key, &key_size, value, &size), ENOENT);
}
