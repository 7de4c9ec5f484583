/* SPDX-License-Identifier: MIT */
/*
 * Once: a mutex that the initialiser holds, and DONE. Commit point: the store of DONE,
 * under the mutex. An initialiser that dies before it leaves the mutex to the next, who
 * starts over; one that dies after it leaves the mutex to whoever still waits for it, who
 * sees DONE.
 */
#include <holdfast/once.h>

#include <errno.h>

#include "participant/member.h"

enum { DONE = 1 };

_Static_assert(sizeof(hf_once_t) == 24, "format");

static bool is_done(const hf_once_t *o)
{
    return hfi_load32_acquire(&o->hf_done) == DONE;
}

static int initialise(hf_once_t *o, int (*init)(void *), void *arg)
{
    int error = is_done(o) ? 0 : init(arg);
    if (error == 0) {
        hfi_store32_release(&o->hf_done, DONE);
    }
    return error;
}

static bool is_damaged(const hf_once_t *o)
{
    return hfi_load32_relaxed(&o->hf_done) > DONE;
}

static int lock(hf_once_t *o)
{
    const struct hfi_member *me;
    int error = hfi_member_at(o, sizeof *o, &me);
    if (error == 0 && is_damaged(o)) {
        error = EBADMSG;
    }
    return error != 0 ? error : hf_mutex_lock(&o->hf_lock);
}

static int once_slow(hf_once_t *o, int (*init)(void *), void *arg)
{
    int error = lock(o);
    if (error == EOWNERDEAD) {
        error = hf_mutex_consistent(&o->hf_lock); /* nothing but DONE is guarded */
    }
    if (error != 0) {
        return error;
    }
    int result = initialise(o, init, arg);
    error = hf_mutex_unlock(&o->hf_lock);
    return result != 0 ? result : error;
}

int hf_once(hf_once_t *o, int (*init)(void *), void *arg)
{
    if (init == NULL) {
        return EINVAL;
    }
    return hfi_is_here(o) && is_done(o) ? 0 : once_slow(o, init, arg);
}

int hf_once_owner(const hf_once_t *o, hf_owner_t *who)
{
    const struct hfi_attachment *at = hfi_attachment_look(o, sizeof *o);
    if (at == NULL) {
        return EINVAL;
    }
    int error = hf_mutex_owner(&o->hf_lock, who);
    hfi_attachment_let_go();
    return error;
}

int hf_once_check(const hf_once_t *o)
{
    const struct hfi_attachment *at = hfi_attachment_look(o, sizeof *o);
    if (at == NULL) {
        return EINVAL;
    }
    bool damaged = is_damaged(o);
    hfi_attachment_let_go();
    return damaged ? EBADMSG : hf_mutex_check(&o->hf_lock);
}
