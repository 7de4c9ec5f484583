/* SPDX-License-Identifier: MIT */
#include "kinds.h"

#include "common/random.h"

static const kind_t *const kinds[] = {&mutex_kind};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

unsigned kinds_objects(const torture_options_t *options)
{
    unsigned sum = 0;
    for (unsigned i = 0; i < KINDS; i++) {
        sum += kinds[i]->objects(options);
    }
    return sum;
}

size_t kinds_size(const torture_options_t *options)
{
    size_t sum = 0;
    for (unsigned i = 0; i < KINDS; i++) {
        sum += kinds[i]->size(options);
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

int kinds_prepare(const control_t *c, char *root)
{
    unsigned first = 0;
    for (unsigned i = 0; i < KINDS; i++) {
        int error = kinds[i]->prepare(c, area_of(c, root, i), first);
        if (error != 0) {
            return error;
        }
        first += kinds[i]->objects(&c->options);
    }
    return 0;
}

void kinds_turn(worker_t *w)
{
    unsigned kind = (unsigned)stress_below(&w->random, KINDS);
    kinds[kind]->turn(w, area_of(w->control, w->root, kind));
}

void kinds_hold(worker_t *w)
{
    unsigned kind = (unsigned)stress_below(&w->random, KINDS);
    kinds[kind]->hold(w, area_of(w->control, w->root, kind));
}

void kinds_audit(worker_t *auditor)
{
    for (unsigned i = 0; i < KINDS; i++) {
        kinds[i]->audit(auditor, area_of(auditor->control, auditor->root, i));
    }
}

/* The kind that the object belongs to; the object is counted from its first from there
 * on. */
static unsigned kind_of_object(const control_t *c, unsigned *object)
{
    unsigned kind = 0;
    while (kind + 1 < KINDS && *object >= kinds[kind]->objects(&c->options)) {
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

void kinds_describe(
    const control_t *c, char *root, unsigned object, char *text, size_t size)
{
    unsigned kind = kind_of_object(c, &object);
    kinds[kind]->describe(c, area_of(c, root, kind), object, text, size);
}
