/* SPDX-License-Identifier: MIT */
/*
 * Those who replace, retire and wait. A place's invariant, whoever died holding it: each
 * of its pointers owns a block or is null, and each block is owned by one pointer, is the
 * one in doubt, or waits for a grace period.
 */
#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

#include "common/random.h"
#include "element.h"

enum { NULL_EVERY = 64, BY_ADDRESS_EVERY = 4, CENSUS_EVERY = 64, MANY = 7 /* bits */ };

/* ---- grace periods ---- */

/* Waits for one; `all`: and for what was retired before. False: a member without
 * membarrier was not heeded yet. */
static bool wait_for_period(member_t *m, bool all)
{
    static const char *const names[] = {"hf_rcu_synchronize", "hf_rcu_barrier"};
    uint64_t before = count_read(&m->control->generation);
    int error = all ? CALL(m, hf_rcu_barrier, m->segment)
                    : CALL(m, hf_rcu_synchronize, m->segment);
    if (error == ENOTSUP && lacks_membarrier(m->control, m->number)) {
        member_count(m, NOT_HEEDED);
        return false;
    }
    if (!member_expect(m, error, 0, names[all])) {
        return false;
    }
    member_count(m, all ? BARRIERS : PERIODS);
    atomic_compare_exchange_strong_explicit(&m->control->generation, &before, before + 1,
        memory_order_relaxed, memory_order_relaxed);
    return true;
}

/* After its removal. A locked instruction, lest the removal is still on its way. */
static void note_removal(member_t *m, unsigned place, uint64_t version)
{
    control_t *c = m->control;
    uint64_t generation =
        atomic_fetch_add_explicit(&c->generation, 0, memory_order_relaxed);
    atomic_store_explicit(&c->removed[place][version % REMEMBERED],
        version << 32 | (uint32_t)generation, memory_order_relaxed);
}

/* ---- places ---- */

/* Retires what `p` owns, in one commit with making it point to what `fresh` owns. */
static bool replace(member_t *m, hf_ptr_t *p, hf_ptr_t *fresh)
{
    const void *before = hf_ptr_get(p);
    int error = CALL(m, hf_rcu_replace, m->segment, p, fresh);
    if (error == EAGAIN && hf_ptr_get(p) == before) {
        member_count(m, HELD_BACK);
        return false;
    }
    return member_expect(m, error, 0, "hf_rcu_replace");
}

static place_t *place_at(const member_t *m, unsigned place)
{
    return &m->stage->place[place];
}

/* What a dead one, or one who was held back, has left in `old`: readers may see it. */
static bool tidy(member_t *m, place_t *p)
{
    return hf_ptr_get(&p->old) == NULL || replace(m, &p->old, NULL);
}

static bool lock(member_t *m, unsigned place)
{
    hf_mutex_t *mutex = &place_at(m, place)->lock;
    int error = CALL(m, hf_mutex_lock, mutex);
    if (error == EOWNERDEAD) {
        hf_heap_info_t info; /* completes what the dead one had begun */
        error = CALL(m, hf_heap_info, m->segment, &info);
        member_expect(m, error, 0, "hf_heap_info");
        member_count(m, REPAIRED);
        member_step(m);
        error = CALL(m, hf_mutex_consistent, mutex);
    }
    return member_expect(m, error, 0, "hf_mutex_lock");
}

static void unlock(member_t *m, unsigned place)
{
    hf_mutex_t *mutex = &place_at(m, place)->lock;
    member_expect(m, CALL(m, hf_mutex_unlock, mutex), 0, "hf_mutex_unlock");
}

/* Allocates and fills an element that nobody sees; 0: could not. */
static uint64_t make(member_t *m, unsigned place, hf_ptr_t *at)
{
    uint64_t words = stress_below(&m->random, MOST_WORDS + 1);
    if (!member_expect(m, CALL(m, hf_free, m->segment, at), 0, "hf_free") ||
        !member_expect(
            m, CALL(m, hf_alloc, m->segment, at, element_size(words)), 0, "hf_alloc")) {
        return 0;
    }
    member_step(m);
    uint64_t version = ++place_at(m, place)->version;
    member_step(m);
    element_fill(m->stage, hf_ptr_get(at), place, version, words);
    return version;
}

