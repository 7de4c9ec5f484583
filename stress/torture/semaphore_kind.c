/* SPDX-License-Identifier: MIT */
/*
 * Work on semaphores: posts and waits, tallied (control.h), so that in the end the tokens
 * are those posted less those taken, give or take the calls that were killed inside.
 */
#include <errno.h>
#include <inttypes.h>

#include "common/random.h"
#include "guard.h"
#include "kinds.h"
#include "ledger.h"

enum { SEMAPHORES = 3, PLENTY = 2 };

typedef struct {
    _Alignas(64) hf_sem_t sem;
    uint32_t object, initial;
} semaphore_t;

static unsigned semaphore_objects(const torture_options_t *options)
{
    (void)options;
    return SEMAPHORES;
}

static size_t semaphore_size(const torture_options_t *options)
{
    (void)options;
    return SEMAPHORES * sizeof(semaphore_t);
}

static semaphore_t *semaphore_at(void *area, unsigned i)
{
    return (semaphore_t *)area + i;
}

static int semaphore_prepare(const control_t *c, void *area, unsigned first)
{
    (void)c;
    int error = 0;
    for (unsigned i = 0; error == 0 && i < SEMAPHORES; i++) {
        semaphore_t *s = semaphore_at(area, i);
        s->object = first + i;
        s->initial = i;
        error = hf_sem_init(&s->sem, i);
    }
    return error;
}

static unsigned value_of(const semaphore_t *s)
{
    unsigned value;
    return hf_sem_getvalue(&s->sem, &value) == 0 ? value : 0;
}

static void post(worker_t *w, semaphore_t *s)
{
    worker_call(w, "hf_sem_post", s->object);
    worker_tally(w, s->object, TALLY_GIVES);
    int error = hf_sem_post(&s->sem);
    worker_tallied(w, s->object, TALLY_GIVES, error == 0);
    worker_called(w);
    worker_expect(w, error, 0, "hf_sem_post", s->object);
}

static void wait(worker_t *w, semaphore_t *s, guard_call_t how)
{
    static const char *const name[] = {
        "hf_sem_wait", "hf_sem_trywait", "hf_sem_timedwait"};
    struct timespec deadline =
        hf_deadline_in_ms((unsigned)stress_below(&w->random, GUARD_LONGEST_WAIT_MS));
    grip_set(&w->control->seat[w->seat], 0, s->object, GRIP_WANTS);
    worker_step(w);
    worker_call(w, name[how], s->object);
    worker_tally(w, s->object, TALLY_TAKES);
    int error = how == GUARD_LOCK      ? hf_sem_wait(&s->sem)
                : how == GUARD_TRYLOCK ? hf_sem_trywait(&s->sem)
                                       : hf_sem_timedwait(&s->sem, &deadline);
    worker_tallied(w, s->object, TALLY_TAKES, error == 0);
    worker_called(w);
    grip_set(&w->control->seat[w->seat], 0, 0, GRIP_NONE);
    if (how == GUARD_TIMEDLOCK && error == ETIMEDOUT) {
        worker_expect_passed(w, &deadline, name[how], s->object);
    }
    worker_expect(w, error, error == 0 ? 0 : guard_vain(how), name[how], s->object);
}

static void semaphore_turn(worker_t *w, void *area)
{
    semaphore_t *s = semaphore_at(area, (unsigned)stress_below(&w->random, SEMAPHORES));
    if (value_of(s) < PLENTY && stress_one_in(&w->random, 2)) {
        post(w, s);
    } else {
        wait(w, s, guard_choose_call(w));
    }
}

/* Those who wait have to be woken by one who comes when they sleep. */
static void semaphore_attend(worker_t *w, void *area, unsigned object, bool two)
{
    (void)two;
    semaphore_t *s = semaphore_at(area, object);
    if (w->seat % GIVER_EVERY == 0) {
        worker_linger(w);
        post(w, s);
    } else {
        wait(w, s, GUARD_LOCK);
    }
}

static bool semaphore_can_go_on(const control_t *c, void *area, unsigned object)
{
    (void)c;
    return value_of(semaphore_at(area, object)) > 0;
}

static bool semaphore_help(worker_t *w, void *area, unsigned object)
{
    if (!semaphore_can_go_on(w->control, area, object)) {
        post(w, semaphore_at(area, object));
    }
    return true;
}

static void semaphore_audit(worker_t *auditor, void *area)
{
    control_t *c = auditor->control;
    for (unsigned i = 0; i < SEMAPHORES; i++) {
        semaphore_t *s = semaphore_at(area, i);
        tally_sum_t posts = tally_sum(c, s->object, TALLY_GIVES);
        tally_sum_t waits = tally_sum(c, s->object, TALLY_TAKES);
        uint64_t value = value_of(s);
        if (s->initial + posts.begun < value + waits.done ||
            s->initial + posts.done > value + waits.begun) {
            violation(c,
                "#%u: %" PRIu32 " tokens, %" PRIu64 " to %" PRIu64 " posted, %" PRIu64
                " to %" PRIu64 " taken, but %" PRIu64 " are there",
                s->object, s->initial, posts.done, posts.begun, waits.done, waits.begun,
                value);
        }
    }
}

static int semaphore_owner(
    const control_t *c, void *area, unsigned object, hf_owner_t *who)
{
    (void)c;
    return hf_sem_owner(&semaphore_at(area, object)->sem, who);
}

const kind_t semaphore_kind = {
    .name = "semaphore",
    .objects = semaphore_objects,
    .size = semaphore_size,
    .prepare = semaphore_prepare,
    .turn = semaphore_turn,
    .attend = semaphore_attend,
    .can_go_on = semaphore_can_go_on,
    .help = semaphore_help,
    .audit = semaphore_audit,
    .owner = semaphore_owner,
};
