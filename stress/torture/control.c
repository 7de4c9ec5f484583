/* SPDX-License-Identifier: MIT */
#include "control.h"

#include "common/children.h"

control_t *control_create(const torture_options_t *options, unsigned objects)
{
    control_t *c = stress_shared_zeroes(sizeof *c);
    if (!c) {
        return NULL;
    }
    c->options = *options;
    c->seats = 2 * options->processes + 1;
    c->objects = objects;
    c->seat = stress_shared_zeroes(c->seats * sizeof *c->seat);
    c->object = stress_shared_zeroes(objects * sizeof *c->object);
    c->claims = stress_shared_zeroes((size_t)c->seats * objects * sizeof *c->claims);
    c->tallies =
        stress_shared_zeroes((size_t)c->seats * objects * TALLIES * sizeof *c->tallies);
    return c->seat && c->object && c->claims && c->tallies ? c : NULL;
}
