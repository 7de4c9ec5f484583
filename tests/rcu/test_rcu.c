/* SPDX-License-Identifier: MIT */
/* RCU: sections, replacing, grace periods. */
#include "rcu/room.h"

TestSuite(rcu, .init = set_up_room, .timeout = 60);

Test(rcu, sections_nest_and_end)
{
    assert_error(hf_rcu_read_unlock(segment), EPERM);
    for (int i = 0; i < HF_RCU_NESTING_MAX; i++) {
        assert_ok(hf_rcu_read_lock(segment));
    }
    assert_error(hf_rcu_read_lock(segment), EAGAIN);
    for (int i = 0; i < HF_RCU_NESTING_MAX; i++) {
        assert_error(hf_rcu_synchronize(segment), EDEADLK);
        assert_ok(hf_rcu_read_unlock(segment));
    }
    assert_error(hf_rcu_read_unlock(segment), EPERM);
    assert_ok(hf_rcu_synchronize(segment));
}

Test(rcu, bad_arguments)
{
    hf_rcu_info_t info;
    hf_owner_t who;
    assert_error(hf_rcu_read_lock(NULL), EINVAL);
    assert_error(hf_rcu_read_unlock(NULL), EINVAL);
    assert_error(hf_rcu_synchronize(NULL), EINVAL);
    assert_error(hf_rcu_barrier(NULL), EINVAL);
    assert_error(hf_rcu_retire(NULL, room), EINVAL);
    assert_error(hf_rcu_retire(segment, NULL), EINVAL);
    assert_error(hf_rcu_retire(segment, room), EBADMSG);
    assert_error(hf_rcu_replace(NULL, &room->shown, NULL), EINVAL);
    assert_error(hf_rcu_replace(segment, NULL, NULL), EINVAL);
    assert_error(hf_rcu_replace(segment, &room->shown, &room->shown), EINVAL);
    hf_ptr_t outside = {0};
    assert_error(hf_rcu_replace(segment, &outside, NULL), EINVAL);
    assert_error(hf_rcu_replace(segment, &room->shown, &outside), EINVAL);
    assert_error(hf_rcu_stalled(segment, NULL), EINVAL);
    assert_error(hf_rcu_stalled(NULL, &who), EINVAL);
    assert_error(hf_rcu_info(segment, NULL), EINVAL);
    assert_error(hf_rcu_info(NULL, &info), EINVAL);
    cr_assert_eq(rcu_info().pending, 0);
}

Test(rcu, read_only_there_are_no_sections)
{
    const char *name = fresh_name();
    hf_segment_t *mine, *theirs;
    assert_ok(hf_segment_open(&mine, name, HF_CREATE, NULL));
    assert_ok(hf_segment_open(&theirs, name, HF_READ_ONLY, NULL));
    assert_ok(hf_segment_remove(name));
    assert_error(hf_rcu_read_lock(theirs), EACCES);
    assert_error(hf_rcu_synchronize(theirs), EACCES);
    assert_ok(hf_rcu_read_lock(mine));
    assert_ok(hf_rcu_read_unlock(mine));
}

Test(rcu, what_is_replaced_is_pending_until_a_barrier)
{
    size_t before = blocks_in_use();
    for (uint64_t value = 1; value <= 10; value++) {
        assert_ok(show(value));
        const element_t *element = hf_rcu_dereference(&room->shown);
        cr_assert_eq(element->value, value);
        cr_assert_null(hf_ptr_get(&room->fresh));
    }
    cr_assert_eq(rcu_info().pending, 9);
    cr_assert_geq(rcu_info().pending_bytes, 9 * sizeof(element_t));
    assert_ok(hf_rcu_replace(segment, &room->shown, NULL));
    cr_assert_eq(rcu_info().pending, 10);
    assert_ok(hf_rcu_barrier(segment));
    cr_assert_eq(rcu_info().pending, 0);
    cr_assert_eq(blocks_in_use(), before);
    assert_ok(hf_segment_check(segment, NULL, NULL));
}

Test(rcu, a_block_by_its_address)
{
    size_t before = blocks_in_use();
    assert_ok(hf_alloc(segment, &room->fresh, 100));
    void *block = hf_ptr_get(&room->fresh);
    hf_ptr_set(&room->fresh, NULL);
    assert_ok(hf_rcu_retire(segment, block));
    cr_assert_eq(rcu_info().pending, 1);
    assert_ok(hf_rcu_barrier(segment));
    cr_assert_eq(blocks_in_use(), before);
}

