/* SPDX-License-Identifier: MIT */
/* What primitives built on a mutex need of it, beyond its public calls. */
#ifndef HFI_MUTEX_H
#define HFI_MUTEX_H

#include <stdbool.h>
#include <stdint.h>

#include <holdfast/mutex.h>

#include "participant/member.h"

struct hfi_wait;

/* As hf_mutex_lock, until a moment (HFI_NEVER; 0: ETIMEDOUT at once). */
int hfi_mutex_lock_until(hf_mutex_t *m, uint64_t deadline);

/* The same within a wait of the caller's, who looks for something else besides.
 * ECANCELED: not taken, and what the wait also watches has changed. */
int hfi_mutex_lock_within(hf_mutex_t *m, struct hfi_wait *wait);

/* EPERM: the caller does not hold it. *me: the caller, there. */
int hfi_mutex_check_held(hf_mutex_t *m, const struct hfi_member **me);

/* For the holder. How often it has locked it beyond the first time; was, before. */
uint32_t hfi_mutex_swap_depth(hf_mutex_t *m, uint32_t depth);

/* Whether the tag's owner holds it, and nothing else is to be said of it. */
static inline bool hfi_mutex_is_plainly(const hf_mutex_t *m, uint64_t tag)
{
    return hfi_load64_relaxed(&m->hf_word) == tag;
}

/* For the holder. */
bool hfi_mutex_is_consistent(const hf_mutex_t *m);

#endif
