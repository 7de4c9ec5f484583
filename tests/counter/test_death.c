/* SPDX-License-Identifier: MIT */
/* Counters: whoever is killed at whatever instruction has added or not, and all else
 * counts once. Two slots: the next one to come has the dead one's. */
#include <pthread.h>

#include "stepped.h"

enum { MINE = 5, THEIRS = 1000, NEXT = 70000, LONG_WAY = 101 * EACH * EACH };

static hf_segment_t *segment;
static hf_counter_t counter;
static hf_mutex_t *spare;

static void set_up(void)
{
    segment = open_fresh(sizeof(hf_mutex_t), 2);
    spare = hf_segment_root(segment);
}

static int64_t sum(void)
{
    int64_t all;
    assert_ok(hf_counter_open(segment, "c", &counter));
    assert_ok(hf_counter_read(counter, &all));
    return all;
}

static void *add_next(void *unused)
{
    assert_ok(hf_counter_add(counter, NEXT));
    return unused;
}

/* A thread of its own, which leaves again. */
static void go_on_in_its_slot(void)
{
    pthread_t thread;
    cr_assert_eq(pthread_create(&thread, NULL, add_next, NULL), 0);
    cr_assert_eq(pthread_join(thread, NULL), 0);
}

/* ---- operations ---- */

static int open_it(void)
{
    return hf_counter_open(segment, "c", &counter);
}

static int add(void)
{
    return hf_counter_add(counter, THEIRS);
}

static int open_and_add(void)
{
    int error = open_it();
    return error != 0 ? error : add();
}

static int read_it(void)
{
    int64_t all;
    int error = hf_counter_read(counter, &all);
    return error != 0 ? error : all == MINE || all == MINE + THEIRS ? 0 : EPROTO;
}

static void see(const char *name, int64_t all, void *arg)
{
    *(int *)arg += strcmp(name, "c") == 0 && all == MINE;
}

static int read_each(void)
{
    int seen = 0;
    int error = hf_counter_each(segment, see, &seen);
    return error != 0 ? error : seen == 1 ? 0 : EPROTO;
}

static int add_and_close(void)
{
    int error = add();
    return error != 0 ? error : hf_segment_close(segment);
}

typedef struct {
    int (*arrange)(void); /* in the parent */
    int (*prepare)(void); /* in the victim, not stepped */
    int (*operate)(void);
    int64_t before, added; /* before the steps, in them */
    unsigned apart;
} play_t;

static int nothing(void)
{
    return 0;
}

static int mine(void)
{
    int error = open_it();
    return error != 0 ? error : hf_counter_add(counter, MINE);
}

/* ---- the victim ---- */

static pid_t fork_victim(const play_t *play)
{
    pid_t victim = fork();
    if (victim == 0) {
        bool begun = trace_me() && hf_mutex_lock(spare) == 0 &&
                     hf_mutex_unlock(spare) == 0 && play->prepare() == 0;
        stop_here();
        _exit(!begun || play->operate() != 0);
    }
    await_stop(victim);
    return victim;
}

/* Kills one after so many instructions. False: it had ended before. */
static bool kill_after(const play_t *play, unsigned steps)
{
    set_up();
    assert_ok(play->arrange());
    pid_t victim = fork_victim(play);
    bool lives = true;
    for (unsigned i = 0; i < steps && lives; i++) {
        lives = single_step(victim);
    }
    if (lives) {
        kill_and_reap(victim);
    }
    int64_t seen = sum();
    int64_t after = play->before + play->added;
    cr_assert((lives && seen == play->before) || seen == after,
        "killed after %u: %lld, not %lld or %lld", steps, (long long)seen,
        (long long)play->before, (long long)after);
    go_on_in_its_slot();
    assert_ok(hf_counter_add(counter, MINE));
    cr_assert_eq(sum(), seen + NEXT + MINE, "killed after %u", steps);
    assert_ok(hf_segment_check(segment, NULL, NULL));
    cr_assert_eq(rescues(segment), 0);
    assert_ok(hf_segment_close(segment));
    return lives;
}

static void kill_everywhere(play_t play, unsigned least)
{
    unsigned steps = 0;
    while (kill_after(&play, steps)) {
        steps += play.apart;
    }
    cr_assert_gt(steps, least);
}

TestSuite(counter_death, .timeout = 300);

Test(counter_death, one_who_creates_has_created_or_not)
{
    kill_everywhere((play_t){nothing, nothing, open_it, 0, 0, LONG_WAY}, 500);
}

Test(counter_death, one_who_creates_and_adds_has_added_or_not)
{
    kill_everywhere((play_t){nothing, nothing, open_and_add, 0, THEIRS, LONG_WAY}, 1000);
}

Test(counter_death, one_who_makes_cells_has_added_or_not)
{
    kill_everywhere((play_t){mine, nothing, add, MINE, THEIRS, LONG_WAY}, 300);
}

Test(counter_death, one_who_has_cells_has_added_or_not)
{
    kill_everywhere((play_t){mine, add, add, MINE + THEIRS, THEIRS, EACH * EACH}, 10);
}

Test(counter_death, one_who_reads_changes_nothing)
{
    kill_everywhere((play_t){mine, nothing, read_it, MINE, 0, EACH * EACH * EACH}, 20);
}

Test(counter_death, one_who_reads_all_changes_nothing)
{
    kill_everywhere((play_t){mine, nothing, read_each, MINE, 0, LONG_WAY}, 100);
}

Test(counter_death, one_who_leaves_has_added)
{
    kill_everywhere(
        (play_t){mine, add, add_and_close, MINE + THEIRS, THEIRS, LONG_WAY}, 100);
}

/* ---- stopped ---- */

/* Wherever one stands still, reading waits for nobody. */
Test(counter_death, one_who_is_stopped_holds_up_no_reader)
{
    const play_t play = {mine, nothing, add, MINE, THEIRS, LONG_WAY};
    set_up();
    assert_ok(play.arrange());
    pid_t victim = fork_victim(&play);
    do {
        int error = read_it();
        cr_assert_eq(error, 0);
    } while (single_step(victim));
    cr_assert_eq(sum(), MINE + THEIRS);
}
