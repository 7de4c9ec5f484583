/* SPDX-License-Identifier: MIT */
/*
 * Options from a table, for programs that a human starts: `--name value` or
 * `--name=value`.
 *
 *     uint64_t processes = 8;
 *     const stress_option_t table[] = {
 *         {.name = "processes", .argument = "N", .help = "worker processes",
 *             .whole = &processes, .least = 1, .most = 64},
 *     };
 *     int status = stress_options(argc, argv, "does what", table, 1);
 */
#ifndef STRESS_OPTIONS_H
#define STRESS_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    const char *name;     /* without the dashes */
    const char *argument; /* its letter in the help; null: a switch */
    const char *help;
    uint64_t *whole;   /* where a whole number goes, or */
    double *number;    /* where any other number goes, or */
    const char **text; /* where a word goes */
    bool *given;       /* set if the option was there; may be null */
    double least, most;
    bool bare; /* the argument may be left out */
} stress_option_t;

enum { STRESS_GO_ON = -1 };

/* STRESS_GO_ON, or the status to exit with: 0 after --help, 2 after one line on stderr
 * that says what is wrong and how to mend it. */
int stress_options(int argc, char **argv, const char *purpose,
    const stress_option_t *table, size_t count);

#endif
