/* SPDX-License-Identifier: MIT */
#include "participant/tally.h"

#include <errno.h>
#include <stdlib.h>

_Thread_local struct hfi_tally *hfi_tally_last;
static _Thread_local struct hfi_tally *tallies;

/* Relaxed: only this thread and its signal handlers look. The fence keeps what the
 * pointer shows before it. */
static void show(struct hfi_tally **link, struct hfi_tally *tally)
{
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    __atomic_store_n(link, tally, __ATOMIC_RELAXED);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
}

struct hfi_tally *hfi_tally_find(const struct hfi_attachment *at)
{
    struct hfi_tally *t = __atomic_load_n(&tallies, __ATOMIC_RELAXED);
    while (t != NULL && !hfi_tally_is_of(t, at)) {
        t = __atomic_load_n(&t->next, __ATOMIC_RELAXED);
    }
    if (t != NULL) {
        show(&hfi_tally_last, t);
    }
    return t;
}

int hfi_tally_make(const struct hfi_attachment *at, struct hfi_tally **tally)
{
    *tally = hfi_tally_find(at);
    if (*tally != NULL) {
        return 0;
    }
    int saved = errno;
    struct hfi_tally *fresh = calloc(1, sizeof *fresh);
    errno = saved;
    if (fresh == NULL) {
        return ENOMEM;
    }
    fresh->at = at;
    fresh->incarnation = hfi_load32_relaxed(hfi_incarnation);
    fresh->next = tallies;
    show(&tallies, fresh);
    show(&hfi_tally_last, fresh);
    *tally = fresh;
    return 0;
}

void hfi_tally_end(const struct hfi_attachment *at)
{
    struct hfi_tally **link = &tallies;
    show(&hfi_tally_last, NULL);
    while (*link != NULL) {
        struct hfi_tally *t = *link;
        if (at == NULL || t->at == at) {
            show(link, t->next);
            free(t);
        } else {
            link = &t->next;
        }
    }
}
