/* SPDX-License-Identifier: MIT */
#include "segment/room.h"

enum { ROUNDS = 6000 };

static void set_up(void)
{
    open_room(1 << 18, 0);
}

TestSuite(memory, .init = set_up, .timeout = 60);

Test(memory, a_fresh_heap_is_one_free_block)
{
    hf_heap_info_t info = info_of();
    cr_assert_eq(info.used, 0);
    cr_assert_eq(info.blocks, 0);
    cr_assert_eq(info.largest_free + 8, info.free);
}

Test(memory, a_block_is_zero_however_it_was_used_before)
{
    for (size_t size = 0; size < 600; size += 7) {
        assert_ok(hf_alloc(segment, &room->slot[0], size));
        char *block = hf_ptr_get(&room->slot[0]);
        size_t usable;
        assert_ok(hf_usable_size(segment, block, &usable));
        cr_assert_geq(usable, size);
        cr_assert_eq((uintptr_t)block % 16, 0);
        cr_assert(is_filled(block, usable, 0));
        memset(block, 0xee, usable);
        assert_ok(hf_free(segment, &room->slot[0]));
        cr_assert_null(hf_ptr_get(&room->slot[0]));
    }
    cr_assert_eq(info_of().used, 0);
}

Test(memory, a_pointer_that_leads_somewhere_is_not_overwritten)
{
    assert_ok(hf_alloc(segment, &room->slot[0], 10));
    hf_heap_info_t before = info_of();
    assert_error(hf_alloc(segment, &room->slot[0], 10), EEXIST);
    assert_same(&before);
}

Test(memory, what_does_not_fit_leaves_all_as_it_was)
{
    assert_ok(hf_alloc(segment, &room->slot[0], 100));
    void *block = hf_ptr_get(&room->slot[0]);
    hf_heap_info_t before = info_of();
    size_t sizes[] = {before.largest_free + 1, (size_t)1 << 40, SIZE_MAX, SIZE_MAX - 15};
    for (int i = 0; i < 4; i++) {
        assert_error(hf_alloc(segment, &room->slot[1], sizes[i]), ENOSPC);
        assert_error(hf_alloc_aligned(segment, &room->slot[1], sizes[i], 4096), ENOSPC);
        assert_error(hf_realloc(segment, &room->slot[0], sizes[i] | 1u << 20), ENOSPC);
        cr_assert_null(hf_ptr_get(&room->slot[1]));
        cr_assert_eq(hf_ptr_get(&room->slot[0]), block);
        assert_same(&before);
    }
    assert_ok(hf_alloc(segment, &room->slot[1], before.largest_free));
}

Test(memory, alignment_is_any_power_of_two_up_to_a_page)
{
    for (size_t alignment = 1; alignment <= 4096; alignment *= 2) {
        for (int i = 0; i < 4; i++) {
            assert_ok(hf_alloc(segment, &room->slot[i], 40));
            assert_ok(hf_alloc_aligned(segment, &room->slot[i + 4], 100, alignment));
            cr_assert_eq((uintptr_t)hf_ptr_get(&room->slot[i + 4]) % alignment, 0);
        }
        for (int i = 0; i < 8; i++) {
            assert_ok(hf_free(segment, &room->slot[i]));
        }
    }
    assert_error(hf_alloc_aligned(segment, &room->slot[0], 1, 0), EINVAL);
    assert_error(hf_alloc_aligned(segment, &room->slot[0], 1, 24), EINVAL);
    assert_error(hf_alloc_aligned(segment, &room->slot[0], 1, 8192), EINVAL);
    cr_assert_eq(info_of().used, 0);
}

Test(memory, swap_exchanges_targets)
{
    assert_ok(hf_alloc(segment, &room->slot[0], 10));
    void *block = hf_ptr_get(&room->slot[0]);
    assert_ok(hf_ptr_swap(segment, &room->slot[0], &room->slot[9]));
    cr_assert_null(hf_ptr_get(&room->slot[0]));
    cr_assert_eq(hf_ptr_get(&room->slot[9]), block);
    assert_ok(hf_ptr_swap(segment, &room->slot[9], &room->slot[9]));
    cr_assert_eq(hf_ptr_get(&room->slot[9]), block);
}

