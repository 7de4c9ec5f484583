/* SPDX-License-Identifier: MIT */
/*
 * Statistics under a latch: one process counts, others print, and what they print fits
 * together, also when the one who counts is killed.
 *
 *     06_statistics name count 1000000 &
 *     06_statistics name print
 */
#include <holdfast/holdfast.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    uint64_t samples, sum, least, greatest;
} statistics_t;

/* The last write before a death is whole: go on from there. */
static int count(hf_latch_t *latch, uint64_t samples)
{
    statistics_t s;
    int error = hf_latch_read(latch, &s, sizeof s);
    for (uint64_t i = 0; i < samples && error == 0; i++) {
        uint64_t sample = 1 + (s.samples * 7919) % 1000;
        s.least = s.samples == 0 || sample < s.least ? sample : s.least;
        s.greatest = sample > s.greatest ? sample : s.greatest;
        s.sum += sample;
        s.samples++;
        error = hf_latch_write(latch, &s, sizeof s);
    }
    return error;
}

/* Takes no lock, whoever counts. */
static int print(const hf_latch_t *latch)
{
    statistics_t s;
    int error = hf_latch_read(latch, &s, sizeof s);
    if (error == 0) {
        printf("samples %llu sum %llu least %llu greatest %llu\n",
            (unsigned long long)s.samples, (unsigned long long)s.sum,
            (unsigned long long)s.least, (unsigned long long)s.greatest);
    }
    return error;
}

int main(int argc, char **argv)
{
    char *end = "";
    uint64_t samples = argc == 4 ? strtoull(argv[3], &end, 10) : 0;
    bool counts = argc == 4 && strcmp(argv[2], "count") == 0;
    bool prints = argc == 3 && strcmp(argv[2], "print") == 0;
    if ((!counts && !prints) || *end != '\0') {
        fprintf(stderr, "usage: %s segment count samples | segment print\n", argv[0]);
        return EXIT_FAILURE;
    }
    hf_segment_t *segment;
    hf_segment_config_t config = {.root_size = hf_latch_size(sizeof(statistics_t))};
    int error = hf_segment_open(&segment, argv[1], HF_CREATE, &config);
    if (error == 0) {
        hf_latch_t *latch = hf_segment_root(segment);
        error = counts ? count(latch, samples) : print(latch);
    }
    if (error != 0) {
        fprintf(stderr, "%s: %s\n", argv[0], strerror(error));
    }
    return error;
}
