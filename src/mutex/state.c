/* SPDX-License-Identifier: MIT */
/* Mutex: what is asked and said of its state, but for locking it. */
#include <errno.h>

#include "mutex/mutex.h"
#include "mutex/word.h"
#include "wait/wait.h"

int hf_mutex_init(hf_mutex_t *m, unsigned options)
{
    const struct hfi_member *me;
    if ((options & ~(unsigned)HF_RECURSIVE) != 0) {
        return EINVAL;
    }
    int error = hfi_member_at(m, sizeof *m, &me);
    if (error != 0) {
        return error;
    }
    hfi_store32_relaxed(&m->hf_depth, (options & HF_RECURSIVE) != 0 ? RECURSIVE : 0);
    hfi_store32_relaxed(&m->hf_bias, 0);
    hfi_store64_release(&m->hf_word, 0);
    hfi_wake(hfi_low_half(&m->hf_word), HFI_ALL);
    return 0;
}

int hfi_mutex_check_held(hf_mutex_t *m, const struct hfi_member **me)
{
    int error = hfi_member_at(m, sizeof *m, me);
    if (error != 0) {
        return error;
    }
    return holder_of(hfi_load64_relaxed(&m->hf_word)) == (*me)->tag ? 0 : EPERM;
}

uint32_t hfi_mutex_swap_depth(hf_mutex_t *m, uint32_t depth)
{
    uint32_t old = depth_of(m);
    set_depth(m, depth);
    return old;
}

bool hfi_mutex_is_consistent(const hf_mutex_t *m)
{
    return (hfi_load64_relaxed(&m->hf_word) & INCONSISTENT) == 0;
}

int hf_mutex_consistent(hf_mutex_t *m)
{
    const struct hfi_member *me;
    int error = hfi_mutex_check_held(m, &me);
    if (error != 0) {
        return error;
    }
    if (hfi_mutex_is_consistent(m)) {
        return EINVAL;
    }
    uint64_t w = hfi_load64_relaxed(&m->hf_word);
    /* inconsistent -> consistent, held by us both */
    while (!hfi_cas64_release(&m->hf_word, &w, w & ~(uint64_t)INCONSISTENT)) {
    }
    return 0;
}

static int report(const struct hfi_attachment *at, const hf_mutex_t *m, hf_owner_t *who)
{
    uint64_t w = hfi_load64_acquire(&m->hf_word);
    if (is_damaged(w)) {
        return EBADMSG;
    }
    *who = (hf_owner_t){.pid = 0};
    hfi_wait_report(at, m, who);
    return is_held(w) ? hfi_table_report(&at->table, holder_of(w), who) : 0;
}

int hf_mutex_owner(const hf_mutex_t *m, hf_owner_t *who)
{
    const struct hfi_attachment *at = hfi_attachment_look(m, sizeof *m);
    if (at == NULL) {
        return EINVAL;
    }
    int error = who != NULL ? report(at, m, who) : EINVAL;
    hfi_attachment_let_go();
    return error;
}

int hf_mutex_check(const hf_mutex_t *m)
{
    hf_owner_t who;
    return hf_mutex_owner(m, &who);
}
