/* SPDX-License-Identifier: MIT */
/*
 * Tally: where the calling thread counts. Private: it is here only because
 * hf_counter_add is compiled into its callers. Use counter.h.
 */
#ifndef HOLDFAST_TALLY_H
#define HOLDFAST_TALLY_H

#include <holdfast/common.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { HF_COUNTERS_MAX = 65536 }; /* of a segment */

/*
 * Of a thread in a segment, which it has joined. In a child of fork, who is not that
 * thread, all of it is zero. Address space, mostly: what is not looked up takes no memory.
 */
typedef struct {
    const void *hf_segment;              /* its handle */
    uint64_t *hf_cells[HF_COUNTERS_MAX]; /* the thread's, of each counter; null: not
                                             looked up yet */
} hf_tally_t;

/* The one that the thread used last; before that, one that is all zero. Never null. */
HF_API extern HF_THREAD_LOCAL hf_tally_t *hf_tally;

/* The thread's cell of a counter, or null. Relaxed: only the thread and its signal
 * handlers change what is read. */
static inline uint64_t *hf_tally_cell(const hf_tally_t *t, uint32_t counter)
{
    return __atomic_load_n(&t->hf_cells[counter], __ATOMIC_RELAXED);
}

/*
 * Adds to a cell, which only the calling thread writes. One instruction: neither a signal
 * handler that does the same nor a kill comes between its load and its store. It needs no
 * lock, which is most of the cost of others'.
 */
static inline void hf_tally_add(uint64_t *cell, int64_t n)
{
#if defined(__x86_64__) && !defined(HF_UNDER_TSAN)
    __asm__ volatile("addq %1, %0" : "+m"(*cell) : "er"(n) : "cc");
#else
    __atomic_fetch_add(cell, (uint64_t)n, __ATOMIC_RELAXED);
#endif
}

#ifdef __cplusplus
}
#endif

#endif
