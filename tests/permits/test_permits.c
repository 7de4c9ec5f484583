/* SPDX-License-Identifier: MIT */
/* What one caller sees. */
#include "crowd.h"
#include "participant/table.h"

enum { PERMITS = 3 };

typedef struct {
    hf_permits_t first, pool;
    uint64_t cells[PERMITS];
} room_t;

static hf_segment_t *segment;
static room_t *room;
static hf_permits_t *pool;

static void set_up(void)
{
    segment = open_fresh(sizeof *room, 0);
    room = hf_segment_root(segment);
    pool = &room->pool;
}

static void set_up_pool(void)
{
    set_up();
    assert_ok(hf_permits_init(pool, PERMITS));
}

TestSuite(permits_init, .init = set_up, .timeout = 60);
TestSuite(permits, .init = set_up_pool, .timeout = 60);

static unsigned acquire(void)
{
    unsigned which = 77;
    assert_ok(hf_permits_acquire(pool, &which));
    cr_assert_lt(which, PERMITS);
    return which;
}

static void acquire_all(void)
{
    unsigned taken = 0;
    for (int i = 0; i < PERMITS; i++) {
        taken |= 1U << acquire();
    }
    cr_assert_eq(taken, (1U << PERMITS) - 1, "each has a number of its own");
}

static int acquire_shortly(unsigned ms)
{
    struct timespec soon = hf_deadline_in_ms(ms);
    unsigned which;
    return hf_permits_timedacquire(pool, &which, &soon);
}

Test(permits_init, size_is_that_of_the_cells_too)
{
    cr_assert_eq(hf_permits_size(0), 0);
    cr_assert_eq(hf_permits_size(1), 24);
    cr_assert_eq(hf_permits_size(HF_PERMITS_MAX), 16 + 8 * (size_t)HF_PERMITS_MAX);
    cr_assert_eq(hf_permits_size(HF_PERMITS_MAX + 1), 0);
    cr_assert_eq(hf_permits_size(UINT32_MAX), 0);
}

Test(permits_init, zero_memory_is_not_initialised)
{
    unsigned which;
    hf_owner_t who;
    assert_error(hf_permits_acquire(pool, &which), EINVAL);
    assert_error(hf_permits_tryacquire(pool, &which), EINVAL);
    assert_error(acquire_shortly(1000), EINVAL);
    assert_error(hf_permits_release(pool, 0), EINVAL);
    assert_error(hf_permits_owner(pool, 0, &who), EINVAL);
    assert_error(hf_permits_check(pool), EINVAL);
}

Test(permits_init, takes_what_has_room_in_the_segment)
{
    assert_error(hf_permits_init(pool, 0), EINVAL);
    assert_error(hf_permits_init(pool, HF_PERMITS_MAX + 1), EINVAL);
    assert_error(hf_permits_init(pool, HF_PERMITS_MAX), EINVAL);
    assert_ok(hf_permits_init(pool, PERMITS));
    assert_ok(hf_permits_check(pool));
}

Test(permits, each_is_held_by_one)
{
    unsigned which;
    acquire_all();
    assert_error(hf_permits_tryacquire(pool, &which), EBUSY);
    assert_ok(hf_permits_release(pool, 1));
    assert_ok(hf_permits_tryacquire(pool, &which));
    cr_assert_eq(which, 1);
}

Test(permits, only_the_holder_releases)
{
    unsigned which = acquire();
    assert_error(hf_permits_release(pool, (which + 1) % PERMITS), EPERM);
    assert_ok(hf_permits_release(pool, which));
    assert_error(hf_permits_release(pool, which), EPERM);
    assert_error(hf_permits_release(pool, PERMITS), EINVAL);
}

Test(permits, a_deadline_ends_the_wait)
{
    struct timespec past = {.tv_sec = 0};
    unsigned which;
    assert_ok(hf_permits_timedacquire(pool, &which, &past));
    assert_ok(hf_permits_release(pool, which));
    acquire_all();
    assert_error(acquire_shortly(20), ETIMEDOUT);
    assert_error(hf_permits_timedacquire(pool, &which, &past), ETIMEDOUT);
}

Test(permits, what_is_no_time_is_EINVAL)
{
    unsigned which;
    assert_error(hf_permits_timedacquire(pool, &which, NULL), EINVAL);
    for (int i = 0; i < NO_TIMES; i++) {
        assert_error(hf_permits_timedacquire(pool, &which, &no_times[i]), EINVAL);
    }
    acquire_all();
}

Test(permits, nowhere_to_tell_it_is_EINVAL)
{
    hf_owner_t who;
    assert_error(hf_permits_acquire(pool, NULL), EINVAL);
    assert_error(hf_permits_tryacquire(pool, NULL), EINVAL);
    assert_error(hf_permits_owner(pool, 0, NULL), EINVAL);
    assert_error(hf_permits_owner(pool, PERMITS, &who), EINVAL);
    acquire_all();
}

