/* SPDX-License-Identifier: MIT */
/* Start two at once, kill -9 one, start it again: whatever was counted stays counted. */
#include <errno.h>
#include <holdfast/holdfast.h>
#include <stdio.h>
#include <string.h>

typedef struct {
    hf_mutex_t lock;
    uint32_t count;
} shared_t;

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "counter";
    hf_segment_t *segment;
    hf_segment_config_t config = {.root_size = sizeof(shared_t)};
    int error = hf_segment_open(&segment, name, HF_CREATE, &config);
    if (error != 0) {
        fprintf(stderr, "%s: %s\n", name, strerror(error));
        return error;
    }
    shared_t *shared = hf_segment_root(segment); /* all zero at first */
    for (int i = 0; i < 10000000 && error == 0; i++) {
        error = hf_mutex_lock(&shared->lock);
        if (error == EOWNERDEAD) { /* its holder was killed: repair, then say so */
            error = hf_mutex_consistent(&shared->lock);
        }
        if (error == 0) {
            shared->count++;
            error = hf_mutex_unlock(&shared->lock);
        }
    }
    printf("%u\n", shared->count);
    return error;
}
