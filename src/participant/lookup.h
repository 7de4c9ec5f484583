/* SPDX-License-Identifier: MIT */
/*
 * Lookup: the attachment that holds an address, found in line, for those whose whole call
 * costs no more than a few function calls would. Everybody else asks attachment.h.
 */
#ifndef HFI_PARTICIPANT_LOOKUP_H
#define HFI_PARTICIPANT_LOOKUP_H

/* liburcu's read side in line, too: a few lines each. */
#ifndef _LGPL_SOURCE
#define _LGPL_SOURCE
#endif
#include <urcu-bp.h>

#include "participant/attachment.h"

#pragma GCC visibility push(hidden)
extern struct hfi_attachment *hfi_attachments; /* all of them, the last one first */
#pragma GCC visibility pop

static inline bool hfi_is_open(const struct hfi_attachment *at)
{
    return __atomic_load_n(&at->opens, __ATOMIC_RELAXED) > 0;
}

/* Under the process lock or in a read section. Closed ones wait for their last member. */
static inline struct hfi_attachment *hfi_find_attachment(const void *address, size_t size)
{
    for (struct hfi_attachment *at = rcu_dereference(hfi_attachments); at != NULL;
         at = rcu_dereference(at->next)) {
        if (hfi_is_open(at) && hfi_attachment_holds(at, address, size)) {
            return at;
        }
    }
    return NULL;
}

/* As hfi_attachment_look. */
static inline const struct hfi_attachment *hfi_look(const void *address, size_t size)
{
    if ((uintptr_t)address % HFI_GRID != 0) {
        return NULL;
    }
    rcu_read_lock();
    const struct hfi_attachment *at = hfi_find_attachment(address, size);
    if (at == NULL) {
        rcu_read_unlock();
    }
    return at;
}

static inline void hfi_let_go(void)
{
    rcu_read_unlock();
}

#endif
