/* SPDX-License-Identifier: MIT */
#include "crew.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <math.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "common/random.h"

enum { APART_EVERY = 4, PAIR_EVERY = 32, MOST_STOPPED = 2, NOBODY = -1 };

static const uint64_t aim_ns = 1000000u;       /* how long to wait for a good moment */
static const uint64_t backlog_ns = 200000000u; /* kills overdue by more are dropped */
static const double stop_interval_ns = 1e9;
static const uint64_t longest_stop_ms = 1000;

static unsigned members(const crew_t *crew)
{
    return crew->control->options.members;
}

static uint64_t exponential(crew_t *crew, double mean_ns)
{
    double u = (double)(1 + stress_below(&crew->random, 1u << 30)) / (double)(1u << 30);
    return (uint64_t)(-log(u) * mean_ns);
}

int crew_create(
    crew_t *crew, control_t *c, hf_segment_t *segment, stress_progress_t *progress)
{
    *crew = (crew_t){.control = c, .segment = segment, .progress = progress};
    crew->random = stress_mix(c->options.seed);
    uint64_t now = crew->last_look_ns = stress_now_ns();
    double rate = c->options.kill_rate;
    crew->next_kill_ns = rate > 0 ? now + exponential(crew, 1e9 / rate) : UINT64_MAX;
    crew->next_stop_ns =
        c->options.threads ? UINT64_MAX : now + exponential(crew, stop_interval_ns);
    return c->options.threads ? 0 : stress_children_begin(&crew->children);
}

/* ---- starting ---- */

static bool forbid_membarrier(void)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_membarrier, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {
        .len = sizeof filter / sizeof filter[0], .filter = filter};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

typedef struct {
    crew_t *crew;
    unsigned seat;
} part_t;

static void play(void *argument)
{
    const part_t *part = argument;
    control_t *c = part->crew->control;
    member_t m;
    if (lacks_membarrier(c, part->seat) && !forbid_membarrier()) {
        violation(c, "member %u: a seccomp filter is not permitted here", part->seat);
    }
    member_begin(&m, c, part->seat, part->crew->segment);
    member_work(&m);
}

static void *play_in_thread(void *argument)
{
    part_t part = {
        .crew = ((part_t *)argument)->crew, .seat = ((part_t *)argument)->seat};
    seat_t *seat = &part.crew->control->seat[part.seat];
    free(argument);
    play(&part);
    atomic_store_explicit(&seat->ended, true, memory_order_relaxed);
    return NULL;
}

static int start_thread(post_t *post, const part_t *part)
{
    part_t *copy = malloc(sizeof *copy);
    if (copy == NULL) {
        return ENOMEM;
    }
    *copy = *part;
    int error = pthread_create(&post->thread, NULL, play_in_thread, copy);
    if (error != 0) {
        free(copy);
    }
    return error;
}

static int start(crew_t *crew, unsigned i)
{
    post_t *post = &crew->post[i];
    seat_t *seat = &crew->control->seat[i];
    part_t part = {.crew = crew, .seat = i};
    uint64_t call = (count_read(&seat->call) + 1) & ~UINT64_C(1);
    atomic_store_explicit(&seat->call, call, memory_order_relaxed);
    atomic_store_explicit(&seat->life, ++crew->started, memory_order_relaxed);
    atomic_store_explicit(&seat->sentence, 0, memory_order_relaxed);
    atomic_store_explicit(&seat->ended, false, memory_order_relaxed);
    *post = (post_t){.up = true};
    if (crew->control->options.threads) {
        return start_thread(post, &part);
    }
    post->apart = crew->children.namespaces && stress_one_in(&crew->random, APART_EVERY);
    crew->apart += post->apart;
    return stress_children_start(&crew->children, post->apart, play, &part, &post->pid);
}

int crew_fill(crew_t *crew)
{
    int error = 0;
    for (unsigned i = 0; error == 0 && i < members(crew); i++) {
        error = crew->post[i].up ? 0 : start(crew, i);
    }
    return error;
}

unsigned crew_up(const crew_t *crew)
{
    unsigned up = 0;
    for (unsigned i = 0; i < members(crew); i++) {
        up += crew->post[i].up;
    }
    return up;
}

/* ---- ends ---- */

static void judge_end(crew_t *crew, unsigned i, int status)
{
    bool exited = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    crew->post[i].up = false;
    if (!exited && !(killed && crew->post[i].doomed)) {
        violation(crew->control, "member %u ended with status %#x", i, (unsigned)status);
    }
}

void crew_reap(crew_t *crew)
{
    int status;
    pid_t pid = 1;
    while (!crew->control->options.threads && pid > 0) {
        pid = waitpid(-1, &status, WNOHANG);
        for (unsigned i = 0; pid > 0 && i < members(crew); i++) {
            if (crew->post[i].up && crew->post[i].pid == pid) {
                judge_end(crew, i, status);
            }
        }
    }
    for (unsigned i = 0; crew->control->options.threads && i < members(crew); i++) {
        const seat_t *seat = &crew->control->seat[i];
        if (crew->post[i].up &&
            atomic_load_explicit(&seat->ended, memory_order_relaxed)) {
            pthread_join(crew->post[i].thread, NULL);
            crew->post[i].up = false;
        }
    }
}

