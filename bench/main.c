/* SPDX-License-Identifier: MIT */
/* The command: which sections to run, and what was found. Speed is printed, never
 * asserted. */
#include "arena.h"
#include "bench.h"
#include "report.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

enum { DEFAULT_ROUNDS = 5, LEAST_ROUNDS = 5, MOST_ROUNDS = 1000, BAD_USAGE = 2 };

typedef struct {
    const char *name;
    void (*run)(const bench_options_t *options);
} section_t;

static const section_t sections[] = {
    {"uncontended", uncontended_run},
    {"contention", contended_run},
    {"wake-up", wake_run},
    {"recovery", recovery_run},
    {"sleeper", sleeper_run},
    {"membership", membership_run},
    {"trips", trips_run},
    {"readers", readers_run},
    {"participants", participants_run},
    {"starvation", starvation_run},
    {"crowd", crowd_run},
    {"heap", heap_run},
    {"vector", vector_run},
    {"snapshots", snapshots_run},
    {"counters", counters_run},
};

enum { SECTIONS = sizeof sections / sizeof sections[0] };

uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void give_up(const char *what, int error)
{
    fprintf(stderr, "bench: %s: %s\n", what, strerror(error));
    exit(1);
}

static void print_usage(void)
{
    printf("usage: bench [--rounds N] [--only SUBSTRING] [--quick] [--csv FILE]\n"
           "  --rounds N        rounds of each measurement, %d to %d (default %d)\n"
           "  --only SUBSTRING  only the sections whose name contains it, of:\n"
           "                   ",
        LEAST_ROUNDS, MOST_ROUNDS, DEFAULT_ROUNDS);
    for (unsigned i = 0; i < SECTIONS; i++) {
        printf(" %s", sections[i].name);
    }
    printf("\n  --quick           shorter rounds: a minute for all, and less certain\n"
           "  --csv FILE        write every figure there too\n");
}

static bool is_wanted(const section_t *section, const bench_options_t *options)
{
    return options->only == NULL || strstr(section->name, options->only) != NULL;
}

static bool wants_anything(const bench_options_t *options)
{
    for (unsigned i = 0; i < SECTIONS; i++) {
        if (is_wanted(&sections[i], options)) {
            return true;
        }
    }
    return false;
}

static _Noreturn void refuse(const char *wrong, const char *argument, const char *mend)
{
    fprintf(stderr, "bench: %s '%s': %s\n", wrong, argument, mend);
    exit(BAD_USAGE);
}

static unsigned parse_rounds(const char *text)
{
    char *end;
    errno = 0;
    long n = strtol(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || n < LEAST_ROUNDS ||
        n > MOST_ROUNDS) {
        refuse("bad number of rounds", text, "--rounds takes 5 to 1000");
    }
    return (unsigned)n;
}

static const char *value_of(int argc, char **argv, int *i)
{
    if (*i + 1 >= argc) {
        refuse("no value after", argv[*i], "give one, or see bench --help");
    }
    return argv[++*i];
}

static bench_options_t parse(int argc, char **argv)
{
    bench_options_t options = {.rounds = DEFAULT_ROUNDS};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--rounds") == 0) {
            options.rounds = parse_rounds(value_of(argc, argv, &i));
        } else if (strcmp(argv[i], "--only") == 0) {
            options.only = value_of(argc, argv, &i);
        } else if (strcmp(argv[i], "--quick") == 0) {
            options.quick = true;
        } else if (strcmp(argv[i], "--csv") == 0) {
            options.csv = value_of(argc, argv, &i);
        } else if (strcmp(argv[i], "--help") == 0) {
            print_usage();
            exit(0);
        } else {
            refuse("unknown argument", argv[i], "see bench --help");
        }
    }
    if (!wants_anything(&options)) {
        refuse("no section's name contains", options.only, "see bench --help");
    }
    return options;
}

/* What /proc/cpuinfo calls the CPU; where it does not, the architecture. */
static void find_cpu(char *cpu, size_t size, const char *architecture)
{
    char line[256];
    FILE *info = fopen("/proc/cpuinfo", "r");
    snprintf(cpu, size, "%s", architecture);
    while (info != NULL && fgets(line, sizeof line, info) != NULL) {
        const char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) == 0 && colon != NULL) {
            snprintf(cpu, size, "%s, %.*s", architecture, (int)strcspn(colon + 2, "\n"),
                colon + 2);
            break;
        }
    }
    if (info != NULL) {
        fclose(info);
    }
}

static void print_machine(const bench_options_t *options)
{
    struct utsname system;
    double load = 0;
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    if (uname(&system) == 0 && getloadavg(&load, 1) == 1) {
        char words[sizeof system.sysname + sizeof system.release + 1], cpu[128];
        find_cpu(cpu, sizeof cpu, system.machine);
        snprintf(words, sizeof words, "%s %s", system.sysname, system.release);
        printf("%s, %s, %ld CPUs, load %.2f before we came\n", words, cpu, cpus, load);
        report_about("CPUs", cpu, (double)cpus);
        report_about("load before", words, load);
    }
    char date[32];
    time_t now = time(NULL);
    strftime(date, sizeof date, "%Y-%m-%d", gmtime(&now));
    report_about("rounds", date, options->rounds);
    printf("%u rounds, all peers in turn in each; medians; ratios are medians of each "
           "round's\n",
        options->rounds);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    bench_options_t options = parse(argc, argv);
    if (options.csv != NULL) {
        int error = report_open_csv(options.csv);
        if (error != 0) {
            refuse("cannot write", options.csv, strerror(error));
        }
    }
    print_machine(&options);
    for (unsigned i = 0; i < SECTIONS; i++) {
        if (is_wanted(&sections[i], &options)) {
            sections[i].run(&options);
        }
    }
    report_acceptance();
    printf("\nrescues by the back-stop: %llu\n", (unsigned long long)arena_rescues());
    int error = report_close_csv();
    if (error != 0) {
        give_up(options.csv, error);
    }
    return 0;
}
