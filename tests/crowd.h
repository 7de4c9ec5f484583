/* SPDX-License-Identifier: MIT */
/* What tests of the primitives need beside party.h: addresses that cannot be one, a
 * segment to look at only, sleepers of any kind, and who is slow to notice that it was
 * woken. */
#ifndef TESTS_CROWD_H
#define TESTS_CROWD_H

#include "party.h"

enum { CROWD = 64, BAD_ADDRESSES = 9 };

/* Of something of `size` bytes; one is in the participant table. */
static inline void bad_addresses(
    const hf_segment_t *segment, size_t size, void *bad[BAD_ADDRESSES])
{
    static char elsewhere[1024];
    char *root = hf_segment_root(segment);
    char *end = end_of(segment);
    void *all[BAD_ADDRESSES] = {NULL, elsewhere + 512, root + 4, root + 1, end, end - 8,
        end - size + 8, root - 32768, (void *)(uintptr_t)-8};
    memcpy(bad, all, sizeof all);
}

/* The root as one sees it who may only look; *writable: as its owner does. */
static inline void *fresh_read_only(size_t root_size, void **writable)
{
    const char *name = fresh_name();
    hf_segment_config_t config = {.root_size = root_size};
    hf_segment_t *owners, *looked_at;
    assert_ok(hf_segment_open(&owners, name, HF_CREATE, &config));
    assert_ok(hf_segment_open(&looked_at, name, HF_READ_ONLY, NULL));
    assert_ok(hf_segment_remove(name));
    *writable = hf_segment_root(owners);
    return hf_segment_root(looked_at);
}

static const struct timespec no_times[] = {{.tv_nsec = -1}, {.tv_nsec = 1000000000}};
enum { NO_TIMES = sizeof no_times / sizeof *no_times };

/* `waiters` tells how many sleep, by the primitive's own hf_..._owner. */
static inline void await_waiters(unsigned (*waiters)(void), unsigned count)
{
    while (waiters() < count) {
        sched_yield();
    }
}

static inline pid_t spawn_asleep(
    int (*body)(party_t *), party_t *party, unsigned (*waiters)(void), unsigned count)
{
    pid_t child = spawn(body, party);
    await_waiters(waiters, count);
    await_sleep(child);
    return child;
}

static inline void spawn_crowd(pid_t *crowd, unsigned count, int (*body)(party_t *),
    party_t *party, unsigned (*waiters)(void))
{
    for (unsigned i = 0; i < count; i++) {
        crowd[i] = spawn(body, party);
    }
    await_waiters(waiters, count);
    for (unsigned i = 0; i < count; i++) {
        await_sleep(crowd[i]);
    }
}

static inline void assert_all_exit(const pid_t *crowd, unsigned count, int with)
{
    for (unsigned i = 0; i < count; i++) {
        assert_exits(crowd[i], with);
    }
}

/* From here on, `sleeper` runs only while this process does not: woken and then killed at
 * once, it has most likely done nothing in between. */
static inline void make_slow(pid_t sleeper)
{
    struct sched_param none = {0};
    cpu_set_t here;
    CPU_ZERO(&here);
    CPU_SET((unsigned)sched_getcpu(), &here);
    cr_assert_eq(sched_setaffinity(0, sizeof here, &here), 0);
    cr_assert_eq(sched_setaffinity(sleeper, sizeof here, &here), 0);
    cr_assert_eq(sched_setscheduler(sleeper, SCHED_IDLE, &none), 0);
}

#endif
