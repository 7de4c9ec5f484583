/* SPDX-License-Identifier: MIT */
#include "crowd.h"

enum { SOME = 12 };

typedef struct {
    hf_mutex_t lock;
    uint64_t count;
} counter_t;

static hf_segment_t *segment;
static party_t *party;

static void set_up(void)
{
    hf_segment_config_t config = {.size = 1 << 18, .root_size = sizeof(party_t)};
    const char *name = fresh_name();
    assert_ok(hf_segment_open(&segment, name, HF_CREATE | HF_EXCLUSIVE, &config));
    assert_ok(hf_segment_remove(name));
    party = hf_segment_root(segment);
}

TestSuite(objects, .init = set_up, .timeout = 60);

static int find(const char *name, void **object)
{
    return hf_object_find(segment, name, object, NULL);
}

static int find_or_construct(const char *name, int (*construct)(void *, void *))
{
    void *object;
    return hf_object_find_or_construct(
        segment, name, sizeof(counter_t), construct, party, &object);
}

static size_t count(void)
{
    size_t n;
    assert_ok(hf_object_count(segment, &n));
    return n;
}

/* All but the directory's table. */
static size_t blocks(void)
{
    hf_heap_info_t info;
    assert_ok(hf_heap_info(segment, &info));
    return info.blocks - 1;
}

Test(objects, are_found_by_name)
{
    void *object, *again;
    size_t size;
    assert_error(find("visits", &object), ENOENT);
    assert_ok(hf_object_find_or_construct(segment, "visits", 100, NULL, NULL, &object));
    cr_assert_eq((uintptr_t)object % 64, 0);
    for (int i = 0; i < 100; i++) {
        cr_assert_eq(((char *)object)[i], 0);
    }
    assert_ok(hf_object_find(segment, "visits", &again, &size));
    cr_assert_eq(again, object);
    cr_assert_eq(size, 100);
    assert_ok(hf_object_find_or_construct(segment, "visits", 50, NULL, NULL, &again));
    cr_assert_eq(again, object);
    assert_error(
        hf_object_find_or_construct(segment, "visits", 101, NULL, NULL, &again), EINVAL);
    cr_assert_eq(count(), 1);
}

Test(objects, names_are_1_to_255_bytes)
{
    char name[300], seen[HF_NAME_SIZE];
    hf_object_cursor_t cursor = {0};
    for (int length = 1; length < 256; length++) {
        memset(name, 'n', sizeof name);
        name[length] = '\0';
        assert_ok(find_or_construct(name, NULL));
    }
    cr_assert_eq(count(), 255);
    unsigned char lengths[256] = {0};
    int error;
    while ((error = hf_object_next(segment, &cursor, seen, NULL, NULL)) == 0) {
        cr_assert_eq(lengths[strlen(seen)]++, 0);
    }
    assert_error(error, ENOENT);
    memset(name, 'n', sizeof name);
    const char *bad[] = {NULL, "", name};
    name[256] = '\0';
    for (int i = 0; i < 3; i++) {
        void *object;
        assert_error(find(bad[i], &object), EINVAL);
        assert_error(find_or_construct(bad[i], NULL), EINVAL);
        assert_error(hf_object_destroy(segment, bad[i]), EINVAL);
    }
    assert_error(find("n", NULL), EINVAL);
}

Test(objects, destroyed_they_leave_nothing)
{
    void *object;
    assert_error(hf_object_destroy(segment, "visits"), ENOENT);
    for (int i = 0; i < 2000; i++) {
        char name[32];
        snprintf(name, sizeof name, "visits-%d", i % 50);
        assert_ok(find_or_construct(name, NULL));
        assert_ok(hf_object_destroy(segment, name));
        assert_error(find(name, &object), ENOENT);
    }
    cr_assert_eq(count(), 0);
    cr_assert_eq(blocks(), 0);
}

static int fail(void *object, void *arg)
{
    (void)arg;
    ((counter_t *)object)->count = 77;
    return ENOTTY;
}

static int check_zero(void *object, void *arg)
{
    (void)arg;
    return ((counter_t *)object)->count == 0 ? 0 : EPROTO;
}

Test(objects, whose_constructor_fails_go_again)
{
    void *object;
    assert_error(find_or_construct("visits", fail), ENOTTY);
    assert_error(find("visits", &object), ENOENT);
    cr_assert_eq(blocks(), 0);
    assert_ok(find_or_construct("visits", check_zero));
}

