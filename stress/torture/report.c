/* SPDX-License-Identifier: MIT */
#include "report.h"

#include <inttypes.h>
#include <stdio.h>

#include "kinds.h"
#include "ledger.h"

enum { KILLS_PER_RESCUE = 10000, TEXT = 32 };

static uint64_t sum_of_objects(const control_t *c)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < c->objects; i++) {
        sum += count_read(&c->object[i].recoveries);
    }
    return sum;
}

/* The sum over all seats of the counter that stands at this offset of a seat. */
static uint64_t sum_of_seats(const control_t *c, size_t offset)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < c->seats; i++) {
        const char *seat = (const char *)&c->seat[i];
        sum += count_read((const _Atomic uint64_t *)(const void *)(seat + offset));
    }
    return sum;
}

#define SUM(c, field) sum_of_seats(c, offsetof(seat_t, field))

static uint64_t worst_recovery(const control_t *c)
{
    uint64_t alone = stress_histogram_worst(&c->alone);
    uint64_t crowded = stress_histogram_worst(&c->crowded);
    return alone > crowded ? alone : crowded;
}

static void print_work(const control_t *c)
{
    const char *name;
    unsigned first, count;
    for (unsigned i = 0; (name = kinds_name(c, i, &first, &count)) != NULL; i++) {
        printf("%s %s", i == 0 ? "torture: on" : ",", name);
    }
    printf("; %u objects\n", c->objects);
}

static unsigned count_namespaces(const conductor_t *d)
{
    unsigned n = 0;
    for (unsigned i = 0; i < d->control->options.processes; i++) {
        n += crew_in_namespace(&d->crew, i);
    }
    return n;
}

void report_header(const conductor_t *d)
{
    const torture_options_t *o = &d->control->options;
    printf("torture: %u %s", o->processes,
        o->threads ? "threads of one process" : "processes");
    if (!o->threads && d->crew.children.namespaces) {
        printf(" (%u of them in PID namespaces of their own)", count_namespaces(d));
    } else if (!o->threads) {
        printf(" (PID namespaces of their own are not permitted here)");
    }
    if (o->coincide > 0) {
        printf(", %u %% of deaths among sleepers in twos", o->coincide);
    }
    printf(", %g %s/s, %g s, seed %" PRIu64 "\n", o->kill_rate,
        o->threads ? "thread ends" : "kills", o->duration, o->seed);
    print_work(d->control);
    fflush(stdout);
}

/* Short for a terminal: a live line that is cut off tells less. */
void report_line(const conductor_t *d, uint64_t now, char *text, size_t size)
{
    const control_t *c = d->control;
    char worst[TEXT];
    double seconds = (double)(now - d->began_ns) / 1e9;
    const char *format = d->progress.live ? "%4.0fs %4.0fk/s %5" PRIu64 " kills %5" PRIu64
                                            " recovered %8s max viol %" PRIu64
                                            " stall %" PRIu64 " resc %" PRIu64
                                          : "%4.0f s %6.0fk op/s %6" PRIu64
                                            " kills %6" PRIu64
                                            " recoveries (worst %s) violations %" PRIu64
                                            " stalls %" PRIu64 " rescues %" PRIu64;
    snprintf(text, size, format, seconds, (double)SUM(c, operations) / seconds / 1000,
        count_read(&c->kills), sum_of_objects(c),
        stress_duration(worst, sizeof worst, worst_recovery(c)),
        count_read(&c->complaints.count), d->watch.stalls, d->watch.rescues);
}

static void print_latency(const char *name, const stress_histogram_t *h)
{
    char p50[TEXT], p99[TEXT], worst[TEXT];
    uint64_t count = stress_histogram_count(h);
    if (count == 0) {
        printf("  %-24s none was timed\n", name);
        return;
    }
    printf("  %-24s p50 %s, p99 %s, worst %s (%" PRIu64 " timed)\n", name,
        stress_duration(p50, sizeof p50, stress_histogram_quantile(h, 0.5)),
        stress_duration(p99, sizeof p99, stress_histogram_quantile(h, 0.99)),
        stress_duration(worst, sizeof worst, stress_histogram_worst(h)), count);
}

static void print_lives(const conductor_t *d)
{
    const control_t *c = d->control;
    printf("  %-24s %" PRIu64 " started; %" PRIu64 " exited, %" PRIu64
           " while holding; %" PRIu64 " forked\n",
        "workers", d->crew.started, SUM(c, exits) + SUM(c, exits_holding),
        SUM(c, exits_holding), SUM(c, forks));
    printf("  %-24s %" PRIu64 ", %" PRIu64 " of them while holding\n",
        "left and came back", SUM(c, returns) + SUM(c, returns_holding),
        SUM(c, returns_holding));
}

