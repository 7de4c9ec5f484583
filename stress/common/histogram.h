/* SPDX-License-Identifier: MIT */
/*
 * A histogram of durations that many processes fill at once and that no death can damage:
 * each bucket is an atomic counter. 16 buckets to each power of two: 6 % precise.
 */
#ifndef STRESS_HISTOGRAM_H
#define STRESS_HISTOGRAM_H

#include <stdatomic.h>
#include <stdint.h>

enum { STRESS_BUCKETS = 16 * 61 };

/* All-zero is empty. */
typedef struct {
    _Atomic uint64_t bucket[STRESS_BUCKETS];
    _Atomic uint64_t worst;
} stress_histogram_t;

void stress_histogram_add(stress_histogram_t *h, uint64_t ns);
uint64_t stress_histogram_count(const stress_histogram_t *h);
uint64_t stress_histogram_worst(const stress_histogram_t *h);

/* The least edge that a share `q` (0 to 1) of all entries lies below; 0 if empty. */
uint64_t stress_histogram_quantile(const stress_histogram_t *h, double q);

#endif
