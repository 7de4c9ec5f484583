/* SPDX-License-Identifier: MIT */
/* What one caller sees. */
#include "participant/table.h"
#include "party.h"

static hf_segment_t *segment;
static party_t *party;
static hf_mutex_t *lock;

static void set_up(void)
{
    party = fresh_party(&segment);
    lock = &party->lock;
}

TestSuite(mutex, .init = set_up);

Test(mutex, zero_memory_is_a_free_one)
{
    assert_ok(hf_mutex_check(lock));
    assert_ok(hf_mutex_lock(lock));
    assert_ok(hf_mutex_unlock(lock));
    cr_assert_eq(lock->hf_word, 0);
}

Test(mutex, the_holder_meets_EDEADLK_and_its_try_EBUSY)
{
    struct timespec deadline = hf_deadline_in_ms(1000);
    assert_ok(hf_mutex_lock(lock));
    assert_error(hf_mutex_lock(lock), EDEADLK);
    assert_error(hf_mutex_timedlock(lock, &deadline), EDEADLK);
    assert_error(hf_mutex_trylock(lock), EBUSY);
    assert_ok(hf_mutex_unlock(lock));
    assert_error(hf_mutex_unlock(lock), EPERM);
}

Test(mutex, a_recursive_one_is_unlocked_as_often_as_locked)
{
    assert_ok(hf_mutex_init(lock, HF_RECURSIVE));
    for (int i = 0; i < 3; i++) {
        assert_ok(hf_mutex_lock(lock));
        assert_ok(hf_mutex_trylock(lock));
    }
    for (int i = 0; i < 6; i++) {
        hf_owner_t owner;
        assert_ok(hf_mutex_owner(lock, &owner));
        cr_assert_eq(owner.pid, getpid());
        assert_ok(hf_mutex_unlock(lock));
    }
    assert_error(hf_mutex_unlock(lock), EPERM);
}

Test(mutex, recursion_has_an_end)
{
    assert_ok(hf_mutex_init(lock, HF_RECURSIVE));
    assert_ok(hf_mutex_lock(lock));
    lock->hf_depth = UINT32_MAX;
    assert_error(hf_mutex_lock(lock), EAGAIN);
}

Test(mutex, init_takes_known_options_only)
{
    assert_error(hf_mutex_init(lock, 2), EINVAL);
    assert_error(hf_mutex_init(lock, HF_RECURSIVE | 4), EINVAL);
}

Test(mutex, a_free_one_is_taken_though_the_deadline_has_passed)
{
    struct timespec past = {.tv_sec = 0};
    assert_ok(hf_mutex_timedlock(lock, &past));
}

Test(mutex, what_is_no_time_is_EINVAL)
{
    assert_error(hf_mutex_timedlock(lock, NULL), EINVAL);
    assert_error(hf_mutex_timedlock(lock, &(struct timespec){.tv_nsec = -1}), EINVAL);
}

Test(mutex, an_address_that_cannot_be_one_is_EINVAL)
{
    static hf_mutex_t elsewhere;
    char *root = hf_segment_root(segment);
    char *end = end_of(segment);
    hf_mutex_t *addresses[] = {NULL, &elsewhere, (void *)(root + 4), (void *)(root + 1),
        (void *)end, (void *)(end - 8), (void *)(root - 32768), (void *)(uintptr_t)-8};
    for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
        hf_owner_t owner;
        for (int joined = 0; joined < 2; joined++) {
            assert_error(hf_mutex_lock(addresses[i]), EINVAL);
            assert_error(hf_mutex_unlock(addresses[i]), EINVAL);
            assert_error(hf_mutex_init(addresses[i], 0), EINVAL);
            assert_error(hf_mutex_consistent(addresses[i]), EINVAL);
            assert_error(hf_mutex_owner(addresses[i], &owner), EINVAL);
            assert_ok(hf_mutex_trylock(lock));
            assert_ok(hf_mutex_unlock(lock));
        }
    }
    assert_error(hf_mutex_owner(lock, NULL), EINVAL);
}

Test(mutex, consistent_is_for_who_took_it_from_a_dead_one)
{
    assert_error(hf_mutex_consistent(lock), EPERM);
    assert_ok(hf_mutex_lock(lock));
    assert_error(hf_mutex_consistent(lock), EINVAL);
}

Test(mutex, a_damaged_one_is_EBADMSG_and_no_crash)
{
    uint64_t impossible[] = {2, 4, 4 | 1, hfi_tag(0, 0) | 1 << 5, hfi_tag(5000, 1),
        hfi_tag(0, 900), hfi_tag(1, 1) | 8, 16, UINT64_MAX};
    for (size_t i = 0; i < sizeof impossible / sizeof *impossible; i++) {
        struct timespec deadline = hf_deadline_in_ms(100);
        lock->hf_word = impossible[i];
        assert_error(hf_mutex_lock(lock), EBADMSG);
        assert_error(hf_mutex_trylock(lock), EBADMSG);
        assert_error(hf_mutex_timedlock(lock, &deadline), EBADMSG);
        assert_error(hf_mutex_check(lock), EBADMSG);
        assert_error(hf_mutex_unlock(lock), EPERM);
    }
}

Test(mutex, calls_leave_errno_alone)
{
    errno = 77;
    assert_ok(hf_mutex_lock(lock)); /* joins */
    assert_error(hf_mutex_unlock(&party->gate), EPERM);
    cr_assert_eq(errno, 77);
}

static int scoped(int way_out)
{
    HF_SCOPED_LOCK(error, lock);
    if (error != 0) {
        return error;
    }
    for (;;) {
        if (way_out == 1) {
            break;
        }
        if (way_out == 2) {
            return hf_mutex_unlock(lock); /* by hand */
        }
        return 0;
    }
    return 0;
}

Test(mutex, a_scoped_lock_is_released_on_every_path)
{
    for (int way_out = 0; way_out < 3; way_out++) {
        assert_ok(scoped(way_out));
        cr_assert_eq(lock->hf_word, 0);
    }
    assert_ok(hf_mutex_lock(lock));
    assert_error(scoped(0), EDEADLK);
    assert_ok(hf_mutex_unlock(lock)); /* still ours: a failed one releases nothing */
}

Test(mutex, a_read_only_segment_can_be_looked_at)
{
    const char *name = fresh_name();
    hf_segment_config_t config = {.root_size = sizeof(party_t)};
    hf_segment_t *writable, *looked_at;
    assert_ok(hf_segment_open(&writable, name, HF_CREATE, &config));
    assert_ok(hf_segment_open(&looked_at, name, HF_READ_ONLY, NULL));
    assert_ok(hf_segment_remove(name));
    party_t *mine = hf_segment_root(writable), *seen = hf_segment_root(looked_at);
    hf_owner_t owner;
    assert_ok(hf_mutex_lock(&mine->lock));
    assert_ok(hf_mutex_owner(&seen->lock, &owner));
    cr_assert_eq(owner.pid, getpid());
    cr_assert(owner.alive);
    assert_error(hf_mutex_lock(&seen->lock), EACCES);
    assert_error(hf_mutex_trylock(&seen->gate), EACCES);
    assert_error(hf_mutex_unlock(&seen->lock), EACCES);
    assert_error(hf_mutex_init(&seen->lock, 0), EACCES);
}
