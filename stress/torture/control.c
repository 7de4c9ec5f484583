/* SPDX-License-Identifier: MIT */
#include "control.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>

static void *shared_zeroes(size_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

control_t *control_create(const torture_options_t *options, unsigned objects)
{
    control_t *c = shared_zeroes(sizeof *c);
    if (!c) {
        return NULL;
    }
    c->options = *options;
    c->seats = 2 * options->processes + 1;
    c->objects = objects;
    c->seat = shared_zeroes(c->seats * sizeof *c->seat);
    c->object = shared_zeroes(objects * sizeof *c->object);
    c->claims = shared_zeroes((size_t)c->seats * objects * sizeof *c->claims);
    c->tallies = shared_zeroes((size_t)c->seats * objects * TALLIES * sizeof *c->tallies);
    return c->seat && c->object && c->claims && c->tallies ? c : NULL;
}

void violation(control_t *c, const char *format, ...)
{
    uint64_t which = atomic_fetch_add_explicit(&c->violations, 1, memory_order_relaxed);
    if (which >= MESSAGES) {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(c->messages[which].text, MESSAGE_SIZE, format, arguments);
    va_end(arguments);
    atomic_store_explicit(&c->messages[which].ready, true, memory_order_release);
}

const char *error_name(int error)
{
    static const struct {
        int error;
        const char *name;
    } names[] = {{0, "0"}, {EOWNERDEAD, "EOWNERDEAD"},
        {ENOTRECOVERABLE, "ENOTRECOVERABLE"}, {ETIMEDOUT, "ETIMEDOUT"}, {EBUSY, "EBUSY"},
        {EDEADLK, "EDEADLK"}, {EPERM, "EPERM"}, {EINVAL, "EINVAL"}, {EBADMSG, "EBADMSG"},
        {EAGAIN, "EAGAIN"}, {EACCES, "EACCES"}, {ENOTSUP, "ENOTSUP"}, {ENOENT, "ENOENT"},
        {ENOMEM, "ENOMEM"}, {ENOSPC, "ENOSPC"}, {EEXIST, "EEXIST"},
        {ECANCELED, "ECANCELED"}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (names[i].error == error) {
            return names[i].name;
        }
    }
    return "an unforeseen error";
}
