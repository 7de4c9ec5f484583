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

/* The next one that the options want, from number *at on: plays one after the other, each
 * by all troupes. */
static bool find_wanted(const struct options *options, unsigned *at)
{
    while (*at < PLAYS * TROUPES &&
           !is_wanted(options, troupes[*at % TROUPES], *at / TROUPES)) {
        ++*at;
    }
    return *at < PLAYS * TROUPES;
}

bool choreographies_any(const struct options *options)
{
    unsigned at = 0;
    return find_wanted(options, &at);
}

bool choreographies_play(const struct options *options)
{
    bool good = true;
    if (choreographies_any(options)) {
        printf("\n%-37s %-19s\n", "choreography", "subject");
    }
    for (unsigned at = 0; find_wanted(options, &at); at++) {
        const struct troupe *troupe = troupes[at % TROUPES];
        const struct reply r = perform(troupe, choreographies[at / TROUPES].play);
        good = show(troupe, choreographies[at / TROUPES].name, &r) && good;
    }
    return good;
}

void choreographies_list(const struct options *options)
{
    for (unsigned at = 0; find_wanted(options, &at); at++) {
        printf("%s/%s\n", troupes[at % TROUPES]->name, choreographies[at / TROUPES].name);
    }
}
