/* SPDX-License-Identifier: MIT */
#include "ledger.h"

#include <stdio.h>

#include "common/random.h"

static const uint64_t no_time = UINT64_MAX;

bool grips_hold(uint32_t grips, int object)
{
    for (unsigned i = 0; i < GRIPS; i++) {
        if (grip_keeps(grip_phase(grips, i)) &&
            (object < 0 || grip_object(grips, i) == (unsigned)object)) {
            return true;
        }
    }
    return false;
}

bool grips_sure(uint32_t grips, int object)
{
    for (unsigned i = 0; i < GRIPS; i++) {
        if (grip_is_sure(grip_phase(grips, i)) &&
            grip_object(grips, i) == (unsigned)object) {
            return true;
        }
    }
    return false;
}

bool grips_repair(uint32_t grips)
{
    for (unsigned i = 0; i < GRIPS; i++) {
        if (grip_phase(grips, i) == GRIP_REPAIRS) {
            return true;
        }
    }
    return false;
}

bool grips_want(uint32_t grips, int object)
{
    for (unsigned i = 0; i < GRIPS; i++) {
        if (grip_phase(grips, i) == GRIP_WANTS &&
            (object < 0 || grip_object(grips, i) == (unsigned)object)) {
            return true;
        }
    }
    return false;
}

void grip_set(seat_t *seat, unsigned which, unsigned object, grip_t phase)
{
    uint32_t mine = (uint32_t)object << GRIP_PHASE_BITS | (uint32_t)phase;
    uint32_t grips = atomic_load_explicit(&seat->grips, memory_order_relaxed);
    grips &= ~(0xffffu << (which * GRIP_BITS));
    grips |= mine << (which * GRIP_BITS);
    /* Relaxed: read when we are dead, or as a hint. The fences keep the compiler in
     * order. */
    atomic_signal_fence(memory_order_seq_cst);
    atomic_store_explicit(&seat->grips, grips, memory_order_relaxed);
    atomic_signal_fence(memory_order_seq_cst);
}

/* First "possible", then as WANTS, then "sure": cut off anywhere and done again,
 * `possible` may be too large and `sure` too small, which accuses nobody. */
void account_death(control_t *c, unsigned seat_index)
{
    seat_t *seat = &c->seat[seat_index];
    uint32_t grips = atomic_load_explicit(&seat->grips, memory_order_relaxed);
    for (unsigned i = 0; i < GRIPS; i++) {
        grip_t phase = grip_phase(grips, i);
        if (phase != GRIP_NONE && phase != GRIP_SHARES) {
            count_up(&c->object[grip_object(grips, i)].possible);
        }
    }
    for (unsigned i = 0; i < GRIPS; i++) {
        grip_t phase = grip_phase(grips, i);
        if (grip_is_sure(phase)) {
            grip_set(seat, i, grip_object(grips, i), GRIP_WANTS);
            count_up(&c->object[grip_object(grips, i)].sure);
        }
        if (phase == GRIP_REPAIRS) {
            count_up(&c->repairs_cut);
        }
    }
    atomic_store_explicit(&seat->grips, 0, memory_order_relaxed);
}

void doom(seat_t *seat, uint64_t number)
{
    uint64_t old = count_read(&seat->doomed);
    while (old < number && !atomic_compare_exchange_weak_explicit(&seat->doomed, &old,
                               number, memory_order_relaxed, memory_order_relaxed)) {
    }
}

void doom_timed(control_t *c, seat_t *seat, uint64_t number, uint64_t up_to)
{
    uint64_t stops = count_read(&c->stop_changes);
    bool stopped = count_read(&c->stopped) > 0;
    atomic_store_explicit(&seat->killed_number, 0, memory_order_relaxed);
    atomic_store_explicit(
        &seat->killed_stops, stopped ? no_time : stops, memory_order_relaxed);
    uint64_t kills = 1 + atomic_fetch_add_explicit(&c->kills, 1, memory_order_relaxed);
    atomic_store_explicit(&seat->killed_kills, kills, memory_order_relaxed);
    doom(seat, up_to);
    atomic_store_explicit(&seat->killed_ns, stress_now_ns(), memory_order_relaxed);
    atomic_store_explicit(&seat->killed_number, number, memory_order_relaxed);
}

/* A recovery beside a stop is not timed: we ourselves may have been the one that stood.
 */
void account_recovery(control_t *c, life_t dead, unsigned by)
{
    uint64_t now = stress_now_ns();
    const seat_t *seat = &c->seat[seat_of(dead)];
    uint64_t killed = count_read(&seat->killed_ns);
    uint64_t kills = count_read(&seat->killed_kills);
    uint64_t stops = count_read(&seat->killed_stops);
    if (count_read(&seat->killed_number) != number_of(dead) ||
        stops != count_read(&c->stop_changes)) {
        return;
    }
    uint64_t began = count_read(&c->seat[by].call_began);
    uint64_t from = killed > began ? killed : began;
    if (from < now) {
        bool alone = kills == count_read(&c->kills);
        stress_histogram_add(alone ? &c->alone : &c->crowded, now - from);
    }
}

const char *grips_text(char *text, size_t size, unsigned seat, uint32_t grips)
{
    static const char *const name[] = {
        "", "wants", "holds", "repairs", "yields", "shares"};
    size_t used = (size_t)snprintf(text, size, "worker %u", seat);
    for (unsigned i = 0; i < GRIPS && used < size; i++) {
        grip_t phase = grip_phase(grips, i);
        if (phase != GRIP_NONE && phase <= GRIP_SHARES) {
            used += (size_t)snprintf(
                text + used, size - used, " %s #%u", name[phase], grip_object(grips, i));
        }
    }
    return text;
}

tally_sum_t tally_sum(const control_t *c, unsigned object, tally_column_t column)
{
    uint64_t begun = 0, done = 0;
    for (unsigned seat = 0; seat < c->seats; seat++) {
        const tally_t *t = tally_of(c, seat, object, column);
        done += count_read(&t->done);
        begun += count_read(&t->begun);
    }
    return (tally_sum_t){.begun = begun, .done = done};
}

uint64_t tally_undecided(const control_t *c, unsigned object)
{
    uint64_t undecided = 0;
    for (unsigned column = 0; column < TALLIES; column++) {
        tally_sum_t sum = tally_sum(c, object, (tally_column_t)column);
        undecided += sum.begun - sum.done;
    }
    return undecided;
}

void ledger_audit(control_t *c)
{
    for (unsigned i = 0; i < c->objects; i++) {
        uint64_t recoveries = count_read(&c->object[i].recoveries);
        uint64_t sure = count_read(&c->object[i].sure);
        uint64_t possible = count_read(&c->object[i].possible);
        if (recoveries < sure) {
            violation(c, "#%u: %llu holders died, but EOWNERDEAD was returned %llu times",
                i, (unsigned long long)sure, (unsigned long long)recoveries);
        }
        if (recoveries > possible) {
            violation(c,
                "#%u: EOWNERDEAD was returned %llu times for %llu deaths at most", i,
                (unsigned long long)recoveries, (unsigned long long)possible);
        }
        uint64_t cut = count_read(&c->object[i].cut);
        if (tally_undecided(c, i) > cut) {
            violation(c, "#%u: %llu calls never ended, but %llu were killed", i,
                (unsigned long long)tally_undecided(c, i), (unsigned long long)cut);
        }
    }
}
