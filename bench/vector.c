/* SPDX-License-Identifier: MIT */
/* A vector's elements in a random order: by its address, and by an array's. */
#include "bench.h"
#include "process.h"
#include "report.h"
#include "series.h"

#include <errno.h>
#include <holdfast/holdfast.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { ELEMENTS = 1 << 14, ACCESSES = 1 << 18 };

static uint64_t array[ELEMENTS];
static uint32_t order[ACCESSES];
static hf_vector_t *vector;

static uint64_t by_array(void)
{
    uint64_t sum = 0;
    for (int i = 0; i < ACCESSES; i++) {
        sum += array[order[i]];
    }
    return sum;
}

static uint64_t by_data(void)
{
    const uint64_t *data = hf_vector_data(vector);
    uint64_t sum = 0;
    for (int i = 0; i < ACCESSES; i++) {
        sum += data[order[i]];
    }
    return sum;
}

static uint64_t by_at(void)
{
    uint64_t sum = 0;
    for (int i = 0; i < ACCESSES; i++) {
        sum += *(const uint64_t *)hf_vector_at(vector, order[i]);
    }
    return sum;
}

static const struct {
    const char *name;
    uint64_t (*sum)(void);
} ways[] = {
    {"an array of one's own", by_array},
    {"hf_vector_data, then its elements", by_data},
    {"hf_vector_at, each", by_at},
};

enum { WAYS = sizeof ways / sizeof ways[0] };

static void heed(int error)
{
    if (error != 0) {
        give_up("a vector", error);
    }
}

static hf_segment_t *fill(void)
{
    char name[64];
    hf_segment_t *segment;
    snprintf(name, sizeof name, "holdfast-bench-%ld-vector", (long)getpid());
    hf_segment_config_t config = {.size = 1 << 20, .root_size = sizeof *vector};
    heed(hf_segment_open(&segment, name, HF_CREATE | HF_EXCLUSIVE, &config));
    heed(hf_segment_remove(name));
    vector = hf_segment_root(segment);
    heed(hf_vector_init(segment, vector, sizeof array[0]));
    heed(hf_vector_reserve(segment, vector, ELEMENTS));
    uint32_t draw = 1;
    for (int i = 0; i < ACCESSES; i++) {
        draw = draw * 1664525 + 1013904223;
        order[i] = draw >> 8 & (ELEMENTS - 1);
    }
    for (uint64_t i = 0; i < ELEMENTS; i++) {
        array[i] = i;
        heed(hf_vector_push_back(segment, vector, &i));
    }
    return segment;
}

void vector_run(const bench_options_t *options)
{
    static const table_t table = {.title = "elements of a vector, in a random order",
        .columns = {{"ns", 2}, {"x an array", 2}}};
    hf_segment_t *segment = fill();
    series_t costs[WAYS] = {0};
    for (unsigned round = 0; round < 10 * options->rounds; round++) {
        for (int w = 0; w < WAYS; w++) {
            uint64_t start = now_ns();
            uint64_t sum = ways[w].sum();
            double ns = (double)(now_ns() - start);
            heed(sum == by_array() ? 0 : EBADMSG);
            series_add(&costs[w], ns / ACCESSES);
        }
    }
    report_heads(&table);
    for (int w = 0; w < WAYS; w++) {
        double ratio = series_ratio(&costs[w], &costs[0]);
        double values[] = {series_median(&costs[w]), ratio};
        report_row(&table, ways[w].name, values);
        if (ways[w].sum == by_data) {
            report_at_most(ways[w].name, ratio, 1.1, "x an array");
        }
    }
    for (int w = 0; w < WAYS; w++) {
        series_clear(&costs[w]);
    }
    heed(hf_segment_close(segment));
}
