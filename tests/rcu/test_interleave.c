/* SPDX-License-Identifier: MIT */
/* RCU: one stands between two instructions, the others go on; nothing is freed that a
 * reader can see. */
#include <stddef.h>

#include "rcu/filter.h"
#include "rcu/rcu.h"
#include "rcu/room.h"
#include "stepped.h"
#include "wait/bias.h"

TestSuite(rcu_interleave, .init = set_up_room, .timeout = 120);

/* Stopped in front of `act`; it has joined, and `prepare` was done. */
static pid_t fork_actor(int (*prepare)(void), int (*act)(void))
{
    fflush(NULL);
    pid_t actor = fork();
    if (actor == 0) {
        bool begun = trace_me() && rcu_info().fenced == 0 && prepare() == 0;
        stop_here();
        _exit(begun ? act() : ENOSYS);
    }
    await_stop(actor);
    return actor;
}

/* The same, so many instructions later. 0: it has ended before. */
static pid_t fork_to(int (*prepare)(void), int (*act)(void), unsigned steps)
{
    pid_t actor = fork_actor(prepare, act);
    for (unsigned i = 0; i < steps; i++) {
        if (!single_step(actor)) {
            return 0;
        }
    }
    return actor;
}

static void let_go(pid_t actor)
{
    cr_assert_eq(ptrace(PTRACE_CONT, actor, NULL, NULL), 0);
}

static int nothing(void)
{
    return 0;
}

static int read_once(void)
{
    int error = hf_rcu_read_lock(segment);
    bool sound = is_sound(hf_rcu_dereference(&room->shown));
    error = error == 0 ? hf_rcu_read_unlock(segment) : error;
    return sound ? error : EILSEQ;
}

static int read_stop_and_read(void)
{
    int error = read_once();
    stop_here();
    return error == 0 ? read_once() : error;
}

/* The largest free block, or none. */
static int take_largest(hf_ptr_t *p)
{
    hf_heap_info_t info;
    int error = hf_heap_info(segment, &info);
    if (error == 0 && info.largest_free >= sizeof(element_t)) {
        error = hf_alloc(segment, p, info.largest_free);
    }
    if (error == 0 && hf_ptr_get(p) != NULL) {
        memset(hf_ptr_get(p), 0x5a, info.largest_free);
    }
    return error;
}

/* Over all that is free, for who still looks there. */
static int scribble(void)
{
    int error = 0;
    for (unsigned i = 0; error == 0 && i < WASTED; i++) {
        error = take_largest(&room->waste[i]);
    }
    for (unsigned i = 0; error == 0 && i < WASTED; i++) {
        error = hf_free(segment, &room->waste[i]);
    }
    return error;
}

static int free_retired(party_t *party)
{
    (void)party;
    int error = hf_rcu_barrier(segment);
    return error == 0 ? scribble() : error;
}

static bool has_ended(pid_t child)
{
    siginfo_t info = {.si_pid = 0};
    cr_assert_eq(waitid(P_PID, (id_t)child, &info, WEXITED | WNOHANG | WNOWAIT), 0);
    return info.si_pid == child;
}

/* Whether it comes to wait for a reader, rather than to its end. */
static bool comes_to_wait(pid_t waiter)
{
    hf_owner_t reader;
    do {
        if (has_ended(waiter)) {
            return false;
        }
        assert_ok(hf_rcu_stalled(segment, &reader));
    } while (reader.waiters == 0);
    return true;
}

static struct hfi_slot *slot_of(pid_t reader)
{
    const struct hfi_table *table = &segment->at.table;
    uint64_t tag;
    uint32_t i = 0;
    while (
        table->slots[i].pid != (uint32_t)reader || !hfi_table_occupied(table, i, &tag)) {
        cr_assert_lt(++i, hfi_table_used(table), "it has not joined");
    }
    return &table->slots[i];
}

static bool is_in_section(pid_t reader)
{
    return hfi_load64_acquire(&slot_of(reader)->section) != 0;
}

/* ---- the reader stands ---- */

Test(rcu_interleave, a_barrier_waits_for_a_reader_that_stands_in_its_section_and_no_other)
{
    unsigned waited = 0, at = 0;
    assert_ok(show(1));
    for (bool is_over = false; !is_over; at += EACH) {
        pid_t reader = fork_to(read_once, read_once, at);
        cr_assert_neq(reader, 0);
        bool in_section = is_in_section(reader);
        is_over = waited > 0 && !in_section;
        assert_ok(show(2 + at));
        pid_t waiter = spawn(free_retired, &room->party);
        cr_assert_eq(
            comes_to_wait(waiter), in_section, "stopped after %u instructions", at);
        let_go(reader);
        assert_exits(reader, 0);
        assert_exits(waiter, 0);
        waited += in_section;
    }
    cr_assert_gt(waited, 1);
    cr_assert_eq(rescues(segment), 0);
}

