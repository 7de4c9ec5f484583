/* SPDX-License-Identifier: MIT */
/* Latch: whoever is stopped or killed at whatever instruction, readers see one write. */
#include "stepped.h"

enum { WORDS = 5, APART = EACH * EACH * EACH /* instructions */ };

typedef struct {
    uint64_t word[WORDS];
} payload_t;

typedef struct {
    party_t party;
    HF_ALIGN8 char latch[sizeof(hf_latch_t) + 2 * sizeof(payload_t)];
} room_t;

static hf_segment_t *segment;
static hf_latch_t *latch;

static void set_up(void)
{
    segment = open_fresh(sizeof(room_t), 0);
    latch = (void *)((room_t *)hf_segment_root(segment))->latch;
}

TestSuite(latch_death, .init = set_up, .timeout = 120);

static int put(uint64_t value)
{
    payload_t payload;
    for (int i = 0; i < WORDS; i++) {
        payload.word[i] = value + (uint64_t)i;
    }
    return hf_latch_write(latch, &payload, sizeof payload);
}

/* What one write left; UINT64_MAX: a mixture. */
static uint64_t value_of(const payload_t *payload)
{
    for (int i = 1; i < WORDS; i++) {
        if (payload->word[i] != payload->word[0] + (uint64_t)i) {
            return UINT64_MAX;
        }
    }
    return payload->word[0];
}

static uint64_t get(void)
{
    payload_t payload;
    assert_ok(hf_latch_read(latch, &payload, sizeof payload));
    return value_of(&payload);
}

static pid_t fork_writer(uint64_t value)
{
    pid_t writer = fork();
    if (writer == 0) {
        bool begun = trace_me() && put(value - 1) == 0; /* joined */
        stop_here();
        _exit(!begun || put(value) != 0);
    }
    await_stop(writer);
    return writer;
}

/* Kills one after `steps` instructions of its write. False: it had ended before. */
static bool kill_after(unsigned steps, uint64_t value)
{
    pid_t writer = fork_writer(value);
    uint64_t seen = value - 1;
    cr_assert_eq(get(), seen);
    for (unsigned i = 0; i < steps; i++) {
        if (!single_step(writer)) {
            cr_assert_eq(get(), value);
            return false;
        }
    }
    seen = get();
    cr_assert(seen == value - 1 || seen == value, "stopped after %u: %#llx", steps,
        (unsigned long long)seen);
    cr_assert_eq(kill(writer, SIGKILL), 0);
    cr_assert_eq(waitpid(writer, NULL, 0), writer);
    cr_assert_eq(get(), seen, "a death changes nothing");
    assert_ok(put(value + 1));
    cr_assert_eq(get(), value + 1);
    assert_ok(hf_latch_check(latch));
    return true;
}

Test(latch_death, a_writer_stopped_or_killed_anywhere_has_written_all_or_nothing)
{
    unsigned steps = 0;
    for (uint64_t value = 1000; kill_after(steps, value); value += 1000) {
        steps += APART;
    }
    cr_assert_gt(steps, 50);
}

static int read_one_write(void)
{
    payload_t payload;
    int error = hf_latch_read(latch, &payload, sizeof payload);
    return error == 0 && value_of(&payload) == UINT64_MAX ? EILSEQ : error;
}

static int check(void)
{
    return hf_latch_check(latch);
}

/* Who stands after so many instructions of looking. 0: it has ended before. */
static pid_t fork_reader(unsigned steps, int (*look)(void))
{
    pid_t reader = fork();
    if (reader == 0) {
        (void)(trace_me() && put(1) == 0); /* joined */
        stop_here();
        _exit(look());
    }
    await_stop(reader);
    for (unsigned i = 0; i < steps; i++) {
        if (!single_step(reader)) {
            return 0;
        }
    }
    return reader;
}

static void assert_goes_on(pid_t reader)
{
    cr_assert_eq(ptrace(PTRACE_CONT, reader, NULL, NULL), 0);
    assert_exits(reader, 0);
}

static void overtake_anywhere(int (*look)(void), unsigned writes)
{
    uint64_t value = 1000;
    pid_t reader;
    for (unsigned at = 0; (reader = fork_reader(at, look)) != 0; at += APART) {
        for (unsigned i = 0; i < writes; i++) {
            assert_ok(put(value += 100));
        }
        assert_goes_on(reader);
    }
}

Test(latch_death, a_reader_overtaken_anywhere_gets_one_write)
{
    for (unsigned writes = 1; writes <= 3; writes++) {
        overtake_anywhere(read_one_write, writes);
    }
}

Test(latch_death, who_is_overtaken_anywhere_finds_no_damage)
{
    overtake_anywhere(check, 2);
}

/* After one write, in the middle of the next. */
static pid_t fork_writer_to_the_middle(uint64_t value)
{
    const payload_t *place = (const void *)(latch + 1);
    pid_t writer = fork_writer(value);
    while (value_of(&place[0]) != UINT64_MAX && value_of(&place[1]) != UINT64_MAX) {
        cr_assert(single_step(writer));
    }
    return writer;
}

Test(latch_death, a_reader_overtaken_by_one_who_stands_still_gets_one_write)
{
    uint64_t value = 1000;
    pid_t reader;
    for (unsigned at = 0; (reader = fork_reader(at, read_one_write)) != 0; at += APART) {
        pid_t writer = fork_writer_to_the_middle(value += 100);
        assert_goes_on(reader);
        kill_and_reap(writer);
    }
}
