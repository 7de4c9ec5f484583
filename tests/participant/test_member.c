/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "party.h"

static hf_segment_t *segment;
static party_t *party;

static void set_up(void)
{
    party = fresh_party(&segment);
}

static unsigned participants(const hf_segment_t *of)
{
    hf_segment_info_t info;
    assert_ok(hf_segment_info(of, &info));
    return info.participants;
}

static void *lock_and_end(void *arg)
{
    (void)arg;
    assert_ok(hf_mutex_lock(&party->lock));
    return NULL;
}

static void run_thread(void *(*body)(void *), void *arg)
{
    pthread_t thread;
    cr_assert_eq(pthread_create(&thread, NULL, body, arg), 0);
    cr_assert_eq(pthread_join(thread, NULL), 0);
}

Test(member, joins_at_the_first_call_and_leaves_at_the_threads_end, .init = set_up)
{
    cr_assert_eq(participants(segment), 0);
    assert_ok(hf_mutex_lock(&party->gate));
    cr_assert_eq(participants(segment), 1);
    run_thread(lock_and_end, NULL);
    cr_assert_eq(participants(segment), 1);
}

Test(member, a_thread_that_ends_is_dead_for_what_it_holds, .init = set_up)
{
    run_thread(lock_and_end, NULL);
    assert_error(hf_mutex_lock(&party->lock), EOWNERDEAD);
}

static int lock_twice(party_t *p)
{
    int error = hf_mutex_trylock(&p->lock); /* the parent's */
    if (error != EBUSY) {
        return error == 0 ? EPROTO : error;
    }
    return hf_mutex_unlock(&p->lock); /* EPERM */
}

Test(member, a_child_of_fork_holds_nothing_of_its_parents, .init = set_up)
{
    assert_ok(hf_mutex_lock(&party->lock));
    assert_exits(spawn(lock_twice, party), EPERM);
    assert_ok(hf_mutex_unlock(&party->lock));
}

/* Nothing of libc runs in such a child: only the kernel's wiping of a page tells. */
Test(member, nor_does_a_child_made_without_fork_handlers, .init = set_up)
{
    assert_ok(hf_mutex_lock(&party->lock));
    pid_t child = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
    if (child == 0) {
        int error = hf_mutex_unlock(&party->lock);
        _exit(error == EPERM || error == ENOTSUP ? 0 : 1);
    }
    assert_exits(child, 0);
    assert_ok(hf_mutex_unlock(&party->lock));
}

static int lock_in_grandchild(party_t *p)
{
    int error = hf_mutex_lock(&p->lock);
    int status; /* no assertions here: Criterion does not heed a child's */
    pid_t grandchild = spawn(lock_twice, p);
    if (waitpid(grandchild, &status, 0) != grandchild || !WIFEXITED(status) ||
        WEXITSTATUS(status) != EPERM) {
        return EPROTO;
    }
    return error != 0 ? error : hf_mutex_unlock(&p->lock);
}

Test(member, generations_of_forks, .init = set_up)
{
    assert_ok(hf_mutex_lock(&party->gate));
    assert_exits(spawn(lock_in_grandchild, party), 0);
    assert_ok(hf_mutex_unlock(&party->gate));
}

static void *lock_and_unlock_for_ever(void *stop)
{
    while (!__atomic_load_n((bool *)stop, __ATOMIC_RELAXED)) {
        assert_ok(hf_mutex_lock(&party->gate));
        assert_ok(hf_mutex_unlock(&party->gate));
    }
    return NULL;
}

static int lock_once(party_t *p)
{
    int error = hf_mutex_lock(&p->gate);
    error = error == EOWNERDEAD ? hf_mutex_consistent(&p->gate) : error;
    return error != 0 ? error : hf_mutex_unlock(&p->gate);
}

static int join_without_descriptors(party_t *p)
{
    struct rlimit limit, none = {.rlim_cur = 0};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return EPROTO;
    }
    none.rlim_max = limit.rlim_max;
    int error = setrlimit(RLIMIT_NOFILE, &none) == 0 ? hf_mutex_lock(&p->lock) : EPROTO;
    if (error != EMFILE || setrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return EPROTO;
    }
    return lock_once(p);
}

Test(member, without_a_free_descriptor_joining_is_EMFILE, .init = set_up)
{
    assert_exits(spawn(join_without_descriptors, party), 0);
}

/* Opens, grows, joins, allocates, maps, closes. */
static int make_all_kinds_of_calls(void)
{
    const char *own = fresh_name();
    hf_segment_config_t config = {.size = 1 << 16, .max_size = 1 << 20};
    hf_segment_t *fresh;
    hf_shm_t *shm;
    hf_region_t *region;
    int error = hf_segment_open(&fresh, own, HF_CREATE, &config);
    error = error == 0 ? hf_segment_grow(fresh, 1 << 17) : error;
    error = error == 0 ? hf_alloc(fresh, hf_segment_root(fresh), 1 << 18) : error;
    error = error == 0 ? hf_rcu_synchronize(fresh) : error;
    error = error == 0 ? hf_segment_close(fresh) : error;
    error = error == 0 ? hf_segment_remove(own) : error;
    error = error == 0 ? hf_shm_open_anonymous(&shm, 100) : error;
    error = error == 0 ? hf_region_map(&region, shm, 0, 0, 0) : error;
    error = error == 0 ? hf_region_flush(region, 0, 100) : error;
    error = error == 0 ? hf_region_unmap(region) : error;
    return error == 0 ? hf_shm_close(shm) : error;
}

