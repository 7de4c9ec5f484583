/* SPDX-License-Identifier: MIT */
#include "series.h"

#include "bench.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

void series_add(series_t *s, double value)
{
    if (s->count == s->capacity) {
        s->capacity = s->capacity == 0 ? 64 : 2 * s->capacity;
        s->values = realloc(s->values, s->capacity * sizeof *s->values);
        if (s->values == NULL) {
            give_up("keeping samples", ENOMEM);
        }
    }
    s->values[s->count++] = value;
}

void series_clear(series_t *s)
{
    free(s->values);
    memset(s, 0, sizeof *s);
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

double series_quantile(const series_t *s, double part)
{
    if (s->count == 0) {
        return NAN;
    }
    series_t sorted = {0};
    for (size_t i = 0; i < s->count; i++) {
        series_add(&sorted, s->values[i]);
    }
    qsort(sorted.values, sorted.count, sizeof *sorted.values, ascending);
    double place = part * (double)(sorted.count - 1);
    size_t below = (size_t)place;
    size_t above = below + 1 < sorted.count ? below + 1 : below;
    double rest = place - (double)below;
    double value = sorted.values[below] * (1 - rest) + sorted.values[above] * rest;
    series_clear(&sorted);
    return value;
}

double series_median(const series_t *s)
{
    return series_quantile(s, 0.5);
}

double series_ratio(const series_t *above, const series_t *below)
{
    series_t ratios = {0};
    for (size_t i = 0; i < above->count && i < below->count; i++) {
        series_add(&ratios, above->values[i] / below->values[i]);
    }
    double ratio = series_median(&ratios);
    series_clear(&ratios);
    return ratio;
}
