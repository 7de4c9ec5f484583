/* SPDX-License-Identifier: MIT */
#include "participant/tally.h"

#include <errno.h>
#include <stdlib.h>

_Thread_local struct hfi_tally *hfi_tally_last;
static _Thread_local struct hfi_tally *tallies;

/* Only this thread and its signal handlers look. A store that shows something is a
 * release, so it is whole; one after which something goes away is sequentially consistent,
 * so that comes later. */

struct hfi_tally *hfi_tally_find(const struct hfi_attachment *at)
{
    struct hfi_tally *t = __atomic_load_n(&tallies, __ATOMIC_RELAXED);
    while (t != NULL && !hfi_tally_is_of(t, at)) {
        t = __atomic_load_n(&t->next, __ATOMIC_RELAXED);
    }
    if (t != NULL) {
        __atomic_store_n(&hfi_tally_last, t, __ATOMIC_RELAXED);
    }
    return t;
}

static void *zeros(size_t size)
{
    int saved = errno;
    void *fresh = calloc(1, size);
    errno = saved;
    return fresh;
}

static struct hfi_tally *begin(const struct hfi_attachment *at)
{
    struct hfi_tally *fresh = zeros(sizeof *fresh);
    if (fresh != NULL) {
        fresh->at = at;
        fresh->incarnation = hfi_load32_relaxed(hfi_incarnation);
        fresh->next = tallies;
        __atomic_store_n(&tallies, fresh, __ATOMIC_RELEASE);
        __atomic_store_n(&hfi_tally_last, fresh, __ATOMIC_RELEASE);
    }
    return fresh;
}

int hfi_tally_keep(const struct hfi_attachment *at, unsigned group, uint64_t *cells)
{
    struct hfi_tally *t = hfi_tally_find(at);
    t = t != NULL ? t : begin(at);
    if (t == NULL) {
        return ENOMEM;
    }
    struct hfi_chunk **chunk = &t->chunks[group / HFI_CHUNK];
    if (*chunk == NULL) {
        struct hfi_chunk *fresh = zeros(sizeof *fresh);
        if (fresh == NULL) {
            return ENOMEM;
        }
        __atomic_store_n(chunk, fresh, __ATOMIC_RELEASE);
    }
    __atomic_store_n(&(*chunk)->cells[group % HFI_CHUNK], cells, __ATOMIC_RELEASE);
    return 0;
}

static void discard(struct hfi_tally *t)
{
    for (unsigned i = 0; i < HFI_GROUPS_MAX / HFI_CHUNK; i++) {
        free(t->chunks[i]);
    }
    free(t);
}

void hfi_tally_end(const struct hfi_attachment *at)
{
    struct hfi_tally **link = &tallies;
    __atomic_store_n(&hfi_tally_last, NULL, __ATOMIC_SEQ_CST);
    while (*link != NULL) {
        struct hfi_tally *t = *link;
        if (at == NULL || t->at == at) {
            __atomic_store_n(link, t->next, __ATOMIC_SEQ_CST);
            discard(t);
        } else {
            link = &t->next;
        }
    }
}
