/* SPDX-License-Identifier: MIT */
/* A series: the samples of one figure, in the order of the rounds. */
#ifndef BENCH_SERIES_H
#define BENCH_SERIES_H

#include <stddef.h>

typedef struct {
    double *values;
    size_t count, capacity;
} series_t;

void series_add(series_t *s, double value);
void series_clear(series_t *s);

/* `part` from 0 (least) to 1 (greatest). NaN of an empty series. */
double series_quantile(const series_t *s, double part);
double series_median(const series_t *s);

/* The median of the ratios round by round: machine drift between rounds cancels out. */
double series_ratio(const series_t *above, const series_t *below);

#endif
