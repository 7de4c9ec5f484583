/* SPDX-License-Identifier: MIT */
/*
 * brick: some processes allocate, free, construct, find and destroy in one segment; one is
 * killed at a random moment. If another one then does nothing for a second, or gets an
 * error, or the segment's own check finds fault with it, the segment is unusable, and a
 * new one is made.
 *
 *     brick --kills 100
 *
 * Exit status: 0 ours lasted, 1 it did not, 2 bad usage.
 */
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/options.h"
#include "common/random.h"
#include "store.h"

enum { SIZE_BITS = 12, FAILED = 3 };

static const uint64_t patience_ns = 1000000000u;
static const uint64_t longest_life_ns = 3000000u; /* between two kills */

typedef struct {
    _Alignas(64) _Atomic uint64_t turns;
} progress_t;

static progress_t *progress; /* by worker, shared */
static pid_t workers[STORE_WORKERS];
static uint64_t crew = STORE_WORKERS; /* of them */

typedef struct {
    unsigned kills, hung, broken;
} tally_t;

/* ---- workers ---- */

static bool turn(const store_t *store, unsigned worker, uint64_t *random)
{
    static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h"};
    const char *name = names[stress_below(random, sizeof names / sizeof names[0])];
    switch (stress_below(random, 3)) {
    case 0:
        return store->allocate_and_free(worker, stress_any_scale(random, SIZE_BITS));
    case 1:
        return store->construct_and_destroy(name);
    default:
        return store->find(name);
    }
}

static void start(const store_t *store, unsigned worker, uint64_t seed)
{
    pid_t parent = getpid();
    workers[worker] = fork();
    if (workers[worker] != 0) {
        return;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) {
        _exit(0);
    }
    while (turn(store, worker, &seed)) { /* nothing else, lest a kill hits that */
        atomic_fetch_add_explicit(&progress[worker].turns, 1, memory_order_relaxed);
    }
    _exit(FAILED);
}

static void end(unsigned worker)
{
    if (workers[worker] > 0) {
        kill(workers[worker], SIGKILL);
        waitpid(workers[worker], NULL, 0);
        workers[worker] = 0;
    }
}

/* ---- the judge ---- */

static void doze(uint64_t ns)
{
    struct timespec span = {.tv_nsec = (long)ns};
    nanosleep(&span, NULL);
}

typedef enum { FINE, HUNG, BROKEN } verdict_t;

/* Whether the process ends well while one looks. */
static verdict_t await_end(pid_t pid)
{
    int status;
    uint64_t until = stress_now_ns() + patience_ns;
    while (waitpid(pid, &status, WNOHANG) == 0) {
        if (stress_now_ns() > until) {
            kill(pid, SIGKILL);
            waitpid(pid, &status, 0);
            return HUNG;
        }
        doze(100000);
    }
    return status == 0 ? FINE : BROKEN;
}

/* In a process of its own: it may hang, or crash. */
static verdict_t check(const store_t *store)
{
    pid_t pid = fork();
    if (pid == 0) {
        bool fine = store->allocate_and_free(STORE_WORKERS, 1) && store->find("a") &&
                    store->construct_and_destroy("of the judge") && store->is_sound();
        _exit(fine ? 0 : FAILED);
    }
    return await_end(pid);
}

static verdict_t await_turn(unsigned worker)
{
    uint64_t turns = atomic_load_explicit(&progress[worker].turns, memory_order_relaxed);
    uint64_t until = stress_now_ns() + patience_ns;
    while (atomic_load_explicit(&progress[worker].turns, memory_order_relaxed) == turns) {
        if (waitpid(workers[worker], NULL, WNOHANG) != 0) {
            workers[worker] = 0;
            return BROKEN;
        }
        if (stress_now_ns() > until) {
            return HUNG;
        }
        doze(100000);
    }
    return FINE;
}

static verdict_t judge(const store_t *store)
{
    verdict_t verdict = FINE;
    for (unsigned i = 0; verdict == FINE && i < crew; i++) {
        verdict = workers[i] > 0 ? await_turn(i) : FINE;
    }
    return verdict == FINE ? check(store) : verdict;
}

/* Kills until the segment is unusable, or there are enough. */
static verdict_t wear_out(
    const store_t *store, unsigned kills, uint64_t *random, tally_t *t)
{
    verdict_t verdict = FINE;
    for (unsigned i = 0; i < crew; i++) {
        start(store, i, stress_random(random));
    }
    while (verdict == FINE && t->kills < kills) {
        unsigned victim = (unsigned)stress_below(random, crew);
        if (await_turn(victim) == FINE) { /* else it is one more who does not go on */
            doze(stress_below(random, longest_life_ns));
        }
        end(victim);
        t->kills++;
        verdict = judge(store);
        start(store, victim, stress_random(random));
    }
    for (unsigned i = 0; i < crew; i++) {
        end(i);
    }
    return verdict;
}

static bool run(const store_t *store, unsigned kills, uint64_t random)
{
    tally_t t = {.kills = 0};
    while (t.kills < kills) {
        if (!store->create()) {
            fprintf(stderr, "brick: %s: no segment can be created\n", store->name);
            return false;
        }
        verdict_t verdict = wear_out(store, kills, &random, &t);
        t.hung += verdict == HUNG;
        t.broken += verdict == BROKEN;
        store->destroy();
    }
    unsigned unusable = t.hung + t.broken;
    printf("%-28s %5u kills, %5u left the segment unusable (%.0f %%): %u survivors hung "
           "for 1 s, %u damaged\n",
        store->name, t.kills, unusable, 100.0 * unusable / t.kills, t.hung, t.broken);
    fflush(stdout);
    return unusable == 0;
}

int main(int argc, char **argv)
{
    uint64_t kills = 100, seed = stress_mix(stress_now_ns()) % 1000000000;
    const stress_option_t table[] = {
        {.name = "kills",
            .argument = "N",
            .help = "of each (100)",
            .whole = &kills,
            .least = 1,
            .most = 1e6},
        {.name = "workers",
            .argument = "N",
            .help = "processes at once (4); one: nobody is in its way",
            .whole = &crew,
            .least = 1,
            .most = STORE_WORKERS},
        {.name = "seed",
            .argument = "N",
            .help = "of all that is random (from the clock)",
            .whole = &seed,
            .least = 0,
            .most = 9e15},
    };
    int status = stress_options(argc, argv,
        "how many kill -9 a segment's memory and names outlast, ours and Boost's", table,
        sizeof table / sizeof table[0]);
    if (status != STRESS_GO_ON) {
        return status;
    }
    progress = mmap(NULL, STORE_WORKERS * sizeof *progress, PROT_READ | PROT_WRITE,
        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (progress == MAP_FAILED) {
        fprintf(stderr, "brick: no memory for four counters\n");
        return 1;
    }
    bool lasted = run(&holdfast_store, (unsigned)kills, seed);
    run(&boost_store, (unsigned)kills, seed);
    return lasted ? 0 : 1;
}