Test(memory, what_can_never_be_right_is_EINVAL)
{
    static hf_ptr_t elsewhere;
    hf_ptr_t *bad[] = {NULL, &elsewhere, (hf_ptr_t *)(void *)((char *)room + 4),
        (hf_ptr_t *)(void *)end_of(segment), (hf_ptr_t *)(void *)((char *)room - 8)};
    hf_heap_info_t before = info_of();
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        void *target;
        assert_error(hf_alloc(segment, bad[i], 1), EINVAL);
        assert_error(hf_free(segment, bad[i]), EINVAL);
        assert_error(hf_realloc(segment, bad[i], 1), EINVAL);
        assert_error(hf_ptr_swap(segment, bad[i], &room->slot[0]), EINVAL);
        assert_error(hf_ptr_swap(segment, &room->slot[0], bad[i]), EINVAL);
        assert_error(hf_ptr_check(segment, bad[i], 1, &target), EINVAL);
    }
    assert_error(hf_alloc(NULL, &room->slot[0], 1), EINVAL);
    assert_error(hf_heap_info(segment, NULL), EINVAL);
    assert_error(hf_usable_size(segment, NULL, &(size_t){0}), EINVAL);
    assert_same(&before);
}

/* Lets the pointer lead there, and tries to free it. */
static void assert_no_block(const void *wild)
{
    hf_ptr_t *p = &room->slot[SLOTS - 1];
    hf_heap_info_t before = info_of();
    size_t usable;
    hf_ptr_set(p, wild);
    assert_error(hf_free(segment, p), EBADMSG);
    assert_error(hf_realloc(segment, p, 100), EBADMSG);
    assert_error(hf_usable_size(segment, wild, &usable), EBADMSG);
    cr_assert_eq(hf_ptr_get(p), wild, "it is as it was");
    assert_same(&before);
}

Test(memory, what_is_no_block_in_use_is_EBADMSG_and_nothing_changes)
{
    static char elsewhere[64];
    assert_ok(hf_alloc(segment, &room->slot[0], 1000));
    assert_ok(hf_alloc(segment, &room->slot[1], 1000));
    char *block = hf_ptr_get(&room->slot[0]);
    const void *wild[] = {elsewhere, block + 8, block + 16, block + 1, block - 8, room,
        (char *)room - 4096, end_of(segment), end_of(segment) - 8, end_of(segment) + 8,
        (void *)(uintptr_t)16, (void *)(uintptr_t)-16};
    for (size_t i = 0; i < sizeof wild / sizeof *wild; i++) {
        assert_no_block(wild[i]);
    }
    assert_ok(hf_free(segment, &room->slot[0]));
    assert_no_block(block); /* freed already */
    assert_ok(hf_free(segment, &room->slot[1]));
}

/* Whichever block stands beside one that was written past its end. */
Test(memory, who_wrote_past_a_block_frees_nothing_and_bricks_nothing)
{
    for (int i = 0; i < 5; i++) {
        assert_ok(hf_alloc(segment, &room->slot[i], 104));
    }
    assert_ok(hf_free(segment, &room->slot[3]));
    uint64_t *past = (uint64_t *)(void *)((char *)hf_ptr_get(&room->slot[1]) + 104);
    uint64_t *free_link = (uint64_t *)(void *)((char *)hf_ptr_get(&room->slot[2]) + 112);
    uint64_t *damaged[] = {past, free_link};
    for (int i = 0; i < 2; i++) {
        uint64_t saved = *damaged[i];
        void *block = hf_ptr_get(&room->slot[1 + i]);
        hf_heap_info_t before = info_of();
        *damaged[i] ^= 0x4141414100;
        assert_error(hf_free(segment, &room->slot[1 + i]), EBADMSG);
        cr_assert_eq(hf_ptr_get(&room->slot[1 + i]), block);
        assert_ok(hf_free(segment, &room->slot[0]));
        assert_ok(hf_alloc(segment, &room->slot[0], 104));
        *damaged[i] = saved;
        assert_same(&before);
    }
    for (int i = 0; i < 5; i++) {
        assert_ok(hf_free(segment, &room->slot[i]));
    }
    cr_assert_eq(info_of().largest_free + 8, info_of().size);
}

/* The one before is sound, and already changed when the damage behind is noticed, or the
 * other way round. */
