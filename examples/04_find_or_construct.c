/* SPDX-License-Identifier: MIT */
/* Whoever comes first constructs the object; the others wait for it and find it. Should
 * the first be killed in the middle, the next one begins anew. */
#include <holdfast/holdfast.h>
#include <stdio.h>
#include <string.h>

typedef struct {
    hf_mutex_t lock;
    long tickets;
} office_t;

static int construct(void *object, void *arg)
{
    office_t *office = object; /* all zero, and nobody else sees it yet */
    office->tickets = *(const long *)arg;
    return 0;
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "office";
    long first = 1000;
    hf_segment_t *segment;
    void *object;
    int error = hf_segment_open(&segment, name, HF_CREATE, NULL);
    if (error == 0) {
        error = hf_object_find_or_construct(
            segment, "tickets", sizeof(office_t), construct, &first, &object);
    }
    if (error != 0) {
        fprintf(stderr, "%s: %s\n", name, strerror(error));
        return error;
    }
    office_t *office = object;
    error = hf_mutex_lock(&office->lock);
    if (error == EOWNERDEAD) { /* a ticket was taken, or was not: nothing to repair */
        error = hf_mutex_consistent(&office->lock);
    }
    if (error == 0) {
        printf("%ld\n", office->tickets++);
        error = hf_mutex_unlock(&office->lock);
    }
    return error;
}