static int construct_itself(void *object, void *arg)
{
    (void)arg;
    void *found;
    assert_error(find("self", &found), ENOENT);
    assert_error(find_or_construct("self", NULL), EDEADLK);
    assert_error(hf_object_destroy(segment, "self"), EBUSY);
    ((counter_t *)object)->count = 1;
    return find_or_construct("other", NULL);
}

Test(objects, a_constructor_may_construct_others_but_not_its_own)
{
    void *object;
    assert_ok(find_or_construct("self", construct_itself));
    assert_ok(find("self", &object));
    cr_assert_eq(((counter_t *)object)->count, 1);
    assert_ok(find("other", &object));
}

Test(objects, what_does_not_fit_is_ENOSPC)
{
    void *object;
    assert_ok(find_or_construct("first", NULL)); /* the directory's table */
    size_t before = blocks();
    size_t sizes[] = {1 << 20, SIZE_MAX, SIZE_MAX - 100};
    for (int i = 0; i < 3; i++) {
        assert_error(
            hf_object_find_or_construct(segment, "large", sizes[i], NULL, NULL, &object),
            ENOSPC);
        assert_error(find("large", &object), ENOENT);
        cr_assert_eq(blocks(), before);
    }
}

/* ---- several processes ---- */

static int construct_slowly(void *object, void *arg)
{
    step(arg);
    for (int i = 0; i < 100; i++) {
        sched_yield();
    }
    ((counter_t *)object)->count = 1000;
    return 0;
}

static int find_or_construct_and_count(party_t *p)
{
    void *object;
    int error = hf_object_find_or_construct(
        segment, "visits", sizeof(counter_t), construct_slowly, p, &object);
    counter_t *visits = object;
    if (error == 0) {
        error = hf_mutex_lock(&visits->lock);
    }
    if (error == 0) {
        visits->count++;
        error = hf_mutex_unlock(&visits->lock);
    }
    return error;
}

Test(objects, of_many_who_construct_one_does)
{
    pid_t children[SOME];
    void *object;
    for (int i = 0; i < SOME; i++) {
        children[i] = spawn(find_or_construct_and_count, party);
    }
    assert_all_exit(children, SOME, 0);
    assert_ok(find("visits", &object));
    cr_assert_eq(((counter_t *)object)->count, 1000 + SOME);
    cr_assert_eq(party->steps, 1);
    cr_assert_eq(rescues(segment), 0);
    cr_assert_eq(blocks(), 1);
}

static int construct_for_ever(void *object, void *arg)
{
    ((counter_t *)object)->count = 55;
    step(arg);
    for (;;) {
        pause();
    }
    return 0;
}

static int never_end_constructing(party_t *p)
{
    (void)p;
    return find_or_construct("visits", construct_for_ever);
}

static int construct_zero(party_t *p)
{
    int error = find_or_construct("visits", check_zero);
    __atomic_fetch_add(&p->last, 1, __ATOMIC_SEQ_CST);
    return error;
}

static pid_t spawn_constructor(void)
{
    uint32_t before = party->steps;
    pid_t constructor = spawn(never_end_constructing, party);
    await_steps(party, before + 1);
    return constructor;
}

Test(objects, a_dead_constructors_place_is_taken_over)
{
    void *object;
    kill_and_reap(spawn_constructor());
    assert_error(find("visits", &object), ENOENT);
    cr_assert_eq(count(), 0);
    assert_ok(find_or_construct("visits", check_zero));
    cr_assert_eq(blocks(), 1);
    assert_ok(hf_object_destroy(segment, "visits"));
    kill_and_reap(spawn_constructor());
    assert_ok(hf_object_destroy(segment, "visits"));
    cr_assert_eq(blocks(), 0);
}

static void spawn_waiters(pid_t waiters[SOME])
{
    for (int i = 0; i < SOME; i++) {
        waiters[i] = spawn(construct_zero, party);
    }
    for (int i = 0; i < SOME; i++) {
        await_sleep(waiters[i]);
    }
}

Test(objects, the_death_of_the_constructor_wakes_those_who_wait)
{
    pid_t constructor = spawn_constructor();
    pid_t waiters[SOME];
    spawn_waiters(waiters);
    cr_assert_eq(party->last, 0);
    kill_and_reap(constructor);
    assert_all_exit(waiters, SOME, 0);
    cr_assert_eq(rescues(segment), 0);
    cr_assert_eq(blocks(), 1);
}

