/* SPDX-License-Identifier: MIT */
/* The victim's way through the whole operation, as it went once. */
#ifndef SWEEP_PATH_H
#define SWEEP_PATH_H

#include "scene.h"

struct path {
    unsigned long length; /* positions, the end not counted */
    struct waypoint {
        uintptr_t pc;
        unsigned long calls; /* system calls behind it */
    } * at;
};

/* Records it; the victim is killed at its end. That it did not come there means that
 * it has none. */
struct outcome path_rehearse(struct path *path, struct scene *s);
void path_free(struct path *path);

/* A scene with the kill at this position or at the operation's end, whichever comes
 * first. */
struct outcome path_play(
    const struct path *path, struct scene *s, unsigned long position);

#endif
