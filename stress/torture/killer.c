/* SPDX-License-Identifier: MIT */
#include "killer.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>

#include "common/random.h"
#include "ledger.h"

static const uint64_t aim_ns = 1000000u;       /* how long to wait for a good moment */
static const uint64_t backlog_ns = 200000000u; /* kills overdue by more are dropped */
static const double stop_interval_ns = 1.5e9;
static const uint64_t shortest_stop_ms = 20;
static const uint64_t longest_stop_ms = 900;
enum { PAIR_EVERY = 32, ASSEMBLY_EVERY = 4, MOST_STOPPED = 2, NOBODY = -1 };

static uint64_t exponential(killer_t *k, double mean_ns)
{
    double u = (double)(1 + stress_below(&k->random, 1u << 30)) / (double)(1u << 30);
    return (uint64_t)(-log(u) * mean_ns);
}

static unsigned workers(const killer_t *k)
{
    return k->crew->control->options.processes;
}

int killer_create(killer_t *k, crew_t *crew, watch_t *watch)
{
    *k = (killer_t){.crew = crew, .watch = watch};
    k->stop = calloc(crew->control->options.processes, sizeof *k->stop);
    k->random = stress_mix(crew->control->options.seed);
    double rate = crew->control->options.kill_rate;
    uint64_t now = stress_now_ns();
    k->next_kill_ns = rate > 0 ? now + exponential(k, 1e9 / rate) : UINT64_MAX;
    k->next_stop_ns = crew->control->options.threads
                          ? UINT64_MAX
                          : now + exponential(k, stop_interval_ns);
    return k->stop ? 0 : ENOMEM;
}

static void spin_ns(uint64_t ns)
{
    uint64_t until = stress_now_ns() + ns;
    while (stress_now_ns() < until) {
    }
}

static bool can_die(const killer_t *k, unsigned i)
{
    const member_t *m = &k->crew->member[i];
    return m->up && !m->doomed;
}

static uint32_t grips_of(const killer_t *k, unsigned i)
{
    return atomic_load_explicit(&k->crew->control->seat[i].grips, memory_order_relaxed);
}

static int aim_at_anyone(killer_t *k)
{
    unsigned first = (unsigned)stress_below(&k->random, workers(k));
    for (unsigned n = 0; n < workers(k); n++) {
        unsigned i = (first + n) % workers(k);
        if (can_die(k, i)) {
            return (int)i;
        }
    }
    return NOBODY;
}

static int aim_at_caller(killer_t *k)
{
    int i = aim_at_anyone(k);
    if (i == NOBODY) {
        return i;
    }
    const seat_t *seat = &k->crew->control->seat[i];
    uint64_t before = count_read(&seat->call);
    uint64_t until = stress_now_ns() + aim_ns;
    while (stress_now_ns() < until) {
        uint64_t call = count_read(&seat->call);
        if (call != before && call % 2 == 1) {
            break;
        }
    }
    spin_ns(stress_any_scale(&k->random, 15));
    return i;
}

static bool is_wanted(const killer_t *k, unsigned object)
{
    for (unsigned i = 0; i < workers(k); i++) {
        if (can_die(k, i) && grips_want(grips_of(k, i), (int)object)) {
            return true;
        }
    }
    return false;
}

static bool holds_what_is_wanted(const killer_t *k, unsigned i)
{
    uint32_t grips = grips_of(k, i);
    for (unsigned g = 0; g < GRIPS; g++) {
        if (grip_keeps(grip_phase(grips, g)) && is_wanted(k, grip_object(grips, g))) {
            return true;
        }
    }
    return false;
}

static int find_holder(killer_t *k)
{
    int any = NOBODY;
    unsigned first = (unsigned)stress_below(&k->random, workers(k));
    for (unsigned n = 0; n < workers(k); n++) {
        unsigned i = (first + n) % workers(k);
        if (can_die(k, i) && grips_hold(grips_of(k, i), -1)) {
            if (holds_what_is_wanted(k, i)) {
                return (int)i;
            }
            any = (int)i;
        }
    }
    return any;
}

