/* SPDX-License-Identifier: MIT */
#include "worker.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/random.h"
#include "kinds.h"
#include "ledger.h"

static seat_t *seat_of_worker(const worker_t *w)
{
    return &w->control->seat[w->seat];
}

static bool is_over(const worker_t *w)
{
    return atomic_load_explicit(&w->control->finish, memory_order_relaxed);
}

static void begin_life(worker_t *w, uint64_t number)
{
    w->life = life_of(w->seat, number);
    atomic_store_explicit(&seat_of_worker(w)->number, number, memory_order_relaxed);
}

void worker_begin(worker_t *w, control_t *c, unsigned seat, hf_segment_t *segment)
{
    uint64_t number = count_read(&c->seat[seat].number);
    *w = (worker_t){.control = c, .seat = seat, .segment = segment};
    w->root = hf_segment_root(segment);
    w->random = stress_mix(c->options.seed ^ stress_mix(life_of(seat, number)));
    begin_life(w, number);
}

void worker_call(worker_t *w, const char *call, unsigned object)
{
    seat_t *seat = seat_of_worker(w);
    atomic_store_explicit(&seat->call_began, stress_now_ns(), memory_order_relaxed);
    atomic_store_explicit(&seat->call_name, call, memory_order_relaxed);
    atomic_store_explicit(&seat->call_object, object, memory_order_relaxed);
    count_own(&seat->call);
    atomic_signal_fence(memory_order_seq_cst);
}

void worker_called(worker_t *w)
{
    atomic_signal_fence(memory_order_seq_cst);
    count_own(&seat_of_worker(w)->call);
}

void worker_tally(worker_t *w, unsigned object, tally_column_t column)
{
    count_own(&tally_of(w->control, w->seat, object, column)->begun);
    atomic_signal_fence(memory_order_seq_cst);
}

void worker_tallied(worker_t *w, unsigned object, tally_column_t column, bool done)
{
    tally_t *t = tally_of(w->control, w->seat, object, column);
    atomic_signal_fence(memory_order_seq_cst);
    if (done) {
        count_own(&t->done);
    } else { /* nothing was begun */
        atomic_store_explicit(&t->begun, count_read(&t->begun) - 1, memory_order_relaxed);
    }
}

void worker_expect(
    worker_t *w, int error, int expected, const char *call, unsigned object)
{
    if (error != expected) {
        violation(w->control, "#%u: worker %u: %s returned %s where %s was due", object,
            w->seat, call, stress_error_name(error), stress_error_name(expected));
    }
}

void worker_expect_passed(
    worker_t *w, const struct timespec *deadline, const char *call, unsigned object)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (now.tv_sec < deadline->tv_sec ||
        (now.tv_sec == deadline->tv_sec && now.tv_nsec < deadline->tv_nsec)) {
        violation(w->control, "#%u: worker %u: %s: ETIMEDOUT before the deadline", object,
            w->seat, call);
    }
}

static void count_exit(const worker_t *w)
{
    seat_t *seat = seat_of_worker(w);
    uint32_t grips = atomic_load_explicit(&seat->grips, memory_order_relaxed);
    count_own(grips_hold(grips, -1) ? &seat->exits_holding : &seat->exits);
}

/* Ends this life here and now, whatever is in hand. The forked child goes with its
 * parent. */
static _Noreturn void end_here(worker_t *w)
{
    control_t *c = w->control;
    seat_t *seat = seat_of_worker(w);
    count_exit(w);
    if (c->options.threads) {
        doom_timed(c, seat, number_of(w->life), number_of(w->life));
        atomic_store_explicit(&seat->ended, true, memory_order_relaxed);
        pthread_exit(NULL);
    }
    if (w->child) {
        doom(&c->seat[child_seat(c, w->seat)], number_of(w->life) | LAST_LIFE);
    }
    doom(seat, number_of(w->life));
    _exit(0);
}

