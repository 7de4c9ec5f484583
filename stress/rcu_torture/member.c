/* SPDX-License-Identifier: MIT */
#include "member.h"

#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include "common/random.h"

void member_begin(member_t *m, control_t *c, unsigned seat, hf_segment_t *segment)
{
    *m = (member_t){.control = c,
        .segment = segment,
        .stage = hf_segment_root(segment),
        .seat = &c->seat[seat],
        .number = seat};
    m->random = stress_mix(c->options.seed ^ stress_mix(count_read(&m->seat->life)));
}

void member_work(member_t *m)
{
    static void (*const work[ROLES])(member_t *) = {
        reader_work, updater_work, retirer_work, synchronizer_work};
    while (!atomic_load_explicit(&m->control->finish, memory_order_relaxed)) {
        work[role_of(m->number)](m);
    }
}

_Noreturn void member_end(member_t *m)
{
    if (m->control->options.threads) {
        atomic_store_explicit(&m->seat->ended, true, memory_order_relaxed);
        pthread_exit(NULL);
    }
    _exit(0);
}

static void dawdle(member_t *m)
{
    if (stress_one_in(&m->random, 16)) {
        sched_yield();
        return;
    }
    for (uint64_t n = stress_any_scale(&m->random, 12); n > 0; n--) {
        atomic_signal_fence(memory_order_seq_cst);
    }
}

void member_step(member_t *m)
{
    atomic_signal_fence(memory_order_seq_cst);
    if (m->control->options.threads) {
        if (m->steps_left == 0) {
            m->steps_left =
                atomic_load_explicit(&m->seat->sentence, memory_order_relaxed);
        }
        if (m->steps_left > 0 && --m->steps_left == 0) {
            member_end(m);
        }
    }
    if (stress_one_in(&m->random, 4)) {
        dawdle(m);
    }
}

void member_call(member_t *m, const char *call)
{
    atomic_store_explicit(&m->seat->call_name, call, memory_order_relaxed);
    count_own(&m->seat->call);
    atomic_signal_fence(memory_order_seq_cst);
}

int member_called(member_t *m, int error)
{
    atomic_signal_fence(memory_order_seq_cst);
    count_own(&m->seat->call);
    return error;
}

bool member_expect(member_t *m, int error, int expected, const char *call)
{
    if (error != expected) {
        violation(m->control, "member %u: %s returned %s where %s was due", m->number,
            call, stress_error_name(error), stress_error_name(expected));
    }
    return error == expected;
}
