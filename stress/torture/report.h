/* SPDX-License-Identifier: MIT */
/* What a human reads: what is about to happen, how it goes, what came of it. */
#ifndef TORTURE_REPORT_H
#define TORTURE_REPORT_H

#include "conductor.h"

void report_header(const conductor_t *d);
void report_line(const conductor_t *d, uint64_t now, char *text, size_t size);

/* Prints the table and the verdict; true if it is clean. */
bool report_verdict(const conductor_t *d);

#endif
