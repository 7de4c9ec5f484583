/* SPDX-License-Identifier: MIT */
/* Readers: what a section has seen stays as it was until the section's end. */
#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

#include "common/random.h"
#include "element.h"

enum { HELD = 3, DEPTH = 4, SLEEP_EVERY = 512, LEAVE_EVERY = 20000, MISUSE_EVERY = 5000 };

typedef struct {
    const element_t *element;
    unsigned place;
    uint64_t version;
    bool spoilt; /* freed or reused: said once */
} sight_t;

typedef struct {
    sight_t sight[HELD];
    unsigned held, depth;
    uint64_t began_ns;
} section_t;

static void lock(member_t *m, section_t *s)
{
    member_expect(m, CALL(m, hf_rcu_read_lock, m->segment), 0, "hf_rcu_read_lock");
    s->depth++;
}

static void unlock(member_t *m, section_t *s)
{
    s->depth--;
    member_expect(m, CALL(m, hf_rcu_read_unlock, m->segment), 0, "hf_rcu_read_unlock");
}

static void check(member_t *m, const section_t *s, sight_t *seen, bool shortly)
{
    if (seen->spoilt) {
        return;
    }
    const char *fault =
        element_fault(m->stage, seen->element, seen->place, seen->version, shortly);
    if (fault != NULL) {
        seen->spoilt = true;
        violation(m->control,
            "reader %u: place %u: version %" PRIu64 " was freed in the section that saw "
            "it, %.3f ms old, depth %u: %s (now version %" PRIu64 " is shown)",
            m->number, seen->place, seen->version,
            (double)(stress_now_ns() - s->began_ns) / 1e6, s->depth, fault,
            count_read(&m->control->shown[seen->place]));
    }
}

static void check_all(member_t *m, section_t *s, bool shortly)
{
    for (unsigned i = 0; i < s->held; i++) {
        check(m, s, &s->sight[i], shortly);
    }
}

static void see(member_t *m, section_t *s)
{
    unsigned place = (unsigned)stress_below(&m->random, PLACES);
    const element_t *e = hf_rcu_dereference(&m->stage->place[place].shown);
    if (e == NULL || s->held == HELD) {
        return;
    }
    sight_t *seen = &s->sight[s->held++];
    *seen = (sight_t){.element = e, .place = place, .version = e->version};
    check(m, s, seen, false);
    if (seen->version < m->newest[place]) {
        violation(m->control, "reader %u: place %u: version %" PRIu64 " after %" PRIu64,
            m->number, place, seen->version, m->newest[place]);
    }
    m->newest[place] = seen->version;
    member_count(m, SEEN);
}

static unsigned scale_of(uint64_t n)
{
    unsigned scale = 0;
    for (; n > 0 && scale < AGES - 1; n >>= 1) {
        scale++;
    }
    return scale;
}

/* How old it is at the section's end. */
static void count_age(member_t *m, const section_t *s, const sight_t *seen)
{
    control_t *c = m->control;
    uint64_t shown = count_read(&c->shown[seen->place]);
    uint64_t entry = count_read(&c->removed[seen->place][seen->version % REMEMBERED]);
    uint32_t generation = (uint32_t)count_read(&c->generation);
    uint64_t replacements = shown > seen->version ? shown - seen->version : 0;
    count_own(&m->seat->by_replacement[scale_of(replacements)]);
    if ((uint32_t)(entry >> 32) != (uint32_t)seen->version) {
        count_own(replacements == 0 ? &m->seat->shown : &m->seat->unknown);
        return;
    }
    uint32_t age = generation - (uint32_t)entry;
    count_own(&m->seat->by_period[age < AGES - 1 ? age : AGES - 1]);
    if (age >= 2) {
        violation(c,
            "reader %u: place %u: version %" PRIu64
            " is in a section, %.3f ms old, and %" PRIu32
            " grace periods have passed since it was removed",
            m->number, seen->place, seen->version,
            (double)(stress_now_ns() - s->began_ns) / 1e6, age);
    }
}

/* A section inside the section; what it saw stays, too. */
static void nest(member_t *m, section_t *s)
{
    member_count(m, NESTED);
    lock(m, s);
    see(m, s);
    member_step(m);
    unlock(m, s);
}

/* In a section: ends without ending it; or leaves the segment, and comes back. */
static void leave(member_t *m, section_t *s)
{
    member_count(m, LEFT);
    if (m->control->options.threads || stress_one_in(&m->random, 2)) {
        member_end(m);
    }
    int error = CALL(m, hf_segment_close, m->segment);
    member_expect(m, error, 0, "hf_segment_close");
    error = CALL(m, hf_segment_open, &m->segment, m->control->segment_name, 0, NULL);
    if (!member_expect(m, error, 0, "hf_segment_open")) {
        member_end(m);
    }
    m->stage = hf_segment_root(m->segment);
    *s = (section_t){.held = 0};
}

static void misuse(member_t *m)
{
    int error = CALL(m, hf_rcu_synchronize, m->segment);
    member_expect(m, error, EDEADLK, "hf_rcu_synchronize in a section");
}

static void dwell(member_t *m, section_t *s)
{
    for (uint64_t n = stress_any_scale(&m->random, 6); n > 0; n--) {
        member_step(m);
        if (stress_one_in(&m->random, 8)) {
            nest(m, s);
        } else if (stress_one_in(&m->random, 8)) {
            see(m, s);
        }
        check_all(m, s, true);
    }
    if (stress_one_in(&m->random, SLEEP_EVERY)) {
        member_count(m, SLEPT);
        usleep((useconds_t)stress_any_scale(&m->random, 15));
    }
}

void reader_work(member_t *m)
{
    section_t s = {.began_ns = stress_now_ns()};
    for (uint64_t n = 1 + stress_below(&m->random, DEPTH - 1); n > 0; n--) {
        lock(m, &s);
    }
    see(m, &s);
    dwell(m, &s);
    if (stress_one_in(&m->random, MISUSE_EVERY)) {
        misuse(m);
    }
    if (stress_one_in(&m->random, LEAVE_EVERY)) {
        leave(m, &s);
    }
    while (s.depth > 1) {
        unlock(m, &s);
        member_step(m);
    }
    check_all(m, &s, false);
    for (unsigned i = 0; i < s.held; i++) {
        count_age(m, &s, &s.sight[i]);
    }
    if (s.depth > 0) {
        unlock(m, &s);
    }
    member_count(m, SECTIONS);
}
