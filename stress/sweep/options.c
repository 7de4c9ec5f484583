/* SPDX-License-Identifier: MIT */
#include "options.h"

#include "common/options.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { QUICK_STRIDE = 11, QUICK_SOME_POINTS = 6, QUICK_MOST_POINTS = 80 };

static _Noreturn void refuse(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

static _Noreturn void refuse(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    fputs("sweep: ", stderr);
    vfprintf(stderr, format, list);
    fputs(" (see --help)\n", stderr);
    va_end(list);
    exit(2);
}

static void parse_subject(struct options *o, const char *text)
{
    o->ours = strcmp(text, "peers") != 0;
    o->peers = strcmp(text, "holdfast") != 0;
    if (o->ours && o->peers && strcmp(text, "all") != 0) {
        refuse("--subject takes holdfast, peers or all, not '%s'", text);
    }
}

static void parse_waiters(struct options *o, const char *text)
{
    for (const char *at = text;; at++) {
        char *end;
        const unsigned long n = strtoul(at, &end, 10);
        if (*at < '0' || *at > '9' || n > MOST_WAITERS || (*end != ',' && *end != '\0')) {
            refuse("--waiters takes a list like 0,1,3, each at most %d, not '%s'",
                MOST_WAITERS, text);
        }
        o->waiters[n] = true;
        at = end;
        if (*at == '\0') {
            return;
        }
    }
}

static uint64_t usual_jobs(void)
{
    const long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    return cpus < 1 ? 1 : cpus > MOST_JOBS ? MOST_JOBS : (uint64_t)cpus;
}

struct options options_parse(int count, char **words)
{
    struct options o = {.stride = 1,
        .some_points = 40,
        .most_points = UINT64_MAX / 2,
        .jobs = usual_jobs()};
    const char *subject = "all", *waiters = NULL;
    bool quick = false;
    const stress_option_t table[] = {
        {.name = "subject",
            .argument = "WHOSE",
            .help = "what to sweep: holdfast, peers or all (all)",
            .text = &subject},
        {.name = "only",
            .argument = "TEXT",
            .help = "only what has TEXT in its \"subject/operation\"",
            .text = &o.only},
        {.name = "waiters",
            .argument = "LIST",
            .help = "numbers of waiters, of 0 to 64 (0,1,3, some 64)",
            .text = &waiters},
        {.name = "stride",
            .argument = "N",
            .help = "kill at each Nth instruction only (1)",
            .whole = &o.stride,
            .least = 1,
            .most = 1e9},
        {.name = "some-points",
            .argument = "N",
            .help = "at most so many kills in a row of a peer's, or of more than 3 "
                    "waiters (40)",
            .whole = &o.some_points,
            .least = 2,
            .most = 1e9},
        {.name = "jobs",
            .argument = "N",
            .help = "so many operations at a time (one a CPU)",
            .whole = &o.jobs,
            .least = 1,
            .most = MOST_JOBS},
        {.name = "point",
            .argument = "K",
            .help = "kill at this point alone",
            .whole = &o.point,
            .given = &o.one_point,
            .most = 1e9},
        {.name = "quick",
            .help = "--stride 11 --some-points 6, at most 80 in any row",
            .given = &quick},
        {.name = "list", .help = "what there is, and no more", .given = &o.list},
        {.name = "no-choreographies",
            .help = "without the scheduled races",
            .given = &o.no_choreographies},
    };
    const int status = stress_options(count, words,
        "kills a process at every instruction of each operation, and watches the "
        "survivors",
        table, sizeof table / sizeof *table);
    if (status != STRESS_GO_ON) {
        exit(status);
    }
    if (quick) {
        o.stride = QUICK_STRIDE;
        o.some_points = QUICK_SOME_POINTS;
        o.most_points = QUICK_MOST_POINTS;
    }
    parse_subject(&o, subject);
    o.crowds = waiters == NULL;
    parse_waiters(&o, o.crowds ? "0,1,3" : waiters);
    return o;
}
