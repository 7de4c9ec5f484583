/* SPDX-License-Identifier: MIT */
/*
 * Barrier: nobody goes on before all parties have arrived; then all do, round after
 * round.
 *
 *     error = hf_barrier_init(&shared->barrier, 4);   // by one, before the others use it
 *     bool last;
 *     error = hf_barrier_wait(&shared->barrier, &last);
 *     if (last) { ... }                               // true for one of them
 *
 * Kill theorem: a party that is killed while it waits has not arrived: the others wait
 * for another one to come in its place. A round that is complete lets all of its live
 * parties go on, whoever is killed at whatever instruction, also the last to arrive; then
 * it may be that none of them is told that it was the last.
 *
 * With more threads than parties, all that have arrived go on when a round is complete.
 *
 * Cost. An arrival looks at every participant's slot of the segment that was ever used.
 */
#ifndef HOLDFAST_BARRIER_H
#define HOLDFAST_BARRIER_H

#include <holdfast/common.h>

#ifdef __cplusplus
extern "C" {
#endif

/* 16 bytes at an 8-byte boundary; all-zero is one without parties. The fields are
 * private. */
typedef struct {
    HF_ALIGN8 uint64_t hf_word;
    uint32_t hf_parties;
    uint32_t hf_reserved;
} hf_barrier_t;

/*
 * Makes it one for this many parties, 1 to 16,384, whatever it was. For fresh memory:
 * nobody may use it meanwhile. 0; EINVAL; EACCES.
 */
HF_API HF_NODISCARD int hf_barrier_init(hf_barrier_t *b, unsigned parties);

/*
 * Arrives, and waits for the others. *last (which may be null): whether the caller
 * completed the round. 0; EINVAL: not in a segment, or not initialised; EBADMSG; EACCES;
 * EAGAIN: participants.
 */
HF_API HF_NODISCARD int hf_barrier_wait(hf_barrier_t *b, bool *last);

/* Tells who waits (nobody holds it: pid is 0). 0; EINVAL. */
HF_API HF_NODISCARD int hf_barrier_owner(const hf_barrier_t *b, hf_owner_t *who);

/* Whether its bytes can be a barrier. 0; EINVAL; EBADMSG. */
HF_API HF_NODISCARD int hf_barrier_check(const hf_barrier_t *b);

#ifdef __cplusplus
}
#endif

#endif
