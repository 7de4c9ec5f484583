/* SPDX-License-Identifier: MIT */
/*
 * A configuration that many processes read and one replaces, under RCU: readers take no
 * lock, and the old one goes when nobody reads it any more, whoever is killed.
 *
 *     08_configuration name serve 1000000 &      reads it so many times
 *     08_configuration name set example.org 8080
 *     08_configuration name print
 */
#include <holdfast/holdfast.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    unsigned port;
    char host[60];
    size_t length; /* of the host's name */
} configuration_t;

typedef struct {
    hf_mutex_t replacing;
    hf_ptr_t current; /* never changes in place */
    hf_ptr_t next;    /* under the mutex */
} shared_t;

/* Who was killed in here has replaced it or not: `next` is empty then, or to be filled. */
static int set(hf_segment_t *segment, shared_t *shared, const char *host, unsigned port)
{
    hf_heap_info_t info;
    int error = hf_mutex_lock(&shared->replacing);
    if (error == EOWNERDEAD) {
        error = hf_heap_info(segment, &info); /* completes what that one had begun */
        if (error == 0) {
            error = hf_mutex_consistent(&shared->replacing);
        }
    }
    if (error != 0) {
        return error;
    }
    if (hf_ptr_get(&shared->next) == NULL) {
        error = hf_alloc(segment, &shared->next, sizeof(configuration_t));
    }
    if (error == 0) {
        configuration_t *next = hf_ptr_get(&shared->next);
        *next = (configuration_t){.port = port, .length = strlen(host)};
        strncpy(next->host, host, sizeof next->host - 1);
        error = hf_rcu_replace(segment, &shared->current, &shared->next);
    }
    int unlocked = hf_mutex_unlock(&shared->replacing);
    return error != 0 ? error : unlocked;
}

/* Reads it so many times; EBADMSG: what was read does not belong together. */
static int serve(hf_segment_t *segment, const shared_t *shared, unsigned long times)
{
    for (unsigned long i = 0; i < times; i++) {
        int error = hf_rcu_read_lock(segment);
        if (error != 0) {
            return error;
        }
        const configuration_t *now = hf_rcu_dereference(&shared->current);
        bool whole = now == NULL || strlen(now->host) == now->length;
        error = hf_rcu_read_unlock(segment);
        if (error != 0 || !whole) {
            return error != 0 ? error : EBADMSG;
        }
    }
    return 0;
}

static int print(hf_segment_t *segment, const shared_t *shared)
{
    hf_rcu_info_t info;
    int error = hf_rcu_barrier(segment);
    if (error == 0) {
        error = hf_rcu_info(segment, &info);
    }
    if (error == 0) {
        error = hf_rcu_read_lock(segment);
    }
    if (error != 0) {
        return error;
    }
    const configuration_t *now = hf_rcu_dereference(&shared->current);
    printf("%s:%u, %zu old ones\n", now != NULL ? now->host : "nowhere",
        now != NULL ? now->port : 0, info.pending);
    return hf_rcu_read_unlock(segment);
}

static int run(hf_segment_t *segment, int argc, char **argv)
{
    shared_t *shared = hf_segment_root(segment);
    if (argc == 5 && strcmp(argv[2], "set") == 0 && strlen(argv[3]) < 60) {
        return set(segment, shared, argv[3], (unsigned)strtoul(argv[4], NULL, 10));
    }
    if (argc == 4 && strcmp(argv[2], "serve") == 0) {
        return serve(segment, shared, strtoul(argv[3], NULL, 10));
    }
    return argc == 3 && strcmp(argv[2], "print") == 0 ? print(segment, shared) : EINVAL;
}

int main(int argc, char **argv)
{
    hf_segment_t *segment = NULL;
    int error = argc < 3 ? EINVAL : hf_segment_open(&segment, argv[1], HF_CREATE, NULL);
    if (error == 0) {
        error = run(segment, argc, argv);
    }
    if (error == EINVAL) {
        fprintf(
            stderr, "usage: %s segment serve times | set host port | print\n", argv[0]);
    } else if (error != 0) {
        fprintf(stderr, "%s: %s\n", argv[0], strerror(error));
    }
    return error;
}
