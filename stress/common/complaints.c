/* SPDX-License-Identifier: MIT */
#include "common/complaints.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

void stress_complain(stress_complaints_t *c, const char *format, ...)
{
    uint64_t which = atomic_fetch_add_explicit(&c->count, 1, memory_order_relaxed);
    if (which >= STRESS_COMPLAINTS) {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(c->message[which].text, STRESS_COMPLAINT_SIZE, format, arguments);
    va_end(arguments);
    atomic_store_explicit(&c->message[which].ready, true, memory_order_release);
}

void stress_complaints_print(stress_complaints_t *c, stress_progress_t *progress)
{
    while (c->printed < STRESS_COMPLAINTS &&
           atomic_load_explicit(&c->message[c->printed].ready, memory_order_acquire)) {
        stress_progress_say(progress, "violation: %s", c->message[c->printed].text);
        c->printed++;
    }
}

const char *stress_error_name(int error)
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
    return strerror(error);
}