static uint64_t version_at(const hf_ptr_t *p)
{
    const element_t *e = hf_ptr_get(p);
    return e != NULL ? e->version : 0;
}

static void note_shown(member_t *m, unsigned place, uint64_t before, uint64_t version)
{
    if (before != 0) {
        note_removal(m, place, before);
    }
    if (version != 0) {
        atomic_store_explicit(&m->control->shown[place], version, memory_order_relaxed);
    }
}

/* ---- updaters ---- */

static bool update(member_t *m, unsigned place)
{
    place_t *p = place_at(m, place);
    uint64_t before = version_at(&p->shown);
    bool null = stress_one_in(&m->random, NULL_EVERY);
    uint64_t version = null ? 0 : make(m, place, &p->fresh);
    member_step(m);
    if ((!null && version == 0) || !replace(m, &p->shown, null ? NULL : &p->fresh)) {
        return false;
    }
    note_shown(m, place, before, version);
    member_count(m, REPLACED);
    return true;
}

/* Not all at once while a stopped reader holds them back. */
static void give_way(member_t *m)
{
    if (stress_one_in(&m->random, 2)) {
        wait_for_period(m, true);
    } else {
        usleep((useconds_t)stress_any_scale(&m->random, 13));
    }
}

void updater_work(member_t *m)
{
    unsigned place = (unsigned)stress_below(&m->random, PLACES);
    uint64_t held_back = count_read(&m->seat->counted[HELD_BACK]);
    member_step(m);
    if (!lock(m, place)) {
        return;
    }
    bool on = tidy(m, place_at(m, place));
    for (uint64_t n = stress_any_scale(&m->random, MANY); on && n > 0; n--) {
        on = update(m, place);
        member_step(m);
    }
    unlock(m, place);
    if (count_read(&m->seat->counted[HELD_BACK]) != held_back) {
        give_way(m);
    }
}

/* ---- retirers ---- */

/* Takes the element out, into `old`. Requires that to be null. */
static uint64_t take_out(member_t *m, unsigned place)
{
    place_t *p = place_at(m, place);
    uint64_t before = version_at(&p->shown), version = make(m, place, &p->old);
    if (version == 0) {
        return 0;
    }
    member_step(m);
    int error = CALL(m, hf_ptr_swap, m->segment, &p->shown, &p->old);
    if (!member_expect(m, error, 0, "hf_ptr_swap")) {
        return 0;
    }
    note_shown(m, place, before, version);
    member_step(m);
    return before;
}

/* Waits itself, then frees. */
static void free_after_period(member_t *m, unsigned place)
{
    place_t *p = place_at(m, place);
    if (take_out(m, place) != 0 && wait_for_period(m, false)) {
        member_step(m);
        member_expect(m, CALL(m, hf_free, m->segment, &p->old), 0, "hf_free");
        member_count(m, FREED);
    }
}

static void retire_one(member_t *m, unsigned place)
{
    if (!lock(m, place)) {
        return;
    }
    if (tidy(m, place_at(m, place))) {
        free_after_period(m, place);
    }
    unlock(m, place);
}

/* ---- by address ---- */

static uint64_t owned(const member_t *m)
{
    uint64_t blocks = 0;
    for (unsigned i = 0; i < PLACES; i++) {
        const place_t *p = &m->stage->place[i];
        blocks += hf_ptr_get(&p->shown) != NULL;
        blocks += hf_ptr_get(&p->fresh) != NULL;
        blocks += hf_ptr_get(&p->old) != NULL;
    }
    return blocks;
}

static void *address_in(const member_t *m, uint64_t offset)
{
    return (char *)m->stage + offset;
}

static bool retire(member_t *m, uint64_t offset)
{
    int error = CALL(m, hf_rcu_retire, m->segment, address_in(m, offset));
    if (error == EAGAIN) {
        member_count(m, HELD_BACK);
        return false;
    }
    return member_expect(m, error, 0, "hf_rcu_retire");
}

