/* SPDX-License-Identifier: MIT */
#include "options.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    QUICK_STRIDE = 11,
    QUICK_SOME_POINTS = 6,
    QUICK_MOST_POINTS = 80,
    USUAL_SOME_POINTS = 40
};

static const char usage[] =
    "usage: sweep [options]\n"
    "Kills a process at every instruction of each operation and watches the survivors.\n"
    "  --subject holdfast|peers|all   what to sweep (all)\n"
    "  --only TEXT                    only what has TEXT in its \"subject/operation\"\n"
    "  --waiters LIST                 numbers of waiters, of 0 to 64 (0,1,3, some 64)\n"
    "  --stride N                     kill at each Nth instruction only (1)\n"
    "  --some-points N                at most so many kills in a row of a peer's, or\n"
    "                                 of more than 3 waiters (40)\n"
    "  --jobs N                       so many operations at a time (one a CPU)\n"
    "  --point K                      kill at this point alone\n"
    "  --quick                        --stride 11 --some-points 6, at most 80 in any "
    "row\n"
    "  --list                         what there is, and no more\n"
    "  --no-choreographies            without the scheduled races\n";

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

static unsigned long parse_number(
    const char *option, const char *text, unsigned long least)
{
    char *end;
    errno = 0;
    const unsigned long n = strtoul(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0' || errno != 0 || n > LONG_MAX ||
        n < least) {
        refuse("%s takes a whole number of at least %lu, not '%s'", option, least, text);
    }
    return n;
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
    memset(o->waiters, 0, sizeof o->waiters);
    o->crowds = false;
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

static bool parse_flag(struct options *o, const char *word)
{
    if (strcmp(word, "--quick") == 0) {
        o->stride = QUICK_STRIDE;
        o->some_points = QUICK_SOME_POINTS;
        o->most_points = QUICK_MOST_POINTS;
    } else if (strcmp(word, "--list") == 0) {
        o->list = true;
    } else if (strcmp(word, "--no-choreographies") == 0) {
        o->no_choreographies = true;
    } else if (strcmp(word, "--help") == 0) {
        fputs(usage, stdout);
        exit(0);
    } else {
        return false;
    }
    return true;
}

static bool parse_valued(struct options *o, const char *word, const char *value)
{
    if (strcmp(word, "--subject") == 0) {
        parse_subject(o, value);
    } else if (strcmp(word, "--only") == 0) {
        o->only = value;
    } else if (strcmp(word, "--waiters") == 0) {
        parse_waiters(o, value);
    } else if (strcmp(word, "--stride") == 0) {
        o->stride = parse_number(word, value, 1);
    } else if (strcmp(word, "--some-points") == 0) {
        o->some_points = parse_number(word, value, 2);
    } else if (strcmp(word, "--jobs") == 0) {
        o->jobs = (unsigned)parse_number(word, value, 1);
        if (o->jobs > MOST_JOBS) {
            refuse("--jobs takes at most %d, not '%s'", MOST_JOBS, value);
        }
    } else if (strcmp(word, "--point") == 0) {
        o->point = (long)parse_number(word, value, 0);
    } else {
        return false;
    }
    return true;
}

static unsigned usual_jobs(void)
{
    const long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    return cpus < 1 ? 1 : cpus > MOST_JOBS ? MOST_JOBS : (unsigned)cpus;
}

struct options options_parse(int count, char **words)
{
    struct options o = {.ours = true,
        .peers = true,
        .waiters = {true, true, false, true},
        .crowds = true,
        .stride = 1,
        .some_points = USUAL_SOME_POINTS,
        .most_points = ULONG_MAX / 2,
        .jobs = usual_jobs(),
        .point = EVERY_POINT};
    for (int i = 1; i < count; i++) {
        const bool last = i + 1 == count;
        if (parse_flag(&o, words[i])) {
            continue;
        }
        if (!parse_valued(&o, words[i], last ? "" : words[i + 1])) {
            refuse("there is no option '%s'", words[i]);
        }
        if (last) {
            refuse("%s needs a value behind it", words[i]);
        }
        i++;
    }
    return o;
}
