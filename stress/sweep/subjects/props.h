/* SPDX-License-Identifier: MIT */
/*
 * Props: a segment with things in its managed memory, made anew for each scene. Each
 * thing's bytes are all the same, so that half of one shows. What there is and what it
 * takes is the stock; before the first scene of a row the stagehand plays the operation
 * through, alone, and takes stock before and after it: the judge knows these two.
 */
#ifndef SWEEP_PROPS_H
#define SWEEP_PROPS_H

#include <holdfast/holdfast.h>

#include "../actor.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { POINTERS = 8, VISITORS = 8, PROP_SIZE = 24 };

struct props {
    hf_mutex_t spare;  /* for who shall join without a call to the heap */
    uint64_t arranged; /* by one who has died since: not again */
    uint64_t visits;
    hf_ptr_t pointers[POINTERS]; /* to be operated on; the last one to nobody */
    hf_ptr_t own[VISITORS];      /* of visitors; null when they have gone */
    hf_vector_t vector;
    hf_map_t map, empty_map;
};

/* In the vector, in the map (under a key of its bytes), and in an object. */
struct prop {
    uint64_t words[PROP_SIZE / sizeof(uint64_t)];
};

/* Each process has its own way there. */
extern hf_segment_t *prop_room;
extern struct props *props;

/* Names of objects, keys of the map: what everybody finds, and what is operated on. */
extern const char bystander[], thing[];

struct prop prop_of(char byte);
void prop_fill(void *bytes, size_t size, char byte);
bool prop_is_whole(const void *bytes, size_t size);

int props_open(unsigned flags);
int props_close(void);
int props_create(void); /* with the bystanders */

/* Opens them, and joins. */
struct reply props_enter(void);

/* hf_segment_check has nothing to report. */
struct reply props_check(void);

/* Bodies of survivors; each opens, acts, and closes. */
body_fn props_visit;     /* allocates, frees, looks, checks */
body_fn props_look;      /* looks only, which waits for nobody */
body_fn props_construct; /* finds or constructs the thing */
struct reply props_come_and(body_fn *act);

/* A constructor: a whole prop, in fresh memory. */
int prop_build(void *object, void *arg);

/* The subject's: the stagehand's, who has them open from reset to reset. */
body_fn props_reset;
body_fn props_inspect;
body_fn props_dissolve;

struct reply props_judged(const char *what, int code);

#endif