Test(rcu, a_block_whose_header_is_overwritten_is_in_nobodys_way)
{
    assert_ok(show(1));
    uint64_t *header = (uint64_t *)hf_ptr_get(&room->shown) - 1, before = *header;
    assert_ok(show(2));
    assert_ok(show(3));
    *header = 7;
    assert_ok(hf_rcu_barrier(segment));
    *header = before;
    cr_assert_eq(rcu_info().pending, 0);
    assert_error(hf_segment_check(segment, NULL, NULL), EBADMSG);
    assert_ok(show(4));
    assert_ok(hf_rcu_barrier(segment));
}

Test(rcu, who_goes_on_replacing_needs_no_barrier)
{
    for (uint64_t value = 0; value < 10000; value++) {
        assert_ok(show(value));
        cr_assert_lt(rcu_info().pending, 4 * 64);
    }
    assert_ok(hf_segment_check(segment, NULL, NULL));
}

Test(rcu, synchronize_waits_for_a_section_and_no_longer)
{
    pid_t reader = spawn_reader();
    assert_ok(show(1));
    pid_t waiter = fork();
    if (waiter == 0) {
        _exit(hf_rcu_synchronize(segment));
    }
    hf_owner_t who;
    do {
        assert_ok(hf_rcu_stalled(segment, &who));
    } while (who.waiters == 0);
    cr_assert_eq(who.pid, reader);
    cr_assert(who.alive);
    cr_assert_eq(who.waiter_pid, waiter);
    assert_ok(hf_segment_check(segment, NULL, NULL));
    uint64_t waited = who.waited_ns;
    assert_ok(hf_rcu_read_lock(segment)); /* a later one is in nobody's way */
    usleep(300000);
    assert_ok(hf_rcu_stalled(segment, &who));
    cr_assert_geq(who.waited_ns, waited + 250000000);
    cr_assert_eq(waitpid(waiter, NULL, WNOHANG), 0);
    __atomic_store_n(&room->may_leave, 1, __ATOMIC_SEQ_CST);
    assert_exits(waiter, 0);
    assert_exits(reader, 0);
    assert_ok(hf_rcu_stalled(segment, &who));
    cr_assert_eq(who.pid, 0);
    cr_assert_eq(rescues(segment), 0);
}

static void await_leave(uint32_t value)
{
    while (__atomic_load_n(&room->may_leave, __ATOMIC_SEQ_CST) < value) {
        sched_yield();
    }
}

static int read_nested(party_t *party)
{
    int error = hf_rcu_read_lock(segment) | hf_rcu_read_lock(segment);
    step(party);
    await_leave(1);
    error |= hf_rcu_read_unlock(segment);
    await_leave(2);
    return error | hf_rcu_read_unlock(segment);
}

Test(rcu, a_nested_end_is_no_end_that_was_missed)
{
    pid_t reader = spawn(read_nested, &room->party);
    await_steps(&room->party, 1);
    pid_t waiter = fork();
    if (waiter == 0) {
        _exit(hf_rcu_synchronize(segment));
    }
    await_ring(waiter);
    __atomic_store_n(&room->may_leave, 1, __ATOMIC_SEQ_CST);
    await_ring(waiter);
    cr_assert_eq(waitpid(waiter, NULL, WNOHANG), 0);
    __atomic_store_n(&room->may_leave, 2, __ATOMIC_SEQ_CST);
    assert_exits(waiter, 0);
    assert_exits(reader, 0);
    cr_assert_eq(rescues(segment), 0);
}

Test(rcu, what_a_reader_may_see_is_not_freed)
{
    assert_ok(show(1));
    assert_ok(hf_rcu_read_lock(segment));
    const element_t *seen = hf_rcu_dereference(&room->shown);
    for (uint64_t value = 2; value < 1000; value++) {
        assert_ok(show(value));
        cr_assert(seen->value == 1 && is_sound(seen));
    }
    cr_assert_eq(rcu_info().pending, 998);
    hf_owner_t who;
    assert_ok(hf_rcu_stalled(segment, &who));
    cr_assert_eq(who.pid, getpid(), "it holds back what was retired");
    cr_assert_gt(who.waited_ns, 0);
    assert_ok(hf_rcu_read_unlock(segment));
    assert_ok(hf_rcu_barrier(segment));
    cr_assert_eq(rcu_info().pending, 0);
}

