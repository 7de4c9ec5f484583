/* SPDX-License-Identifier: MIT */
/*
 * Mutex: one word, tagged with its holder. docs/recovery.md has transitions and proof.
 *
 *   SLEEPERS      a thread may sleep on the word. A thread must set it before it sleeps;
 *                 only a holder whose wake finds nobody may clear it.
 *   WAKING        an unlocker has woken two sleepers, and none has acted since; while it
 *                 is set, unlocking need wake nobody. Who clears it either goes to sleep
 *                 watching the holder, or has just become the holder after a sleep.
 *   INCONSISTENT  taken from a dead holder, not yet declared repaired; a holder's only.
 *   LOST          unlocked while INCONSISTENT: no holder again, until hf_mutex_init.
 *
 * Not in the word, so that a recursive mutex has the same fast path: RECURSIVE, in the
 * depth, which is the holder's. The depth is 0 whenever the word is not held by a live
 * thread that locked it more than once.
 *
 * The bias (wait/bias.h) says that nobody sleeps, so the holder may give the mutex back
 * by a plain store, which would overwrite flags that others set meanwhile. Who is about
 * to sleep revokes it; then the holder uses compare-and-swap.
 *
 * Between taking (a compare-and-swap) and giving back (another, or the store) the word
 * alone says who holds it. Dying before either leaves nothing; dying after leaves a dead
 * tag, which the next comer replaces, and those asleep are woken by the death of the
 * lease that they watch.
 */
#ifndef HFI_MUTEX_WORD_H
#define HFI_MUTEX_WORD_H

#include <stdbool.h>
#include <stdint.h>

#include <holdfast/mutex.h>

#include "base/atomics.h"
#include "participant/table.h"

enum {
    SLEEPERS = 1,
    WAKING = 2,
    INCONSISTENT = 4,
    LOST = 8,
    UNUSED = 16,
};

/* In hf_depth: the option, which never changes; below it, locks beyond the first. */
#define RECURSIVE (UINT32_C(1) << 31)

_Static_assert(UNUSED << 1 == 1 << HFI_FLAG_BITS, "flags leave the tag alone");
_Static_assert(sizeof(hf_mutex_t) == 16, "format");

static inline uint64_t holder_of(uint64_t w)
{
    return w & ~HFI_FLAGS_MASK;
}

static inline bool is_held(uint64_t w)
{
    return holder_of(w) != 0;
}

static inline bool is_unheld(uint64_t w)
{
    return !is_held(w);
}

static inline bool is_free(uint64_t w)
{
    return !is_held(w) && (w & LOST) == 0;
}

static inline bool owes_a_wake(uint64_t w)
{
    return (w & (SLEEPERS | WAKING)) == SLEEPERS;
}

/* Bits that no transition leads to. */
static inline bool is_damaged(uint64_t w)
{
    if ((w & UNUSED) != 0) {
        return true;
    }
    return is_held(w) ? (w & LOST) != 0 || hfi_tag_generation(w) == 0
                      : (w & INCONSISTENT) != 0 || (w & (SLEEPERS | WAKING)) == WAKING;
}

/* ---- depth: for the holder ---- */

/* Locked more than once. Only a recursive one can be, whatever the depth is damaged to. */
static inline bool is_deep(uint32_t depth)
{
    return depth > RECURSIVE;
}

static inline uint32_t depth_of(const hf_mutex_t *m)
{
    return hfi_load32_relaxed(&m->hf_depth) & ~RECURSIVE;
}

static inline void set_depth(hf_mutex_t *m, uint32_t depth)
{
    uint32_t option = hfi_load32_relaxed(&m->hf_depth) & RECURSIVE;
    hfi_store32_relaxed(&m->hf_depth, option | depth);
}

#endif
