/* SPDX-License-Identifier: MIT */
#include "participant/tally.h"

#include <errno.h>
#include <stdlib.h>

#include "platform/platform.h"

static hf_tally_t none; /* whose segment is null */

HF_THREAD_LOCAL hf_tally_t *hf_tally = &none;

/* The list is not in the tallies' memory: a child of fork must find what to give back. */
struct entry {
    struct entry *next;
    hf_tally_t *tally;
};

static _Thread_local struct entry *tallies;

/* Only this thread and its signal handlers look. A store that shows something is a
 * release, so it is whole; one after which something goes away is sequentially consistent,
 * so that comes later. */

hf_tally_t *hfi_tally_find(const void *segment)
{
    struct entry *e = __atomic_load_n(&tallies, __ATOMIC_RELAXED);
    while (e != NULL && e->tally->hf_segment != segment) {
        e = __atomic_load_n(&e->next, __ATOMIC_RELAXED);
    }
    if (e == NULL) {
        return NULL;
    }
    __atomic_store_n(&hf_tally, e->tally, __ATOMIC_RELAXED);
    return e->tally;
}

static int begin(const void *segment, hf_tally_t **tally)
{
    void *memory;
    struct entry *fresh = malloc(sizeof *fresh);
    int error = fresh != NULL ? hfi_wiped_map(sizeof **tally, &memory) : ENOMEM;
    if (error != 0) {
        free(fresh);
        return error;
    }
    *tally = memory;
    (*tally)->hf_segment = segment;
    *fresh = (struct entry){tallies, *tally};
    __atomic_store_n(&tallies, fresh, __ATOMIC_RELEASE);
    __atomic_store_n(&hf_tally, *tally, __ATOMIC_RELEASE);
    return 0;
}

int hfi_tally_keep(const void *segment, unsigned first, unsigned count, uint64_t *cells)
{
    hf_tally_t *t = hfi_tally_find(segment);
    int saved = errno;
    int error = t != NULL ? 0 : begin(segment, &t);
    errno = saved;
    for (unsigned i = 0; error == 0 && i < count; i++) {
        __atomic_store_n(&t->hf_cells[first + i], &cells[i], __ATOMIC_RELEASE);
    }
    return error;
}

void hfi_tally_end(const void *segment)
{
    struct entry **link = &tallies;
    __atomic_store_n(&hf_tally, &none, __ATOMIC_SEQ_CST);
    while (*link != NULL) {
        struct entry *e = *link;
        if (segment == NULL || e->tally->hf_segment == segment) {
            __atomic_store_n(link, e->next, __ATOMIC_SEQ_CST);
            hfi_wiped_unmap(e->tally, sizeof *e->tally);
            free(e);
        } else {
            link = &e->next;
        }
    }
}
