/* SPDX-License-Identifier: MIT */
/* Nobody goes on before all have arrived, then all do, whoever is killed. */
#include "crowd.h"

enum { PARTIES = 4, MANY = 16, ROUNDS = 200 };

typedef struct {
    party_t party;
    uint32_t arrivals, lasts, early;
    hf_barrier_t first, barrier;
} room_t;

static hf_segment_t *segment;
static room_t *room;
static party_t *party;
static hf_barrier_t *barrier;

static void set_up(void)
{
    segment = open_fresh(sizeof *room, 0);
    room = hf_segment_root(segment);
    party = &room->party;
    barrier = &room->barrier;
}

TestSuite(barrier, .init = set_up, .timeout = 60);

Test(barrier, zero_memory_is_one_without_parties)
{
    bool last;
    assert_ok(hf_barrier_check(barrier));
    assert_error(hf_barrier_wait(barrier, &last), EINVAL);
}

Test(barrier, init_takes_as_many_parties_as_a_segment_may_have_participants)
{
    assert_error(hf_barrier_init(barrier, 0), EINVAL);
    assert_error(hf_barrier_init(barrier, 16385), EINVAL);
    assert_ok(hf_barrier_init(barrier, 16384));
    assert_ok(hf_barrier_check(barrier));
}

Test(barrier, one_party_is_always_the_last)
{
    assert_ok(hf_barrier_init(barrier, 1));
    for (int i = 0; i < 3; i++) {
        bool last = false;
        assert_ok(hf_barrier_wait(barrier, &last));
        cr_assert(last);
        assert_ok(hf_barrier_wait(barrier, NULL));
    }
}

Test(barrier, an_address_that_cannot_be_one_is_EINVAL)
{
    void *bad[BAD_ADDRESSES];
    bad_addresses(segment, sizeof *barrier, bad);
    for (int joined = 0; joined < 2; joined++) {
        for (int i = 0; i < BAD_ADDRESSES; i++) {
            hf_owner_t who;
            assert_error(hf_barrier_init(bad[i], 1), EINVAL);
            assert_error(hf_barrier_wait(bad[i], NULL), EINVAL);
            assert_error(hf_barrier_owner(bad[i], &who), EINVAL);
            assert_error(hf_barrier_check(bad[i]), EINVAL);
        }
        assert_ok(hf_barrier_init(barrier, 1)); /* joins */
    }
    assert_error(hf_barrier_owner(barrier, NULL), EINVAL);
}

Test(barrier, a_damaged_one_is_EBADMSG_and_no_crash)
{
    assert_ok(hf_barrier_init(barrier, 1));
    barrier->hf_word = UINT64_C(1) << 32;
    assert_error(hf_barrier_wait(barrier, NULL), EBADMSG);
    assert_error(hf_barrier_check(barrier), EBADMSG);
    barrier->hf_word = 0;
    barrier->hf_parties = 16385;
    assert_error(hf_barrier_wait(barrier, NULL), EBADMSG);
    assert_error(hf_barrier_check(barrier), EBADMSG);
}

Test(barrier, a_read_only_segment_can_be_looked_at)
{
    void *root;
    room_t *seen = fresh_read_only(sizeof *room, &root);
    room_t *mine = root;
    hf_owner_t who;
    assert_ok(hf_barrier_init(&mine->barrier, 1));
    assert_ok(hf_barrier_owner(&seen->barrier, &who));
    assert_ok(hf_barrier_check(&seen->barrier));
    assert_error(hf_barrier_init(&seen->barrier, 1), EACCES);
    assert_error(hf_barrier_wait(&seen->barrier, NULL), EACCES);
}

Test(barrier, calls_leave_errno_alone)
{
    errno = 77;
    assert_ok(hf_barrier_init(barrier, 1)); /* joins */
    assert_ok(hf_barrier_wait(barrier, NULL));
    assert_error(hf_barrier_wait(NULL, NULL), EINVAL);
    cr_assert_eq(errno, 77);
}

/* ---- several processes ---- */

static unsigned waiters(void)
{
    hf_owner_t who;
    assert_ok(hf_barrier_owner(barrier, &who));
    cr_assert_eq(who.pid, 0, "nobody holds one");
    return who.waiters;
}

static void count(uint32_t *counter)
{
    __atomic_fetch_add(counter, 1, __ATOMIC_SEQ_CST);
}

static int arrive(party_t *p)
{
    bool last = false;
    count(&room->arrivals);
    int error = hf_barrier_wait(barrier, &last);
    if (last) {
        count(&room->lasts);
    }
    step(p);
    return error;
}

static int go_round(party_t *p)
{
    int error = 0;
    for (uint32_t round = 1; round <= ROUNDS && error == 0; round++) {
        error = arrive(p);
        if (__atomic_load_n(&room->arrivals, __ATOMIC_SEQ_CST) < round * PARTIES) {
            count(&room->early);
        }
    }
    return error;
}

