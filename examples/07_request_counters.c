/* SPDX-License-Identifier: MIT */
/*
 * Workers count their requests; a monitor shows what was counted, whoever is still alive.
 *
 *     07_request_counters web work 1000000 &
 *     07_request_counters web work 1000000 &
 *     07_request_counters web show
 */
#include <holdfast/holdfast.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Some requests are more expensive than others, and some fail. */
static int work(hf_segment_t *segment, long requests)
{
    hf_counter_t served, failed, bytes;
    int error = hf_counter_open(segment, "requests.served", &served);
    if (error == 0) {
        error = hf_counter_open(segment, "requests.failed", &failed);
    }
    if (error == 0) {
        error = hf_counter_open(segment, "bytes.sent", &bytes);
    }
    for (long i = 0; i < requests && error == 0; i++) {
        error = hf_counter_add(i % 100 == 99 ? failed : served, 1);
        if (error == 0) {
            error = hf_counter_add(bytes, 512);
        }
    }
    return error;
}

static void print(const char *name, int64_t sum, void *unused)
{
    (void)unused;
    printf("%s %" PRId64 "\n", name, sum);
}

int main(int argc, char **argv)
{
    bool works = argc == 4 && strcmp(argv[2], "work") == 0;
    if (!works && !(argc == 3 && strcmp(argv[2], "show") == 0)) {
        fprintf(stderr, "usage: %s segment work requests | segment show\n", argv[0]);
        return EXIT_FAILURE;
    }
    hf_segment_t *segment;
    int error =
        hf_segment_open(&segment, argv[1], works ? HF_CREATE : HF_READ_ONLY, NULL);
    if (error == 0) {
        error = works ? work(segment, strtol(argv[3], NULL, 10))
                      : hf_counter_each(segment, print, NULL);
    }
    if (error != 0) {
        fprintf(stderr, "%s: %s: %s\n", argv[0], argv[1], strerror(error));
    }
    return error;
}