static double kill_rate(const conductor_t *d)
{
    double seconds = (double)(d->ended_ns - d->began_ns) / 1e9;
    return seconds > 0 ? (double)count_read(&d->control->kills) / seconds : 0;
}

static void print_violence(const conductor_t *d)
{
    const control_t *c = d->control;
    bool threads = c->options.threads;
    double rate = kill_rate(d);
    printf("  %-24s %" PRIu64 " (%.1f/s)", threads ? "thread ends" : "kills",
        count_read(&c->kills), rate);
    if (rate < 0.7 * c->options.kill_rate) {
        printf(", %.0f %% of the rate that was asked for",
            100 * rate / c->options.kill_rate);
    }
    printf("; %" PRIu64 " as the second of a pair; %u assemblies\n", d->killer.pairs,
        d->assembly.calls);
    if (!threads) {
        printf("  %-24s %" PRIu64 ", %" PRIu64 " of them of a holder\n", "stops",
            d->killer.stops, d->killer.stops_of_holders);
    }
}

/* Where the kills hit, and what nobody knows of them: by kind. */
static void print_kinds(const control_t *c)
{
    const char *name;
    unsigned first, count;
    printf("  %-24s %10s %10s %10s %10s\n", "by kind: killed", "in a call", "holding",
        "recovered", "undecided");
    for (unsigned i = 0; (name = kinds_name(c, i, &first, &count)) != NULL; i++) {
        uint64_t cut = 0, sure = 0, recoveries = 0, undecided = 0;
        for (unsigned k = first; k < first + count; k++) {
            cut += count_read(&c->object[k].cut);
            sure += count_read(&c->object[k].sure);
            recoveries += count_read(&c->object[k].recoveries);
            undecided += tally_undecided(c, k);
        }
        printf("    %-22s %10" PRIu64 " %10" PRIu64 " %10" PRIu64 " %10" PRIu64 "\n",
            name, cut, sure, recoveries, undecided);
    }
    printf("    %-22s %10" PRIu64 "\n", "open, close", count_read(&c->joins_cut));
}

static uint64_t allowed_rescues(const control_t *c)
{
    return count_read(&c->kills) / KILLS_PER_RESCUE;
}

static void print_judgement(const conductor_t *d)
{
    const control_t *c = d->control;
    char longest[TEXT];
    printf("  %-24s %" PRIu64 "\n", "violations", count_read(&c->complaints.count));
    printf("  %-24s %" PRIu64 "\n", "lost counts", count_read(&c->lost));
    printf("  %-24s %" PRIu64 " (longest call %s, %" PRIu64
           " over 150 ms, stops not counted)\n",
        "stalls over 500 ms", d->watch.stalls,
        stress_duration(longest, sizeof longest, d->watch.longest_call_ns),
        d->watch.slow_calls);
    printf("  %-24s %" PRIu64 " (allowed: %" PRIu64 ")\n", "rescues", d->watch.rescues,
        allowed_rescues(c));
    printf("  %-24s %s between two looks at the calls at most\n", "the judge was away",
        stress_duration(longest, sizeof longest, d->watch.longest_gap_ns));
}

static bool print_verdict(const conductor_t *d)
{
    const control_t *c = d->control;
    uint64_t violations = count_read(&c->complaints.count);
    uint64_t lost = count_read(&c->lost);
    bool rescued = d->watch.rescues > allowed_rescues(c);
    if (violations == 0 && lost == 0 && d->watch.stalls == 0 && !rescued) {
        printf("verdict: clean\n");
        return true;
    }
    printf("verdict: FAILED: %" PRIu64 " violations, %" PRIu64 " lost counts, %" PRIu64
           " stalls, %" PRIu64 " rescues%s; seed %" PRIu64 "\n",
        violations, lost, d->watch.stalls, d->watch.rescues, rescued ? " (too many)" : "",
        c->options.seed);
    return false;
}

bool report_verdict(const conductor_t *d)
{
    const control_t *c = d->control;
    double seconds = (double)(d->ended_ns - d->began_ns) / 1e9;
    printf("torture: %.1f s%s\n", seconds, d->interrupted ? ", interrupted" : "");
    printf("  %-24s %" PRIu64 " (%.0f/s), %" PRIu64 " increments\n", "pieces of work",
        SUM(c, operations), (double)SUM(c, operations) / seconds, SUM(c, changes));
    print_violence(d);
    print_lives(d);
    print_kinds(c);
    printf("  %-24s %" PRIu64 ", %" PRIu64 " found a change half done, %" PRIu64
           " died over it\n",
        "recoveries", sum_of_objects(c), count_read(&c->halves),
        count_read(&c->repairs_cut));
    print_latency("recovery, one death", &c->alone);
    print_latency("recovery, several deaths", &c->crowded);
    print_judgement(d);
    return print_verdict(d);
}
