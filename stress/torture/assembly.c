/* SPDX-License-Identifier: MIT */
#include "assembly.h"

#include "common/random.h"
#include "ledger.h"

static const uint64_t gathering_ns = 20000000u; /* then it begins with those who came */
static const uint64_t longest_ns = 1000000000u;
enum { ASLEEP_BITS = 19, MOMENT_BITS = 17, NOBODY = -1 };

void assembly_create(assembly_t *a, killer_t *killer)
{
    control_t *c = killer->crew->control;
    *a = (assembly_t){.killer = killer, .control = c};
    a->random = stress_mix(c->options.seed + 1);
}

bool assembly_is_on(const assembly_t *a)
{
    return atomic_load_explicit(&a->control->assembly, memory_order_relaxed) != 0;
}

void assembly_call(assembly_t *a, uint64_t now)
{
    control_t *c = a->control;
    if (count_read(&c->stopped) > 0) {
        return;
    }
    a->object = (unsigned)stress_below(&a->random, c->objects);
    a->since_ns = now;
    a->struck = false;
    a->calls++;
    atomic_store_explicit(&c->assembly_go, false, memory_order_relaxed);
    atomic_store_explicit(
        &c->assembly, assembly_word(a->calls, a->object), memory_order_relaxed);
}

void assembly_end(assembly_t *a)
{
    atomic_store_explicit(&a->control->assembly, 0, memory_order_relaxed);
}

static void let_go(assembly_t *a)
{
    atomic_store_explicit(&a->control->assembly_go, true, memory_order_relaxed);
}

static uint32_t grips_of(const assembly_t *a, unsigned seat)
{
    return atomic_load_explicit(&a->control->seat[seat].grips, memory_order_relaxed);
}

static bool is_near(const assembly_t *a, unsigned seat)
{
    for (unsigned g = 0; g < GRIPS; g++) {
        uint32_t grips = grips_of(a, seat);
        if (grip_phase(grips, g) != GRIP_NONE && grip_object(grips, g) == a->object) {
            return true;
        }
    }
    return false;
}

static bool lives(const assembly_t *a, unsigned worker)
{
    const member_t *m = &a->killer->crew->member[worker];
    return m->up && !m->doomed;
}

static unsigned count_near(const assembly_t *a)
{
    unsigned n = 0;
    for (unsigned i = 0; i < a->control->options.processes; i++) {
        n += lives(a, i) && is_near(a, i);
    }
    return n;
}

static unsigned count_living(const assembly_t *a)
{
    unsigned n = 0;
    for (unsigned i = 0; i < a->control->options.processes; i++) {
        n += lives(a, i);
    }
    return n;
}

typedef bool matches_t(uint32_t grips, int object);

static bool repairs(uint32_t grips, int object)
{
    return grips_hold(grips, object) && grips_repair(grips);
}

static int find(assembly_t *a, matches_t *matches)
{
    unsigned workers = a->control->options.processes;
    unsigned first = (unsigned)stress_below(&a->random, workers);
    for (unsigned n = 0; n < workers; n++) {
        unsigned i = (first + n) % workers;
        if (lives(a, i) && matches(grips_of(a, i), (int)a->object)) {
            return (int)i;
        }
    }
    return NOBODY;
}

static void kill_one(assembly_t *a, matches_t *matches, const char *reason)
{
    int i = find(a, matches);
    if (i != NOBODY) {
        killer_kill(a->killer, (unsigned)i, reason);
    }
}

/* A coincidence, rather while the first death is being repaired. */
static void kill_second(assembly_t *a)
{
    uint64_t until = stress_now_ns() + stress_any_scale(&a->random, MOMENT_BITS);
    bool wait_for_repair = stress_one_in(&a->random, 2);
    a->killer->pairs++;
    while (stress_now_ns() < until) {
        if (wait_for_repair && find(a, repairs) != NOBODY) {
            kill_one(a, repairs, "SIGKILL (assembled, repairs)");
            return;
        }
    }
    kill_one(a, grips_want, "SIGKILL (assembled, waits, second of a pair)");
}

static void spin_some(assembly_t *a, unsigned bits)
{
    uint64_t until = stress_now_ns() + stress_any_scale(&a->random, bits);
    while (stress_now_ns() < until) {
    }
}

static void strike_a_waiter(assembly_t *a, bool woken)
{
    if (woken) {
        let_go(a);
        spin_some(a, MOMENT_BITS);
    }
    kill_one(a, grips_want, "SIGKILL (assembled, waits)");
}

static void strike(assembly_t *a)
{
    spin_some(a, ASLEEP_BITS);
    uint64_t n = stress_below(&a->random, 16);
    if (n < 8 || a->control->options.threads) {
        kill_one(a, grips_hold, "death (assembled, holds)");
    } else if (n < 13) {
        strike_a_waiter(a, true);
    } else if (n < 15) {
        strike_a_waiter(a, false);
    } else if (stress_one_in(&a->random, 4)) {
        kill_one(a, grips_hold, "SIGKILL (assembled, holds)");
        kill_second(a);
    }
    let_go(a);
    a->struck = true;
}

void assembly_act(assembly_t *a, uint64_t now)
{
    if (!a->struck) {
        if (count_near(a) == count_living(a) || now - a->since_ns > gathering_ns) {
            strike(a);
        }
    } else if (count_near(a) == 0 || now - a->since_ns > longest_ns) {
        assembly_end(a);
    }
}
