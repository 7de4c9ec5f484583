/* SPDX-License-Identifier: MIT */
#include "room.h"

enum { MANY = 200 };

static party_t *party;

static void set_up(void)
{
    party = fresh_party(&segment);
}

TestSuite(counter, .init = set_up, .timeout = 120);

Test(counter, is_zero_at_first_and_found_by_its_name)
{
    hf_counter_t a = counter("a"), again = counter("a"), b = counter("b");
    cr_assert_eq(sum_of(a), 0);
    assert_ok(hf_counter_add(a, 3));
    assert_ok(hf_counter_add(again, -5));
    cr_assert_eq(sum_of(again), -2);
    cr_assert_eq(sum_of(b), 0);
    assert_sound();
}

Test(counter, wraps_around)
{
    hf_counter_t c = counter("c");
    assert_ok(hf_counter_add(c, INT64_MAX));
    assert_ok(hf_counter_add(c, 1));
    cr_assert_eq(sum_of(c), INT64_MIN);
}

Test(counter, a_name_is_a_name_and_a_handle_a_handle)
{
    char longest[HF_NAME_SIZE + 1] = {0};
    hf_counter_t c, none = {0};
    int64_t sum;
    memset(longest, 'x', HF_NAME_SIZE);
    assert_error(hf_counter_open(segment, longest, &c), EINVAL);
    longest[HF_NAME_SIZE - 1] = '\0';
    assert_ok(hf_counter_open(segment, longest, &c));
    assert_error(hf_counter_open(segment, "", &c), EINVAL);
    assert_error(hf_counter_open(segment, NULL, &c), EINVAL);
    assert_error(hf_counter_open(segment, "c", NULL), EINVAL);
    assert_error(hf_counter_open(NULL, "c", &c), EINVAL);
    assert_error(hf_counter_add(none, 1), EINVAL);
    assert_error(hf_counter_read(none, &sum), EINVAL);
    assert_error(hf_counter_read(c, NULL), EINVAL);
    assert_error(hf_counter_each(segment, NULL, NULL), EINVAL);
    assert_error(hf_counter_each(NULL, NULL, NULL), EINVAL);
}

/* ---- several ---- */

static int add_in_child(party_t *p)
{
    step(p);
    await_steps(p, 3);
    hf_counter_t up, down;
    int error = hf_counter_open(segment, "up", &up);
    error = error != 0 ? error : hf_counter_open(segment, "down", &down);
    error = error != 0 ? error : add_often(up, 1);
    return error != 0 ? error : add_often(down, -2);
}

Test(counter, processes_that_add_at_once_lose_nothing)
{
    pid_t children[3];
    for (int i = 0; i < 3; i++) {
        children[i] = spawn(add_in_child, party);
    }
    for (int i = 0; i < 3; i++) {
        assert_exits(children[i], 0);
    }
    cr_assert_eq(sum_of(counter("up")), 3 * ADDS);
    cr_assert_eq(sum_of(counter("down")), -6 * ADDS);
    assert_sound();
}

static hf_counter_t parents;

static int add_beside_parent(party_t *p)
{
    step(p);
    await_steps(p, 2);
    return add_often(parents, 1); /* the cells that it finds looked up are the parent's */
}

Test(counter, a_child_of_fork_adds_in_cells_of_its_own)
{
    parents = counter("c");
    assert_ok(hf_counter_add(parents, 1));
    pid_t child = spawn(add_beside_parent, party);
    step(party);
    await_steps(party, 2);
    assert_ok(add_often(parents, 1));
    assert_exits(child, 0);
    cr_assert_eq(sum_of(parents), 2 * ADDS + 1);
    assert_sound();
}

typedef struct {
    int64_t sums;
    unsigned seen;
    char of_names[MANY];
} tour_t;

static void see(const char *name, int64_t sum, void *arg)
{
    tour_t *tour = arg;
    int i = -1;
    cr_assert_eq(sscanf(name, "number %d", &i), 1);
    cr_assert(i >= 0 && i < MANY && tour->of_names[i]++ == 0);
    cr_assert_eq(sum, i * (i % 2 == 0 ? 1 : 2));
    tour->seen++;
}

static void *add_to_odd(void *arg)
{
    hf_counter_t *c = arg;
    for (int i = 1; i < MANY; i += 2) {
        assert_ok(hf_counter_add(c[i], i));
    }
    return NULL;
}

Test(counter, all_are_seen_once_each_with_its_sum)
{
    hf_counter_t c[MANY];
    tour_t tour = {0};
    for (int i = 0; i < MANY; i++) {
        char name[32];
        snprintf(name, sizeof name, "number %d", i);
        c[i] = counter(name);
    }
    for (int i = MANY - 1; i >= 0; i--) {
        assert_ok(hf_counter_add(c[i], i));
    }
    pthread_t thread;
    cr_assert_eq(pthread_create(&thread, NULL, add_to_odd, c), 0);
    cr_assert_eq(pthread_join(thread, NULL), 0);
    assert_ok(hf_counter_each(segment, see, &tour));
    cr_assert_eq(tour.seen, MANY);
    cr_assert_eq(sum_of(c[131]), 262);
    assert_sound();
}

