/* SPDX-License-Identifier: MIT */
#ifndef RCU_TORTURE_REPORT_H
#define RCU_TORTURE_REPORT_H

#include "crew.h"

/* What the end left: in blocks and bytes in use. */
typedef struct {
    hf_heap_info_t before, after;
    bool looked_at; /* nobody was left in a call */
    bool sound;     /* hf_segment_check */
} memory_t;

void report_header(const crew_t *crew);
void report_line(const crew_t *crew, double seconds, char *text, size_t size);

/* True if it is clean. */
bool report_verdict(const crew_t *crew, double seconds, const memory_t *memory);

#endif
