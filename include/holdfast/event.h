/* SPDX-License-Identifier: MIT */
/*
 * Event: something that has happened, or not yet. Manual (the default): stays set, and
 * lets everybody pass, until reset. Automatic (HF_AUTO_RESET): lets one thread pass,
 * which resets it.
 *
 *     int error = hf_event_wait(&shared->ready);       // in the readers
 *     error = hf_event_set(&shared->ready);            // once, in the writer
 *
 * Kill theorem: a set event is noticed by everybody alive whom it concerns (manual: all
 * who wait; automatic: one), whoever is killed at whatever instruction. A set that was
 * killed has either happened or not. A thread killed just after an automatic event let it
 * pass has had it.
 *
 * A manual event that is set and reset again lets everybody pass who waited before the
 * reset. Signals. hf_event_set may be called from a signal handler.
 */
#ifndef HOLDFAST_EVENT_H
#define HOLDFAST_EVENT_H

#include <holdfast/common.h>

#ifdef __cplusplus
extern "C" {
#endif

/* 16 bytes at an 8-byte boundary; all-zero is a manual one, not set. The fields are
 * private. */
typedef struct {
    HF_ALIGN8 uint64_t hf_word;
    uint32_t hf_options;
    uint32_t hf_reserved;
} hf_event_t;

enum { HF_AUTO_RESET = 1 };

/*
 * Makes it one that is not set, with these options (0 or HF_AUTO_RESET), whatever it was.
 * For fresh memory: nobody may use it meanwhile. 0; EINVAL; EACCES.
 */
HF_API HF_NODISCARD int hf_event_init(hf_event_t *e, unsigned options);

/* Sets it. Setting a set one changes nothing. 0; EINVAL; EACCES; EBADMSG. */
HF_API HF_NODISCARD int hf_event_set(hf_event_t *e);

/* Resets it. 0; EINVAL; EACCES; EBADMSG. */
HF_API HF_NODISCARD int hf_event_reset(hf_event_t *e);

/* Waits until it is set. 0; EINVAL; EACCES; EBADMSG; EAGAIN: participants. */
HF_API HF_NODISCARD int hf_event_wait(hf_event_t *e);

/* Passes if it is set. As hf_event_wait; EBUSY: it is not. */
HF_API HF_NODISCARD int hf_event_trywait(hf_event_t *e);

/* Waits until the deadline (CLOCK_MONOTONIC) at most. As hf_event_wait; ETIMEDOUT;
 * EINVAL: no valid time. */
HF_API HF_NODISCARD int hf_event_timedwait(
    hf_event_t *e, const struct timespec *deadline);

/* Tells who waits (nobody holds it: pid is 0). 0; EINVAL. */
HF_API HF_NODISCARD int hf_event_owner(const hf_event_t *e, hf_owner_t *who);

/* Whether its bytes can be an event. 0; EINVAL; EBADMSG. */
HF_API HF_NODISCARD int hf_event_check(const hf_event_t *e);

#ifdef __cplusplus
}
#endif

#endif
