/* SPDX-License-Identifier: MIT */
/*
 * Assemblies: where workers come and go by the thousand, each of them heals what the last
 * one broke, and a lost wake-up is never seen. So now and then the conductor calls all
 * workers to one object. One takes it and waits inside, the others fall asleep on it;
 * then the killer strikes, and all who are left have to get through, once each, while
 * nobody comes anew and the dead are not replaced. Who sleeps then sleeps until the
 * library wakes it, or its back-stop. Every other time there are two objects, and one
 * worker holds both.
 *
 * If a holder died, those inside go on when somebody has been told: else they would wake
 * a sleeper whom the death did not.
 *
 * Two deaths near each other among sleepers are what the back-stop is there for, and it
 * is allowed one rescue in 10,000 kills. So they are left to --coincide.
 */
#ifndef TORTURE_ASSEMBLY_H
#define TORTURE_ASSEMBLY_H

#include "killer.h"

typedef struct {
    killer_t *killer;
    control_t *control;
    uint64_t random;
    uint64_t since_ns;
    uint32_t calls; /* assemblies so far */
    unsigned object;
    bool struck;
    uint64_t hears; /* 0: all may go on; else when they may at the latest, if nobody */
    uint64_t recovered; /* has been told of the death beyond these */
} assembly_t;

void assembly_create(assembly_t *a, killer_t *killer);

bool assembly_is_on(const assembly_t *a);

/* Calls all workers, unless one of them is stopped. */
void assembly_call(assembly_t *a, uint64_t now);

/* Strikes when all have come, ends it when all are through. Often while it is on. */
void assembly_act(assembly_t *a, uint64_t now);

void assembly_end(assembly_t *a);

#endif