static int free_without_membarrier(party_t *party)
{
    return forbid_membarrier() ? free_retired(party) : ENOSYS;
}

enum { WAITED, DONE, NOT_DONE, OUTCOMES };

/* While the reader stands there; it then reads once more. */
static int free_beside_first_section(pid_t reader, unsigned at)
{
    bool in_section = is_in_section(reader);
    assert_ok(show(2));
    pid_t waiter = spawn(free_without_membarrier, &room->party);
    int status = 0;
    bool waits = comes_to_wait(waiter);
    if (!waits) {
        cr_assert_eq(waitpid(waiter, &status, 0), waiter);
        cr_assert(status == 0 || WEXITSTATUS(status) == ENOTSUP);
    }
    cr_assert(!in_section || waits || status != 0, "after %u instructions", at);
    let_go(reader);
    await_stop(reader);
    uint32_t bias = hfi_load32_acquire(&slot_of(reader)->bias);
    cr_assert(!hfi_bias_is_plain(bias), "after %u instructions: the next has none", at);
    let_go(reader);
    assert_exits(reader, 0);
    if (waits) {
        assert_exits(waiter, 0);
    }
    assert_exits(spawn(free_without_membarrier, &room->party), 0);
    return waits ? WAITED : status == 0 ? DONE : NOT_DONE;
}

/* A segment falls back to fences for good: a fresh one each time. */
Test(rcu_interleave, a_first_section_is_not_overlooked_by_who_has_no_membarrier)
{
    unsigned count[OUTCOMES] = {0};
    bool has_begun = false, is_over = false;
    for (unsigned at = 0; !is_over; at += EACH) {
        assert_ok(show(1));
        pid_t reader = fork_to(nothing, read_stop_and_read, at);
        cr_assert_neq(reader, 0);
        is_over = has_begun && !is_in_section(reader);
        has_begun = is_in_section(reader);
        count[free_beside_first_section(reader, at)]++;
        assert_ok(hf_segment_close(segment));
        set_up_room();
    }
    cr_assert(count[WAITED] > 0 && count[DONE] > 0 && count[NOT_DONE] > 0);
}

/* ---- who replaces stands ---- */

static void make_other(uint64_t value)
{
    assert_ok(hf_alloc(segment, &room->other, sizeof(element_t)));
    *(element_t *)hf_ptr_get(&room->other) = (element_t){value, ~value};
}

static int replace(void)
{
    return hf_rcu_replace(segment, &room->shown, &room->other);
}

static int replace_and_free(void)
{
    int error = replace();
    return error == 0 ? free_retired(&room->party) : error;
}

/* Stopped so many instructions behind the call of a function. */
static pid_t fork_beyond(int (*act)(void), uintptr_t function, unsigned steps)
{
    pid_t actor = fork_actor(nothing, act);
    run_to(actor, function);
    for (unsigned i = 0; i < steps; i++) {
        cr_assert(single_step(actor));
    }
    return actor;
}

/* It holds the lock of the heap. */
static bool is_in_the_way(pid_t actor)
{
    hf_owner_t owner;
    assert_ok(hf_mutex_owner(&segment->heap.control->lock, &owner));
    return owner.pid == actor;
}

/* From the call on that waits, until it is about to free. */
Test(rcu_interleave, what_a_reader_sees_outlives_a_barrier_that_stood_anywhere)
{
    unsigned waited = 0, at = 0;
    assert_ok(show(1));
    for (bool frees = false; !frees; at += EACH) {
        make_other(2 + at);
        pid_t actor = fork_beyond(replace_and_free, (uintptr_t)hf_rcu_synchronize, at);
        frees = is_in_the_way(actor);
        assert_ok(hf_rcu_read_lock(segment));
        const element_t *seen = hf_rcu_dereference(&room->shown);
        let_go(actor);
        waited += comes_to_wait(actor);
        assert_ok(scribble());
        cr_assert(seen->value == 2 + at && is_sound(seen), "after %u instructions", at);
        assert_ok(hf_rcu_read_unlock(segment));
        assert_exits(actor, 0);
    }
    cr_assert(waited > 0 && waited < at / EACH);
    cr_assert_eq(rescues(segment), 0);
}

