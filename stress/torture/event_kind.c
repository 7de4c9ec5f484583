/* SPDX-License-Identifier: MIT */
/*
 * Work on events. Who changes one holds its mutex. Automatic ones: sets and passes are
 * tallied (control.h); each set lets one pass, who sets anew sees to that. Manual ones:
 * between a reset and a set nobody passes, after the set everybody does.
 */
#include <errno.h>
#include <inttypes.h>

#include "common/random.h"
#include "guard.h"
#include "kinds.h"
#include "ledger.h"

enum { EVENTS = 4 };

typedef struct {
    _Alignas(64) hf_event_t event;
    hf_mutex_t changer; /* held by who sets or resets */
    uint32_t object;
    uint32_t options;
} affair_t;

static unsigned event_objects(const torture_options_t *options)
{
    (void)options;
    return EVENTS;
}

static size_t event_size(const torture_options_t *options)
{
    (void)options;
    return EVENTS * sizeof(affair_t);
}

static affair_t *affair_at(void *area, unsigned i)
{
    return (affair_t *)area + i;
}

static bool is_automatic(const affair_t *a)
{
    return a->options == HF_AUTO_RESET;
}

static int event_prepare(const control_t *c, void *area, unsigned first)
{
    (void)c;
    int error = 0;
    for (unsigned i = 0; error == 0 && i < EVENTS; i++) {
        affair_t *a = affair_at(area, i);
        a->object = first + i;
        a->options = i % 2 == 0 ? HF_AUTO_RESET : 0;
        error = hf_event_init(&a->event, a->options);
    }
    return error;
}

static void set(worker_t *w, affair_t *a)
{
    worker_call(w, "hf_event_set", a->object);
    worker_tally(w, a->object, TALLY_GIVES);
    int error = hf_event_set(&a->event);
    worker_tallied(w, a->object, TALLY_GIVES, true);
    worker_called(w);
    worker_expect(w, error, 0, "hf_event_set", a->object);
}

static void reset(worker_t *w, affair_t *a)
{
    worker_call(w, "hf_event_reset", a->object);
    int error = hf_event_reset(&a->event);
    worker_called(w);
    worker_expect(w, error, 0, "hf_event_reset", a->object);
}

static int pass(worker_t *w, affair_t *a, guard_call_t how)
{
    static const char *const name[] = {
        "hf_event_wait", "hf_event_trywait", "hf_event_timedwait"};
    struct timespec deadline =
        hf_deadline_in_ms((unsigned)stress_below(&w->random, GUARD_LONGEST_WAIT_MS));
    grip_set(&w->control->seat[w->seat], 0, a->object, GRIP_WANTS);
    worker_call(w, name[how], a->object);
    worker_tally(w, a->object, TALLY_TAKES);
    int error = how == GUARD_LOCK      ? hf_event_wait(&a->event)
                : how == GUARD_TRYLOCK ? hf_event_trywait(&a->event)
                                       : hf_event_timedwait(&a->event, &deadline);
    worker_tallied(w, a->object, TALLY_TAKES, error == 0);
    worker_called(w);
    grip_set(&w->control->seat[w->seat], 0, 0, GRIP_NONE);
    if (how == GUARD_TIMEDLOCK && error == ETIMEDOUT) {
        worker_expect_passed(w, &deadline, name[how], a->object);
    }
    worker_expect(w, error, error == 0 ? 0 : guard_vain(how), name[how], a->object);
    return error;
}

/* ---- changing ---- */

/* At any time: first the passes, then the sets. */
static void compare_tallies(const affair_t *a, control_t *c)
{
    uint64_t passes = tally_sum(c, a->object, TALLY_TAKES).done;
    uint64_t sets = tally_sum(c, a->object, TALLY_GIVES).begun;
    if (passes > sets) {
        violation(c,
            "#%u: %" PRIu64 " have passed an automatic event set %" PRIu64 " times",
            a->object, passes, sets);
    }
}

/* False: somebody else changes it. */
static bool begin_change(worker_t *w, affair_t *a, guard_call_t how)
{
    worker_call(w, "changing: hf_mutex_lock", a->object);
    int error =
        how == GUARD_TRYLOCK ? hf_mutex_trylock(&a->changer) : hf_mutex_lock(&a->changer);
    worker_called(w);
    if (error == EOWNERDEAD) {
        error = hf_mutex_consistent(&a->changer);
    }
    worker_expect(w, error, error == 0 ? 0 : guard_vain(how), "hf_mutex_lock", a->object);
    return error == 0;
}

