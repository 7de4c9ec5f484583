/* SPDX-License-Identifier: MIT */
/* Rows are swept by processes of their own, some at a time: a scene keeps one CPU
 * busy. */
#ifndef SWEEP_CREW_H
#define SWEEP_CREW_H

#include "options.h"
#include "row.h"

#include <stddef.h>

void crew_sweep(struct row *rows, size_t count, const struct options *options);

#endif
