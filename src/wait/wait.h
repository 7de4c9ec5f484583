/* SPDX-License-Identifier: MIT */
/*
 * Waiting: spin, then sleep on {a word, the life of who holds it}, with a timer behind.
 *
 * A wake is a hint. Whoever has slept in a call looks again at the word, whatever ended
 * its sleep, and has until then an obligation to the others: see docs/recovery.md.
 */
#ifndef HFI_WAIT_H
#define HFI_WAIT_H

#include <stdbool.h>
#include <stdint.h>

#include <holdfast/common.h>

#include "base/deadline.h"
#include "participant/member.h"

/* Two are woken at a time, so that one of them may die. */
enum { HFI_WAKE_PAIR = 2 };

/* What a step of a wait returns that has not ended it. Not an errno value. */
enum { HFI_TRY_AGAIN = -1 };

/* One call that may have to wait. */
struct hfi_wait {
    struct hfi_member me;
    const void *primitive;
    uint64_t deadline;     /* HFI_NEVER: none; 0: do not wait at all */
    unsigned sleeps;       /* in this call; after one it may have been given a wake */
    bool rang;             /* the back-stop's timer ended the last sleep */
    bool unsure;           /* a wake may not come: sleep for moments only */
    struct hfi_watch also; /* a second word that ends its sleeps; word null: none */
};

static inline struct hfi_wait hfi_wait_start(
    const struct hfi_member *me, const void *primitive, uint64_t deadline)
{
    return (struct hfi_wait){.me = *me, .primitive = primitive, .deadline = deadline};
}

bool hfi_wait_is_over(const struct hfi_wait *wait);       /* the deadline has passed */
bool hfi_wait_is_called_off(const struct hfi_wait *wait); /* `also` has changed */

/*
 * Sleeps while the word (and `also`) is as expected and the owners of the tags live (as
 * many of them as can be watched). Returns for any reason or none; has woken the others
 * who watch one that died.
 */
void hfi_wait_sleep(struct hfi_wait *wait, uint32_t *word, uint32_t expected,
    const uint64_t *holders, unsigned count);

/*
 * To be asked before taking what is there to be taken: false if the timer rang, and the
 * word has changed in the moment that this gives to whoever was woken for it. If nobody
 * came, the sleep was a rescue, and is counted.
 */
bool hfi_wait_may_take(struct hfi_wait *wait, uint32_t *word, uint32_t expected);

void hfi_wait_finish(struct hfi_wait *wait);

/* Looks at the word for some microseconds, in the hope of not having to sleep. */
bool hfi_wait_spin(
    const struct hfi_wait *wait, const uint64_t *word, bool (*is_ready)(uint64_t));

/*
 * For who waits for another's next step: looks whether the low half of the word is no
 * longer as expected, for longer than a sleeper takes to wake, if that is likely to pay.
 */
bool hfi_wait_for_change(
    const struct hfi_wait *wait, const uint64_t *word, uint32_t expected);

/* For those who go on after the timer rang and know that nobody else was going to. */
void hfi_wait_count_rescue(const struct hfi_wait *wait);

/* Who sleeps on the primitive, for hf_owner_t. */
void hfi_wait_report(
    const struct hfi_attachment *at, const void *primitive, hf_owner_t *report);
/* The same for a primitive that nobody holds. EINVAL: in no segment. */
int hfi_wait_tell(const void *primitive, size_t size, hf_owner_t *report);

#endif
