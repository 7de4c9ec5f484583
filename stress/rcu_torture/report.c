/* SPDX-License-Identifier: MIT */
#include "report.h"

#include <inttypes.h>
#include <stdio.h>

enum { KILLS_PER_RESCUE = 10000, TEXT = 32 };

/* The sum over all seats of the counter that stands at this offset of a seat. */
static uint64_t sum_at(const control_t *c, size_t offset)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < c->options.members; i++) {
        const char *seat = (const char *)&c->seat[i];
        sum += count_read((const _Atomic uint64_t *)(const void *)(seat + offset));
    }
    return sum;
}

static uint64_t sum_of(const control_t *c, counter_t what)
{
    return sum_at(c, offsetof(seat_t, counted) + (size_t)what * sizeof(uint64_t));
}

void report_header(const crew_t *crew)
{
    static const char *const roles[] = {
        "readers", "updaters", "retirers", "synchronizers"};
    const options_t *o = &crew->control->options;
    printf("rcu_torture: %u %s:", o->members,
        o->threads ? "threads of one process" : "processes");
    for (unsigned role = 0; role < ROLES; role++) {
        unsigned count = 0;
        for (unsigned i = 0; i < o->members; i++) {
            count += role_of(i) == role;
        }
        printf(" %u %s,", count, roles[role]);
    }
    if (!o->threads && !crew->children.namespaces) {
        printf(" (PID namespaces of their own are not permitted here)");
    }
    printf(" %u without membarrier, %g %s/s, ", o->without_membarrier, o->kill_rate,
        o->threads ? "thread ends" : "kills");
    if (o->kills != 0) {
        printf("%" PRIu64 " of them", o->kills);
    } else {
        printf("%g s", o->duration);
    }
    printf(", seed %" PRIu64 "\n", o->seed);
    fflush(stdout);
}

void report_line(const crew_t *crew, double seconds, char *text, size_t size)
{
    const control_t *c = crew->control;
    snprintf(text, size,
        "%4.0f s %6" PRIu64 " kills %6.0fk sections/s %5.0fk replaced/s %5" PRIu64
        " periods viol %" PRIu64 " stall %" PRIu64 " resc %" PRIu64,
        seconds, crew->kills, (double)sum_of(c, SECTIONS) / seconds / 1000,
        (double)sum_of(c, REPLACED) / seconds / 1000, count_read(&c->generation),
        count_read(&c->complaints.count), crew->stalls, crew->rescues);
}

static void print_work(const crew_t *crew, double seconds)
{
    const control_t *c = crew->control;
    printf("  %-22s %" PRIu64 " (%.1f/s), %" PRIu64 " as the second of a pair; %" PRIu64
           " started, %" PRIu64 " in PID namespaces\n",
        c->options.threads ? "thread ends" : "kills", crew->kills,
        (double)crew->kills / seconds, crew->pairs, crew->started, crew->apart);
    printf("  %-22s %" PRIu64 "; %" PRIu64 " repaired what a dead one held\n", "stops",
        crew->stops, sum_of(c, REPAIRED));
    printf("  %-22s %" PRIu64 " (%.0f/s), %" PRIu64 " nested ones, %" PRIu64
           " slept, %" PRIu64 " left without end; %" PRIu64 " elements seen\n",
        "sections", sum_of(c, SECTIONS), (double)sum_of(c, SECTIONS) / seconds,
        sum_of(c, NESTED), sum_of(c, SLEPT), sum_of(c, LEFT), sum_of(c, SEEN));
    printf("  %-22s %" PRIu64 " replaced, %" PRIu64 " retired by address, %" PRIu64
           " freed after a period; %" PRIu64 " held back\n",
        "elements", sum_of(c, REPLACED), sum_of(c, RETIRED), sum_of(c, FREED),
        sum_of(c, HELD_BACK));
    printf("  %-22s %" PRIu64 " awaited, %" PRIu64 " barriers, %" PRIu64
           " end to end; %" PRIu64 " not heeded\n",
        "grace periods", sum_of(c, PERIODS), sum_of(c, BARRIERS),
        count_read(&c->generation), sum_of(c, NOT_HEEDED));
    printf("  %-22s %" PRIu64 "; %" PRIu64 " told whether a dead one had retired\n",
        "censuses", sum_of(c, CENSUSES), sum_of(c, DOUBTS));
}

