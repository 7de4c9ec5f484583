/* SPDX-License-Identifier: MIT */
/*
 * Work on a barrier: more workers than parties come and go. Nobody may go on before all
 * parties have arrived: who does looks whether there were enough that were inside
 * together with it, not counting those known to be dead before it came.
 */
#include "common/random.h"
#include "kinds.h"
#include "ledger.h"

enum { MOST_PARTIES = 4, BARRIERS = 1 };

typedef struct {
    _Alignas(64) hf_barrier_t barrier;
    uint32_t object, parties;
    _Atomic uint64_t visits[]; /* by seat; odd: inside */
} meeting_t;

static unsigned barrier_objects(const torture_options_t *options)
{
    (void)options;
    return BARRIERS; /* with two all could be waiting, each at the wrong one */
}

static size_t barrier_size(const torture_options_t *options)
{
    size_t seats = 2 * options->processes + 1;
    return (sizeof(meeting_t) + seats * sizeof(uint64_t) + 63) / 64 * 64;
}

static int barrier_prepare(const control_t *c, void *area, unsigned first)
{
    meeting_t *m = area;
    unsigned workers = c->options.processes;
    m->object = first;
    m->parties = workers < MOST_PARTIES ? workers : MOST_PARTIES;
    return hf_barrier_init(&m->barrier, m->parties);
}

/* Whether somebody is inside in this visit, just read, who has not been buried: the
 * conductor takes the grips of the dead. */
static bool is_inside(
    const control_t *c, const meeting_t *m, unsigned seat, uint64_t visit)
{
    atomic_signal_fence(memory_order_seq_cst);
    uint32_t grips = atomic_load_explicit(&c->seat[seat].grips, memory_order_relaxed);
    return visit % 2 == 1 && grips_want(grips, (int)m->object);
}

/* From which visit on each seat's are beside ours. */
static void note_others(const worker_t *w, const meeting_t *m, uint64_t *from)
{
    for (unsigned i = 0; i < w->control->seats; i++) {
        uint64_t visit = count_read(&m->visits[i]);
        from[i] =
            is_inside(w->control, m, i, visit) ? visit : (visit | 1) + visit % 2 * 2;
    }
}

static unsigned count_beside(const worker_t *w, const meeting_t *m, const uint64_t *from)
{
    unsigned n = 0;
    for (unsigned i = 0; i < w->control->seats; i++) {
        n += i != w->seat && count_read(&m->visits[i]) >= from[i];
    }
    return n;
}

static void arrive(worker_t *w, meeting_t *m)
{
    seat_t *seat = &w->control->seat[w->seat];
    _Atomic uint64_t *visit = &m->visits[w->seat];
    uint64_t from[MOST_SEATS];
    bool last = false;
    note_others(w, m, from);
    atomic_store_explicit(visit, (count_read(visit) + 1) & ~(uint64_t)1,
        memory_order_relaxed); /* our predecessor died in its visit */
    grip_set(seat, 0, m->object, GRIP_WANTS);
    count_own(visit);
    worker_step(w);
    worker_call(w, "hf_barrier_wait", m->object);
    worker_tally(w, m->object, TALLY_GIVES);
    int error = hf_barrier_wait(&m->barrier, &last);
    worker_tallied(w, m->object, TALLY_GIVES, true);
    unsigned beside = count_beside(w, m, from);
    worker_called(w);
    count_own(visit);
    grip_set(seat, 0, 0, GRIP_NONE);
    worker_expect(w, error, 0, "hf_barrier_wait", m->object);
    if (beside + 1 < m->parties) {
        violation(w->control, "#%u: worker %u went on with %u others where %u must meet",
            m->object, w->seat, beside, m->parties);
    }
    if (last) {
        worker_tally(w, m->object, TALLY_TAKES);
        worker_tallied(w, m->object, TALLY_TAKES, true);
    }
}

/* Seldom: who has come is helped before others are met. */
static void barrier_turn(worker_t *w, void *area)
{
    if (stress_one_in(&w->random, 8)) {
        arrive(w, area);
    }
}

static void barrier_attend(worker_t *w, void *area, unsigned object, bool two)
{
    (void)object;
    if (two && w->seat % 2 == 0) {
        worker_linger(w);
    }
    arrive(w, area);
}

static bool barrier_can_go_on(const control_t *c, void *area, unsigned object)
{
    const meeting_t *m = area;
    (void)object;
    unsigned inside = 0;
    for (unsigned i = 0; i < c->seats; i++) {
        inside += is_inside(c, m, i, count_read(&m->visits[i]));
    }
    return inside >= m->parties;
}

static bool barrier_help(worker_t *w, void *area, unsigned object)
{
    if (w->seat == auditor_seat(w->control)) {
        return false;
    }
    if (!barrier_can_go_on(w->control, area, object)) {
        arrive(w, area);
    }
    return true;
}

/* Each round took as many arrivals as there are parties, and one was told that it was
 * the last. */
static void barrier_audit(worker_t *auditor, void *area)
{
    const meeting_t *m = area;
    tally_sum_t arrivals = tally_sum(auditor->control, m->object, TALLY_GIVES);
    tally_sum_t lasts = tally_sum(auditor->control, m->object, TALLY_TAKES);
    if (lasts.done * m->parties > arrivals.begun) {
        violation(auditor->control,
            "#%u: %llu were the last of %u, but only %llu have ever arrived", m->object,
            (unsigned long long)lasts.done, m->parties,
            (unsigned long long)arrivals.begun);
    }
}

static int barrier_owner(const control_t *c, void *area, unsigned object, hf_owner_t *who)
{
    (void)c, (void)object;
    return hf_barrier_owner(&((meeting_t *)area)->barrier, who);
}

const kind_t barrier_kind = {
    .name = "barrier",
    .objects = barrier_objects,
    .size = barrier_size,
    .prepare = barrier_prepare,
    .turn = barrier_turn,
    .attend = barrier_attend,
    .can_go_on = barrier_can_go_on,
    .help = barrier_help,
    .audit = barrier_audit,
    .owner = barrier_owner,
};