Test(barrier, nobody_goes_on_before_all_have_arrived_and_one_is_the_last)
{
    pid_t parties[PARTIES];
    assert_ok(hf_barrier_init(barrier, PARTIES));
    for (int i = 0; i < PARTIES; i++) {
        parties[i] = spawn(go_round, party);
    }
    assert_all_exit(parties, PARTIES, 0);
    cr_assert_eq(room->early, 0);
    cr_assert_eq(room->lasts, ROUNDS);
}

Test(barrier, a_round_goes_past_the_end_of_the_count)
{
    pid_t parties[2];
    assert_ok(hf_barrier_init(barrier, 2));
    barrier->hf_word = UINT32_MAX;
    parties[0] = spawn_asleep(arrive, party, waiters, 1);
    parties[1] = spawn(arrive, party);
    assert_all_exit(parties, 2, 0);
    cr_assert_eq(barrier->hf_word, 0);
}

Test(barrier, the_last_of_many_lets_all_go_on)
{
    pid_t crowd[CROWD];
    bool last = false;
    assert_ok(hf_barrier_init(barrier, CROWD + 1));
    spawn_crowd(crowd, CROWD, arrive, party, waiters);
    cr_assert_eq(party->steps, 0);
    assert_ok(hf_barrier_wait(barrier, &last));
    assert_all_exit(crowd, CROWD, 0);
    cr_assert_eq(room->lasts + last, 1);
}

Test(barrier, who_is_killed_asleep_has_not_arrived)
{
    pid_t first, second;
    assert_ok(hf_barrier_init(barrier, 3));
    first = spawn_asleep(arrive, party, waiters, 1);
    second = spawn_asleep(arrive, party, waiters, 2);
    kill_and_reap(first);
    pid_t third = spawn_asleep(arrive, party, waiters, 2);
    cr_assert_eq(party->steps, 0, "two of three have arrived");
    assert_ok(hf_barrier_wait(barrier, NULL));
    assert_exits(second, 0);
    assert_exits(third, 0);
    cr_assert_eq(rescues(segment), 0);
}

Test(barrier, who_comes_to_another_one_has_not_arrived_here)
{
    assert_ok(hf_barrier_init(&room->first, 1));
    assert_ok(hf_barrier_init(barrier, 2));
    pid_t waits = spawn_asleep(arrive, party, waiters, 1);
    assert_ok(hf_barrier_wait(&room->first, NULL));
    cr_assert_eq(waiters(), 1);
    assert_ok(hf_barrier_wait(barrier, NULL));
    assert_exits(waits, 0);
}

static bool is_in_round(uint64_t round)
{
    return __atomic_load_n(&barrier->hf_word, __ATOMIC_SEQ_CST) == round;
}

/* With nobody else about: whether both have gone back to sleep in this round. */
static bool still_wait(const pid_t others[2], uint64_t round)
{
    while (is_in_round(round)) {
        if (is_asleep(others[0]) && is_asleep(others[1]) && is_in_round(round)) {
            return true;
        }
        sched_yield();
    }
    return false;
}

/* The last one is killed some way into its call. Then its round is complete, or it has
 * not arrived and another comes in its place. */
static void kill_the_last(int delay)
{
    uint32_t before = room->arrivals;
    uint64_t round = barrier->hf_word;
    pid_t others[2];
    spawn_crowd(others, 2, arrive, party, waiters);
    pid_t last = spawn(arrive, party);
    while (__atomic_load_n(&room->arrivals, __ATOMIC_SEQ_CST) < before + 3) {
    }
    for (volatile int i = 0; i < delay; i++) {
    }
    kill_and_reap(last);
    if (still_wait(others, round)) {
        pid_t replacement = spawn(arrive, party);
        assert_exits(replacement, 0);
    }
    assert_all_exit(others, 2, 0);
}

Test(barrier, the_death_of_the_last_strands_nobody)
{
    assert_ok(hf_barrier_init(barrier, 3));
    for (int i = 0; i < 40; i++) {
        kill_the_last(i * 400);
    }
    cr_assert_eq(rescues(segment), 0);
}

Test(barrier, the_death_of_one_that_was_woken_strands_nobody)
{
    assert_ok(hf_barrier_init(barrier, MANY + 1));
    pid_t parties[MANY];
    spawn_crowd(parties, MANY, arrive, party, waiters);
    make_slow(parties[0]);
    assert_ok(hf_barrier_wait(barrier, NULL));
    kill_and_reap(parties[0]);
    assert_all_exit(parties + 1, MANY - 1, 0);
    cr_assert_eq(rescues(segment), 0);
}
