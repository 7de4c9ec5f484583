/* SPDX-License-Identifier: MIT */
/*
 * Complaints: violations that any process finds, counted, in memory that all share; the
 * first ones are kept as text until the conductor prints them.
 */
#ifndef STRESS_COMPLAINTS_H
#define STRESS_COMPLAINTS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/progress.h"

enum { STRESS_COMPLAINTS = 64, STRESS_COMPLAINT_SIZE = 320 };

/* All-zero is none. */
typedef struct {
    _Atomic uint64_t count;
    uint64_t printed; /* the conductor's */
    struct {
        _Atomic bool ready;
        char text[STRESS_COMPLAINT_SIZE];
    } message[STRESS_COMPLAINTS];
} stress_complaints_t;

void stress_complain(stress_complaints_t *c, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Those that are new. */
void stress_complaints_print(stress_complaints_t *c, stress_progress_t *progress);

/* "EOWNERDEAD". */
const char *stress_error_name(int error);

#endif
