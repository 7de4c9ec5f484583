/* SPDX-License-Identifier: MIT */
#include "crew.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "ledger.h"

enum { NAMESPACE_EVERY = 4 };

bool crew_in_namespace(const crew_t *crew, unsigned i)
{
    return crew->children.namespaces && i % NAMESPACE_EVERY == NAMESPACE_EVERY - 1;
}

int crew_create(crew_t *crew, control_t *c, hf_segment_t *segment)
{
    *crew = (crew_t){.control = c, .segment = segment};
    crew->member = calloc(c->options.processes, sizeof *crew->member);
    if (!crew->member) {
        return ENOMEM;
    }
    return c->options.threads ? 0 : stress_children_begin(&crew->children);
}

typedef struct {
    crew_t *crew;
    unsigned seat;
} part_t;

static void be_worker_process(void *argument)
{
    const part_t *part = argument;
    worker_t w;
    worker_begin(&w, part->crew->control, part->seat, part->crew->segment);
    worker_work(&w);
}

static void *be_worker_thread(void *argument)
{
    worker_t *w = argument;
    control_t *c = w->control;
    unsigned seat = w->seat;
    hf_segment_t *segment;
    int error = hf_segment_open(&segment, c->segment_name, 0, NULL);
    if (error != 0) {
        violation(
            c, "worker %u: hf_segment_open returned %s", seat, stress_error_name(error));
    } else {
        worker_begin(w, c, seat, segment);
        worker_work(w);
    }
    atomic_store_explicit(&c->seat[seat].ended, true, memory_order_relaxed);
    return NULL;
}

static int start_thread(crew_t *crew, unsigned i)
{
    member_t *m = &crew->member[i];
    m->worker = (worker_t){.control = crew->control, .seat = i};
    return pthread_create(&m->thread, NULL, be_worker_thread, &m->worker);
}

/* The seat as a new worker must find it: outside of any call, whatever the last one did.
 * Its life begins now: it may be killed before it has run. */
static void clear_seat(seat_t *seat)
{
    uint64_t number = ((count_read(&seat->number) >> LIFE_BITS) + 1) << LIFE_BITS;
    atomic_store_explicit(&seat->number, number, memory_order_relaxed);
    uint64_t call = count_read(&seat->call);
    atomic_store_explicit(&seat->call, (call + 1) & ~(uint64_t)1, memory_order_relaxed);
    atomic_store_explicit(&seat->sentence, 0, memory_order_relaxed);
    atomic_store_explicit(&seat->ended, false, memory_order_relaxed);
    atomic_store_explicit(&seat->child, 0, memory_order_relaxed);
    atomic_store_explicit(&seat->attending, 0, memory_order_relaxed);
}

int crew_start(crew_t *crew, unsigned i)
{
    control_t *c = crew->control;
    crew->member[i] = (member_t){.up = true};
    clear_seat(&c->seat[i]);
    clear_seat(&c->seat[child_seat(c, i)]);
    crew->started++;
    if (c->options.threads) {
        return start_thread(crew, i);
    }
    part_t part = {.crew = crew, .seat = i};
    return stress_children_start(&crew->children, crew_in_namespace(crew, i),
        be_worker_process, &part, &crew->member[i].pid);
}

static int member_with_pid(const crew_t *crew, pid_t pid)
{
    for (unsigned i = 0; i < crew->control->options.processes; i++) {
        if (crew->member[i].up && crew->member[i].pid == pid) {
            return (int)i;
        }
    }
    return -1;
}

/* The child that a dead worker forked has got its SIGKILL already, by the kernel, and has
 * come to us; in a namespace it is gone before the worker can be reaped. */
static void await_orphan(crew_t *crew, unsigned i)
{
    control_t *c = crew->control;
    pid_t child =
        atomic_load_explicit(&c->seat[child_seat(c, i)].child, memory_order_relaxed);
    if (child > 0 && !crew_in_namespace(crew, i) && member_with_pid(crew, child) < 0) {
        waitpid(child, NULL, 0);
    }
}

/* Where it died, if inside a call; and what it had in hand. */
static void account_seat(control_t *c, unsigned seat)
{
    const seat_t *s = &c->seat[seat];
    uint32_t object = atomic_load_explicit(&s->call_object, memory_order_relaxed);
    if (count_read(&s->call) % 2 == 1) {
        count_up(object < c->objects ? &c->object[object].cut : &c->joins_cut);
    }
    account_death(c, seat);
}

static void account_end(crew_t *crew, unsigned i)
{
    control_t *c = crew->control;
    crew->member[i].up = false;
    account_seat(c, i);
    if (!c->options.threads) {
        await_orphan(crew, i);
        account_seat(c, child_seat(c, i));
    }
}

static void judge_status(crew_t *crew, unsigned i, int status)
{
    bool exited = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    if (killed && !crew->member[i].doomed) {
        violation(crew->control, "worker %u was killed by a stranger", i);
    } else if (!killed && !exited) {
        violation(crew->control, "worker %u ended with status %#x", i, (unsigned)status);
    }
}

static crew_event_t next_process_event(crew_t *crew, unsigned *who)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0) {
        int i = member_with_pid(crew, pid);
        if (i < 0) {
            continue; /* an orphan */
        }
        *who = (unsigned)i;
        if (WIFSTOPPED(status)) {
            return CREW_STOPPED;
        }
        judge_status(crew, *who, status);
        account_end(crew, *who);
        return CREW_ENDED;
    }
    return CREW_NOTHING;
}

static crew_event_t next_thread_event(crew_t *crew, unsigned *who)
{
    for (unsigned i = 0; i < crew->control->options.processes; i++) {
        bool ended =
            atomic_load_explicit(&crew->control->seat[i].ended, memory_order_relaxed);
        if (crew->member[i].up && ended) {
            pthread_join(crew->member[i].thread, NULL);
            account_end(crew, i);
            *who = i;
            return CREW_ENDED;
        }
    }
    return CREW_NOTHING;
}

crew_event_t crew_next_event(crew_t *crew, unsigned *who)
{
    return crew->control->options.threads ? next_thread_event(crew, who)
                                          : next_process_event(crew, who);
}

unsigned crew_up(const crew_t *crew)
{
    unsigned up = 0;
    for (unsigned i = 0; i < crew->control->options.processes; i++) {
        up += crew->member[i].up;
    }
    return up;
}