static int construct_when_told(void *object, void *arg)
{
    party_t *p = arg;
    ((counter_t *)object)->count = 1;
    step(p);
    await_steps(p, 2);
    return 0;
}

static int construct_and_stay(party_t *p)
{
    int error = find_or_construct("visits", construct_when_told);
    await_steps(p, 3);
    return error;
}

/* Its lease tells nothing: it lives on. */
Test(objects, the_end_of_a_construction_wakes_those_who_wait)
{
    pid_t constructor = spawn(construct_and_stay, party);
    await_steps(party, 1);
    pid_t waiters[SOME];
    spawn_waiters(waiters);
    step(party);
    assert_all_exit(waiters, SOME, 0);
    cr_assert_eq(rescues(segment), 0);
    step(party);
    assert_exits(constructor, 0);
}

Test(objects, a_stopped_constructor_is_alive)
{
    pid_t constructor = spawn_constructor();
    kill(constructor, SIGSTOP);
    cr_assert_eq(waitpid(constructor, NULL, WUNTRACED), constructor);
    pid_t waiter = spawn(construct_zero, party);
    await_sleep(waiter);
    assert_error(hf_object_destroy(segment, "visits"), EBUSY);
    assert_ok(find_or_construct("other", NULL)); /* holds nobody else up */
    cr_assert_eq(party->last, 0);
    kill_and_reap(constructor);
    assert_exits(waiter, 0);
}

static int come_and_go(party_t *p)
{
    char name[32];
    for (unsigned i = 0; __atomic_load_n(&p->last, __ATOMIC_RELAXED) == 0; i++) {
        snprintf(name, sizeof name, "goes-%u", i % 30);
        int error = i % 60 < 30 ? find_or_construct(name, NULL)
                                : hf_object_destroy(segment, name);
        if (error != 0) {
            return error;
        }
        step(p);
    }
    return 0;
}

Test(objects, those_that_stay_are_found_and_shown_once_beside_changes)
{
    enum { STAY = 20 };
    char name[HF_NAME_SIZE];
    for (int i = 0; i < STAY; i++) {
        snprintf(name, sizeof name, "stays-%d", i);
        assert_ok(find_or_construct(name, NULL));
    }
    pid_t child = spawn(come_and_go, party);
    for (uint32_t round = 1; round < 300; round++) {
        hf_object_cursor_t cursor = {0};
        int seen[STAY] = {0}, error;
        void *object, *same;
        await_steps(party, round);
        while ((error = hf_object_next(segment, &cursor, name, &object, NULL)) == 0) {
            if (strncmp(name, "stays-", 6) == 0) {
                seen[atoi(name + 6)]++;
                assert_ok(find(name, &same));
                cr_assert_eq(same, object);
            } else {
                cr_assert_eq(strncmp(name, "goes-", 5), 0);
            }
        }
        assert_error(error, ENOENT);
        for (int i = 0; i < STAY; i++) {
            cr_assert_eq(seen[i], 1);
        }
    }
    party->last = 1;
    assert_exits(child, 0);
}

Test(objects, who_may_only_look_can_find)
{
    const char *name = fresh_name();
    hf_segment_t *seen;
    hf_object_cursor_t cursor = {0};
    void *object;
    char found[HF_NAME_SIZE];
    size_t size, n;
    assert_ok(hf_segment_open(&segment, name, HF_CREATE, NULL));
    assert_ok(hf_segment_open(&seen, name, HF_READ_ONLY, NULL));
    assert_ok(hf_segment_remove(name));
    assert_ok(hf_object_find_or_construct(segment, "text", 9, NULL, NULL, &object));
    strcpy(object, "hello");
    assert_ok(hf_object_find(seen, "text", &object, &size));
    cr_assert_str_eq(object, "hello");
    assert_ok(hf_object_next(seen, &cursor, found, &object, &size));
    cr_assert_str_eq(found, "text");
    assert_ok(hf_object_count(seen, &n));
    cr_assert_eq(n, 1);
    assert_ok(hf_object_find_or_construct(seen, "text", 9, NULL, NULL, &object));
    assert_error(
        hf_object_find_or_construct(seen, "new", 9, NULL, NULL, &object), EACCES);
    assert_error(hf_object_destroy(seen, "text"), EACCES);
}
