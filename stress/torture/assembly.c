/* SPDX-License-Identifier: MIT */
#include "assembly.h"

#include "common/random.h"
#include "kinds.h"
#include "ledger.h"

static const uint64_t gathering_ns = 20000000u; /* then it begins with those who came */
static const uint64_t repair_ns = 1000000u; /* within this somebody begins to repair */
static const uint64_t settled_ns =
    1000000u; /* then who was woken has gone to sleep again */
static const uint64_t told_ns = 300000000u; /* the back-stop has rung by then */
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
    a->object = kinds_any_object(c, &a->random);
    a->since_ns = now;
    a->struck = false;
    a->hears = 0;
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

static void hold_back(assembly_t *a)
{
    atomic_store_explicit(&a->control->assembly_go, false, memory_order_relaxed);
}

static uint32_t grips_of(const assembly_t *a, unsigned seat)
{
    return atomic_load_explicit(&a->control->seat[seat].grips, memory_order_relaxed);
}

static bool is_near(const assembly_t *a, unsigned seat)
{
    const control_t *c = a->control;
    return atomic_load_explicit(&c->seat[seat].attending, memory_order_relaxed) ==
           atomic_load_explicit(&c->assembly, memory_order_relaxed);
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

/* Not those who lack company, or somebody to give. */
static unsigned count_busy(const assembly_t *a)
{
    unsigned n = 0;
    for (unsigned i = 0; i < a->control->options.processes; i++) {
        n += lives(a, i) && is_near(a, i) && !a->killer->watch->sight[i].idle;
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

static bool waits(uint32_t grips, int object)
{
    (void)object; /* or the next one */
    return grips_want(grips, -1);
}

static int find(assembly_t *a, matches_t *matches)
{
    unsigned workers = a->control->options.processes;
    unsigned first = (unsigned)stress_below(&a->random, workers);
    for (unsigned n = 0; n < workers; n++) {
        unsigned i = (first + n) % workers;
        if (lives(a, i) && is_near(a, i) && matches(grips_of(a, i), (int)a->object)) {
            return (int)i;
        }
    }
    return NOBODY;
}

static bool kill_one(assembly_t *a, matches_t *matches, const char *reason)
{
    int i = find(a, matches);
    if (i != NOBODY) {
        killer_kill(a->killer, (unsigned)i, reason);
    }
    return i != NOBODY;
}

static uint64_t recoveries(const assembly_t *a)
{
    const control_t *c = a->control;
    bool two = a->object + 1 < c->objects;
    return count_read(&c->object[a->object].recoveries) +
           (two ? count_read(&c->object[a->object + 1].recoveries) : 0);
}

/* False: nobody holds it. */
static bool kill_holder(assembly_t *a, const char *reason)
{
    int i = find(a, grips_hold);
    if (i == NOBODY) {
        return false;
    }
    bool is_sure = grips_sure(grips_of(a, (unsigned)i), (int)a->object);
    a->recovered = recoveries(a);
    killer_kill(a->killer, (unsigned)i, reason);
    if (is_sure && find(a, waits) != NOBODY) {
        a->hears = stress_now_ns() + told_ns;
    }
    return true;
}

static void spin_ns(uint64_t ns)
{
    uint64_t until = stress_now_ns() + ns;
    while (stress_now_ns() < until) {
    }
}

static void spin_some(assembly_t *a, unsigned bits)
{
    spin_ns(stress_any_scale(&a->random, bits));
}

/* The one that the first death woke, before it can tell the others. */
static void kill_second(assembly_t *a)
{
    spin_some(a, MOMENT_BITS);
    a->killer->pairs++;
    kill_one(a, waits, "SIGKILL (assembled, waits, second of a pair)");
}

/* No coincidence: the others know already that the first one is dead. */
static void kill_repairer(assembly_t *a, uint64_t after_ns)
{
    uint64_t until = stress_now_ns() + repair_ns;
    while (stress_now_ns() < until) {
        if (find(a, repairs) != NOBODY) {
            spin_ns(after_ns);
            kill_one(a, repairs, "SIGKILL (assembled, repairs)");
            return;
        }
    }
}

/*
 * The first holder gives it back, which wakes some of the sleepers; the next holder dies,
 * then the one that recovers. The deaths may lie as far apart as one likes: who was not
 * woken by the first holder still watches that one, so who wakes it when the last one
 * dies?
 */
static void kill_in_turn(assembly_t *a)
{
    let_go(a);
    spin_some(a, MOMENT_BITS);
    hold_back(a);
    spin_ns(settled_ns);
    a->killer->pairs++;
    kill_one(a, grips_hold, "SIGKILL (assembled, holds after another)");
    kill_repairer(a, settled_ns);
}

/* Wakes go to the first in the queue: who has waited longest. */
static void kill_first_waiter(assembly_t *a)
{
    const control_t *c = a->control;
    int first = find(a, waits);
    for (unsigned i = 0; first != NOBODY && i < c->options.processes; i++) {
        if (lives(a, i) && is_near(a, i) && waits(grips_of(a, i), 0) &&
            count_read(&c->seat[i].call_began) < count_read(&c->seat[first].call_began)) {
            first = (int)i;
        }
    }
    if (first != NOBODY) {
        killer_kill(a->killer, (unsigned)first, "SIGKILL (assembled, waits first)");
    }
}

/* A dying one, asleep or not, may be given the wake that another needs. */
static void strike_a_waiter(assembly_t *a)
{
    if (stress_one_in(&a->random, 2)) {
        let_go(a);
        spin_some(a, MOMENT_BITS);
    }
    if (stress_one_in(&a->random, 4)) {
        kill_one(a, waits, "SIGKILL (assembled, waits)");
    } else {
        kill_first_waiter(a);
    }
}

/* Not all can be held. */
static void strike_by_chance(assembly_t *a)
{
    uint64_t n = stress_below(&a->random, 16);
    if (n >= 10 || !kill_holder(a, "SIGKILL (assembled, holds)")) {
        strike_a_waiter(a);
    } else if (n >= 5) {
        kill_repairer(a, 0);
    }
}

static void strike_twice(assembly_t *a)
{
    if (stress_one_in(&a->random, 2)) {
        kill_in_turn(a);
    } else {
        kill_one(a, grips_hold, "SIGKILL (assembled, holds)");
        kill_second(a);
    }
}

static void strike(assembly_t *a)
{
    const torture_options_t *options = &a->control->options;
    spin_some(a, ASLEEP_BITS);
    if (options->threads) {
        kill_one(a, grips_hold, "order to end (assembled, holds)");
    } else if (stress_below(&a->random, 100) < options->coincide) {
        strike_twice(a);
    } else {
        strike_by_chance(a);
    }
    if (a->hears == 0) {
        let_go(a);
    }
    a->struck = true;
}

static void let_go_when_told(assembly_t *a, uint64_t now)
{
    if (a->hears != 0 && (now > a->hears || recoveries(a) > a->recovered)) {
        a->hears = 0;
        let_go(a);
    }
}

void assembly_act(assembly_t *a, uint64_t now)
{
    let_go_when_told(a, now);
    if (!a->struck) {
        if (count_near(a) == count_living(a) || now - a->since_ns > gathering_ns) {
            strike(a);
        }
    } else if (count_busy(a) == 0 || now - a->since_ns > longest_ns) {
        assembly_end(a);
    }
}