static void *call_though_cancelled(void *ended)
{
    pthread_cancel(pthread_self());
    assert_ok(hf_mutex_lock(&party->lock));
    assert_ok(hf_mutex_unlock(&party->lock));
    assert_ok(make_all_kinds_of_calls());
    *(bool *)ended = true;
    return NULL;
}

Test(member, no_call_is_a_cancellation_point, .init = set_up)
{
    bool ended = false;
    pthread_t thread;
    cr_assert_eq(pthread_create(&thread, NULL, call_though_cancelled, &ended), 0);
    cr_assert_eq(pthread_join(thread, NULL), 0);
    cr_assert(ended);
    assert_ok(hf_mutex_lock(&party->lock));
    assert_ok(hf_mutex_unlock(&party->lock));
}

Test(member, a_process_of_many_threads_may_fork_at_any_time, .init = set_up)
{
    bool stop = false;
    pthread_t threads[3];
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(
            pthread_create(&threads[i], NULL, lock_and_unlock_for_ever, &stop), 0);
    }
    for (int i = 0; i < 50; i++) {
        assert_exits(spawn(lock_once, party), 0);
    }
    __atomic_store_n(&stop, true, __ATOMIC_RELAXED);
    for (int i = 0; i < 3; i++) {
        pthread_join(threads[i], NULL);
    }
}

static int lock_and_exec(party_t *p)
{
    int error = hf_mutex_lock(&p->lock);
    if (error == 0) {
        execl("/bin/sleep", "sleep", "30", (char *)NULL);
    }
    return error;
}

Test(member, who_execs_is_dead_for_what_it_holds, .init = set_up)
{
    pid_t child = spawn(lock_and_exec, party);
    hf_owner_t owner;
    do {
        assert_ok(hf_mutex_owner(&party->lock, &owner));
    } while (owner.pid == 0 || owner.alive);
    assert_error(hf_mutex_trylock(&party->lock), EOWNERDEAD);
    cr_assert_eq(kill(child, 0), 0, "the process lives");
    kill_and_reap(child);
}

Test(member, one_thread_in_several_segments, .init = set_up)
{
    enum { SEGMENTS = 40 };
    hf_segment_t *segments[SEGMENTS];
    party_t *parties[SEGMENTS];
    for (int i = 0; i < SEGMENTS; i++) {
        parties[i] = fresh_party(&segments[i]);
        assert_ok(hf_mutex_lock(&parties[i]->lock));
    }
    for (int i = 0; i < SEGMENTS; i++) {
        assert_ok(hf_mutex_unlock(&parties[i]->lock));
        assert_ok(hf_segment_close(segments[i]));
    }
    assert_error(hf_mutex_lock(&parties[0]->lock), EINVAL);
}

static void *hold_until(void *stop)
{
    assert_ok(hf_mutex_lock(&party->lock));
    step(party);
    while (!__atomic_load_n((bool *)stop, __ATOMIC_RELAXED)) {
        sched_yield();
    }
    return NULL;
}

/* The lease must stay mapped under the thread that has it: its death is certified there.
 */
Test(member, closing_under_joined_threads_is_safe)
{
    bool stop = false;
    pthread_t thread;
    const char *name = fresh_name();
    hf_segment_config_t config = {.root_size = sizeof(party_t)};
    assert_ok(hf_segment_open(&segment, name, HF_CREATE, &config));
    party = hf_segment_root(segment);
    cr_assert_eq(pthread_create(&thread, NULL, hold_until, &stop), 0);
    await_steps(party, 1);
    assert_ok(hf_segment_close(segment));
    assert_error(hf_segment_close(segment), EINVAL);

    hf_segment_t *again;
    assert_ok(hf_segment_open(&again, name, 0, NULL));
    party_t *same = hf_segment_root(again);
    assert_error(hf_mutex_trylock(&same->lock), EBUSY);
    __atomic_store_n(&stop, true, __ATOMIC_RELAXED);
    pthread_join(thread, NULL);
    assert_error(hf_mutex_lock(&same->lock), EOWNERDEAD);
    assert_ok(hf_segment_remove(name));
}

static void *attach_and_detach(void *name)
{
    for (int i = 0; i < 100; i++) {
        hf_segment_t *mine, *other = open_fresh(0, 0);
        assert_ok(hf_segment_open(&mine, name, 0, NULL));
        party_t *same = hf_segment_root(mine);
        assert_ok(hf_mutex_lock(&same->lock));
        same->last++;
        assert_ok(hf_mutex_unlock(&same->lock));
        hf_mutex_t *free_one = hf_segment_root(other);
        assert_ok(hf_mutex_lock(free_one));
        assert_ok(hf_segment_close(other));
        assert_ok(hf_segment_close(mine));
    }
    return NULL;
}

Test(member, threads_attach_and_detach_at_the_same_time)
{
    enum { THREADS = 4 };
    pthread_t threads[THREADS];
    char name[64];
    snprintf(name, sizeof name, "%s", fresh_name());
    hf_segment_config_t config = {.root_size = sizeof(party_t)};
    assert_ok(hf_segment_open(&segment, name, HF_CREATE, &config));
    party = hf_segment_root(segment);
    for (int i = 0; i < THREADS; i++) {
        cr_assert_eq(pthread_create(&threads[i], NULL, attach_and_detach, name), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    cr_assert_eq(party->last, THREADS * 100);
    assert_ok(hf_segment_remove(name));
}

Test(member, a_full_table_is_EAGAIN)
{
    segment = open_fresh(sizeof(party_t), 1);
    party = hf_segment_root(segment);
    assert_ok(hf_mutex_lock(&party->gate));
    assert_exits(spawn(lock_once, party), EAGAIN);
    assert_ok(hf_segment_close(segment));
}
