/* SPDX-License-Identifier: MIT */
/*
 * Nobody dies: a waker is suspended at an instruction of its call. One who said before
 * that it would sleep, on the value that it saw then, comes to it only now. The waker
 * goes on. Whatever the instruction is: if that one sleeps, there is nothing for it, and
 * the next wake finds it.
 *
 * It found: a poster looks whether anybody sleeps, and nobody does; the other one falls
 * asleep, for there are no tokens yet; the poster adds one, and takes the sleepers' flag
 * away.
 */
#include "base/atomics.h"
#include "base/deadline.h"
#include "crowd.h"
#include "platform/platform.h"
#include "stepped.h"

enum { FAR = 2000, TURNS = 32 };

typedef struct {
    party_t party;
    union {
        uint64_t word;
        hf_sem_t sem;
        hf_cond_t cond;
        hf_event_t event;
    } queue;
} room_t;

static hf_segment_t *segment;
static room_t *room;

/* A kind of queue: how to wake one, to use up what was given, and what says that there
 * was somebody. */
struct kind {
    const char *name;
    int (*wake)(void);
    int (*use_up)(void);
    uint64_t announced;
    uint32_t given; /* bits of the value that say that there is something to take */
};

static const struct kind *kind;

static int post(void)
{
    return hf_sem_post(&room->queue.sem);
}

static int take(void)
{
    return hf_sem_trywait(&room->queue.sem);
}

static int signal_one(void)
{
    return hf_cond_signal(&room->queue.cond);
}

static int nothing(void)
{
    return 0;
}

static int set(void)
{
    return hf_event_set(&room->queue.event);
}

static int reset(void)
{
    return hf_event_reset(&room->queue.event);
}

static const struct kind kinds[] = {
    {"semaphore", post, take, UINT64_C(1) << 31, HF_SEM_VALUE_MAX},
    {"condition variable", signal_one, nothing, UINT64_C(1) << 32, 0},
    {"event", set, reset, UINT64_C(1) << 32, 1},
};

static void announce(void)
{
    uint64_t w = hfi_load64_relaxed(&room->queue.word);
    hfi_store64_relaxed(&room->queue.word, w | kind->announced);
}

/* Every so many wakes of a thread take their time: the last one here does. */
static int wake_suspended(party_t *p)
{
    int error = 0;
    for (int turn = 1; error == 0 && turn < TURNS; turn++) {
        announce();
        error = kind->wake();
        error = error == 0 ? kind->use_up() : error;
    }
    announce();
    if (error != 0 || !trace_me()) {
        return EPROTO;
    }
    step(p);
    stop_here();
    error = kind->wake();
    step(p);
    for (;;) {
        error |= pause();
    }
    return error;
}

static uint32_t asleep_on;

static int sleep_at_last(party_t *p)
{
    (void)p;
    struct hfi_watch value = {
        .word = hfi_low_half(&room->queue.word), .expected = asleep_on};
    return hfi_sleep(&value, 1, HFI_NEVER);
}

static bool has_ended(pid_t child)
{
    siginfo_t info = {.si_pid = 0};
    cr_assert_eq(waitid(P_PID, (id_t)child, &info, WEXITED | WNOHANG | WNOWAIT), 0);
    return info.si_pid == child;
}

static void await_asleep_or_ended(pid_t child)
{
    while (!has_ended(child) && !is_asleep(child)) {
        sched_yield();
    }
}

/* False: the wake is over before the suspension. */
static bool suspend_once(unsigned at)
{
    memset(&room->queue, 0, sizeof room->queue);
    room->party.steps = 0;
    pid_t waker = spawn(wake_suspended, &room->party);
    await_stop(waker);
    asleep_on = *hfi_low_half(&room->queue.word);
    for (unsigned i = 0; i < at; i++) {
        cr_assert(single_step(waker));
    }
    bool inside = room->party.steps == 1;
    pid_t sleeper = spawn(sleep_at_last, &room->party);
    await_asleep_or_ended(sleeper);
    cr_assert_eq(ptrace(PTRACE_CONT, waker, NULL, NULL), 0);
    await_steps(&room->party, 2);
    await_asleep_or_ended(sleeper);
    if (!has_ended(sleeper)) {
        uint64_t w = hfi_load64_relaxed(&room->queue.word);
        cr_assert_eq((uint32_t)w & kind->given, 0, "%s, %u: it sleeps, beside a gift",
            kind->name, at);
        cr_assert_neq(w & kind->announced, 0, "%s, %u: it sleeps, and nobody knows",
            kind->name, at);
        assert_ok(kind->wake());
    }
    assert_exits(sleeper, 0);
    kill_and_reap(waker);
    return inside;
}

static void suspend_everywhere(void)
{
    unsigned at = 0;
    segment = open_fresh(sizeof *room, 0);
    room = hf_segment_root(segment);
    while (at < FAR && suspend_once(at)) {
        at += EACH;
    }
    cr_assert(at > 10 && at < FAR, "it was stepped through");
}

Test(queue, a_poster_suspended_anywhere_forgets_nobody, .timeout = 120)
{
    kind = &kinds[0];
    suspend_everywhere();
}

Test(queue, a_signaller_suspended_anywhere_forgets_nobody, .timeout = 120)
{
    kind = &kinds[1];
    suspend_everywhere();
}

Test(queue, a_setter_suspended_anywhere_forgets_nobody, .timeout = 120)
{
    kind = &kinds[2];
    suspend_everywhere();
}

Test(queue, that_nobody_sleeps_is_noticed)
{
    kind = &kinds[0];
    room = hf_segment_root(open_fresh(sizeof *room, 0));
    for (int turn = 0; turn < TURNS; turn++) {
        announce();
        assert_ok(post());
        assert_ok(take());
    }
    cr_assert_eq((uint32_t)room->queue.word, 0);
}
