/* SPDX-License-Identifier: MIT */
/*
 * Nobody dies: a holder is suspended at an instruction of its unlock, a sleeper comes,
 * the holder goes on for some instructions and is suspended again, others come and go,
 * and then it goes on. Whatever the two instructions are, the sleeper must be woken,
 * without the timer's help.
 *
 * It found: bias plain; suspended before the store; the sleeper revokes the bias, sets
 * its bit and sleeps; the store overwrites the bit; suspended before the second look;
 * somebody locks, sees no sleepers and restores the bias; the second look finds it plain,
 * and wakes nobody.
 */
#include "base/deadline.h"
#include "stepped.h"

enum { FAR = 2000, APART = 12, ROUNDS = 64 };

static hf_segment_t *segment;
static party_t *party;

static int lock_stop_unlock(party_t *p)
{
    int error = hf_mutex_lock(&p->lock);
    if (error != 0 || !trace_me()) {
        return EPROTO;
    }
    stop_here();
    error = hf_mutex_unlock(&p->lock);
    step(p);
    for (;;) {
        error |= pause();
    }
    return error;
}

static void single_steps(pid_t child, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        cr_assert(single_step(child));
    }
}

static int lock_and_unlock(party_t *p)
{
    int error = hf_mutex_lock(&p->lock);
    return error != 0 ? error : hf_mutex_unlock(&p->lock);
}

static bool has_ended(pid_t child)
{
    siginfo_t info = {.si_pid = 0};
    cr_assert_eq(waitid(P_PID, (id_t)child, &info, WEXITED | WNOHANG | WNOWAIT), 0);
    return info.si_pid == child;
}

static void await_asleep_or_ended(pid_t child)
{
    hf_owner_t owner = {.waiters = 0};
    while (!has_ended(child) && (owner.waiters == 0 || !is_asleep(child))) {
        sched_yield();
        assert_ok(hf_mutex_owner(&party->lock, &owner));
    }
}

static void come_and_go(void)
{
    for (int i = 0; i < ROUNDS && hf_mutex_trylock(&party->lock) == 0; i++) {
        assert_ok(hf_mutex_unlock(&party->lock));
    }
}

/* False: the unlock is over before the first suspension. */
static bool suspend_twice(unsigned first, unsigned second)
{
    uint32_t before = party->steps;
    memset(&party->lock, 0, sizeof party->lock);
    pid_t holder = spawn(lock_stop_unlock, party);
    await_stop(holder);
    single_steps(holder, first);
    bool inside = party->steps == before;
    pid_t sleeper = spawn(lock_and_unlock, party);
    await_asleep_or_ended(sleeper);
    single_steps(holder, inside ? second : 0);
    come_and_go();
    cr_assert_eq(ptrace(PTRACE_CONT, holder, NULL, NULL), 0);
    assert_exits(sleeper, 0);
    kill_and_reap(holder);
    return inside;
}

Test(interleave, a_holder_suspended_anywhere_in_unlock_forgets_no_sleeper, .timeout = 300)
{
    party = fresh_party(&segment);
    for (unsigned first = 0; first < FAR; first++) {
        for (unsigned second = 0; second < APART; second++) {
            if (!suspend_twice(first, second)) {
                cr_assert_gt(first, 10, "it was stepped through");
                return;
            }
            cr_assert_eq(rescues(segment), 0, "suspended at %u, then %u", first, second);
        }
    }
}
