/* SPDX-License-Identifier: MIT */
#include "rwlock/writer.h"

#include <errno.h>

#include "mutex/mutex.h"
#include "rwlock/readers.h"
#include "wait/wait.h"

/* ---- the gate ---- */

/* Holds the gate, its last holder dead. */
static int settle(hf_rwlock_t *l, const struct hfi_member *me)
{
    uint64_t w = hfi_load64_acquire(&l->hf_writer);
    if (w == HFI_LOST) {
        int error = hfi_give_up(l); /* its last holder had begun to */
        return error != 0 ? error : ENOTRECOVERABLE;
    }
    bool half_done = w != 0 && (w & HFI_DRAINING) == 0;
    if (half_done) {
        /* the dead one -> us */
        while (!hfi_cas64(&l->hf_writer, &w, me->tag | (w & HFI_READERS))) {
        }
        return EOWNERDEAD;
    }
    int error = hf_mutex_consistent(&l->hf_gate);
    if (error == 0 && w != 0) {
        hfi_let_in(l);
    }
    return error;
}

int hfi_enter_gate(hf_rwlock_t *l, const struct hfi_member *me, uint64_t deadline)
{
    int error = hfi_mutex_lock_until(&l->hf_gate, deadline);
    return error == EOWNERDEAD ? settle(l, me) : error;
}

int hfi_enter_gate_within(hf_rwlock_t *l, struct hfi_wait *wait)
{
    int error = hfi_mutex_lock_within(&l->hf_gate, wait);
    return error == EOWNERDEAD ? settle(l, &wait->me) : error;
}

int hfi_leave_gate(hf_rwlock_t *l, int result)
{
    int error = hf_mutex_unlock(&l->hf_gate);
    return result != 0 ? result : error;
}

/* ---- writing ---- */

/* 0 -> us, draining: from here on readers stay out, and those within are seen. */
static bool keep_out(hf_rwlock_t *l, uint64_t me)
{
    uint64_t w = hfi_load64_relaxed(&l->hf_writer);
    while (!hfi_cas64(&l->hf_writer, &w, me | HFI_DRAINING | (w & HFI_READERS))) {
    }
    hfi_fence_after_cas(); /* pairs with the one in hfi_fence_unless_plain */
    return hfi_bias_is_heeded(hfi_load32_acquire(&l->hf_bias)) || hfi_revoke_bias(l);
}

/* Requires keep_out. */
static int drain(hf_rwlock_t *l, struct hfi_wait *wait)
{
    uint64_t offset = hfi_member_offset(&wait->me, l);
    uint64_t reader, *place;
    while ((place = hfi_find_reader(&wait->me.at->table, offset, &reader)) != NULL) {
        if (reader == wait->me.tag) {
            return EDEADLK;
        }
        if (hfi_wait_is_over(wait)) {
            return ETIMEDOUT;
        }
        hfi_wait_sleep(wait, hfi_low_half(place), (uint32_t)offset, &reader, 1);
        if (wait->rang && hfi_load64_relaxed(place) != offset) {
            hfi_wait_count_rescue(wait); /* a reader that goes wakes us: it has not */
        }
    }
    return 0;
}

int hfi_become_writer(hf_rwlock_t *l, const struct hfi_member *me, uint64_t deadline)
{
    struct hfi_wait wait = hfi_wait_start(me, l, deadline);
    int error = keep_out(l, me->tag) ? drain(l, &wait) : ENOTSUP;
    hfi_wait_finish(&wait);
    if (error != 0) {
        hfi_let_in(l);
        return error;
    }
    uint64_t w = hfi_load64_relaxed(&l->hf_writer);
    /* us, draining -> us */
    while (!hfi_cas64_acquire(&l->hf_writer, &w, w & ~(uint64_t)HFI_DRAINING)) {
    }
    return 0;
}

void hfi_let_in(hf_rwlock_t *l)
{
    uint64_t w = hfi_load64_relaxed(&l->hf_writer);
    while (!hfi_cas64_release(&l->hf_writer, &w, 0)) {
    }
    if ((w & HFI_READERS) != 0) {
        hfi_wake(hfi_low_half(&l->hf_writer), HFI_ALL);
    }
}

int hfi_give_up(hf_rwlock_t *l)
{
    hfi_store64_release(&l->hf_writer, HFI_LOST);
    int error = hfi_leave_gate(l, 0);
    hfi_wake(hfi_low_half(&l->hf_writer), HFI_ALL);
    return error;
}
