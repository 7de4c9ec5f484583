/* SPDX-License-Identifier: MIT */
#include "common/progress.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

static const uint64_t live_interval_ns = 200000000u;

void stress_progress_begin(stress_progress_t *p, uint64_t interval_ns)
{
    *p = (stress_progress_t){
        .live = isatty(STDOUT_FILENO) == 1, .interval_ns = interval_ns};
}

bool stress_progress_due(stress_progress_t *p, uint64_t now_ns)
{
    if (now_ns < p->next_ns) {
        return false;
    }
    bool first = p->next_ns == 0;
    p->next_ns = now_ns + (p->live ? live_interval_ns : p->interval_ns);
    return !first || p->live;
}

/* A line that wraps could not be refreshed. */
static int terminal_width(void)
{
    struct winsize w;
    bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 1;
    return known ? w.ws_col - 1 : 79;
}

void stress_progress_show(stress_progress_t *p, const char *line)
{
    if (p->live) {
        printf("\r%.*s\033[K", terminal_width(), line);
        p->shown = true;
    } else {
        printf("%s\n", line);
    }
    fflush(stdout);
}

void stress_progress_end(stress_progress_t *p)
{
    if (p->shown) {
        printf("\r\033[K");
        p->shown = false;
    }
    fflush(stdout);
}

void stress_progress_say(stress_progress_t *p, const char *format, ...)
{
    stress_progress_end(p);
    va_list arguments;
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    putchar('\n');
    fflush(stdout);
}

const char *stress_duration(char *text, size_t size, uint64_t ns)
{
    static const struct {
        uint64_t unit;
        const char *name;
    } scale[] = {{1000000000u, "s"}, {1000000u, "ms"}, {1000u, "us"}};
    for (size_t i = 0; i < sizeof scale / sizeof scale[0]; i++) {
        if (ns >= scale[i].unit) {
            double v = (double)ns / (double)scale[i].unit;
            snprintf(text, size, "%.*f %s",
                v < 10    ? 2
                : v < 100 ? 1
                          : 0,
                v, scale[i].name);
            return text;
        }
    }
    snprintf(text, size, "%u ns", (unsigned)ns);
    return text;
}