static void see_none(const char *name, int64_t sum, void *arg)
{
    (void)sum, (void)arg;
    cr_assert_fail("%s", name);
}

Test(counter, none_are_seen_where_there_are_none)
{
    assert_ok(hf_counter_each(segment, see_none, NULL));
}

/* ---- segments ---- */

static hf_segment_t *open_named(const char *name, unsigned flags)
{
    hf_segment_t *other;
    assert_ok(hf_segment_open(&other, name, flags, NULL));
    return other;
}

static void see_one(const char *name, int64_t sum, void *arg)
{
    cr_assert_str_eq(name, "c");
    *(int64_t *)arg = sum;
}

Test(counter, a_segment_attached_read_only_is_read)
{
    const char *name = fresh_name();
    hf_counter_t c, theirs;
    int64_t sum = 0;
    segment = open_named(name, HF_CREATE);
    c = counter("c");
    hf_segment_t *reader = open_named(name, HF_READ_ONLY);
    assert_ok(hf_segment_remove(name));
    assert_ok(hf_counter_open(reader, "c", &theirs));
    cr_assert_eq(sum_of(theirs), 0);
    assert_ok(hf_counter_add(c, 7));
    cr_assert_eq(sum_of(theirs), 7);
    assert_ok(hf_counter_each(reader, see_one, &sum));
    cr_assert_eq(sum, 7);
    assert_error(hf_counter_add(theirs, 1), EACCES);
    assert_error(hf_counter_open(reader, "d", &theirs), EACCES);
}

Test(counter, segments_count_apart)
{
    hf_counter_t here = counter("c"), there;
    hf_segment_t *other = open_fresh(8, 0);
    assert_ok(hf_counter_open(other, "c", &there));
    for (int i = 0; i < 1000; i++) {
        assert_ok(hf_counter_add(here, 1));
        assert_ok(hf_counter_add(there, 2));
    }
    cr_assert_eq(sum_of(here), 1000);
    cr_assert_eq(sum_of(there), 2000);
}

/* Often at the same address, and its handle, too. */
Test(counter, what_was_looked_up_goes_with_the_segment)
{
    for (int i = 0; i < 50; i++) {
        assert_ok(hf_segment_close(segment));
        segment = open_fresh((size_t)(i % 3 * 8192 + 8), 0);
        hf_counter_t c = counter(i % 2 == 0 ? "even" : "odd");
        cr_assert_eq(sum_of(c), 0);
        assert_ok(hf_counter_add(c, i));
        cr_assert_eq(sum_of(c), i);
        assert_sound();
    }
}

/* ---- limits ---- */

static void open_large(size_t size, size_t max_size)
{
    hf_segment_config_t config = {
        .size = size, .max_size = max_size, .max_participants = 8};
    const char *name = fresh_name();
    assert_ok(hf_segment_open(&segment, name, HF_CREATE | HF_EXCLUSIVE, &config));
    assert_ok(hf_segment_remove(name));
}

static int open_number(unsigned i, hf_counter_t *c)
{
    char name[32];
    snprintf(name, sizeof name, "%u", i);
    return hf_counter_open(segment, name, c);
}

Test(counter, there_are_65536)
{
    enum { ALL = 65536 };
    hf_counter_t c;
    open_large(1 << 16, 1 << 25);
    for (unsigned i = 0; i < ALL; i++) {
        assert_ok(open_number(i, &c));
    }
    assert_ok(hf_counter_add(c, 3));
    cr_assert_eq(sum_of(c), 3);
    assert_error(open_number(ALL, &c), EAGAIN);
    assert_ok(open_number(4711, &c));
    cr_assert_eq(sum_of(c), 0);
    assert_sound();
}

/* Without room for cells there is no add; and nothing is lost of the others'. */
Test(counter, a_full_segment_says_so)
{
    hf_counter_t c;
    int error = 0;
    unsigned added = 0;
    open_large(1 << 15, 0);
    for (unsigned i = 0; error == 0; i++) {
        error = open_number(i, &c);
        if (error == 0) {
            error = hf_counter_add(c, 1);
            added += error == 0;
        }
    }
    assert_error(error, ENOSPC);
    cr_assert_gt(added, 64);
    for (unsigned i = 0; i < added; i++) {
        assert_ok(open_number(i, &c));
        assert_ok(hf_counter_add(c, 1));
        cr_assert_eq(sum_of(c), 2);
    }
    assert_sound();
}