static int aim_at_holder(killer_t *k)
{
    uint64_t until = stress_now_ns() + aim_ns;
    int i = NOBODY;
    while (i == NOBODY && stress_now_ns() < until) {
        i = find_holder(k);
    }
    return i != NOBODY ? i : aim_at_anyone(k);
}

static int find_waiter(const killer_t *k, int object)
{
    for (unsigned i = 0; i < workers(k); i++) {
        if (can_die(k, i) && grips_want(grips_of(k, i), object)) {
            return (int)i;
        }
    }
    return NOBODY;
}

static int aim_at_woken(killer_t *k)
{
    int holder = aim_at_holder(k);
    if (holder == NOBODY) {
        return holder;
    }
    uint32_t grips = grips_of(k, (unsigned)holder);
    int object = (int)grip_object(grips, 0);
    int waiter = find_waiter(k, object);
    if (waiter == NOBODY || !grips_hold(grips, object)) {
        return holder;
    }
    uint64_t until = stress_now_ns() + aim_ns;
    while (grips_hold(grips_of(k, (unsigned)holder), object) && stress_now_ns() < until) {
    }
    spin_ns(stress_any_scale(&k->random, 16));
    return waiter;
}

static int aim(killer_t *k)
{
    uint64_t n = stress_below(&k->random, 10);
    if (k->crew->control->options.threads || n < 2) {
        return aim_at_anyone(k);
    }
    return n < 5 ? aim_at_caller(k) : n < 8 ? aim_at_holder(k) : aim_at_woken(k);
}

static void end_stop(killer_t *k, unsigned i)
{
    control_t *c = k->crew->control;
    k->stop[i] = (stop_t){0};
    k->crew->member[i].stopped = false;
    count_up(&c->stop_changes);
    atomic_fetch_sub_explicit(&c->stopped, 1, memory_order_relaxed);
}

static void kill_process(killer_t *k, unsigned i)
{
    control_t *c = k->crew->control;
    seat_t *seat = &c->seat[i];
    uint64_t number = count_read(&seat->number);
    uint64_t last = number | LAST_LIFE;
    doom(&c->seat[child_seat(c, i)], last);
    doom_timed(c, seat, number, last);
    kill(k->crew->member[i].pid, SIGKILL);
    if (k->crew->member[i].stopped) {
        end_stop(k, i);
    }
}

void killer_kill(killer_t *k, unsigned i, const char *reason)
{
    k->crew->member[i].doomed = true;
    watch_note(k->watch, reason, i);
    if (k->crew->control->options.threads) {
        atomic_store_explicit(&k->crew->control->seat[i].sentence,
            (uint32_t)stress_any_scale(&k->random, 7), memory_order_relaxed);
    } else {
        kill_process(k, i);
    }
}

/* Who repairs what the last kill left behind; else a holder. */
static int aim_at_repairer(killer_t *k)
{
    uint64_t until = stress_now_ns() + aim_ns;
    while (stress_now_ns() < until) {
        for (unsigned i = 0; i < workers(k); i++) {
            if (can_die(k, i) && grips_repair(grips_of(k, i))) {
                return (int)i;
            }
        }
    }
    return aim_at_holder(k);
}

/* Shortly after the first. */
static int aim_at_second(killer_t *k)
{
    if (stress_one_in(&k->random, 2)) {
        return aim_at_repairer(k);
    }
    spin_ns(stress_any_scale(&k->random, 20));
    return stress_one_in(&k->random, 2) ? aim_at_holder(k) : aim_at_anyone(k);
}

static void kill_somebody(killer_t *k)
{
    if (stress_one_in(&k->random, ASSEMBLY_EVERY)) {
        k->wants_assembly = true;
        return;
    }
    int i = aim(k);
    if (i == NOBODY) {
        return;
    }
    bool threads = k->crew->control->options.threads;
    bool stopped = k->crew->member[i].stopped;
    killer_kill(k, (unsigned)i,
        threads   ? "order to end"
        : stopped ? "SIGKILL (while stopped)"
                  : "SIGKILL");
    if (threads || !stress_one_in(&k->random, PAIR_EVERY)) {
        return;
    }
    int second = aim_at_second(k);
    if (second != NOBODY) {
        k->pairs++;
        killer_kill(k, (unsigned)second, "SIGKILL (second of a pair)");
    }
}