/*
 * With all places locked: nobody else allocates or retires. When nothing waits for a
 * grace period any more, each block is owned, or it is the one in doubt, not retired yet.
 * This is how a program can know whether who died had retired it.
 */
static bool census(member_t *m)
{
    hf_heap_info_t info;
    if (!wait_for_period(m, true)) {
        return false;
    }
    int error = CALL(m, hf_heap_info, m->segment, &info);
    if (!member_expect(m, error, 0, "hf_heap_info")) {
        return false;
    }
    member_count(m, CENSUSES);
    uint64_t blocks = info.blocks - m->control->blocks_before, expected = owned(m);
    bool left = m->stage->doubt != 0 && blocks == expected + 1;
    if (blocks != expected && !left) {
        violation(m->control,
            "member %u: %" PRIu64 " blocks are in use, of which %" PRIu64 " have owners",
            m->number, blocks, expected);
    }
    if (m->stage->doubt != 0) {
        member_count(m, DOUBTS);
        if (left && !retire(m, m->stage->doubt)) {
            return false;
        }
        member_step(m);
        m->stage->doubt = 0;
    }
    return true;
}

static bool retire_by_address(member_t *m, unsigned place)
{
    place_t *p = place_at(m, place);
    if (!tidy(m, p) || take_out(m, place) == 0) {
        return false;
    }
    void *block = hf_ptr_get(&p->old);
    m->stage->doubt = (uint64_t)((uintptr_t)block - (uintptr_t)m->stage);
    member_step(m);
    hf_ptr_set(&p->old, NULL); /* no pointer leads to it any more */
    member_step(m);
    if (!retire(m, m->stage->doubt)) {
        return false;
    }
    member_step(m);
    member_count(m, RETIRED);
    m->stage->doubt = 0;
    return true;
}

static void with_all_locked(member_t *m)
{
    unsigned locked = 0;
    while (locked < PLACES && lock(m, locked)) {
        locked++;
    }
    bool due = m->stage->doubt != 0 || stress_one_in(&m->random, CENSUS_EVERY);
    bool on = locked == PLACES && (!due || census(m));
    for (uint64_t n = stress_any_scale(&m->random, MANY); on && n > 0; n--) {
        on = retire_by_address(m, (unsigned)stress_below(&m->random, PLACES));
    }
    while (locked > 0) {
        unlock(m, --locked);
    }
}

void retirer_work(member_t *m)
{
    member_step(m);
    if (stress_one_in(&m->random, BY_ADDRESS_EVERY)) {
        with_all_locked(m);
    } else {
        retire_one(m, (unsigned)stress_below(&m->random, PLACES));
    }
}

/* ---- synchronizers ---- */

static void ask(member_t *m)
{
    hf_owner_t reader;
    hf_rcu_info_t info;
    int error = CALL(m, hf_rcu_stalled, m->segment, &reader);
    member_expect(m, error, 0, "hf_rcu_stalled");
    error = CALL(m, hf_rcu_info, m->segment, &info);
    if (member_expect(m, error, 0, "hf_rcu_info") && info.pending > HF_RCU_PENDING_MAX) {
        violation(m->control, "member %u: %zu blocks wait for a grace period", m->number,
            info.pending);
    }
}

void synchronizer_work(member_t *m)
{
    member_step(m);
    switch (stress_below(&m->random, 8)) {
    case 0:
        ask(m);
        break;
    case 1:
        usleep((useconds_t)stress_any_scale(&m->random, 10));
        break;
    case 2:
        wait_for_period(m, true);
        break;
    default:
        wait_for_period(m, false);
    }
}

/* ---- the end ---- */

void writer_clear(member_t *m)
{
    unsigned locked = 0;
    while (locked < PLACES && lock(m, locked)) {
        locked++;
    }
    census(m);
    for (unsigned i = 0; i < locked; i++) {
        place_t *p = place_at(m, i);
        hf_ptr_t *const owners[] = {&p->shown, &p->fresh, &p->old};
        for (int k = 0; k < 3; k++) {
            member_expect(
                m, CALL(m, hf_free, m->segment, owners[k]), 0, "hf_free at the end");
        }
        unlock(m, i);
    }
    wait_for_period(m, true); /* for the one that was in doubt */
}
