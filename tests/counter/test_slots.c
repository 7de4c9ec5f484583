/* SPDX-License-Identifier: MIT */
/* Cells change hands with their slots; signal handlers share their thread's. */
#include <sys/time.h>

#include "room.h"

TestSuite(counter_slots, .timeout = 120);

static void *add_in_thread(void *c)
{
    assert_ok(add_often(*(hf_counter_t *)c, 1));
    return NULL;
}

static size_t used(void)
{
    hf_heap_info_t info;
    assert_ok(hf_heap_info(segment, &info));
    return info.used;
}

Test(counter_slots, who_takes_a_slot_goes_on_with_its_cells)
{
    segment = open_fresh(8, 2); /* this thread, and one more */
    hf_counter_t c = counter("c");
    size_t used_before = 0;
    for (int i = 1; i <= 20; i++) {
        pthread_t thread;
        cr_assert_eq(pthread_create(&thread, NULL, add_in_thread, &c), 0);
        cr_assert_eq(pthread_join(thread, NULL), 0);
        cr_assert_eq(sum_of(c), (int64_t)i * ADDS);
        used_before = i == 2 ? used() : used_before;
    }
    cr_assert_eq(used(), used_before, "no more cells than slots");
    assert_sound();
}

/* Two threads at a time, always others: a leaver's last add must not meet the next one's
 * first. */
static void *add_in_turns(void *c)
{
    for (int i = 0; i < 1000; i++) {
        assert_ok(hf_counter_add(*(hf_counter_t *)c, 1));
    }
    return NULL;
}

Test(counter_slots, slots_that_change_hands_lose_nothing)
{
    enum { TURNS = 1000 };
    segment = open_fresh(8, 4);
    hf_counter_t c = counter("c");
    pthread_t thread[2];
    for (int i = 0; i < TURNS; i++) {
        if (i >= 2) {
            cr_assert_eq(pthread_join(thread[i % 2], NULL), 0);
        }
        cr_assert_eq(pthread_create(&thread[i % 2], NULL, add_in_turns, &c), 0);
    }
    cr_assert_eq(pthread_join(thread[0], NULL), 0);
    cr_assert_eq(pthread_join(thread[1], NULL), 0);
    cr_assert_eq(sum_of(c), TURNS * 1000);
    assert_sound();
}

/* ---- signals ---- */

static hf_counter_t interrupted, elsewhere;
static int64_t interruptions;

static void on_alarm(int signal)
{
    (void)signal;
    int error =
        hf_counter_add(elsewhere, 1); /* another segment: what is cached changes */
    error = error != 0 ? error : hf_counter_add(interrupted, 1);
    if (error != 0) {
        _exit(error);
    }
    interruptions++;
}

Test(counter_slots, a_signal_handler_adds_in_the_middle_of_an_add)
{
    enum { ENOUGH = 2000 };
    segment = open_fresh(8, 0);
    interrupted = counter("c");
    assert_ok(hf_counter_open(open_fresh(8, 0), "c", &elsewhere));
    assert_ok(hf_counter_add(elsewhere, 0));
    assert_ok(hf_counter_add(interrupted, 0));
    struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
    struct itimerval often = {{.tv_usec = 50}, {.tv_usec = 50}}, never = {{0}, {0}};
    cr_assert_eq(sigaction(SIGALRM, &action, NULL), 0);
    cr_assert_eq(setitimer(ITIMER_REAL, &often, NULL), 0);
    int64_t adds = 0;
    while (*(volatile int64_t *)&interruptions < ENOUGH) {
        assert_ok(hf_counter_add(interrupted, 1));
        adds++;
    }
    cr_assert_eq(setitimer(ITIMER_REAL, &never, NULL), 0);
    cr_assert_eq(sum_of(interrupted), adds + interruptions);
    cr_assert_eq(sum_of(elsewhere), interruptions);
}
