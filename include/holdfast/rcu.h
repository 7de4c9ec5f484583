/* SPDX-License-Identifier: MIT */
/*
 * RCU: reading without locks what others replace as a whole.
 *
 *     error = hf_rcu_read_lock(segment);                   // a reader, in any process
 *     const config_t *config = hf_rcu_dereference(&shared->config);
 *     ... read *config, which stays as it is ...
 *     error = hf_rcu_read_unlock(segment);
 *
 *     error = hf_alloc(segment, &mine->fresh, sizeof(config_t));     // who replaces it
 *     *(config_t *)hf_ptr_get(&mine->fresh) = ...;
 *     error = hf_rcu_replace(segment, &shared->config, &mine->fresh);
 *
 * A read section writes nothing that others write, takes no lock and waits for nobody. A
 * block that was replaced is freed after a grace period: when every section that may have
 * seen it has ended. Those who replace exclude each other by a mutex of theirs.
 *
 * Death. A section ends with its thread, at whatever instruction that dies, exits or
 * closes the segment: the kernel certifies it, and grace periods go on at once. A section
 * of one that is stopped, or slow, holds back what it may be reading: hf_rcu_stalled
 * names it. Blocks that wait for a grace period belong to the segment, not to who retired
 * them: whoever goes on retiring, or calls hf_rcu_barrier, frees them (one in 64 retirings
 * does, and each of a block that is large for the heap). When hf_alloc finds no memory,
 * hf_rcu_barrier waits for what is held back. Replacing, retiring and hf_rcu_info wait for
 * no reader, but take the heap's lock, as hf_alloc does.
 *
 * Kill theorem: a process killed at any instruction inside these calls leaves a pointer
 * replaced and its block retired, or neither; every block is freed once, and none while a
 * section that saw it goes on.
 *
 * Sections nest, and are a thread's own: what one begins, it ends. They are not for signal
 * handlers. A section in one segment says nothing about another; do not wait in it for
 * what comes after a grace period.
 *
 * Fences. Sections have none, if the kernel offers membarrier to all: then grace periods
 * make one. Where a process may not call it (seccomp), the segment falls back to fences in
 * the sections, for good, as soon as that process waits for a grace period or retires:
 * hf_rcu_info_t.fenced. A process that membarrier does not reach uses fences by itself.
 *
 * Errors of all calls, besides those listed: EINVAL: a null segment; EACCES: attached
 * read-only (but for hf_rcu_stalled); EBADMSG: damaged; what joining returns
 * (holdfast/common.h).
 */
#ifndef HOLDFAST_RCU_H
#define HOLDFAST_RCU_H

#include <holdfast/heap.h>
#include <holdfast/ptr.h>
#include <holdfast/segment.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- reading ---- */

enum { HF_RCU_NESTING_MAX = 1000 };

/* EAGAIN: nested too deep. */
HF_API HF_NODISCARD int hf_rcu_read_lock(hf_segment_t *seg);

/* EPERM: the thread is in no section. */
HF_API HF_NODISCARD int hf_rcu_read_unlock(hf_segment_t *seg);

/* The target, or null; whoever sees it sees what was stored in it before it was assigned.
 * Valid until the section's end. */
static inline void *hf_rcu_dereference(const hf_ptr_t *p)
{
    return hf_ptr_get(p);
}

/* ---- replacing ---- */

/* Publishes a target that nobody has seen, at a pointer that owns nothing. What is to be
 * freed later is better replaced by hf_rcu_replace: dying between this and hf_rcu_retire
 * loses a block. */
static inline void hf_rcu_assign(hf_ptr_t *p, void *target)
{
    hf_ptr_set(p, target);
}

/*
 * In one commit: p points to what *fresh points to, *fresh becomes null, and the block
 * that p pointed to, if any, is retired. `fresh` may be null, or point to nothing: then p
 * becomes null. EAGAIN: HF_RCU_PENDING_MAX blocks wait already; ENOSPC: no memory to note
 * it: all is as it was in both cases. EINVAL: one of them would point to itself; EBADMSG:
 * p does not lead to a block.
 *
 * *fresh must be a pointer that no reader looks at. To take an element out of a list, let
 * one of your own point to its successor; the element itself then stays as it is:
 *
 *     hf_ptr_set(&mine->spare, hf_ptr_get(&element->next)); // which owns nothing
 *     error = hf_rcu_replace(segment, &previous->next, &mine->spare);
 */
HF_API HF_NODISCARD int hf_rcu_replace(hf_segment_t *seg, hf_ptr_t *p, hf_ptr_t *fresh);

/*
 * Retires a block of the heap that no pointer leads to any more: frees it after a grace
 * period. Errors as hf_rcu_replace, and EBADMSG: not a block in use. As with free, doing
 * it twice is the caller's fault; who may die in between cannot know whether it has done
 * it, so prefer hf_rcu_replace.
 */
HF_API HF_NODISCARD int hf_rcu_retire(hf_segment_t *seg, void *block);

enum { HF_RCU_PENDING_MAX = 16384 /* blocks that wait for a grace period */ };

/* ---- waiting ---- */

/*
 * Returns when every section that was going on at the call has ended. EDEADLK: the thread
 * is in one itself; ENOTSUP: this process may not call membarrier, and a thread that reads
 * without fences has not noticed that yet (its next section does, or another process's
 * call here; an idle one may take for ever).
 */
HF_API HF_NODISCARD int hf_rcu_synchronize(hf_segment_t *seg);

/* Returns when all blocks that were retired before the call, by whomever, are free.
 * Errors as hf_rcu_synchronize. */
HF_API HF_NODISCARD int hf_rcu_barrier(hf_segment_t *seg);

/* ---- questions ---- */

/* The living reader that a grace period has waited for longest: .waited_ns, since it was
 * noticed; .waiters threads sleep until its section ends. pid 0: there is none. */
HF_API HF_NODISCARD int hf_rcu_stalled(hf_segment_t *seg, hf_owner_t *reader);

typedef struct {
    uint64_t periods;     /* grace periods that have begun */
    size_t pending;       /* blocks that wait for one */
    size_t pending_bytes; /* of the heap, that these and their ring take */
    bool fenced;          /* sections have fences: somebody may not call membarrier */
} hf_rcu_info_t;

HF_API HF_NODISCARD int hf_rcu_info(hf_segment_t *seg, hf_rcu_info_t *info);

#ifdef __cplusplus
}
#endif

#endif
