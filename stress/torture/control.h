/* SPDX-License-Identifier: MIT */
/*
 * The torture's own shared memory: orders, diaries, statistics. An anonymous mapping that
 * every process inherits at the same address, so the judge does not lean on what it
 * judges.
 *
 * A *seat* is a place for a worker; each worker process has one, and one more for a child
 * that it may fork; the last is the auditor's. A *life* is one participant that sits
 * there: from its first call in the segment until it is killed, exits or leaves. Lives
 * are numbered; the lives of one process differ in the low LIFE_BITS only, so that all of
 * them can be doomed at once.
 */
#ifndef TORTURE_CONTROL_H
#define TORTURE_CONTROL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/complaints.h"
#include "common/count.h"
#include "common/histogram.h"

typedef struct {
    unsigned processes; /* or threads */
    unsigned mutexes;
    bool threads;
    double duration; /* seconds */
    double kill_rate;
    unsigned coincide; /* per cent of the deaths in assemblies that come in twos */
    uint64_t seed;
} torture_options_t;

enum {
    LIFE_BITS = 10,
    LAST_LIFE = (1 << LIFE_BITS) - 1,
    MOST_WORKERS = 256,
    MOST_SEATS = 2 * MOST_WORKERS + 1,
    GRIPS = 2 /* objects that one worker may hold at once */
};

/* A life's name, (number, seat): 0 is nobody. */
typedef uint64_t life_t;

static inline life_t life_of(unsigned seat, uint64_t number)
{
    return number << 16 | (seat + 1);
}

static inline unsigned seat_of(life_t life)
{
    return (unsigned)(life & 0xffff) - 1;
}

static inline uint64_t number_of(life_t life)
{
    return life >> 16;
}

/* What a worker does with an object, published so that its death can be accounted for. */
typedef enum {
    GRIP_NONE,
    GRIP_WANTS,   /* in a call that may take it */
    GRIP_HOLDS,   /* holds it for sure */
    GRIP_REPAIRS, /* the same, got it from a dead one, not yet consistent */
    GRIP_YIELDS,  /* in the call that gives it back */
    GRIP_SHARES   /* has it beside others; nobody need be told of its death */
} grip_t;

/* What a call is about that is about no object of a kind. */
static const uint32_t no_object = UINT32_MAX;

/* Calls on an object that no lock guards: how many of them a seat's lives have begun, and
 * how many are known to have done it. Of one that was killed inside nobody knows. */
typedef struct {
    _Atomic uint64_t begun, done;
} tally_t;

typedef struct {
    uint64_t begun, done;
} tally_sum_t;

typedef enum { TALLY_GIVES, TALLY_TAKES, TALLIES } tally_column_t;

typedef struct {
    _Alignas(64) _Atomic uint64_t number; /* of the life that sits here */
    _Atomic uint64_t doomed; /* lives up to this number are dead or about to be */
    _Atomic uint32_t grips;  /* of 2 times (object 13 bits, grip 3 bits); see ledger.h */
    _Atomic(const char *) call_name; /* all processes are forks of one: it is the same */
    _Atomic uint32_t call_object;    /* or no_object */
    _Atomic uint64_t call_began;     /* ns: of the call under way, or the last one */
    _Atomic uint64_t call;           /* odd: inside a call of the library */
    _Atomic int child; /* the forked child that sits in the child's seat; 0: none */
    _Atomic uint32_t sentence; /* threads: end at the n-th step from now; 0: live on */
    _Atomic bool ended;        /* threads: about to return to the joiner */
    /* The last death that came from outside, or by a thread's end; see ledger.h. */
    _Atomic uint64_t killed_number, killed_ns, killed_kills, killed_stops;
    _Atomic uint32_t attending;  /* the assembly that it stands in; 0: none */
    _Atomic uint64_t operations; /* this and below: written by who sits here */
    _Atomic uint64_t changes;
    _Atomic uint64_t exits, exits_holding, returns, returns_holding, forks;
} seat_t;

/* What happened to one object. sure <= recoveries <= possible, once all is quiet. */
typedef struct {
    _Alignas(64) _Atomic uint64_t entries; /* taken by one for itself alone */
    _Atomic uint64_t recoveries;           /* EOWNERDEAD returned */
    _Atomic uint64_t sure;                 /* deaths of a holder */
    _Atomic uint64_t possible;             /* deaths of a holder or near one */
    _Atomic uint64_t cut;                  /* deaths inside a call on it */
} object_t;

typedef struct {
    torture_options_t options;
    char segment_name[64];
    unsigned seats;   /* 2 for each process, and the auditor's */
    unsigned objects; /* of all kinds */
    _Atomic bool finish;
    _Atomic uint32_t assembly; /* which, and at what object; 0: none. See assembly.h */
    _Atomic bool assembly_go;  /* who waits inside may go on */

    _Atomic uint64_t kills;
    _Atomic uint64_t stop_changes; /* grows at each SIGSTOP and after each SIGCONT */
    _Atomic uint64_t stopped;      /* processes that are stopped now */
    _Atomic uint64_t lost;
    _Atomic uint64_t joins_cut;   /* deaths inside hf_segment_open or _close */
    _Atomic uint64_t repairs_cut; /* deaths of one that was repairing */
    _Atomic uint64_t halves;      /* recoveries that found a change half done */
    stress_histogram_t alone;     /* recovery after one death with no other near */
    stress_histogram_t crowded;   /* recovery while others died too */
    stress_complaints_t complaints;

    seat_t *seat;
    object_t *object;
    tally_t *tallies; /* [seat][object][column] */
    uint64_t *claims; /* [seat][object]: increments that the seat's lives claim to have
                         done. Guarded by the object's lock, like the record */
} control_t;

control_t *control_create(const torture_options_t *options, unsigned objects);

static inline uint32_t assembly_word(uint32_t call, unsigned object)
{
    return call << 16 | (object + 1);
}

/* Whether it is about the object and the next one. */
static inline bool assembly_is_double(uint32_t word)
{
    return word >> 16 & 1;
}

static inline unsigned assembly_object(uint32_t word)
{
    return (word & 0xffff) - 1;
}

static inline unsigned auditor_seat(const control_t *c)
{
    return c->seats - 1;
}

static inline unsigned child_seat(const control_t *c, unsigned seat)
{
    return c->options.processes + seat;
}

static inline uint64_t *claim_of(const control_t *c, unsigned seat, unsigned object)
{
    return &c->claims[(size_t)seat * c->objects + object];
}

static inline tally_t *tally_of(
    const control_t *c, unsigned seat, unsigned object, tally_column_t column)
{
    size_t row = (size_t)seat * c->objects + object;
    return &c->tallies[row * TALLIES + column];
}

#define violation(c, ...) stress_complain(&(c)->complaints, __VA_ARGS__)

#endif