static void stop_somebody(killer_t *k, uint64_t now)
{
    control_t *c = k->crew->control;
    int i = stress_below(&k->random, 10) < 7 ? aim_at_holder(k) : aim_at_anyone(k);
    if (i == NOBODY || k->crew->member[i].stopped ||
        count_read(&c->stopped) >= MOST_STOPPED) {
        return;
    }
    uint64_t span = longest_stop_ms - shortest_stop_ms;
    uint64_t ms = shortest_stop_ms + stress_below(&k->random, span + 1);
    k->stop[i] = (stop_t){.until_ns = now + ms * 1000000};
    k->crew->member[i].stopped = true;
    k->stops++;
    watch_note(k->watch, "SIGSTOP", (unsigned)i);
    count_up(&c->stopped);
    count_up(&c->stop_changes);
    kill(k->crew->member[i].pid, SIGSTOP);
}

/* It stands still now: what it holds can be read, and no other can have it until it goes
 * on. Unless it was about to leave the segment with that in hand, and may have left. */
void killer_saw_stop(killer_t *k, unsigned i)
{
    stop_t *s = &k->stop[i];
    const seat_t *seat = &k->crew->control->seat[i];
    if (s->until_ns == 0 || count_read(&seat->doomed) >= count_read(&seat->number)) {
        return;
    }
    s->seen = true;
    s->grips = grips_of(k, i);
    k->stops_of_holders += grips_hold(s->grips, -1);
    for (unsigned g = 0; g < GRIPS; g++) {
        s->entries[g] =
            count_read(&k->crew->control->object[grip_object(s->grips, g)].entries);
    }
}

static void check_stopped_holder(killer_t *k, unsigned i)
{
    control_t *c = k->crew->control;
    const stop_t *s = &k->stop[i];
    for (unsigned g = 0; s->seen && g < GRIPS; g++) {
        unsigned object = grip_object(s->grips, g);
        if (grip_keeps(grip_phase(s->grips, g)) &&
            count_read(&c->object[object].entries) != s->entries[g]) {
            violation(c, "#%u: changed hands while worker %u, its holder, was stopped",
                object, i);
        }
    }
}

static void go_on(killer_t *k, unsigned i)
{
    check_stopped_holder(k, i);
    watch_note(k->watch, "SIGCONT", i);
    kill(k->crew->member[i].pid, SIGCONT);
    end_stop(k, i);
}

void killer_saw_end(killer_t *k, unsigned i)
{
    if (k->stop[i].until_ns != 0) {
        end_stop(k, i);
    }
}

void killer_release(killer_t *k)
{
    for (unsigned i = 0; i < workers(k); i++) {
        if (k->stop[i].until_ns != 0) {
            go_on(k, i);
        }
    }
}

void killer_act(killer_t *k, uint64_t now)
{
    for (unsigned i = 0; i < workers(k); i++) {
        if (k->stop[i].until_ns != 0 && k->stop[i].until_ns <= now) {
            go_on(k, i);
        }
    }
    if (k->next_kill_ns <= now) {
        kill_somebody(k);
        uint64_t next =
            k->next_kill_ns + exponential(k, 1e9 / k->crew->control->options.kill_rate);
        k->next_kill_ns = next + backlog_ns < now ? now : next;
    }
    if (k->next_stop_ns <= now) {
        stop_somebody(k, now);
        k->next_stop_ns = now + exponential(k, stop_interval_ns);
    }
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

uint64_t killer_next_ns(const killer_t *k)
{
    uint64_t next = least(k->next_kill_ns, k->next_stop_ns);
    for (unsigned i = 0; i < workers(k); i++) {
        if (k->stop[i].until_ns != 0) {
            next = least(next, k->stop[i].until_ns);
        }
    }
    return next;
}
