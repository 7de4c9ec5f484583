/* SPDX-License-Identifier: MIT */
#include "record.h"

#include <inttypes.h>

#include "common/random.h"
#include "ledger.h"

size_t record_size(unsigned seats)
{
    size_t bytes = sizeof(record_t) + seats * sizeof(uint64_t);
    return (bytes + 63) / 64 * 64;
}

void record_prepare(record_t *r, unsigned object)
{
    r->object = object;
    r->check = stress_mix(0);
}

static bool is_whole(const record_t *r)
{
    return r->by == 0 && r->value == r->copy && r->check == stress_mix(r->value);
}

/* Violations in one record must not bring a new one at each later look at it. */
static void make_whole(record_t *r)
{
    r->by = 0;
    r->copy = r->value;
    r->check = stress_mix(r->value);
}

static void be_inside(worker_t *w, record_t *r)
{
    r->inside = w->life;
    worker_step(w);
}

static void complain_about_company(worker_t *w, const record_t *r, const char *how)
{
    unsigned seat = seat_of(r->inside);
    char text[96] = "nobody that there is";
    if (seat < w->control->seats) {
        grips_text(text, sizeof text, seat,
            atomic_load_explicit(&w->control->seat[seat].grips, memory_order_relaxed));
    }
    violation(w->control,
        "#%u: worker %u %s; life %" PRIu64 " of %s is inside (stopped now: %" PRIu64 ")",
        r->object, w->seat, how, number_of(r->inside), text,
        count_read(&w->control->stopped));
}

/* Everybody is out, and nothing is under way: is that so? */
static void expect_peace(worker_t *w, const record_t *r)
{
    if (r->inside != 0) {
        bool dead =
            seat_of(r->inside) < w->control->seats && is_doomed(w->control, r->inside);
        complain_about_company(
            w, r, dead ? "was not told of a death" : "is a second holder");
    } else if (!is_whole(r)) {
        violation(w->control,
            "#%u: value %" PRIu64 ", copy %" PRIu64 ", change by %" PRIx64
            " under way, but nobody died",
            r->object, r->value, r->copy, r->by);
    }
}

void record_look(worker_t *w, const record_t *r)
{
    expect_peace(w, r);
}

void record_enter(worker_t *w, record_t *r)
{
    expect_peace(w, r);
    if (!is_whole(r)) {
        make_whole(r);
    }
    be_inside(w, r);
}

static bool is_old_or_new(uint64_t found, uint64_t old, uint64_t new)
{
    return found == old || found == new;
}

static bool plan_fits(const control_t *c, const record_t *r)
{
    uint64_t old = r->old_value;
    if (r->by != r->inside || seat_of(r->by) >= c->seats) {
        return false;
    }
    return is_old_or_new(r->value, old, old + 1) &&
           is_old_or_new(r->copy, old, old + 1) &&
           is_old_or_new(r->check, stress_mix(old), stress_mix(old + 1)) &&
           is_old_or_new(r->applied[seat_of(r->by)], r->old_applied, r->old_applied + 1);
}

/* Writes all that the plan is about, in steps; `by` stays. */
static void write_values(worker_t *w, record_t *r, uint64_t value, uint64_t applied)
{
    r->value = value;
    worker_step(w);
    r->copy = value;
    worker_step(w);
    r->check = stress_mix(value);
    worker_step(w);
    r->applied[seat_of(r->by)] = applied;
    worker_step(w);
}

static void settle_change(worker_t *w, record_t *r)
{
    count_up(&w->control->halves);
    if (!plan_fits(w->control, r)) {
        violation(w->control,
            "#%u: value %" PRIu64 ", copy %" PRIu64
            " can't come from a change of %" PRIu64 " by life %" PRIx64
            " (inside: %" PRIx64 ")",
            r->object, r->value, r->copy, r->old_value, r->by, r->inside);
        make_whole(r);
        return;
    }
    uint64_t finish = stress_below(&w->random, 2);
    write_values(w, r, r->old_value + finish, r->old_applied + finish);
    r->by = 0;
    worker_step(w);
}

/* The dead one's last increment may lack its claim. */
static void settle_claim(worker_t *w, record_t *r)
{
    unsigned seat = seat_of(r->inside);
    uint64_t *claim = claim_of(w->control, seat, r->object);
    if (!is_old_or_new(r->applied[seat], *claim, *claim + 1)) {
        violation(w->control,
            "#%u: worker %u claims %" PRIu64 " increments, %" PRIu64 " are there",
            r->object, seat, *claim, r->applied[seat]);
    }
    *claim = r->applied[seat];
    worker_step(w);
}

void record_repair(worker_t *w, record_t *r)
{
    if (r->inside != 0 && seat_of(r->inside) >= w->control->seats) {
        complain_about_company(w, r, "got EOWNERDEAD");
        r->inside = 0;
    }
    if (r->inside != 0 && !is_doomed(w->control, r->inside)) {
        complain_about_company(w, r, "got EOWNERDEAD though the holder is alive");
    }
    if (r->by != 0) {
        settle_change(w, r);
    }
    if (!is_whole(r)) {
        violation(w->control,
            "#%u: value %" PRIu64 ", copy %" PRIu64 " with no change planned", r->object,
            r->value, r->copy);
        make_whole(r);
    }
    if (r->inside != 0) {
        settle_claim(w, r);
    }
    be_inside(w, r);
}

static void plan_change(worker_t *w, record_t *r)
{
    r->old_value = r->value;
    r->old_applied = r->applied[w->seat];
    worker_step(w);
    r->by = w->life;
    worker_step(w);
}

static void expect_alone(worker_t *w, record_t *r)
{
    if (r->inside != w->life) {
        complain_about_company(w, r, "is no longer alone");
        r->inside = w->life;
    }
}

void record_change(worker_t *w, record_t *r)
{
    plan_change(w, r);
    write_values(w, r, r->old_value + 1, r->old_applied + 1);
    expect_alone(w, r);
    r->by = 0;
    worker_step(w);
    *claim_of(w->control, w->seat, r->object) += 1;
    worker_step(w);
    count_own(&w->control->seat[w->seat].changes);
}

void record_change_half(worker_t *w, record_t *r)
{
    plan_change(w, r);
    r->value = r->old_value + 1;
    worker_step(w);
}

void record_exit(worker_t *w, record_t *r)
{
    expect_alone(w, r);
    r->inside = 0;
    worker_step(w);
}

static uint64_t distance(uint64_t a, uint64_t b)
{
    return a > b ? a - b : b - a;
}

void record_audit(worker_t *auditor, record_t *r)
{
    control_t *c = auditor->control;
    uint64_t claimed = 0;
    uint64_t lost = 0;
    for (unsigned seat = 0; seat < c->seats; seat++) {
        claimed += *claim_of(c, seat, r->object);
        lost += distance(*claim_of(c, seat, r->object), r->applied[seat]);
    }
    lost += distance(claimed, r->value);
    if (lost != 0) {
        atomic_fetch_add_explicit(&c->lost, lost, memory_order_relaxed);
        violation(c, "#%u: %" PRIu64 " increments were claimed, the value is %" PRIu64,
            r->object, claimed, r->value);
    }
}
