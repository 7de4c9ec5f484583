/* SPDX-License-Identifier: MIT */
/* Between the store that announces a sleeper and its sleep, others post and take. */
#include "crowd.h"
#include "wait/queue.h"

Test(queue, who_is_about_to_sleep_stays_announced)
{
    hf_segment_t *segment = open_fresh(sizeof(hf_sem_t), 0);
    hf_sem_t *sem = hf_segment_root(segment);
    for (int turn = 0; turn < 100; turn++) {
        while (!hfi_queue_enter(&sem->hf_word, sem->hf_word)) {
        }
        uint32_t asleep_on = *hfi_low_half(&sem->hf_word);
        assert_ok(hf_sem_post(sem));
        assert_ok(hf_sem_trywait(sem));
        bool would_sleep = *hfi_low_half(&sem->hf_word) == asleep_on;
        cr_assert(!would_sleep || hfi_queue_has_sleepers(sem->hf_word),
            "turn %d: it would sleep, and the next post would not wake it", turn);
    }
}