static void end_change(worker_t *w, affair_t *a)
{
    worker_call(w, "changed: hf_mutex_unlock", a->object);
    int error = hf_mutex_unlock(&a->changer);
    worker_called(w);
    worker_expect(w, error, 0, "hf_mutex_unlock", a->object);
}

/* At the end: each set has let somebody pass, but for the last, and for those by which
 * the auditor helped where it was set already. */
static void expect_passes(const affair_t *a, control_t *c)
{
    uint64_t passes = tally_sum(c, a->object, TALLY_TAKES).begun;
    uint64_t sets = tally_sum(c, a->object, TALLY_GIVES).done;
    uint64_t helped =
        count_read(&tally_of(c, auditor_seat(c), a->object, TALLY_GIVES)->done);
    if (sets > passes + helped + 1) {
        violation(c,
            "#%u: an automatic event was set %" PRIu64 " times, but only %" PRIu64
            " passed",
            a->object, sets, passes);
    }
}

/* Not before the last set has let somebody pass, if need be us: so all sets count. */
static void change_automatic(worker_t *w, affair_t *a)
{
    (void)pass(w, a, GUARD_TRYLOCK);
    worker_step(w);
    set(w, a);
    if (stress_one_in(&w->random, 64)) {
        compare_tallies(a, w->control);
    }
}

static void change_manual(worker_t *w, affair_t *a)
{
    reset(w, a);
    worker_step(w);
    worker_expect(w, pass(w, a, GUARD_TRYLOCK), EBUSY, "passing a reset one", a->object);
    if (stress_one_in(&w->random, 2)) {
        set(w, a);
        worker_step(w);
        worker_expect(w, pass(w, a, GUARD_TRYLOCK), 0, "passing a set one", a->object);
    }
}

/* ---- the kind ---- */

static void change(worker_t *w, affair_t *a)
{
    if (!begin_change(w, a, GUARD_LOCK)) {
        return;
    }
    if (is_automatic(a)) {
        change_automatic(w, a);
    } else {
        change_manual(w, a);
    }
    end_change(w, a);
}

static void event_turn(worker_t *w, void *area)
{
    affair_t *a = affair_at(area, (unsigned)stress_below(&w->random, EVENTS));
    if (stress_one_in(&w->random, 2)) {
        change(w, a);
    } else {
        (void)pass(w, a, guard_choose_call(w));
    }
}

static bool event_can_go_on(const control_t *c, void *area, unsigned object)
{
    affair_t *a = affair_at(area, object);
    (void)c;
    /* An automatic one can't be asked: help sets it, which wakes nobody if it is set. */
    return !is_automatic(a) && hf_event_trywait(&a->event) == 0;
}

static bool event_help(worker_t *w, void *area, unsigned object)
{
    affair_t *a = affair_at(area, object);
    if (event_can_go_on(w->control, area, object)) {
        return true;
    }
    if (w->seat != auditor_seat(w->control)) {
        change(w, a);
    } else if (begin_change(w, a, GUARD_TRYLOCK)) {
        set(w, a);
        end_change(w, a);
    }
    return true;
}

/* Those who wait have to be woken by one who comes when they sleep. */
static void event_attend(worker_t *w, void *area, unsigned object, bool two)
{
    (void)two;
    if (w->seat % GIVER_EVERY == 0) {
        worker_linger(w);
        change(w, affair_at(area, object));
    } else {
        (void)pass(w, affair_at(area, object), GUARD_LOCK);
    }
}

static void event_audit(worker_t *auditor, void *area)
{
    control_t *c = auditor->control;
    for (unsigned i = 0; i < EVENTS; i++) {
        affair_t *a = affair_at(area, i);
        if (is_automatic(a)) {
            compare_tallies(a, c);
            expect_passes(a, c);
        }
    }
}

static int event_owner(const control_t *c, void *area, unsigned object, hf_owner_t *who)
{
    (void)c;
    return hf_event_owner(&affair_at(area, object)->event, who);
}

const kind_t event_kind = {
    .name = "event",
    .objects = event_objects,
    .size = event_size,
    .prepare = event_prepare,
    .turn = event_turn,
    .attend = event_attend,
    .can_go_on = event_can_go_on,
    .help = event_help,
    .audit = event_audit,
    .owner = event_owner,
};
