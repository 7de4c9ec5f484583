/* SPDX-License-Identifier: MIT */
#include "crowd.h"

typedef struct {
    party_t party;
    hf_vector_t vector, other;
} room_t;

static hf_segment_t *segment;
static room_t *room;
static hf_vector_t *vector;

static void set_up(void)
{
    hf_segment_config_t config = {
        .size = 1 << 18, .root_size = sizeof *room, .max_size = 1 << 22};
    const char *name = fresh_name();
    assert_ok(hf_segment_open(&segment, name, HF_CREATE, &config));
    assert_ok(hf_segment_remove(name));
    room = hf_segment_root(segment);
    vector = &room->vector;
    assert_ok(hf_vector_init(segment, vector, sizeof(uint64_t)));
}

TestSuite(vector, .init = set_up, .timeout = 60);

static void push(uint64_t value)
{
    assert_ok(hf_vector_push_back(segment, vector, &value));
}

static size_t blocks(void)
{
    hf_heap_info_t info;
    assert_ok(hf_heap_info(segment, &info));
    return info.blocks;
}

Test(vector, keeps_what_is_pushed_in_order)
{
    enum { COUNT = 20000 };
    for (uint64_t i = 0; i < COUNT; i++) {
        push(i * i);
    }
    cr_assert_eq(hf_vector_size(vector), COUNT);
    const uint64_t *all = hf_vector_data(vector);
    for (uint64_t i = 0; i < COUNT; i++) {
        uint64_t copy;
        assert_ok(hf_vector_get(segment, vector, i, &copy));
        cr_assert_eq(copy, i * i);
        cr_assert_eq(*(uint64_t *)hf_vector_at(vector, i), i * i);
        cr_assert_eq(all[i], i * i);
    }
    cr_assert_null(hf_vector_at(vector, COUNT));
    cr_assert_null(hf_vector_at(vector, SIZE_MAX));
    for (uint64_t i = COUNT; i-- > 0;) {
        uint64_t copy;
        assert_ok(hf_vector_pop_back(segment, vector, &copy));
        cr_assert_eq(copy, i * i);
    }
    assert_error(hf_vector_pop_back(segment, vector, NULL), ENOENT);
    assert_ok(hf_vector_free(segment, vector));
    cr_assert_eq(blocks(), 0);
}

Test(vector, elements_may_be_of_any_size)
{
    size_t sizes[] = {1, 2, 3, 5, 8, 13, 24, 100, 4096, 5000};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        char element[5001], copy[5001];
        memset(&room->other, 0, sizeof room->other);
        assert_ok(hf_vector_init(segment, &room->other, sizes[s]));
        for (int i = 0; i < 50; i++) {
            memset(element, i, sizeof element);
            assert_ok(hf_vector_push_back(segment, &room->other, element));
        }
        for (int i = 0; i < 50; i++) {
            memset(element, i, sizeof element);
            copy[sizes[s]] = 'x';
            assert_ok(hf_vector_get(segment, &room->other, (size_t)i, copy));
            cr_assert_eq(memcmp(copy, element, sizes[s]), 0);
            cr_assert_eq(copy[sizes[s]], 'x', "and not more");
        }
        assert_ok(hf_vector_free(segment, &room->other));
    }
    cr_assert_eq(blocks(), 0);
}

Test(vector, room_that_is_reserved_moves_nothing)
{
    assert_ok(hf_vector_reserve(segment, vector, 1000));
    void *data = hf_vector_data(vector);
    hf_heap_info_t before, after;
    assert_ok(hf_heap_info(segment, &before));
    for (uint64_t i = 0; i < 1000; i++) {
        push(i);
    }
    assert_ok(hf_heap_info(segment, &after));
    cr_assert_eq(hf_vector_data(vector), data);
    cr_assert_eq(before.used, after.used);
    assert_ok(hf_vector_reserve(segment, vector, 10));
    assert_ok(hf_vector_clear(segment, vector));
    cr_assert_eq(hf_vector_size(vector), 0);
    cr_assert_eq(hf_vector_data(vector), data);
}

Test(vector, an_element_of_its_own_can_be_pushed)
{
    for (uint64_t i = 0; i < 100; i++) {
        push(i);
        assert_ok(hf_vector_push_back(segment, vector, hf_vector_at(vector, 2 * i)));
        cr_assert_eq(*(uint64_t *)hf_vector_at(vector, 2 * i + 1), i);
    }
}