Test(rcu, what_is_held_back_is_bounded)
{
    hf_segment_config_t config = {.size = 1 << 20, .max_size = 1 << 24};
    const char *name = fresh_name();
    assert_ok(hf_segment_open(&segment, name, HF_CREATE, &config));
    assert_ok(hf_segment_remove(name));
    room = hf_segment_root(segment);
    assert_ok(show(0));
    assert_ok(hf_rcu_read_lock(segment));
    for (uint64_t value = 0; value < HF_RCU_PENDING_MAX; value++) {
        assert_ok(show(value));
    }
    const element_t *shown = hf_ptr_get(&room->shown);
    assert_error(show(1), EAGAIN);
    cr_assert_eq(hf_ptr_get(&room->shown), shown);
    cr_assert_not_null(hf_ptr_get(&room->fresh));
    assert_ok(hf_rcu_read_unlock(segment));
    assert_ok(show(2)); /* nobody is left: it makes the room itself */
    cr_assert_lt(rcu_info().pending, HF_RCU_PENDING_MAX);
    assert_ok(hf_rcu_barrier(segment));
    assert_ok(hf_segment_check(segment, NULL, NULL));
}

/* Each block of a chain begins with a pointer to the next; from half the memory there is
 * down to nothing. */
static void use_up_memory(hf_ptr_t *chain)
{
    hf_heap_info_t info;
    for (size_t size = 1 << 20; size >= sizeof *chain;) {
        if (hf_alloc(segment, chain, size) == 0) {
            chain = hf_ptr_get(chain);
        } else {
            size /= 2;
        }
    }
    assert_ok(hf_heap_info(segment, &info));
    cr_assert_lt(info.largest_free, 64);
}

Test(rcu, without_memory_for_a_larger_ring_what_can_be_freed_is)
{
    for (unsigned i = 0; i < WASTED; i++) {
        assert_ok(hf_alloc(segment, &room->waste[i], 16));
    }
    assert_ok(show(1));
    assert_ok(show(2)); /* there is a ring */
    use_up_memory(&room->other);
    for (unsigned i = 0; i < WASTED; i++) {
        assert_ok(hf_rcu_replace(segment, &room->waste[i], NULL));
    }
    assert_ok(hf_rcu_replace(segment, &room->shown, NULL));
    assert_ok(hf_rcu_barrier(segment));
    assert_ok(hf_segment_check(segment, NULL, NULL));
}

Test(rcu, blocks_that_are_large_for_the_heap_do_not_wait_for_company)
{
    hf_heap_info_t info;
    assert_ok(hf_heap_info(segment, &info));
    for (unsigned i = 0; i < 100; i++) {
        assert_ok(hf_alloc(segment, &room->fresh, info.size / 10));
        assert_ok(hf_rcu_replace(segment, &room->shown, &room->fresh));
    }
    cr_assert_lt(rcu_info().pending_bytes, info.size / 3);
}

/* The ring would come to stand in it, and then retire itself. */
Test(rcu, a_free_block_is_not_retired)
{
    assert_ok(hf_alloc(segment, &room->fresh, 1000));
    hf_ptr_set(&room->other, hf_ptr_get(&room->fresh));
    assert_ok(hf_free(segment, &room->fresh));
    assert_error(hf_rcu_retire(segment, hf_ptr_get(&room->other)), EBADMSG);
    assert_error(hf_rcu_replace(segment, &room->other, NULL), EBADMSG);
    assert_ok(hf_rcu_barrier(segment));
    assert_ok(hf_segment_check(segment, NULL, NULL));
}

static int read_much(party_t *party)
{
    step(party);
    for (int i = 0; i < 200000; i++) {
        int error = hf_rcu_read_lock(segment);
        const element_t *element = hf_rcu_dereference(&room->shown);
        uint64_t value = __atomic_load_n(&element->value, __ATOMIC_RELAXED);
        if (error != 0 || __atomic_load_n(&element->copy, __ATOMIC_RELAXED) != ~value ||
            hf_rcu_read_unlock(segment) != 0) {
            return EBADMSG;
        }
    }
    return 0;
}

Test(rcu, readers_beside_one_who_replaces)
{
    enum { READERS = 3 };
    assert_ok(show(1));
    pid_t readers[READERS];
    for (int i = 0; i < READERS; i++) {
        readers[i] = spawn(read_much, &room->party);
    }
    await_steps(&room->party, READERS);
    for (uint64_t value = 2; value < 20000; value++) {
        int error = show(value);
        if (error == ENOSPC) { /* a reader lost its CPU, and holds all back */
            assert_ok(hf_rcu_barrier(segment));
            error = show(value);
        }
        assert_ok(error);
    }
    for (int i = 0; i < READERS; i++) {
        assert_exits(readers[i], 0);
    }
    assert_ok(hf_rcu_barrier(segment));
    cr_assert_eq(rescues(segment), 0);
}
