/* SPDX-License-Identifier: MIT */
#include "choreography.h"

#include "plays.h"
#include "process.h"
#include "stage.h"
#include "subjects/lock.h"
#include "troupe.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    play_fn *play;
    bool owned; /* only locks that know their owner play it */
} choreographies[] = {
    {"a woken waiter dies behind a barger", play_barger, false},
    {"two woken ones are late", play_late, false},
    {"two woken ones are late for a barger", play_late_barger, false},
    {"the dead held 2,200 locks", play_many_locks, true},
    {"the dead had left another segment", play_left_segment, true},
    {"two namespaces, both are number 1", play_namespaces, true},
};

static const struct troupe *const troupes[] = {
    &holdfast_troupe, &glibc_troupe, &holdfast_sem_troupe, &glibc_sem_troupe};

enum {
    PLAYS = sizeof choreographies / sizeof choreographies[0],
    TROUPES = sizeof troupes / sizeof troupes[0]
};

static bool is_wanted(const struct options *o, const struct troupe *t, unsigned number)
{
    const char *const play = choreographies[number].name;
    char name[160];
    if (choreographies[number].owned && t->lock.repaired == NULL) {
        return false;
    }
    snprintf(name, sizeof name, "%s/%s", t->name, play);
    return (t->ours ? o->ours : o->peers) &&
           (o->only == NULL || strstr(name, o->only) != NULL);
}

static struct reply call(struct actor *a, body_fn *body)
{
    return body != NULL ? *actor_call(a, body) : went_on();
}

static struct reply perform(const struct troupe *troupe, play_fn *play)
{
    struct actor stagehand;
    memset(&stage->guarded, 0, sizeof stage->guarded);
    lock_in_use = &troupe->lock;
    if (troupe->map != NULL) {
        troupe->map();
    }
    actor_spawn(&stagehand);
    struct reply r = call(&stagehand, troupe->found);
    if (r.ending != BROKE) {
        r = play(troupe);
        if (r.ending != BROKE && call(&stagehand, troupe->rescues).value > 0) {
            r = broke("the back-stop had to wake a sleeper");
        }
        const struct reply end = call(&stagehand, troupe->dissolve);
        r = r.ending == BROKE ? r : end;
    }
    actor_kill(&stagehand);
    return r;
}

static bool show(const struct troupe *troupe, const char *name, const struct reply *r)
{
    const bool skipped = r->ending == BROKE && strcmp(r->why, not_permitted) == 0;
    const char *verdict = r->ending != BROKE ? "holds"
                          : skipped          ? ""
                          : troupe->ours     ? "FAILS: "
                                             : "fails: ";
    printf("%-37s %-19s %s%s\n", name, troupe->name, verdict, r->why);
    fflush(stdout);
    return r->ending != BROKE || skipped || !troupe->ours;
}

bool choreographies_play(const struct options *options)
{
    bool good = true;
    unsigned played = 0;
    for (unsigned i = 0; i < PLAYS; i++) {
        for (unsigned j = 0; j < TROUPES; j++) {
            if (!is_wanted(options, troupes[j], i)) {
                continue;
            }
            if (played++ == 0) {
                printf("\n%-37s %-19s\n", "choreography", "subject");
            }
            const struct reply r = perform(troupes[j], choreographies[i].play);
            good = show(troupes[j], choreographies[i].name, &r) && good;
        }
    }
    return good;
}

void choreographies_list(const struct options *options)
{
    for (unsigned i = 0; i < PLAYS; i++) {
        for (unsigned j = 0; j < TROUPES; j++) {
            if (is_wanted(options, troupes[j], i)) {
                printf("%s/%s\n", troupes[j]->name, choreographies[i].name);
            }
        }
    }
}

unsigned choreographies_count(const struct options *options)
{
    unsigned count = 0;
    for (unsigned i = 0; i < PLAYS; i++) {
        for (unsigned j = 0; j < TROUPES; j++) {
            count += is_wanted(options, troupes[j], i);
        }
    }
    return count;
}