Test(vector, what_does_not_fit_leaves_all_as_it_was)
{
    push(7);
    hf_vector_t before = *vector;
    size_t used = blocks();
    assert_error(hf_vector_reserve(segment, vector, 1 << 20), ENOSPC);
    assert_error(hf_vector_reserve(segment, vector, SIZE_MAX), ENOSPC);
    assert_error(hf_vector_reserve(segment, vector, SIZE_MAX / 8 + 2), ENOSPC);
    cr_assert_eq(memcmp(&before, vector, sizeof before), 0);
    cr_assert_eq(blocks(), used);
}

Test(vector, fills_the_segment_to_the_last_element_that_fits_twice)
{
    uint64_t value = 0;
    int error;
    while ((error = hf_vector_push_back(segment, vector, &value)) == 0) {
        value++;
    }
    assert_error(error, ENOSPC);
    cr_assert_eq(hf_vector_size(vector), value);
    cr_assert_gt(value * 8, (1 << 22) / 4);
    for (uint64_t i = 0; i < value; i += 997) {
        cr_assert_eq(*(uint64_t *)hf_vector_at(vector, i), i);
    }
}

Test(vector, init_may_be_called_by_everybody)
{
    push(7);
    assert_ok(hf_vector_init(segment, vector, sizeof(uint64_t)));
    cr_assert_eq(hf_vector_size(vector), 1);
    assert_error(hf_vector_init(segment, vector, 4), EEXIST);
    assert_error(hf_vector_init(segment, &room->other, 0), EINVAL);
    uint64_t value;
    assert_error(hf_vector_push_back(segment, &room->other, &value), EBADMSG);
    assert_error(hf_vector_get(segment, &room->other, 0, &value), EBADMSG);
}

Test(vector, what_can_never_be_right_is_EINVAL)
{
    void *bad[BAD_ADDRESSES];
    uint64_t value = 0;
    bad_addresses(segment, sizeof *vector, bad);
    for (int i = 0; i < BAD_ADDRESSES; i++) {
        hf_vector_t *v = bad[i];
        assert_error(hf_vector_init(segment, v, 8), EINVAL);
        assert_error(hf_vector_push_back(segment, v, &value), EINVAL);
        assert_error(hf_vector_pop_back(segment, v, &value), EINVAL);
        assert_error(hf_vector_get(segment, v, 0, &value), EINVAL);
        assert_error(hf_vector_reserve(segment, v, 1), EINVAL);
        assert_error(hf_vector_clear(segment, v), EINVAL);
        assert_error(hf_vector_free(segment, v), EINVAL);
        assert_error(hf_vector_check(segment, v), EINVAL);
    }
    assert_error(hf_vector_push_back(segment, vector, NULL), EINVAL);
    assert_error(hf_vector_get(segment, vector, 0, NULL), EINVAL);
    assert_error(hf_vector_push_back(NULL, vector, &value), EINVAL);
}

static void assert_damaged(void)
{
    uint64_t value = 0;
    hf_vector_t before = *vector;
    hf_heap_info_t info, after;
    assert_ok(hf_heap_info(segment, &info));
    assert_error(hf_vector_push_back(segment, vector, &value), EBADMSG);
    assert_error(hf_vector_pop_back(segment, vector, &value), EBADMSG);
    assert_error(hf_vector_reserve(segment, vector, 5000), EBADMSG);
    assert_error(hf_vector_clear(segment, vector), EBADMSG);
    assert_error(hf_vector_free(segment, vector), EBADMSG);
    cr_assert_eq(memcmp(&before, vector, sizeof before), 0);
    assert_ok(hf_heap_info(segment, &after));
    cr_assert_eq(memcmp(&info, &after, sizeof info), 0);
}

Test(vector, a_damaged_one_is_EBADMSG_and_stays_as_it_is)
{
    for (uint64_t i = 0; i < 8; i++) {
        push(i);
    }
    hf_vector_t sound = *vector;
    uint64_t value;
    uint64_t wild[] = {11, 1 << 20, UINT64_C(1) << 61, UINT64_MAX, UINT64_MAX / 2};
    for (size_t i = 0; i < sizeof wild / sizeof *wild; i++) {
        uint64_t *fields[] = {&vector->hf_size, &vector->hf_element_size,
            &vector->hf_check, (uint64_t *)(void *)&vector->hf_data.hf_distance,
            &vector->hf_capacity};
        for (size_t f = 0; f < 5; f++) {
            uint64_t saved = *fields[f];
            *fields[f] = wild[i];
            assert_damaged();
            if (f < 3) {
                assert_error(hf_vector_get(segment, vector, 0, &value), EBADMSG);
                assert_error(hf_vector_check(segment, vector), EBADMSG);
            } else {
                int error = hf_vector_get(segment, vector, 0, &value);
                cr_assert(error == EBADMSG || error == 0); /* memory it is */
            }
            *fields[f] = saved;
        }
    }
    vector->hf_data.hf_distance = (int64_t)1 << 40;
    assert_error(hf_vector_get(segment, vector, 0, &value), EBADMSG);
    *vector = sound;
    assert_ok(hf_vector_get(segment, vector, 7, &value));
}