static void print_ages(const control_t *c)
{
    printf("  %-22s shown: %" PRIu64 "; removed, and periods since:", "ages, at the end",
        sum_at(c, offsetof(seat_t, shown)));
    for (unsigned i = 0; i < AGES; i++) {
        uint64_t n = sum_at(c, offsetof(seat_t, by_period) + i * sizeof(uint64_t));
        if (n != 0 || i < 2) {
            printf(" %u: %" PRIu64 "%s", i, n, i < 2 ? "," : " TOO OLD,");
        }
    }
    printf(" unknown: %" PRIu64 "\n  %-22s", sum_at(c, offsetof(seat_t, unknown)),
        "  replacements since");
    for (unsigned i = 0; i < AGES; i++) {
        uint64_t n = sum_at(c, offsetof(seat_t, by_replacement) + i * sizeof(uint64_t));
        if (n != 0) {
            printf(" %u%s: %" PRIu64, i == 0 ? 0 : 1u << (i - 1), i > 1 ? "+" : "", n);
        }
    }
    printf("\n");
}

static void print_judgement(const crew_t *crew)
{
    char call[TEXT], read[TEXT], gap[TEXT];
    printf("  %-22s %" PRIu64 "\n", "violations",
        count_read(&crew->control->complaints.count));
    printf("  %-22s %" PRIu64 " (longest call %s, %s, stops not counted; of a reader %s, "
           "all but its own counted)\n",
        "stalls over 500 ms", crew->stalls,
        stress_duration(call, sizeof call, crew->longest_ns),
        crew->longest_call != NULL ? crew->longest_call : "none",
        stress_duration(read, sizeof read, crew->longest_read_ns));
    printf("  %-22s %" PRIu64 " (allowed: %" PRIu64 ")\n", "rescues", crew->rescues,
        crew->kills / KILLS_PER_RESCUE);
    printf("  %-22s %s between two looks at the calls at most\n", "the judge was away",
        stress_duration(gap, sizeof gap, crew->longest_gap_ns));
}

static bool is_equal(const memory_t *m)
{
    return m->before.used == m->after.used && m->before.blocks == m->after.blocks;
}

static bool is_whole(const memory_t *m)
{
    return m->looked_at && m->sound && is_equal(m);
}

static void print_memory(const memory_t *m)
{
    if (!m->looked_at) {
        printf("  %-22s not looked at: somebody did not finish\n", "memory");
        return;
    }
    printf(
        "  %-22s before: %zu blocks, %zu bytes; after: %zu, %zu: %s; the segment is %s\n",
        "memory", m->before.blocks, m->before.used, m->after.blocks, m->after.used,
        is_equal(m) ? "equal" : "NOT EQUAL", m->sound ? "sound" : "DAMAGED");
}

bool report_verdict(const crew_t *crew, double seconds, const memory_t *memory)
{
    uint64_t violations = count_read(&crew->control->complaints.count);
    bool rescued = crew->rescues > crew->kills / KILLS_PER_RESCUE;
    printf("rcu_torture: %.1f s\n", seconds);
    print_work(crew, seconds);
    print_ages(crew->control);
    print_memory(memory);
    print_judgement(crew);
    bool clean = violations == 0 && crew->stalls == 0 && !rescued && is_whole(memory);
    if (clean) {
        printf("verdict: clean\n");
    } else {
        printf("verdict: FAILED: %" PRIu64 " violations, %" PRIu64 " stalls, %" PRIu64
               " rescues%s, memory %s; seed %" PRIu64 "\n",
            violations, crew->stalls, crew->rescues, rescued ? " (too many)" : "",
            is_whole(memory) ? "whole" : "not whole", crew->control->options.seed);
    }
    return clean;
}
