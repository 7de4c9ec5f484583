/* SPDX-License-Identifier: MIT */
#ifndef RCU_TORTURE_ELEMENT_H
#define RCU_TORTURE_ELEMENT_H

#include "member.h"

static inline size_t element_size(uint64_t words)
{
    return sizeof(element_t) + words * sizeof(uint64_t);
}

/* Fills a block that nobody else sees. */
void element_fill(
    const stage_t *stage, element_t *e, uint64_t place, uint64_t version, uint64_t words);

/* Null; or what is wrong with it, in all its words or, if `shortly`, in two. By plain
 * loads, so that TSan sees who frees too early. */
const char *element_fault(const stage_t *stage, const element_t *e, uint64_t place,
    uint64_t version, bool shortly);

#endif