static void dawdle(worker_t *w)
{
    if (stress_one_in(&w->random, 16)) {
        sched_yield();
        return;
    }
    for (uint64_t n = stress_any_scale(&w->random, 14); n > 0; n--) {
        atomic_signal_fence(memory_order_seq_cst);
    }
}

void worker_step(worker_t *w)
{
    atomic_signal_fence(memory_order_seq_cst);
    if (w->control->options.threads && w->steps_left == 0) {
        w->steps_left =
            atomic_load_explicit(&seat_of_worker(w)->sentence, memory_order_relaxed);
    }
    if (w->steps_left > 0 && --w->steps_left == 0) {
        end_here(w);
    }
    if (stress_one_in(&w->random, 64)) {
        dawdle(w);
    }
}

/* Waits for the parent's word, so that the child's process id has been published before
 * the child does anything; without a word, the parent has died. */
static void become_child(worker_t *w, pid_t parent, int word)
{
    char go;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent || read(word, &go, 1) != 1) {
        _exit(0);
    }
    close(word);
    w->seat = child_seat(w->control, w->seat);
    w->life = life_of(w->seat, number_of(w->life));
    w->random = stress_mix(w->random + 1);
    w->turns_left = stress_any_scale(&w->random, 12);
    w->is_child = true;
    w->steps_left = 0;
}

static bool fork_child(worker_t *w)
{
    seat_t *seat = &w->control->seat[child_seat(w->control, w->seat)];
    int word[2];
    pid_t parent = getpid();
    if (pipe2(word, O_CLOEXEC) != 0) {
        return false;
    }
    atomic_store_explicit(&seat->number, number_of(w->life), memory_order_relaxed);
    pid_t child = fork();
    if (child == 0) {
        close(word[1]);
        become_child(w, parent, word[0]);
        return true;
    }
    close(word[0]);
    if (child > 0) {
        atomic_store_explicit(&seat->child, child, memory_order_relaxed);
        w->child = child;
        w->has_forked = true;
        count_own(&seat_of_worker(w)->forks);
        if (write(word[1], "g", 1) != 1) {
            violation(w->control, "worker %u: its forked child is gone", w->seat);
        }
    }
    close(word[1]);
    return false;
}

bool worker_forked(worker_t *w)
{
    if (!w->fork_due) {
        return false;
    }
    w->fork_due = false;
    return fork_child(w);
}

static void reap_child(worker_t *w, int options)
{
    int status = 0;
    if (w->child == 0 || waitpid(w->child, &status, options) != w->child) {
        return;
    }
    unsigned seat = child_seat(w->control, w->seat);
    if (status != 0) {
        violation(w->control, "a forked child of worker %u ended with status %#x",
            w->seat, (unsigned)status);
    }
    account_death(w->control, seat);
    atomic_store_explicit(&w->control->seat[seat].child, 0, memory_order_relaxed);
    w->child = 0;
}

static void close_segment(worker_t *w)
{
    worker_call(w, "hf_segment_close", no_object);
    int error = hf_segment_close(w->segment);
    worker_called(w);
    worker_expect(w, error, 0, "hf_segment_close", no_object);
}

static void open_segment(worker_t *w)
{
    worker_call(w, "hf_segment_open", no_object);
    int error = hf_segment_open(&w->segment, w->control->segment_name, 0, NULL);
    worker_called(w);
    worker_expect(w, error, 0, "hf_segment_open", no_object);
    if (error != 0) {
        end_here(w);
    }
    w->root = hf_segment_root(w->segment);
}

/* A process's only opening: its life ends with the close, and what it held is a dead
 * one's. */
static void leave(worker_t *w)
{
    doom(seat_of_worker(w), number_of(w->life));
    close_segment(w);
    account_death(w->control, w->seat);
}

