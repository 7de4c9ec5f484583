/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <sys/mman.h>

#include "base/atomics.h"
#include "base/deadline.h"
#include "party.h"
#include "platform/platform.h"

typedef struct {
    struct hfi_lease lease;
    uint32_t place, step;
} board_t;

static board_t *new_board(void)
{
    void *memory = mmap(
        NULL, sizeof(board_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    cr_assert_neq(memory, MAP_FAILED);
    return memory;
}

static uint32_t *word_of(board_t *board)
{
    return (uint32_t *)(void *)((char *)&board->lease + board->place);
}

static bool is_live(board_t *board)
{
    return hfi_lease_is_live(hfi_load32_acquire(word_of(board)));
}

Test(lease, is_live_from_take_to_give_back)
{
    board_t *board = new_board();
    cr_assert_not(is_live(board));
    assert_ok(hfi_lease_take(&board->lease, &board->place));
    cr_assert(is_live(board));
    hfi_lease_give_back(&board->lease);
    cr_assert_not(is_live(board));
}

Test(lease, the_word_is_found_whatever_else_the_thread_holds)
{
    pthread_mutexattr_t robust;
    static pthread_mutex_t own[3];
    pthread_mutexattr_init(&robust);
    pthread_mutexattr_setrobust(&robust, PTHREAD_MUTEX_ROBUST);
    for (int i = 0; i < 3; i++) {
        pthread_mutex_init(&own[i], &robust);
        cr_assert_eq(pthread_mutex_lock(&own[i]), 0);
    }
    board_t *board = new_board();
    assert_ok(hfi_lease_take(&board->lease, &board->place));
    cr_assert_eq(hfi_load32_relaxed(word_of(board)), hfi_thread_id());
}

static pid_t spawn_holder(board_t *board)
{
    pid_t child = fork();
    if (child == 0) {
        int error = hfi_lease_take(&board->lease, &board->place);
        hfi_cas32(&board->step, &(uint32_t){0}, error == 0 ? 1 : 2);
        for (;;) {
            pause();
        }
    }
    while (hfi_load32_acquire(&board->step) == 0) {
        sched_yield();
    }
    cr_assert_eq(board->step, 1);
    return child;
}

Test(lease, dies_with_its_holder)
{
    board_t *board = new_board();
    pid_t holder = spawn_holder(board);
    cr_assert(is_live(board));
    kill_and_reap(holder);
    cr_assert_not(is_live(board));
}

Test(lease, a_stopped_holders_is_live)
{
    board_t *board = new_board();
    pid_t holder = spawn_holder(board);
    int status;
    kill(holder, SIGSTOP);
    cr_assert_eq(waitpid(holder, &status, WUNTRACED), holder);
    cr_assert(is_live(board));
    kill_and_reap(holder);
}

static int sleep_until_death(board_t *board)
{
    uint32_t nothing = 0;
    uint32_t seen = hfi_load32_relaxed(word_of(board));
    struct hfi_watch watches[] = {{.word = &nothing, .expected = 0},
        {.word = word_of(board), .expected = hfi_lease_watched(seen)}};
    if (!hfi_cas32(word_of(board), &seen, watches[1].expected)) {
        return EPROTO;
    }
    hfi_cas32(&board->step, &(uint32_t){1}, 3);
    return hfi_sleep(watches, 2, hfi_now() + 10000 * HFI_MILLISECOND);
}

Test(lease, death_wakes_who_watches_it)
{
    board_t *board = new_board();
    pid_t holder = spawn_holder(board);
    pid_t watcher = fork();
    if (watcher == 0) {
        _exit(sleep_until_death(board));
    }
    while (hfi_load32_acquire(&board->step) != 3 || !is_asleep(watcher)) {
        sched_yield();
    }
    uint64_t killed = hfi_now();
    kill_and_reap(holder);
    assert_exits(watcher, 0);
    cr_assert_lt(hfi_now() - killed, 5000 * HFI_MILLISECOND);
}
