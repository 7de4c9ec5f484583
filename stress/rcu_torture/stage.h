/* SPDX-License-Identifier: MIT */
/*
 * What is shared: the *stage*, in the segment, is what the library must keep whole; the
 * *control* is the judge's own memory, which does not lean on what it judges.
 *
 * The stage has places, each with a mutex that those who replace its element hold. Each
 * pointer owns its block. Whoever is told EOWNERDEAD finds in `fresh` a block that nobody
 * has seen, and in `old` one that readers may still see.
 *
 * An *element* describes itself: its seal covers its place, its version and where it
 * stands, the rest of it follows from the seal. Versions do not recur. A block that was
 * freed has links, zeroes or another element there.
 *
 * The *generation* counts grace periods end to end: whoever synchronizes reads it before,
 * and raises it after if nobody else has. Hence a section never sees an element removed
 * two generations ago or more: the second of these periods began after the removal, and
 * ended before the section that it had to wait for.
 */
#ifndef RCU_TORTURE_STAGE_H
#define RCU_TORTURE_STAGE_H

#include <holdfast/holdfast.h>

#include "common/children.h"
#include "common/complaints.h"
#include "common/count.h"

typedef struct {
    _Alignas(64) hf_mutex_t lock;
    uint64_t version; /* the last that was given to an element */
    hf_ptr_t shown, fresh, old;
} place_t;

enum { PLACES = 8, MOST_WORDS = 60 };

/* With all places locked: the offset of a block that was or is about to be retired by its
 * address; 0: there is none. Whose holder died before it made that 0 leaves a doubt. */
typedef struct {
    place_t place[PLACES];
    uint64_t doubt;
} stage_t;

typedef struct {
    uint64_t seal, place, version, words;
    uint64_t word[];
} element_t;

typedef enum { READER, UPDATER, RETIRER, SYNCHRONIZER, ROLES } role_t;

typedef enum {
    SECTIONS,
    NESTED,
    SLEPT,
    SEEN, /* elements, each in a section */
    REPLACED,
    RETIRED, /* by address */
    FREED,   /* after a grace period of one's own */
    PERIODS,
    BARRIERS,
    REPAIRED,   /* EOWNERDEAD */
    CENSUSES,   /* all blocks counted */
    DOUBTS,     /* resolved by a census */
    HELD_BACK,  /* EAGAIN: too many blocks wait */
    NOT_HEEDED, /* ENOTSUP, in one without membarrier */
    LEFT,       /* ended, or closed the segment, in a section */
    COUNTERS
} counter_t;

enum {
    AGES = 20,
    REMEMBERED = 1 << 15, /* more than can be pending, HF_RCU_PENDING_MAX */
    MOST_MEMBERS = 256
};

typedef struct {
    _Alignas(64) _Atomic uint64_t call; /* odd: in a call of the library */
    _Atomic(const char *) call_name;    /* all are forks of one: it is the same */
    _Atomic uint64_t life;              /* its number, of all that were started */
    _Atomic uint32_t sentence;          /* threads: end at the n-th step; 0: live on */
    _Atomic bool ended;                 /* threads: about to return to the joiner */
    _Atomic uint64_t counted[COUNTERS];
    /* Elements at the end of the sections that saw them: how many grace periods ago they
     * were removed, and how many replacements (0, 1, 2 to 3, 4 to 7, ...). */
    _Atomic uint64_t shown, unknown, by_period[AGES], by_replacement[AGES];
} seat_t;

typedef struct {
    unsigned members, without_membarrier;
    bool threads;
    double duration, kill_rate;
    uint64_t kills; /* run until so many; 0: for `duration` */
    uint64_t seed;
} options_t;

typedef struct {
    options_t options;
    char segment_name[64];
    _Atomic bool finish;
    _Atomic uint64_t generation;
    _Atomic uint64_t shown[PLACES]; /* the version */
    /* Low halves of a version and of the generation after its removal. */
    _Atomic uint64_t removed[PLACES][REMEMBERED];
    uint64_t blocks_before;
    stress_complaints_t complaints;
    seat_t seat[MOST_MEMBERS + 1]; /* the last one is the conductor's */
} control_t;

#define violation(c, ...) stress_complain(&(c)->complaints, __VA_ARGS__)

static inline role_t role_of(unsigned seat)
{
    static const role_t roles[] = {
        READER, UPDATER, READER, SYNCHRONIZER, READER, RETIRER};
    return roles[seat % (sizeof roles / sizeof roles[0])];
}

static inline bool lacks_membarrier(const control_t *c, unsigned seat)
{
    return seat < c->options.without_membarrier;
}

#endif