/* ---- beside others ---- */

typedef struct {
    uint64_t value[5]; /* all the same, if it is whole */
} wide_t;

static int read_until_told(party_t *p)
{
    uint32_t seen = 0;
    while (__atomic_load_n(&p->last, __ATOMIC_RELAXED) == 0) {
        for (size_t i = 0; i < 40; i++) {
            wide_t w;
            int error = hf_vector_get(segment, &room->other, i, &w);
            if (error == ENOENT) {
                continue;
            }
            if (error != 0) {
                return error;
            }
            for (int k = 0; k < 5; k++) {
                if (w.value[k] != w.value[0] || w.value[0] % 40 != i) {
                    return EPROTO;
                }
            }
            seen++;
        }
        step(p);
    }
    return seen != 0 ? 0 : ENODATA;
}

Test(vector, readers_get_whole_elements_beside_all_writers)
{
    pid_t readers[3];
    assert_ok(hf_vector_init(segment, &room->other, sizeof(wide_t)));
    for (int i = 0; i < 3; i++) {
        readers[i] = spawn(read_until_told, &room->party);
    }
    uint64_t round = 0;
    for (struct timespec end = hf_deadline_in_ms(1500), now;
         clock_gettime(CLOCK_MONOTONIC, &now),
                         now.tv_sec < end.tv_sec ||
                             (now.tv_sec == end.tv_sec && now.tv_nsec < end.tv_nsec);
         round++) {
        uint64_t size = hf_vector_size(&room->other);
        if (size < 40 && round % 7 != 0) {
            uint64_t value = size + 40 * round;
            wide_t w = {{value, value, value, value, value}};
            assert_ok(hf_vector_push_back(segment, &room->other, &w));
        } else if (round % 3 == 0) {
            assert_ok(hf_vector_clear(segment, &room->other));
        } else if (round % 11 == 0) {
            assert_ok(hf_vector_free(segment, &room->other));
        } else if (size != 0) {
            assert_ok(hf_vector_pop_back(segment, &room->other, NULL));
        }
    }
    __atomic_store_n(&room->party.last, 1, __ATOMIC_SEQ_CST);
    for (int i = 0; i < 3; i++) {
        assert_exits(readers[i], 0);
    }
}

static int push_many(party_t *p)
{
    (void)p;
    int error = 0;
    for (uint64_t i = 0; i < 2000 && error == 0; i++) {
        uint64_t value = (uint64_t)getpid() << 32 | i;
        error = hf_vector_push_back(segment, vector, &value);
    }
    return error;
}

Test(vector, of_several_writers_nothing_is_lost)
{
    pid_t writers[4];
    for (int i = 0; i < 4; i++) {
        writers[i] = spawn(push_many, &room->party);
    }
    for (int i = 0; i < 4; i++) {
        assert_exits(writers[i], 0);
    }
    cr_assert_eq(hf_vector_size(vector), 8000);
    const uint64_t *all = hf_vector_data(vector);
    for (int w = 0; w < 4; w++) {
        uint64_t next = 0;
        for (size_t i = 0; i < 8000; i++) {
            if (all[i] >> 32 == (uint64_t)writers[w]) {
                cr_assert_eq((uint32_t)all[i], next, "in order");
                next++;
            }
        }
        cr_assert_eq(next, 2000);
    }
}

Test(vector, who_may_only_look_can_look)
{
    const char *name = fresh_name();
    hf_segment_t *seen;
    uint64_t value = 7;
    assert_ok(hf_segment_open(&segment, name, HF_CREATE, NULL));
    assert_ok(hf_segment_open(&seen, name, HF_READ_ONLY, NULL));
    assert_ok(hf_segment_remove(name));
    hf_vector_t *v = hf_segment_root(segment), *looked_at = hf_segment_root(seen);
    assert_ok(hf_vector_init(segment, v, sizeof value));
    assert_ok(hf_vector_push_back(segment, v, &value));
    value = 0;
    assert_ok(hf_vector_get(seen, looked_at, 0, &value));
    cr_assert_eq(value, 7);
    assert_error(hf_vector_push_back(seen, looked_at, &value), EACCES);
    assert_error(hf_vector_init(seen, looked_at, sizeof value), EACCES);
}
