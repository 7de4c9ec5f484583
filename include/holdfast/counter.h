/* SPDX-License-Identifier: MIT */
/*
 * Counters: numbers that any thread of any process adds to, and that are read rarely.
 *
 *     hf_counter_t requests;
 *     int error = hf_counter_open(segment, "requests", &requests);
 *     ...
 *     error = hf_counter_add(requests, 1);       // at every request: 1 to 2 ns
 *     ...
 *     int64_t sum;
 *     error = hf_counter_read(requests, &sum);   // in whatever process shows it
 *
 * Each thread adds to a cell of its own, so adders never meet: no lock, no fence, no
 * cache line shared. Reading adds the cells up, those of the dead too: their cells stay,
 * and the next thread in their place goes on with them.
 *
 * Kill theorem: a thread killed at any instruction inside hf_counter_add has added or has
 * not; all other adds count exactly once, whoever dies wherever. Nobody waits for anybody
 * once a thread has added to a counter for the first time.
 *
 * A sum is of int64_t, and wraps around. A counter has 1 to 255 bytes of name, and lives
 * as long as its segment. Negative numbers may be added: a gauge, up at one place, down at
 * another. (What a killed process had put up, nobody puts down.)
 *
 * Memory: for every 64 counters, in the order of their creation, 8 bytes for each of the
 * segment's max_participants, and 576 for each thread at once that adds to any of them.
 *
 * Errors of all calls, besides those listed: EINVAL: a null argument, or not a name;
 * EBADMSG: damaged.
 */
#ifndef HOLDFAST_COUNTER_H
#define HOLDFAST_COUNTER_H

#include <holdfast/segment.h>
#include <holdfast/tally.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A counter, for this process and, after a fork, its children: copy it as you like. Until
 * the segment is closed; then using it is as using what has been freed. The fields are
 * private. */
typedef struct {
    hf_segment_t *hf_segment;
    uint32_t hf_id; /* below HF_COUNTERS_MAX */
} hf_counter_t;

/*
 * Finds the counter of this name, or creates it, as 0. Finding takes no lock and writes
 * nothing. 0; EAGAIN: there are 65,536; ENOSPC: no memory in the segment for one more;
 * EACCES: there is none, and the segment is attached read-only; when it creates, EDEADLK
 * and what joining returns, as in holdfast/heap.h.
 */
HF_API HF_NODISCARD int hf_counter_open(
    hf_segment_t *seg, const char *name, hf_counter_t *c);

/*
 * Adds n. Orders nothing else: who learns of the add in another way (a mutex, say) will
 * read a sum that has it. 0; and, possible only at the thread's first add to a counter or
 * a neighbour of it: ENOSPC: no memory in the segment; ENOMEM; EACCES: attached
 * read-only; EDEADLK and what joining returns.
 *
 * May be called from a signal handler in a thread that has added to the same counter
 * before (in this process, after a fork), and is not just closing the segment or exiting.
 */
HF_NODISCARD static inline int hf_counter_add(hf_counter_t c, int64_t n);

/* The same, as a function of the library: for other languages, and for what is not
 * compiled in below. */
HF_API HF_NODISCARD int hf_counter_add_called(hf_counter_t c, int64_t n);

/*
 * The sum of all that was added, by anybody ever. Adds that are made during the call are
 * in it or not. Waits for nobody, joins nothing, and works on a segment attached
 * read-only and in signal handlers.
 */
HF_API HF_NODISCARD int hf_counter_read(hf_counter_t c, int64_t *sum);

/*
 * All counters: calls see(name, sum, arg) for each, in no order that means anything; those
 * created meanwhile may be missing. Much cheaper than to read one by one. As
 * hf_counter_read otherwise, but not for signal handlers. 0; ENOMEM.
 */
HF_API HF_NODISCARD int hf_counter_each(
    hf_segment_t *seg, void (*see)(const char *name, int64_t sum, void *arg), void *arg);

static inline int hf_counter_add(hf_counter_t c, int64_t n)
{
    const hf_tally_t *t = __atomic_load_n(&hf_tally, __ATOMIC_RELAXED);
    uint64_t *cell = t->hf_segment == c.hf_segment ? hf_tally_cell(t, c.hf_id) : NULL;
    if (__builtin_expect(cell == NULL, 0)) {
        return hf_counter_add_called(c, n);
    }
    hf_tally_add(cell, n);
    return 0;
}

#ifdef __cplusplus
}
#endif

#endif
