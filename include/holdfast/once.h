/* SPDX-License-Identifier: MIT */
/*
 * Once: what has to be initialised by exactly one of many, who may be killed over it.
 *
 *     static int fill(void *table) { ... return 0; }
 *     int error = hf_once(&shared->filled, fill, shared->table);
 *
 * Kill theorem: whoever returns 0 finds it initialised, by a call of init that ran to its
 * end. An initialiser that is killed half-way is succeeded by one of those who wait or
 * come next: init must be able to start over on what its predecessor left.
 */
#ifndef HOLDFAST_ONCE_H
#define HOLDFAST_ONCE_H

#include <holdfast/common.h>
#include <holdfast/mutex.h>

#ifdef __cplusplus
extern "C" {
#endif

/* 24 bytes at an 8-byte boundary; all-zero is one not yet done. The fields are private.
 */
typedef struct {
    hf_mutex_t hf_lock; /* the initialiser's */
    uint32_t hf_done;
    uint32_t hf_reserved;
} hf_once_t;

/*
 * Calls init(arg) unless that has succeeded before; waits for another who is at it. If
 * init returns an error it is not done, and the next one tries. 0: it is done; what init
 * returned; EDEADLK: init called this for the same one; EINVAL: not in a segment, or no
 * init; EBADMSG; EACCES; EAGAIN: participants.
 */
HF_API HF_NODISCARD int hf_once(hf_once_t *o, int (*init)(void *), void *arg);

/* Tells who is at it and who waits. 0; EINVAL; EBADMSG. */
HF_API HF_NODISCARD int hf_once_owner(const hf_once_t *o, hf_owner_t *who);

/* Whether its bytes can be one. 0; EINVAL; EBADMSG. */
HF_API HF_NODISCARD int hf_once_check(const hf_once_t *o);

#ifdef __cplusplus
}
#endif

#endif