static void leave_and_come_back(worker_t *w, bool holding)
{
    seat_t *seat = seat_of_worker(w);
    if (w->control->options.threads) {
        close_segment(w); /* others have it open: nobody leaves */
        open_segment(w);
        count_own(&seat->returns);
        return;
    }
    if ((number_of(w->life) & LAST_LIFE) == LAST_LIFE) {
        return;
    }
    if (holding) {
        kinds_hold(w);
    }
    count_own(holding ? &seat->returns_holding : &seat->returns);
    leave(w);
    begin_life(w, number_of(w->life) + 1);
    open_segment(w);
}

static void fork_now(worker_t *w, bool holding)
{
    if (w->has_forked || w->is_child || w->control->options.threads) {
        return;
    }
    w->fork_due = holding;
    if (!holding) {
        fork_child(w);
    }
}

/* Something out of the ordinary, every so many turns. */
static void take_a_turning(worker_t *w)
{
    switch (stress_below(&w->random, 16)) {
    case 0:
    case 1:
    case 2:
        leave_and_come_back(w, false);
        break;
    case 3:
    case 4:
        leave_and_come_back(w, true);
        break;
    case 5:
        fork_now(w, false);
        break;
    case 6:
        fork_now(w, true);
        break;
    case 7:
        w->steps_left = stress_any_scale(&w->random, 5);
        break;
    case 8:
        end_here(w);
    default:
        break;
    }
}

static bool is_called(const worker_t *w)
{
    uint32_t word = atomic_load_explicit(&w->control->assembly, memory_order_relaxed);
    return word != 0 && word != w->attended;
}

void worker_linger(worker_t *w)
{
    const _Atomic uint32_t *attending = &seat_of_worker(w)->attending;
    while (atomic_load_explicit(attending, memory_order_relaxed) != 0 &&
           !atomic_load_explicit(&w->control->assembly_go, memory_order_relaxed) &&
           !is_over(w)) {
        worker_step(w);
    }
}

bool worker_is_assembled(const worker_t *w)
{
    const control_t *c = w->control;
    return atomic_load_explicit(&c->assembly, memory_order_relaxed) == w->attended &&
           !atomic_load_explicit(&c->assembly_go, memory_order_relaxed) && !is_over(w);
}

/* Goes there, and keeps out of the way until all are through. */
static void attend(worker_t *w)
{
    const struct timespec while_away = {.tv_nsec = 100000};
    uint32_t word = atomic_load_explicit(&w->control->assembly, memory_order_relaxed);
    if (word == 0) { /* it has ended since we were called */
        return;
    }
    w->attended = word;
    atomic_store_explicit(&seat_of_worker(w)->attending, word, memory_order_relaxed);
    kinds_attend(w, assembly_object(word), assembly_is_double(word));
    atomic_store_explicit(&seat_of_worker(w)->attending, 0, memory_order_relaxed);
    while (atomic_load_explicit(&w->control->assembly, memory_order_relaxed) == word) {
        nanosleep(&while_away, NULL);
    }
}

/* Gives what it waits for to the one in this seat, if anybody sits there and waits. */
static void help(worker_t *w, unsigned seat)
{
    const seat_t *s = &w->control->seat[seat];
    if (seat != w->seat && count_read(&s->call) % 2 == 1) {
        kinds_help(w, atomic_load_explicit(&s->call_object, memory_order_relaxed));
    }
}

static void turn(worker_t *w)
{
    if (is_called(w)) {
        attend(w);
    } else {
        help(w, (unsigned)stress_below(&w->random, w->control->options.processes));
        kinds_turn(w);
    }
    count_own(&seat_of_worker(w)->operations);
    reap_child(w, WNOHANG);
    if (w->is_child && --w->turns_left == 0) {
        end_here(w);
    }
}

void worker_work(worker_t *w)
{
    while (!is_over(w)) {
        uint64_t turns = stress_any_scale(&w->random, 18);
        for (; turns > 0 && !is_over(w); turns--) {
            turn(w);
        }
        if (!is_over(w)) {
            take_a_turning(w);
        }
    }
    for (unsigned i = 0; i + 1 < w->control->seats; i++) {
        help(w, i); /* some need company to leave */
    }
    reap_child(w, 0);
    leave(w);
}
