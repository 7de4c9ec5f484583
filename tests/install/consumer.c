/* SPDX-License-Identifier: MIT */
/*
 * The smallest program that uses the library, compiled as C11 and as C++17. Its argument
 * names a segment of its own.
 */
#include <errno.h>
#include <holdfast/holdfast.h>
#include <stdio.h>
#include <string.h>

typedef struct {
    hf_mutex_t lock;
    int32_t count;
} shared_t;

static int count_once(shared_t *shared)
{
    HF_SCOPED_LOCK(error, &shared->lock);
    if (error == 0) {
        shared->count += 1;
    }
    return error;
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "holdfast-consumer";
    hf_segment_t *segment = NULL;
    hf_segment_config_t config;
    memset(&config, 0, sizeof(config));
    config.root_size = sizeof(shared_t);
    config.max_participants = 4;
    int error = hf_segment_open(&segment, name, HF_CREATE | HF_EXCLUSIVE, &config);
    if (error != 0) {
        fprintf(stderr, "%s: open: %s\n", name, strerror(error));
        return 1;
    }
    shared_t *shared = (shared_t *)hf_segment_root(segment);
    error = count_once(shared);
    if (error == 0) {
        error = count_once(shared);
    }
    int32_t count = shared->count;
    if (error == 0) {
        error = hf_segment_close(segment);
    }
    int removed = hf_segment_remove(name);
    printf("counted to %d\n", (int)count);
    return error == 0 && removed == 0 && count == 2 ? 0 : 1;
}
