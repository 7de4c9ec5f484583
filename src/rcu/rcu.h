/* SPDX-License-Identifier: MIT */
/*
 * RCU: read sections, and grace periods.
 *
 * A section's mark (wait/mark.h) is the epoch in which it began, and its nesting. A grace
 * period raises the epoch, makes a fence on everyone, and waits until no living reader's
 * mark is older. A section that it does not wait for either began with that epoch or a
 * later one, and so after what came before the period; or it made its mark after the
 * fence, and reads after it; or it had ended. A period leaves nothing that a death could
 * leave half-done.
 *
 * The bias is each slot's own. A thread's first section makes it plain, unless the
 * segment is `fenced`: somebody could make no fence, and needs all sections to have their
 * own. That one relies on slots whose bias is heeded: by their owners, or by others who
 * can.
 */
#ifndef HFI_RCU_H
#define HFI_RCU_H

#include <holdfast/rcu.h>

#include "participant/member.h"
#include "segment/segment.h"

/* The calling thread, in a segment or null. */
int hfi_rcu_enter(hf_segment_t *seg, const struct hfi_member **me);

/* Begins a period; *epoch: sections of earlier ones are to be waited for. What they must
 * not see was done before. ENOTSUP: there was no fence on everyone. */
int hfi_rcu_begin(hf_segment_t *seg, uint64_t *epoch);

/* Whether nobody is left of earlier epochs. */
bool hfi_rcu_is_over(const hf_segment_t *seg, uint64_t epoch);

#endif
