/* SPDX-License-Identifier: MIT */
/* Exactly one initialises to its end, whoever is killed. */
#include "crowd.h"
#include "participant/table.h"

typedef struct {
    party_t party;
    uint32_t begun, ended; /* calls of init */
    hf_once_t first, once;
} room_t;

static hf_segment_t *segment;
static room_t *room;
static party_t *party;
static hf_once_t *once;

static void set_up(void)
{
    segment = open_fresh(sizeof *room, 0);
    room = hf_segment_root(segment);
    party = &room->party;
    once = &room->once;
}

TestSuite(once, .init = set_up, .timeout = 60);

static void count(uint32_t *calls)
{
    __atomic_fetch_add(calls, 1, __ATOMIC_SEQ_CST);
}

static int fill(void *result)
{
    count(&room->begun);
    count(&room->ended);
    return result != NULL ? *(int *)result : 0;
}

Test(once, zero_memory_is_one_not_yet_done)
{
    hf_owner_t who;
    assert_ok(hf_once_check(once));
    assert_ok(hf_once_owner(once, &who));
    cr_assert_eq(who.pid, 0);
    cr_assert_eq(who.waiters, 0);
}

Test(once, init_is_called_once)
{
    for (int i = 0; i < 5; i++) {
        assert_ok(hf_once(once, fill, NULL));
    }
    cr_assert_eq(room->ended, 1);
    assert_ok(hf_once_check(once));
}

Test(once, what_init_returned_is_returned_and_the_next_one_tries)
{
    int result = ENOSPC;
    assert_error(hf_once(once, fill, &result), ENOSPC);
    assert_error(hf_once(once, fill, &result), ENOSPC);
    assert_ok(hf_once(once, fill, NULL));
    assert_ok(hf_once(once, fill, &result));
    cr_assert_eq(room->ended, 3);
}

static int call_the_same(void *arg)
{
    return hf_once(once, fill, arg);
}

Test(once, init_that_calls_it_for_the_same_one_is_EDEADLK)
{
    assert_error(hf_once(once, call_the_same, NULL), EDEADLK);
    assert_ok(hf_once(&room->first, call_the_same, NULL));
    cr_assert_eq(room->ended, 1);
}

static int tell_owner(void *who)
{
    return hf_once_owner(once, who);
}

Test(once, owner_tells_who_is_at_it)
{
    hf_owner_t who;
    assert_ok(hf_once(once, tell_owner, &who));
    cr_assert_eq(who.pid, getpid());
    cr_assert(who.alive);
}

Test(once, an_address_that_cannot_be_one_is_EINVAL)
{
    void *bad[BAD_ADDRESSES];
    bad_addresses(segment, sizeof *once, bad);
    for (int joined = 0; joined < 2; joined++) {
        for (int i = 0; i < BAD_ADDRESSES; i++) {
            hf_owner_t who;
            assert_error(hf_once(bad[i], fill, NULL), EINVAL);
            assert_error(hf_once_owner(bad[i], &who), EINVAL);
            assert_error(hf_once_check(bad[i]), EINVAL);
        }
        assert_ok(hf_once(&room->first, fill, NULL)); /* joins */
    }
    cr_assert_eq(room->ended, 1);
}

Test(once, no_init_is_EINVAL)
{
    assert_error(hf_once(once, NULL, NULL), EINVAL);
    assert_error(hf_once_owner(once, NULL), EINVAL);
}

Test(once, a_damaged_one_is_EBADMSG_and_no_crash)
{
    once->hf_done = 2;
    assert_error(hf_once(once, fill, NULL), EBADMSG);
    assert_error(hf_once_check(once), EBADMSG);
    once->hf_done = 0;
    once->hf_lock.hf_word = hfi_tag(5000, 1);
    assert_error(hf_once(once, fill, NULL), EBADMSG);
    assert_error(hf_once_check(once), EBADMSG);
    cr_assert_eq(room->begun, 0);
}

Test(once, a_read_only_segment_can_be_looked_at)
{
    void *root;
    room_t *seen = fresh_read_only(sizeof *room, &root);
    room_t *mine = root;
    hf_owner_t who;
    assert_ok(hf_once(&mine->once, fill, NULL));
    assert_ok(hf_once_owner(&seen->once, &who));
    assert_ok(hf_once_check(&seen->once));
    assert_error(hf_once(&seen->once, fill, NULL), EACCES);
    assert_error(hf_once(&seen->first, fill, NULL), EACCES);
}

Test(once, calls_leave_errno_alone)
{
    errno = 77;
    assert_ok(hf_once(once, fill, NULL)); /* joins */
    assert_ok(hf_once(once, fill, NULL));
    assert_error(hf_once(NULL, fill, NULL), EINVAL);
    cr_assert_eq(errno, 77);
}

/* ---- several processes ---- */

static unsigned waiters(void)
{
    hf_owner_t who;
    assert_ok(hf_once_owner(once, &who));
    return who.waiters;
}

static int begin_and_stay(void *arg)
{
    (void)arg;
    count(&room->begun);
    step(party);
    for (;;) {
        pause();
    }
    return 0;
}

static int initialise_for_ever(party_t *p)
{
    (void)p;
    return hf_once(once, begin_and_stay, NULL);
}

static int initialise(party_t *p)
{
    (void)p;
    int error = hf_once(once, fill, NULL);
    return error == 0 && room->ended != 1 ? EPROTO : error;
}

static pid_t spawn_initialiser(void)
{
    pid_t child = spawn(initialise_for_ever, party);
    await_steps(party, 1);
    return child;
}

Test(once, a_dead_initialisers_place_is_taken_by_the_next_comer)
{
    kill_and_reap(spawn_initialiser());
    assert_ok(hf_once(once, fill, NULL));
    cr_assert_eq(room->begun, 2);
    cr_assert_eq(room->ended, 1);
}

Test(once, a_dead_initialisers_place_is_taken_by_one_that_waits)
{
    pid_t dies = spawn_initialiser();
    pid_t sleepers[3];
    spawn_crowd(sleepers, 3, initialise, party, waiters);
    kill_and_reap(dies);
    assert_all_exit(sleepers, 3, 0);
    cr_assert_eq(room->ended, 1);
    cr_assert_eq(rescues(segment), 0);
}

Test(once, the_death_of_one_that_waits_changes_nothing_for_the_others)
{
    pid_t dies = spawn_initialiser();
    pid_t sleepers[2];
    spawn_crowd(sleepers, 2, initialise, party, waiters);
    kill_and_reap(sleepers[0]);
    cr_assert_eq(waiters(), 1);
    kill_and_reap(dies);
    assert_exits(sleepers[1], 0);
}

static int fill_when_told(void *arg)
{
    (void)arg;
    count(&room->begun);
    step(party);
    await_steps(party, 2);
    count(&room->ended);
    return 0;
}

static int initialise_when_told(party_t *p)
{
    (void)p;
    return hf_once(once, fill_when_told, NULL);
}

Test(once, of_a_crowd_one_initialises_and_all_find_it_done)
{
    pid_t first = spawn(initialise_when_told, party);
    pid_t crowd[CROWD];
    await_steps(party, 1);
    spawn_crowd(crowd, CROWD, initialise, party, waiters);
    step(party);
    assert_exits(first, 0);
    assert_all_exit(crowd, CROWD, 0);
    cr_assert_eq(room->begun, 1);
}
