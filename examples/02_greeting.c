/* SPDX-License-Identifier: MIT */
/*
 * One process leaves a greeting, another reads it:
 *
 *     02_greeting hello "good morning"
 *     02_greeting hello
 */
#include <errno.h>
#include <holdfast/holdfast.h>
#include <stdio.h>
#include <string.h>

typedef struct {
    uint32_t written; /* set last: who sees it sees all of the text */
    char text[60];
} greeting_t;

static int leave(const char *name, const char *text)
{
    hf_shm_t *shm;
    hf_region_t *region;
    hf_shm_config_t config = {.size = sizeof(greeting_t)};
    int error = hf_shm_open(&shm, name, HF_CREATE | HF_EXCLUSIVE, &config);
    if (error != 0) {
        return error;
    }
    error = hf_region_map(&region, shm, 0, 0, 0);
    if (error == 0) {
        greeting_t *greeting = hf_region_address(region);
        snprintf(greeting->text, sizeof greeting->text, "%s", text);
        __atomic_store_n(&greeting->written, 1, __ATOMIC_RELEASE);
        error = hf_region_unmap(region);
    }
    int closed = hf_shm_close(shm);
    return error != 0 ? error : closed;
}

static int take(const char *name)
{
    hf_shm_t *shm;
    hf_region_t *region;
    hf_shm_config_t config = {.size = sizeof(greeting_t)};
    int error = hf_shm_open(&shm, name, HF_READ_ONLY, &config);
    if (error != 0) {
        return error;
    }
    error = hf_region_map(&region, shm, HF_READ_ONLY, 0, 0);
    if (error == 0) {
        const greeting_t *greeting = hf_region_address(region);
        if (__atomic_load_n(&greeting->written, __ATOMIC_ACQUIRE) != 0) {
            printf("%.60s\n", greeting->text);
            error = hf_shm_remove(name);
        } else {
            error = EAGAIN; /* its writer is at it, or was killed before it was done:
                               an object cannot tell; a segment's mutex can */
        }
        (void)!hf_region_unmap(region);
    }
    int closed = hf_shm_close(shm);
    return error != 0 ? error : closed;
}

int main(int argc, char **argv)
{
    if (argc < 2 || argc > 3) {
        fprintf(stderr, "usage: 02_greeting name [text]: with a text, leaves it\n");
        return 2;
    }
    int error = argc == 3 ? leave(argv[1], argv[2]) : take(argv[1]);
    if (error != 0) {
        const char *hint = error == ENOENT   ? "; leave one first: 02_greeting name text"
                           : error == EEXIST ? "; read that one first: 02_greeting name"
                           : error == EAGAIN
                               ? "; if its writer was killed, use another name"
                               : "";
        fprintf(stderr, "greeting \"%s\": %s%s\n", argv[1], strerror(error), hint);
    }
    return error != 0;
}
