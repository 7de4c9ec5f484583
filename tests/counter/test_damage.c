/* SPDX-License-Identifier: MIT */
/* Damaged counters: an error code for who uses them, words from hf_segment_check. */
#include <holdfast/counter.h>

#include <pthread.h>

#include "heap/cells.h"
#include "party.h"
#include "segment/segment.h"

enum { GROUPS = 2, IN_GROUP = HFI_GROUP };

static hf_segment_t *segment;
static hf_counter_t counter[GROUPS]; /* one of each group */
static uint64_t *stripes[GROUPS];
static char words[400];

static void *add_to_all(void *unused)
{
    for (int i = 0; i < GROUPS; i++) {
        assert_ok(hf_counter_add(counter[i], 1));
    }
    return unused;
}

static void in_a_thread(void *(*body)(void *))
{
    pthread_t thread;
    cr_assert_eq(pthread_create(&thread, NULL, body, NULL), 0);
    cr_assert_eq(pthread_join(thread, NULL), 0);
}

/* Slots 0 and 1 have stripes of both groups. */
static void set_up(void)
{
    segment = open_fresh(8, 4);
    for (int i = 0; i < (GROUPS - 1) * IN_GROUP + 1; i++) {
        char name[16];
        snprintf(name, sizeof name, "%d", i);
        assert_ok(hf_counter_open(segment, name, &counter[i / IN_GROUP]));
    }
    add_to_all(NULL);
    in_a_thread(add_to_all);
    for (int i = 0; i < GROUPS; i++) {
        stripes[i] = hfi_heap_address(&segment->heap, segment->counters->groups[i]);
    }
}

TestSuite(counter_damage, .init = set_up, .timeout = 60);

static void note(const char *fault, void *arg)
{
    (void)arg;
    size_t length = strlen(words);
    snprintf(words + length, sizeof words - length, "%s\n", fault);
}

static void see(const char *name, int64_t sum, void *arg)
{
    (void)name, (void)sum, (void)arg;
}

/* As one who has not looked them up yet. */
static void *add_meets_damage(void *unused)
{
    assert_error(hf_counter_add(counter[1], 1), EBADMSG);
    return unused;
}

static void expect_told(const char *fault)
{
    words[0] = '\0';
    assert_error(hf_segment_check(segment, note, NULL), EBADMSG);
    cr_assert(strstr(words, fault) != NULL, "wanted '%s', was told '%s'", fault, words);
}

/* A word that leads nowhere; everybody says so, and who looks elsewhere goes on. */
static void expect_refused(uint64_t *word, uint64_t value, const char *fault)
{
    uint64_t before = *word;
    int64_t sum;
    *word = value;
    assert_error(hf_counter_read(counter[1], &sum), EBADMSG);
    assert_error(hf_counter_each(segment, see, NULL), EBADMSG);
    in_a_thread(add_meets_damage);
    expect_told(fault);
    assert_ok(hf_counter_read(counter[0], &sum));
    cr_assert_eq(sum, 2);
    *word = before;
    assert_ok(hf_segment_check(segment, note, NULL));
}

Test(counter_damage, a_group_that_is_nowhere)
{
    uint64_t *word = &segment->counters->groups[1];
    const char *fault = "no block of stripes";
    expect_refused(word, *word + 4, fault);
    expect_refused(word, 8, fault);
    expect_refused(word, segment->header.total_limit - 8, fault);
    expect_refused(word, UINT64_MAX - 7, fault);
}

Test(counter_damage, a_stripe_that_is_nowhere)
{
    uint64_t *word = &stripes[1][1];
    const char *fault = "the slot's stripe is not there";
    expect_refused(word, *word + 8, fault);
    expect_refused(word, 64, fault);
    expect_refused(word, segment->header.total_limit - 64, fault);
    expect_refused(word, UINT64_MAX - 63, fault);
}

/* Reading cannot tell; who would write there can. */
static void expect_told_apart(uint64_t *word, uint64_t value, const char *fault)
{
    uint64_t before = *word;
    int64_t sum;
    *word = value;
    assert_ok(hf_counter_read(counter[1], &sum));
    in_a_thread(add_meets_damage);
    expect_told(fault);
    *word = before;
    assert_ok(hf_segment_check(segment, note, NULL));
}

Test(counter_damage, a_stripe_of_another)
{
    expect_told_apart(&stripes[1][1], stripes[1][0], "stripe is not there, or another's");
    expect_told_apart(&stripes[1][1], stripes[0][1], "stripe is not there, or another's");
    uint64_t *root = hf_segment_root(segment);
    uint64_t at = hfi_heap_offset(&segment->heap, root) / 64 * 64 + 64;
    expect_told_apart(&stripes[1][1], at, "stripe is not there, or another's");
}

Test(counter_damage, cells_of_nobody)
{
    stripes[1][3] = stripes[1][0];
    expect_told("the slot's stripe is not there");
    struct hfi_stripe *stripe = hfi_heap_address(&segment->heap, stripes[1][3]);
    stripe->slot = 3;
    stripes[1][0] = 0;
    expect_told("a stripe of a slot that nobody ever joined");
    segment->counters->groups[2] = segment->counters->groups[1];
    expect_told("stripes of counters that there are none");
}

/* The counter whose name is found in this cell of the names' table. */
static uint64_t *number_of(const char *name)
{
    struct hfi_found found;
    struct hfi_key key = hfi_key(name, strlen(name));
    assert_ok(hfi_index_look(&segment->heap, &segment->counters->names, &key, &found));
    return hfi_heap_address(&segment->heap, found.value);
}

Test(counter_damage, numbers)
{
    hf_counter_t c;
    uint64_t *number = number_of("7");
    *number = 65536;
    assert_error(hf_counter_open(segment, "7", &c), EBADMSG);
    assert_error(hf_counter_each(segment, see, NULL), EBADMSG);
    expect_told("a number or a name that none has");
    *number = IN_GROUP + 1;
    expect_told("a number or a name that none has");
    *number = 8;
    expect_told("another one's, too");
    *number = 7;
    assert_ok(hf_segment_check(segment, note, NULL));
    segment->counters->names.count = 65537;
    assert_error(hf_counter_each(segment, see, NULL), EBADMSG);
    expect_told("not the entries' number");
}
