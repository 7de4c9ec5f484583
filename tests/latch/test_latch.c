/* SPDX-License-Identifier: MIT */
/* Latch: what each call returns. */
#include <pthread.h>

#include "crowd.h"

enum { MOST = 1000 };

typedef struct {
    party_t party;
    HF_ALIGN8 char latch[sizeof(hf_latch_t) + 2 * 1008];
} room_t;

static hf_segment_t *segment;
static hf_latch_t *latch;

static void set_up(void)
{
    segment = open_fresh(sizeof(room_t), 0);
    latch = (void *)((room_t *)hf_segment_root(segment))->latch;
}

TestSuite(latch, .init = set_up, .timeout = 60);

Test(latch, has_room_for_two_payloads)
{
    cr_assert_eq(hf_latch_size(0), 0);
    cr_assert_eq(hf_latch_size(1), sizeof(hf_latch_t) + 16);
    cr_assert_eq(hf_latch_size(8), sizeof(hf_latch_t) + 16);
    cr_assert_eq(hf_latch_size(MOST), sizeof(hf_latch_t) + 2 * 1000);
    cr_assert_eq(hf_latch_size(SIZE_MAX), 0);
    cr_assert_eq(hf_latch_size(SIZE_MAX / 2), 0);
}

Test(latch, is_zero_before_the_first_write)
{
    char payload[100];
    memset(payload, 1, sizeof payload);
    assert_ok(hf_latch_read(latch, payload, sizeof payload));
    for (size_t i = 0; i < sizeof payload; i++) {
        cr_assert_eq(payload[i], 0);
    }
}

Test(latch, shows_what_was_written_last_whatever_its_size)
{
    size_t sizes[] = {1, 7, 8, 9, 64, MOST};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        char in[MOST], out[MOST + 1];
        memset(latch, 0, sizeof(room_t) - offsetof(room_t, latch));
        for (int turn = 1; turn < 5; turn++) {
            memset(in, turn, sizeof in);
            memset(out, 77, sizeof out);
            assert_ok(hf_latch_write(latch, in, sizes[s]));
            assert_ok(hf_latch_read(latch, out, sizes[s]));
            cr_assert_eq(memcmp(in, out, sizes[s]), 0);
            cr_assert_eq(out[sizes[s]], 77, "not a byte more");
        }
        assert_ok(hf_latch_check(latch));
    }
}

Test(latch, has_the_size_of_its_first_write)
{
    char payload[64] = "";
    assert_ok(hf_latch_write(latch, payload, 64));
    assert_error(hf_latch_write(latch, payload, 63), EINVAL);
    assert_error(hf_latch_read(latch, payload, 63), EINVAL);
    assert_error(hf_latch_write(latch, payload, 0), EINVAL);
    assert_error(hf_latch_read(latch, payload, 0), EINVAL);
    assert_error(hf_latch_write(latch, NULL, 64), EINVAL);
    assert_error(hf_latch_read(latch, NULL, 64), EINVAL);
    assert_ok(hf_latch_write(latch, payload, 64));
}

Test(latch, an_address_that_cannot_be_one_is_EINVAL)
{
    void *bad[BAD_ADDRESSES];
    char payload[8] = "";
    hf_owner_t who;
    bad_addresses(segment, sizeof *latch, bad);
    for (int joined = 0; joined < 2; joined++) {
        for (int i = 0; i < BAD_ADDRESSES; i++) {
            assert_error(hf_latch_write(bad[i], payload, sizeof payload), EINVAL);
            assert_error(hf_latch_read(bad[i], payload, sizeof payload), EINVAL);
            assert_error(hf_latch_owner(bad[i], &who), EINVAL);
            assert_error(hf_latch_check(bad[i]), EINVAL);
        }
        assert_ok(hf_latch_write(latch, payload, sizeof payload)); /* joins */
    }
    char *end = end_of(segment);
    hf_latch_t *last = (void *)(end - hf_latch_size(64));
    assert_error(hf_latch_read((void *)((char *)last + 8), payload, 64), EINVAL);
}

Test(latch, a_read_only_segment_can_be_read)
{
    void *root;
    char payload[16] = "what was written";
    room_t *seen = fresh_read_only(sizeof(room_t), &root);
    hf_latch_t *mine = (void *)((room_t *)root)->latch;
    hf_latch_t *theirs = (void *)seen->latch;
    assert_ok(hf_latch_write(mine, payload, sizeof payload));
    memset(payload, 0, sizeof payload);
    assert_ok(hf_latch_read(theirs, payload, sizeof payload));
    cr_assert_eq(memcmp(payload, "what was written", 16), 0);
    assert_error(hf_latch_write(theirs, payload, sizeof payload), EACCES);
    assert_ok(hf_latch_check(theirs));
}

Test(latch, a_damaged_one_is_EBADMSG_and_no_hang)
{
    char payload[8] = "";
    assert_ok(hf_latch_write(latch, payload, sizeof payload));
    latch->hf_begun = latch->hf_complete + 2;
    assert_error(hf_latch_read(latch, payload, sizeof payload), EBADMSG);
    assert_error(hf_latch_write(latch, payload, sizeof payload), EBADMSG);
    assert_error(hf_latch_check(latch), EBADMSG);
    latch->hf_begun = latch->hf_complete;
    latch->hf_size = SIZE_MAX;
    assert_error(hf_latch_read(latch, payload, sizeof payload), EINVAL);
    assert_error(hf_latch_check(latch), EBADMSG);
}

/* ---- closed by another thread ---- */

enum { LONG = 1 << 15, CLOSES = 50 };

static char long_one[LONG];

/* Has not joined: nothing else keeps the segment. */
static void *read_until_closed(void *begun)
{
    int error;
    do {
        error = hf_latch_read(latch, long_one, LONG);
        __atomic_store_n((bool *)begun, true, __ATOMIC_RELAXED);
    } while (error == 0 && hf_latch_check(latch) == 0);
    return (void *)(intptr_t)hf_latch_read(latch, long_one, LONG);
}

Test(latch, its_segment_is_not_unmapped_under_a_reader)
{
    for (int i = 0; i < CLOSES; i++) {
        bool begun = false;
        pthread_t reader;
        void *error;
        segment = open_fresh(hf_latch_size(LONG), 0);
        latch = hf_segment_root(segment);
        assert_ok(hf_latch_write(latch, long_one, LONG));
        cr_assert_eq(pthread_create(&reader, NULL, read_until_closed, &begun), 0);
        while (!__atomic_load_n(&begun, __ATOMIC_RELAXED)) {
            sched_yield();
        }
        assert_ok(hf_segment_close(segment));
        cr_assert_eq(pthread_join(reader, &error), 0);
        cr_assert_eq((intptr_t)error, EINVAL);
    }
}
