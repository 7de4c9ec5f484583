/* SPDX-License-Identifier: MIT */
#include "kinds.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/random.h"
#include "heap.h"

static const kind_t *const all[] = {&mutex_kind, &condvar_kind, &semaphore_kind,
    &permits_kind, &rwlock_kind, &barrier_kind, &event_kind, &once_kind, &memory_kind,
    &names_kind, &vector_kind, &map_kind, &latch_kind, &counter_kind};
enum { ALL = sizeof all / sizeof all[0] };

/* Chosen before any worker is started. */
static const kind_t *kinds[ALL];
static unsigned chosen;

/* ---- choosing ---- */

static const kind_t *find_kind(const char *name, size_t length)
{
    for (unsigned i = 0; i < ALL; i++) {
        if (strlen(all[i]->name) == length && memcmp(all[i]->name, name, length) == 0) {
            return all[i];
        }
    }
    return NULL;
}

static void add_kind(const kind_t *kind)
{
    for (unsigned i = 0; i < chosen; i++) {
        if (kinds[i] == kind) {
            return;
        }
    }
    kinds[chosen++] = kind;
}

static void complain(const char *program, const char *name, size_t length)
{
    fprintf(stderr, "%s: --kinds: there is no kind '%.*s'; there are", program,
        (int)length, name);
    for (unsigned i = 0; i < ALL; i++) {
        fprintf(stderr, "%s %s", i == 0 ? "" : ",", all[i]->name);
    }
    fputc('\n', stderr);
}

bool kinds_choose(const char *program, const char *list)
{
    for (unsigned i = 0; !list && i < ALL; i++) {
        add_kind(all[i]);
    }
    while (list) {
        size_t length = strcspn(list, ",");
        const kind_t *kind = find_kind(list, length);
        if (!kind) {
            complain(program, list, length);
            return false;
        }
        add_kind(kind);
        list = list[length] == ',' ? list + length + 1 : NULL;
    }
    return true;
}

/* ---- all of them together ---- */

unsigned kinds_objects(const torture_options_t *options)
{
    unsigned sum = 0;
    for (unsigned i = 0; i < chosen; i++) {
        sum += kinds[i]->objects(options);
    }
    return sum;
}

size_t kinds_size(const torture_options_t *options)
{
    size_t sum = 0;
    for (unsigned i = 0; i < chosen; i++) {
        sum += kinds[i]->size(options);
    }
    return sum;
}

size_t kinds_memory(void)
{
    size_t sum = 0;
    for (unsigned i = 0; i < chosen; i++) {
        sum += kinds[i]->memory;
    }
    return sum;
}

static size_t lasting(void)
{
    size_t sum = 0;
    for (unsigned i = 0; i < chosen; i++) {
        sum += kinds[i]->lasting;
    }
    return sum;
}

static char *area_of(const control_t *c, char *root, unsigned kind)
{
    for (unsigned i = 0; i < kind; i++) {
        root += kinds[i]->size(&c->options);
    }
    return root;
}

static unsigned first_of(const control_t *c, unsigned kind)
{
    unsigned first = 0;
    for (unsigned i = 0; i < kind; i++) {
        first += kinds[i]->objects(&c->options);
    }
    return first;
}

int kinds_prepare(const control_t *c, char *root)
{
    int error = 0;
    for (unsigned i = 0; error == 0 && i < chosen; i++) {
        error = kinds[i]->prepare(c, area_of(c, root, i), first_of(c, i));
    }
    return error;
}

void kinds_turn(worker_t *w)
{
    unsigned kind = (unsigned)stress_below(&w->random, chosen);
    kinds[kind]->turn(w, area_of(w->control, w->root, kind));
}

void kinds_hold(worker_t *w)
{
    unsigned kind = (unsigned)stress_below(&w->random, chosen);
    if (kinds[kind]->hold) {
        kinds[kind]->hold(w, area_of(w->control, w->root, kind));
    }
}

void kinds_audit(worker_t *auditor)
{
    for (unsigned i = 0; i < chosen; i++) {
        kinds[i]->audit(auditor, area_of(auditor->control, auditor->root, i));
    }
    if (kinds_memory() != 0) {
        heap_audit(auditor, lasting());
    }
}

/* ---- one object ---- */

unsigned kinds_any_object(const control_t *c, uint64_t *random)
{
    unsigned kind = (unsigned)stress_below(random, chosen);
    uint64_t count = kinds[kind]->objects(&c->options);
    return first_of(c, kind) + (unsigned)stress_below(random, count);
}

/* The kind that the object belongs to; the object is counted from its first from there
 * on. */
static unsigned kind_of_object(const control_t *c, unsigned *object)
{
    unsigned kind = 0;
    while (kind + 1 < chosen && *object >= kinds[kind]->objects(&c->options)) {
        *object -= kinds[kind]->objects(&c->options);
        kind++;
    }
    return kind;
}

void kinds_attend(worker_t *w, unsigned object, bool two)
{
    unsigned kind = kind_of_object(w->control, &object);
    kinds[kind]->attend(w, area_of(w->control, w->root, kind), object, two);
}

bool kinds_can_go_on(const control_t *c, char *root, uint32_t object)
{
    if (object >= c->objects) {
        return true;
    }
    unsigned kind = kind_of_object(c, &object);
    return !kinds[kind]->can_go_on ||
           kinds[kind]->can_go_on(c, area_of(c, root, kind), object);
}

bool kinds_help(worker_t *w, uint32_t object)
{
    if (object >= w->control->objects) {
        return true;
    }
    unsigned kind = kind_of_object(w->control, &object);
    return !kinds[kind]->help ||
           kinds[kind]->help(w, area_of(w->control, w->root, kind), object);
}

void kinds_describe(
    const control_t *c, char *root, uint32_t object, char *text, size_t size)
{
    hf_owner_t who = {0};
    if (object >= c->objects) {
        snprintf(text, size, "the segment");
        return;
    }
    unsigned kind = kind_of_object(c, &object);
    int error = kinds[kind]->owner(c, area_of(c, root, kind), object, &who);
    snprintf(text, size,
        "%s %u: %s%sowner %d/%d %s, %u waiters, the first is %d/%d for %" PRIu64 " ms",
        kinds[kind]->name, object, error != 0 ? stress_error_name(error) : "",
        error != 0 ? ", " : "", (int)who.pid, (int)who.tid,
        who.pid == 0 ? "(free)"
        : who.alive  ? "alive"
                     : "dead",
        who.waiters, (int)who.waiter_pid, (int)who.waiter_tid, who.waited_ns / 1000000);
}

const char *kinds_name(const control_t *c, unsigned i, unsigned *first, unsigned *count)
{
    if (i >= chosen) {
        return NULL;
    }
    *first = first_of(c, i);
    *count = kinds[i]->objects(&c->options);
    return kinds[i]->name;
}
