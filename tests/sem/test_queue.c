/* SPDX-License-Identifier: MIT */
/* Between the store that announces a sleeper and its sleep, others post and take. */
#include "crowd.h"
#include "base/atomics.h"

#define SLEEPERS UINT32_C(0x80000000)

Test(queue, who_is_about_to_sleep_stays_announced)
{
    hf_segment_t *segment = open_fresh(sizeof(hf_sem_t), 0);
    hf_sem_t *sem = hf_segment_root(segment);
    uint32_t *compared = hfi_low_half(&sem->hf_word);
    for (int turn = 0; turn < 100; turn++) {
        sem->hf_word = SLEEPERS; /* no tokens, and somebody enters */
        uint32_t asleep_on = *compared;
        assert_ok(hf_sem_post(sem));
        assert_ok(hf_sem_trywait(sem));
        bool would_sleep = *compared == asleep_on;
        cr_assert(!would_sleep || (*compared & SLEEPERS) != 0,
            "turn %d: it would sleep, and the next post would not wake it", turn);
        if (turn % 32 == 31) {
            cr_assert_eq(*compared, 0, "nobody sleeps: now and then that is noticed");
        }
    }
}