static int replace_with_nothing(void)
{
    return hf_rcu_replace(segment, &room->shown, NULL);
}

/* Who sets it then does what the header forbids, and may lose its block; nobody's ring. */
Test(rcu_interleave, a_pointer_that_is_set_while_it_is_replaced_harms_no_other)
{
    enum { APART = 7 * EACH };
    unsigned retired = 0, at = 0;
    for (pid_t actor = 1; actor != 0; at += APART) {
        make_other(at);
        actor = fork_to(nothing, replace_with_nothing, at);
        hf_ptr_set(&room->shown, hf_ptr_get(&room->other));
        hf_ptr_set(&room->other, NULL);
        if (actor != 0) {
            let_go(actor);
            assert_exits(actor, 0);
        }
        retired += rcu_info().pending != 0;
        assert_ok(hf_rcu_barrier(segment));
        assert_ok(hf_segment_check(segment, NULL, NULL));
        hf_ptr_set(&room->shown, NULL);
    }
    cr_assert(retired > 0 && retired < at / APART);
}

/* ---- two who free at a time ---- */

enum { BATCH = 64 }; /* src/rcu/retire.c: the last of so many tends */

static void show_until(unsigned of_batch)
{
    do {
        assert_ok(show(1));
    } while (segment->rcu->retired % BATCH != of_batch);
}

/* Little is retired, the next one is the last of a batch. */
static void begin_batch(void)
{
    show_until(BATCH - 4);
    assert_ok(hf_rcu_barrier(segment));
    show_until(BATCH - 1);
    make_other(2);
}

/* The same, and a period covers that little. */
static void begin_second_batch(void)
{
    show_until(BATCH - 4);
    assert_ok(hf_rcu_barrier(segment));
    show_until(0);
    show_until(BATCH - 1);
    make_other(2);
}

/* Who holds the heap's lock is killed, another one goes on when the rest is done. */
static void replace_beside(pid_t actor, unsigned at)
{
    bool dies = is_in_the_way(actor);
    if (dies) {
        kill_and_reap(actor);
    }
    assert_ok(hf_rcu_read_lock(segment));
    const element_t *seen = hf_rcu_dereference(&room->shown);
    uint64_t value = seen->value;
    for (uint64_t i = 0; i < 3 * BATCH; i++) {
        assert_ok(show(1000 + i));
    }
    pid_t waiter = spawn(free_retired, &room->party);
    cr_assert(comes_to_wait(waiter));
    if (!dies) {
        let_go(actor);
        assert_exits(actor, 0);
    }
    assert_ok(scribble());
    cr_assert(seen->value == value && is_sound(seen), "after %u instructions", at);
    assert_ok(hf_rcu_read_unlock(segment));
    assert_exits(waiter, 0);
}

static void check_what_is_left(size_t blocks)
{
    cr_assert_eq(rcu_info().pending, 0);
    cr_assert_eq(blocks_in_use(), blocks);
    assert_ok(hf_segment_check(segment, NULL, NULL));
    cr_assert_eq(rescues(segment), 0);
}

/* From where it has copied which period that is, until it is about to free. */
Test(rcu_interleave, who_looked_whether_a_period_is_over_frees_no_later_ones)
{
    unsigned beside = 0;
    assert_ok(show(0));
    size_t blocks = blocks_in_use();
    bool frees = false;
    for (unsigned at = 0; !frees; at += EACH) {
        begin_second_batch();
        pid_t actor = fork_beyond(replace, (uintptr_t)hfi_heap_cancel, at);
        beside += !is_in_the_way(actor);
        frees = beside > 0 && is_in_the_way(actor);
        replace_beside(actor, at);
        check_what_is_left(blocks);
    }
    cr_assert_gt(beside, 10);
}

Test(rcu_interleave, a_period_whose_beginner_dies_has_not_begun)
{
    const struct hfi_rcu_control *rcu = segment->rcu;
    unsigned between = 0;
    assert_ok(show(0));
    size_t blocks = blocks_in_use();
    bool has_begun = false;
    for (unsigned at = 0; !has_begun; at += EACH) {
        begin_batch();
        uint64_t epoch = rcu->epoch, period = rcu->period;
        pid_t actor = fork_beyond(replace, (uintptr_t)hfi_rcu_begin, at);
        has_begun = rcu->period != period;
        between += rcu->epoch != epoch && !has_begun;
        replace_beside(actor, at);
        check_what_is_left(blocks);
    }
    cr_assert_gt(between, 10);
}
