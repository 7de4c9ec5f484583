/* SPDX-License-Identifier: MIT */
/* What tests of several processes need: a fresh segment, children, and knowing who
 * sleeps. */
#ifndef TESTS_PARTY_H
#define TESTS_PARTY_H

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <holdfast/holdfast.h>

/* An errno value by name, where they differ. */
#define assert_error(call, expected)                                                     \
    do {                                                                                 \
        int error_ = (call);                                                             \
        cr_assert(error_ == (expected), "%s is \"%s\", not \"%s\"", #call,               \
            strerror(error_), strerror(expected));                                       \
    } while (0)

#define assert_ok(call) assert_error(call, 0)

typedef struct {
    hf_mutex_t lock, gate;
    uint32_t steps; /* what children tell: only ever counted up, atomically */
    uint32_t last;
} party_t;

/* A name that no other test and no other run has. */
static inline const char *fresh_name(void)
{
    static _Thread_local char name[64];
    static unsigned n;
    snprintf(name, sizeof name, "holdfast-test-%d-%u", (int)getpid(),
        __atomic_fetch_add(&n, 1, __ATOMIC_RELAXED));
    return name;
}

static inline hf_segment_t *open_fresh(size_t root_size, unsigned participants)
{
    hf_segment_config_t config = {
        .root_size = root_size, .max_participants = participants};
    const char *name = fresh_name();
    hf_segment_t *segment;
    assert_ok(hf_segment_open(&segment, name, HF_CREATE | HF_EXCLUSIVE, &config));
    assert_ok(hf_segment_remove(name));
    return segment;
}

/* The first address behind a segment that does not grow. */
static inline char *end_of(const hf_segment_t *segment)
{
    hf_segment_info_t info;
    assert_ok(hf_segment_info(segment, &info));
    uintptr_t end = (uintptr_t)hf_segment_root(segment) + info.size;
    return (char *)((end + 4095) / 4096 * 4096);
}

static inline party_t *fresh_party(hf_segment_t **segment)
{
    *segment = open_fresh(sizeof(party_t), 0);
    return hf_segment_root(*segment);
}

static inline void step(party_t *party)
{
    __atomic_fetch_add(&party->steps, 1, __ATOMIC_SEQ_CST);
}

static inline void await_steps(party_t *party, uint32_t steps)
{
    while (__atomic_load_n(&party->steps, __ATOMIC_SEQ_CST) < steps) {
        sched_yield();
    }
}

/* `body` runs in a child, whose exit status is what it returns. */
static inline pid_t spawn(int (*body)(party_t *), party_t *party)
{
    fflush(NULL);
    pid_t child = fork();
    cr_assert(child >= 0);
    if (child == 0) {
        alarm(60);
        _exit(body(party));
    }
    return child;
}

static inline void assert_exits(pid_t child, int with)
{
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFEXITED(status), "child ended by signal %d", WTERMSIG(status));
    cr_assert(WEXITSTATUS(status) == with, "child returned \"%s\", not \"%s\"",
        strerror(WEXITSTATUS(status)), strerror(with));
}

static inline void kill_and_reap(pid_t child)
{
    cr_assert_eq(kill(child, SIGKILL), 0);
    cr_assert_eq(waitpid(child, NULL, 0), child);
}

/* Of this process. Looking which number comes next would not do: a leak can hide above
 * one that was closed. */
static inline int count_descriptors(void)
{
    int count = 0;
    for (int fd = 0; fd < 1024; fd++) {
        count += fcntl(fd, F_GETFD) >= 0;
    }
    return count;
}

/* In the kernel, not just about to be: state S in /proc. */
static inline bool is_asleep(pid_t process)
{
    char path[64], state = '?';
    snprintf(path, sizeof path, "/proc/%d/stat", (int)process);
    FILE *stat = fopen(path, "r");
    cr_assert_not_null(stat);
    cr_assert_eq(fscanf(stat, "%*d (%*[^)]) %c", &state), 1);
    fclose(stat);
    return state == 'S';
}

static inline void await_sleep(pid_t process)
{
    while (!is_asleep(process)) {
        sched_yield();
    }
}

/* How often it has come to sleep. */
static inline unsigned long sleeps_of(pid_t process)
{
    char path[64], line[128];
    unsigned long sleeps = 0;
    snprintf(path, sizeof path, "/proc/%d/status", (int)process);
    FILE *status = fopen(path, "r");
    cr_assert_not_null(status);
    while (fgets(line, sizeof line, status) != NULL) {
        (void)sscanf(line, "voluntary_ctxt_switches: %lu", &sleeps);
    }
    fclose(status);
    return sleeps;
}

/* It sleeps, has woken for whatever reason, its timer's ring for one, and sleeps again. */
static inline void await_ring(pid_t sleeper)
{
    await_sleep(sleeper);
    unsigned long before = sleeps_of(sleeper);
    while (sleeps_of(sleeper) == before) {
        sched_yield();
    }
}

static inline void await_sleepers(const hf_mutex_t *lock, unsigned sleepers)
{
    hf_owner_t owner;
    do {
        sched_yield();
        assert_ok(hf_mutex_owner(lock, &owner));
    } while (owner.waiters < sleepers);
}

static inline void await_asleep(const hf_mutex_t *lock, unsigned sleepers, pid_t last)
{
    await_sleepers(lock, sleepers);
    await_sleep(last);
}

static inline uint64_t rescues(const hf_segment_t *segment)
{
    hf_segment_info_t info;
    assert_ok(hf_segment_info(segment, &info));
    return info.rescues;
}

#endif
