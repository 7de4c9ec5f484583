/* SPDX-License-Identifier: MIT */
/*
 * A log in a segment that grows: writers append, readers follow.
 *
 *     05_growing_log log write 1000 &
 *     05_growing_log log read 1000
 */
#include <holdfast/holdfast.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    char text[120];
} line_t;

typedef struct {
    hf_mutex_t lock; /* for waiting only: the vector is whole whoever dies */
    hf_cond_t more;
    hf_vector_t lines;
} log_t;

/* A dead holder has left nothing to repair. */
static int repaired(hf_mutex_t *lock, int error)
{
    return error == EOWNERDEAD ? hf_mutex_consistent(lock) : error;
}

static int append(hf_segment_t *segment, log_t *log, const line_t *line)
{
    int error = repaired(&log->lock, hf_mutex_lock(&log->lock));
    if (error != 0) {
        return error;
    }
    /* First: killed right after the push, nobody would tell the readers. Those who wake
     * wait for the lock, and so for us, dead or alive. */
    error = hf_cond_broadcast(&log->more);
    int pushed = hf_vector_push_back(segment, &log->lines, line);
    int unlocked = hf_mutex_unlock(&log->lock);
    return pushed != 0 ? pushed : unlocked != 0 ? unlocked : error;
}

/* Until there are more lines than so many. */
static int await(log_t *log, size_t lines)
{
    int error = repaired(&log->lock, hf_mutex_lock(&log->lock));
    while (error == 0 && hf_vector_size(&log->lines) <= lines) {
        error = repaired(&log->lock, hf_cond_wait(&log->more, &log->lock));
    }
    return error != 0 ? error : hf_mutex_unlock(&log->lock);
}

int main(int argc, char **argv)
{
    if (argc != 4 || (strcmp(argv[2], "read") != 0 && strcmp(argv[2], "write") != 0)) {
        fprintf(stderr, "usage: %s segment read|write lines\n", argv[0]);
        return EXIT_FAILURE;
    }
    hf_segment_t *segment;
    hf_segment_config_t config = {.size = 1 << 16, .max_size = 1 << 26};
    void *object;
    int error = hf_segment_open(&segment, argv[1], HF_CREATE, &config);
    if (error == 0) {
        error = hf_object_find_or_construct(
            segment, "log", sizeof(log_t), NULL, NULL, &object);
    }
    if (error == 0) {
        error = hf_vector_init(segment, &((log_t *)object)->lines, sizeof(line_t));
    }
    size_t lines = strtoul(argv[3], NULL, 10);
    for (size_t i = 0; i < lines && error == 0; i++) {
        log_t *log = object;
        line_t line = {""};
        if (argv[2][0] == 'w') {
            snprintf(line.text, sizeof line.text, "line %zu", i);
            error = append(segment, log, &line);
        } else {
            error = await(log, i);
            if (error == 0) { /* takes no lock, whoever appends */
                error = hf_vector_get(segment, &log->lines, i, &line);
            }
            puts(line.text);
        }
    }
    return error;
}