Test(memory, damage_on_either_side_is_noticed_and_nothing_changes)
{
    for (int i = 0; i < 7; i++) {
        assert_ok(hf_alloc(segment, &room->slot[i], 104));
    }
    uint64_t *sides[] = {hf_ptr_get(&room->slot[2]), hf_ptr_get(&room->slot[4])};
    assert_ok(hf_free(segment, &room->slot[2]));
    assert_ok(hf_free(segment, &room->slot[4]));
    for (int i = 0; i < 4; i++) {
        uint64_t *link = &sides[i / 2][i % 2];
        uint64_t saved = *link;
        void *block = hf_ptr_get(&room->slot[3]);
        hf_heap_info_t before = info_of();
        *link ^= 0x4141414100;
        assert_error(hf_free(segment, &room->slot[3]), EBADMSG);
        cr_assert_eq(hf_ptr_get(&room->slot[3]), block);
        *link = saved;
        assert_same(&before);
        assert_ok(hf_segment_check(segment, NULL, NULL));
    }
    assert_ok(hf_free(segment, &room->slot[3]));
    assert_ok(hf_segment_check(segment, NULL, NULL));
}

Test(memory, a_read_only_one_is_EACCES)
{
    hf_segment_t *looked_at;
    hf_segment_config_t config = {.root_size = sizeof *room};
    const char *name = fresh_name();
    assert_ok(hf_segment_open(&segment, name, HF_CREATE, &config));
    assert_ok(hf_segment_open(&looked_at, name, HF_READ_ONLY, NULL));
    assert_ok(hf_segment_remove(name));
    room_t *seen = hf_segment_root(looked_at);
    hf_heap_info_t info;
    assert_error(hf_alloc(looked_at, &seen->slot[0], 1), EACCES);
    assert_error(hf_free(looked_at, &seen->slot[0]), EACCES);
    assert_error(hf_heap_info(looked_at, &info), EACCES);
    assert_error(hf_segment_grow(looked_at, 1 << 20), EACCES);
}

/* ---- against a model ---- */

static struct {
    size_t size; /* 0: none */
    int fill;
} model[SLOTS];

static uint64_t state = 88172645463325252u;

static size_t any(size_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (size_t)(state >> 11) % below;
}

static size_t any_size(void)
{
    size_t most[] = {40, 300, 2000, 30000};
    return 1 + any(most[any(4)]);
}

static void fill(size_t i, size_t size)
{
    model[i].size = size;
    model[i].fill = 1 + (int)any(255);
    memset(hf_ptr_get(&room->slot[i]), model[i].fill, size);
}

static void check(size_t i)
{
    void *block = hf_ptr_get(&room->slot[i]);
    cr_assert_eq(block == NULL, model[i].size == 0);
    cr_assert(block == NULL || is_filled(block, model[i].size, model[i].fill));
}

static void resize(size_t i, size_t size)
{
    size_t kept = model[i].size < size ? model[i].size : size;
    int error = hf_realloc(segment, &room->slot[i], size);
    cr_assert(error == 0 || error == ENOSPC, "%s", strerror(error));
    if (error == 0) {
        const char *block = hf_ptr_get(&room->slot[i]);
        cr_assert(is_filled(block, kept, model[i].fill));
        fill(i, size);
    }
}

static void any_operation(void)
{
    size_t i = any(SLOTS), j = any(SLOTS), size = any_size();
    check(i);
    if (any(4) == 0) {
        check(j);
        assert_ok(hf_ptr_swap(segment, &room->slot[i], &room->slot[j]));
        size_t s = model[i].size;
        int f = model[i].fill;
        model[i] = model[j];
        model[j].size = s;
        model[j].fill = f;
    } else if (model[i].size == 0) {
        int error = any(2) == 0 ? hf_alloc(segment, &room->slot[i], size)
                                : hf_alloc_aligned(segment, &room->slot[i], size,
                                      (size_t)1 << any(13));
        cr_assert(error == 0 || error == ENOSPC, "%s", strerror(error));
        if (error == 0) {
            cr_assert(is_filled(hf_ptr_get(&room->slot[i]), size, 0));
            fill(i, size);
        }
    } else if (any(3) == 0) {
        resize(i, size);
    } else {
        assert_ok(hf_free(segment, &room->slot[i]));
        model[i].size = 0;
    }
}

Test(memory, any_operations_do_what_a_table_of_them_says)
{
    size_t blocks = 0;
    for (int round = 0; round < ROUNDS; round++) {
        any_operation();
        if (round % 50 == 0) {
            blocks = 0;
            for (size_t i = 0; i < SLOTS; i++) {
                check(i);
                blocks += model[i].size != 0;
            }
            cr_assert_eq(info_of().blocks, blocks);
        }
    }
    for (size_t i = 0; i < SLOTS; i++) {
        assert_ok(hf_free(segment, &room->slot[i]));
    }
    hf_heap_info_t info = info_of();
    cr_assert_eq(info.used, 0);
    cr_assert_eq(info.blocks, 0);
    cr_assert_eq(info.largest_free + 8, info.size, "one block");
}
