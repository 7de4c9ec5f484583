/* SPDX-License-Identifier: MIT */
/* A map that several processes change, and some die over it. */
#include "containers/map_room.h"

TestSuite(beside, .init = set_up, .timeout = 60);

enum { SHARED = 60 };

typedef struct {
    uint64_t key, value, check;
} whole_t;

static int read_until_told(party_t *p)
{
    uint32_t hits = 0;
    do {
        hf_map_cursor_t cursor = {0};
        for (uint64_t key = 0; key < SHARED; key++) {
            whole_t w;
            size_t size = sizeof w;
            int error = hf_map_get(segment, map, &key, sizeof key, &w, &size);
            if (error == ENOENT && key % 3 != 0) {
                continue;
            }
            if (error != 0) {
                return error;
            }
            if (size != sizeof w || w.key != key || w.check != (w.key ^ w.value * 3)) {
                return EPROTO;
            }
            hits++;
        }
        unsigned seen = 0, stay = 0;
        uint64_t key;
        size_t key_size = sizeof key;
        int error;
        while ((error = hf_map_next(
                    segment, map, &cursor, &key, &key_size, NULL, NULL)) == 0) {
            if (key_size != sizeof key || key >= SHARED || seen++ > SHARED) {
                return EPROTO;
            }
            stay += key % 3 == 0;
        }
        if (error != ENOENT || stay != SHARED / 3) {
            return error != ENOENT ? error : ERANGE;
        }
        step(p);
    } while (__atomic_load_n(&p->last, __ATOMIC_RELAXED) == 0);
    return hits != 0 ? 0 : ENODATA;
}

static int store_whole(uint64_t key, uint64_t value)
{
    whole_t w = {key, value, key ^ value * 3};
    return hf_map_set(segment, map, &key, sizeof key, &w, sizeof w);
}

static int write_until_told(party_t *p)
{
    uint64_t seed = (uint64_t)getpid();
    while (__atomic_load_n(&p->last, __ATOMIC_RELAXED) == 0) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        uint64_t key = (seed >> 33) % SHARED;
        int error = key % 3 == 0 || seed >> 63 == 0
                        ? store_whole(key, seed)
                        : hf_map_erase(segment, map, &key, sizeof key);
        if (error != 0 && error != ENOENT) {
            return error;
        }
    }
    return 0;
}

/* Every third key is replaced, but always there. */
Test(beside, readers_get_whole_values_beside_all_writers)
{
    pid_t children[5];
    for (uint64_t key = 0; key < SHARED; key++) {
        assert_ok(store_whole(key, key));
    }
    for (int i = 0; i < 5; i++) {
        children[i] = spawn(i < 3 ? read_until_told : write_until_told, &room->party);
    }
    await_steps(&room->party, 200);
    __atomic_store_n(&room->party.last, 1, __ATOMIC_SEQ_CST);
    for (int i = 0; i < 5; i++) {
        assert_exits(children[i], 0);
    }
    assert_nothing_is_lost();
}

Test(beside, writers_that_are_killed_lose_nothing)
{
    for (uint64_t key = 0; key < SHARED; key++) {
        assert_ok(store_whole(key, key));
    }
    pid_t reader = spawn(read_until_told, &room->party);
    for (int i = 0; i < 40; i++) {
        uint32_t before = __atomic_load_n(&room->party.steps, __ATOMIC_SEQ_CST);
        pid_t writer = spawn(write_until_told, &room->party);
        await_steps(&room->party, before + 1 + (uint32_t)i % 4);
        kill_and_reap(writer);
    }
    __atomic_store_n(&room->party.last, 1, __ATOMIC_SEQ_CST);
    assert_exits(reader, 0);
    assert_nothing_is_lost();
}
