/* SPDX-License-Identifier: MIT */
/*
 * Writer: the gate (a mutex), which a writer or an upgradable one holds, and WRITER, the
 * tag of a writer that keeps readers out. WRITER is set and cleared by who holds the
 * gate:
 *
 *   DRAINING      the writer waits for readers to leave, and has changed nothing yet.
 *   READERS       a reader may sleep on the word; must be set before it does.
 *   LOST          beside no writer: the gate is lost, or about to be.
 *
 * A gate whose holder died while WRITER was LOST is lost, and its taker says so. One
 * whose holder died while WRITER was 0 or DRAINING guards nothing half-done: the taker
 * goes on as if it had been given back. Whoever has the gate, consistent, and is not the
 * writer finds WRITER 0.
 */
#ifndef HFI_RWLOCK_WRITER_H
#define HFI_RWLOCK_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include <holdfast/rwlock.h>

#include "participant/member.h"

struct hfi_wait;

enum { HFI_DRAINING = 1, HFI_READERS = 2, HFI_LOST = 4 };

static inline uint64_t hfi_writer_of(uint64_t w)
{
    return w & ~HFI_FLAGS_MASK;
}

/* Flags stand beside a writer, but for LOST. */
static inline enum hfi_life hfi_life_of_writer(const struct hfi_table *table, uint64_t w)
{
    return hfi_tag_generation(w) != 0 ? hfi_table_life(table, hfi_writer_of(w))
                                      : HFI_IMPOSSIBLE;
}

static inline bool hfi_is_writer(const hf_rwlock_t *l, uint64_t me)
{
    return hfi_writer_of(hfi_load64_relaxed(&l->hf_writer)) == me;
}

/*
 * The gate, and whether a writer died over what the lock guards. EOWNERDEAD: then it is
 * ours for writing, with nobody within: readers were kept out, and stay so under the new
 * WRITER.
 */
int hfi_enter_gate(hf_rwlock_t *l, const struct hfi_member *me, uint64_t deadline);

/* The same for a reader that slept before WRITER, or met a dead one. ECANCELED: not so;
 * what `wait` also watches has changed. */
int hfi_enter_gate_within(hf_rwlock_t *l, struct hfi_wait *wait);

/* `result`, or what went wrong here. */
int hfi_leave_gate(hf_rwlock_t *l, int result);

/* Waits until nobody reads. Requires the gate. EDEADLK: we read it; on failure readers
 * are let in again. */
int hfi_become_writer(hf_rwlock_t *l, const struct hfi_member *me, uint64_t deadline);

/* us -> 0, and wakes the readers that wait */
void hfi_let_in(hf_rwlock_t *l);

/* us -> lost, and so the gate. Dying in between leaves the gate to the next, who does the
 * same: a reader may have been told. */
int hfi_give_up(hf_rwlock_t *l);

#endif