static void assert_each_call_is_EINVAL(hf_permits_t *bad)
{
    struct timespec soon = hf_deadline_in_ms(1000);
    unsigned which;
    hf_owner_t who;
    assert_error(hf_permits_init(bad, 1), EINVAL);
    assert_error(hf_permits_acquire(bad, &which), EINVAL);
    assert_error(hf_permits_tryacquire(bad, &which), EINVAL);
    assert_error(hf_permits_timedacquire(bad, &which, &soon), EINVAL);
    assert_error(hf_permits_release(bad, 0), EINVAL);
    assert_error(hf_permits_owner(bad, 0, &who), EINVAL);
    assert_error(hf_permits_check(bad), EINVAL);
}

Test(permits_init, an_address_that_cannot_be_one_is_EINVAL)
{
    void *bad[BAD_ADDRESSES];
    bad_addresses(segment, sizeof *pool, bad);
    for (int joined = 0; joined < 2; joined++) {
        for (int i = 0; i < BAD_ADDRESSES; i++) {
            assert_each_call_is_EINVAL(bad[i]);
        }
        assert_ok(hf_permits_init(pool, 1)); /* joins */
    }
}

Test(permits, a_count_beyond_the_segment_is_EBADMSG)
{
    uint32_t counts[] = {HF_PERMITS_MAX, HF_PERMITS_MAX + 1, UINT32_MAX};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        unsigned which;
        hf_owner_t who;
        pool->hf_count = counts[i];
        assert_error(hf_permits_acquire(pool, &which), EBADMSG);
        assert_error(hf_permits_tryacquire(pool, &which), EBADMSG);
        assert_error(hf_permits_release(pool, 0), EBADMSG);
        assert_error(hf_permits_owner(pool, 0, &who), EBADMSG);
        assert_error(hf_permits_check(pool), EBADMSG);
    }
}

Test(permits, an_impossible_holder_is_EBADMSG)
{
    uint64_t impossible[] = {hfi_tag(5000, 1), hfi_tag(0, 900), UINT64_MAX};
    for (size_t i = 0; i < sizeof impossible / sizeof *impossible; i++) {
        unsigned which;
        hf_owner_t who;
        for (int cell = 0; cell < PERMITS; cell++) {
            room->cells[cell] = impossible[i];
        }
        assert_error(hf_permits_acquire(pool, &which), EBADMSG);
        assert_error(hf_permits_tryacquire(pool, &which), EBADMSG);
        assert_error(acquire_shortly(1000), EBADMSG);
        assert_error(hf_permits_owner(pool, 0, &who), EBADMSG);
        assert_error(hf_permits_check(pool), EBADMSG);
        assert_error(hf_permits_release(pool, 0), EPERM);
    }
}

Test(permits, owner_tells_who_holds_one)
{
    hf_owner_t who;
    unsigned which = acquire();
    assert_ok(hf_permits_owner(pool, which, &who));
    cr_assert_eq(who.pid, getpid());
    cr_assert(who.alive);
    assert_ok(hf_permits_owner(pool, (which + 1) % PERMITS, &who));
    cr_assert_eq(who.pid, 0);
}

static unsigned scoped(bool by_hand)
{
    HF_SCOPED_PERMIT(error, which, pool);
    assert_ok(error);
    hf_owner_t who;
    assert_ok(hf_permits_owner(pool, which, &who));
    cr_assert_eq(who.pid, getpid());
    if (by_hand) {
        assert_ok(hf_permits_release(pool, which));
    }
    return which;
}

Test(permits, a_scoped_one_is_released_on_every_path)
{
    for (int by_hand = 0; by_hand < 2; by_hand++) {
        hf_owner_t who;
        assert_ok(hf_permits_owner(pool, scoped(by_hand), &who));
        cr_assert_eq(who.pid, 0);
    }
    acquire_all();
}

Test(permits, a_read_only_segment_can_be_looked_at)
{
    void *root;
    room_t *seen = fresh_read_only(sizeof *room, &root);
    room_t *mine = root;
    hf_owner_t who;
    unsigned which;
    assert_ok(hf_permits_init(&mine->pool, 1));
    assert_ok(hf_permits_acquire(&mine->pool, &which));
    assert_ok(hf_permits_owner(&seen->pool, 0, &who));
    cr_assert_eq(who.pid, getpid());
    assert_ok(hf_permits_check(&seen->pool));
    assert_error(hf_permits_init(&seen->pool, 1), EACCES);
    assert_error(hf_permits_acquire(&seen->pool, &which), EACCES);
    assert_error(hf_permits_tryacquire(&seen->pool, &which), EACCES);
    assert_error(hf_permits_release(&seen->pool, 0), EACCES);
}

Test(permits, calls_leave_errno_alone)
{
    errno = 77;
    acquire_all();
    assert_error(acquire_shortly(5), ETIMEDOUT);
    assert_ok(hf_permits_release(pool, 0));
    cr_assert_eq(errno, 77);
}