/* ---- kills and stops ---- */

static bool can_die(const crew_t *crew, unsigned i)
{
    return crew->post[i].up && !crew->post[i].doomed;
}

static int anyone(crew_t *crew)
{
    unsigned first = (unsigned)stress_below(&crew->random, members(crew));
    for (unsigned n = 0; n < members(crew); n++) {
        unsigned i = (first + n) % members(crew);
        if (can_die(crew, i)) {
            return (int)i;
        }
    }
    return NOBODY;
}

/* Until it has gone into a call of the library, and some microseconds more. */
static void await_call(crew_t *crew, const seat_t *seat)
{
    uint64_t before = count_read(&seat->call), call = before, now = stress_now_ns();
    uint64_t until = now + aim_ns;
    while ((call == before || call % 2 == 0) && now < until) {
        call = count_read(&seat->call);
        now = stress_now_ns();
    }
    until = now + stress_any_scale(&crew->random, 15);
    while (stress_now_ns() < until) {
    }
}

static void put_down(crew_t *crew, unsigned i)
{
    crew->post[i].doomed = true;
    crew->kills++;
    if (crew->control->options.threads) {
        atomic_store_explicit(&crew->control->seat[i].sentence,
            (uint32_t)stress_any_scale(&crew->random, 7), memory_order_relaxed);
    } else {
        kill(crew->post[i].pid, SIGKILL);
    }
}

/* Whom one stops is mostly to go on, and to find that nobody has passed him over. */
static bool is_spared(crew_t *crew, int i)
{
    return crew->post[i].stopped_ns != 0 && !stress_one_in(&crew->random, 16);
}

static void kill_somebody(crew_t *crew)
{
    int i = anyone(crew);
    if (i == NOBODY || is_spared(crew, i)) {
        return;
    }
    if (!crew->control->options.threads && !stress_one_in(&crew->random, 4)) {
        await_call(crew, &crew->control->seat[i]);
    }
    put_down(crew, (unsigned)i);
    int second = stress_one_in(&crew->random, PAIR_EVERY) ? anyone(crew) : NOBODY;
    if (second != NOBODY && !is_spared(crew, second)) {
        crew->pairs++;
        put_down(crew, (unsigned)second);
    }
}

static unsigned count_stopped(const crew_t *crew)
{
    unsigned stopped = 0;
    for (unsigned i = 0; i < members(crew); i++) {
        stopped += crew->post[i].up && crew->post[i].stopped_ns != 0;
    }
    return stopped;
}

/* Readers rather than others. */
static void stop_somebody(crew_t *crew, uint64_t now)
{
    int i = anyone(crew);
    if (i != NOBODY && role_of((unsigned)i) != READER) {
        i = anyone(crew);
    }
    if (i == NOBODY || crew->post[i].stopped_ns != 0 ||
        count_stopped(crew) >= MOST_STOPPED) {
        return;
    }
    uint64_t ms = 1 + stress_below(&crew->random, longest_stop_ms);
    crew->post[i].stopped_ns = now + ms * 1000000;
    crew->stops++;
    kill(crew->post[i].pid, SIGSTOP);
}

static void go_on(post_t *post)
{
    post->stopped_ns = 0;
    post->disturbed = true;
    kill(post->pid, SIGCONT);
}

static void release(crew_t *crew, uint64_t now)
{
    for (unsigned i = 0; i < members(crew); i++) {
        post_t *post = &crew->post[i];
        if (post->up && post->stopped_ns != 0 && post->stopped_ns <= now) {
            go_on(post);
        }
    }
}

void crew_release(crew_t *crew)
{
    release(crew, UINT64_MAX);
}

void crew_act(crew_t *crew, uint64_t now)
{
    release(crew, now);
    if (crew->next_kill_ns <= now) {
        kill_somebody(crew);
        uint64_t next = crew->next_kill_ns +
                        exponential(crew, 1e9 / crew->control->options.kill_rate);
        crew->next_kill_ns = next + backlog_ns < now ? now : next;
    }
    if (crew->next_stop_ns <= now) {
        stop_somebody(crew, now);
        crew->next_stop_ns = now + exponential(crew, stop_interval_ns);
    }
}

void crew_give_up(crew_t *crew)
{
    for (unsigned i = 0; i < members(crew); i++) {
        if (crew->post[i].up) {
            const seat_t *seat = &crew->control->seat[i];
            violation(crew->control, "member %u did not finish: %s", i,
                count_read(&seat->call) % 2 == 1
                    ? atomic_load_explicit(&seat->call_name, memory_order_relaxed)
                    : "in no call");
        }
    }
    for (unsigned i = 0; i < members(crew); i++) {
        if (crew->post[i].up && !crew->control->options.threads) {
            put_down(crew, i);
            waitpid(crew->post[i].pid, NULL, 0);
            crew->post[i].up = false;
        }
    }
}
