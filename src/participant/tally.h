/* SPDX-License-Identifier: MIT */
/*
 * Tally: where the calling thread counts in a segment: in cells of its slot's own, which
 * it looks up once. A tally ends before its thread leaves the segment, so whoever has the
 * slot then is the only one that writes those cells.
 *
 * Signal handlers look tallies up in the middle of whatever their thread does: each store
 * here leaves the list whole.
 */
#ifndef HFI_PARTICIPANT_TALLY_H
#define HFI_PARTICIPANT_TALLY_H

#include <holdfast/tally.h>

/* The thread's tally there, which becomes the last one used; null: none. */
hf_tally_t *hfi_tally_find(const void *segment);
/* Keeps the cells of so many counters, in a segment that the thread has joined. ENOMEM,
 * ENOTSUP. */
int hfi_tally_keep(const void *segment, unsigned first, unsigned count, uint64_t *cells);
/* Before the thread leaves; null: in a child of fork, all that were its parent's. */
void hfi_tally_end(const void *segment);

#endif
