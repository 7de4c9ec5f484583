/* SPDX-License-Identifier: MIT */
/* What stands in the image, and who calls what on it. */
#ifndef FUZZ_SUBJECT_H
#define FUZZ_SUBJECT_H

#include <holdfast/holdfast.h>

#include "participant/member.h"
#include "segment/segment.h"

enum {
    POINTERS = 16,
    OBJECTS = 12,
    PERMITS = 4,
    SLOTS = 4,
    COUNTERS = 5,
    VECTORS = 3, /* of elements of 1, 8, and 24 bytes */
    ELEMENTS = 9,
    KEYS = 20,
    KEY_SIZE = 160
};

typedef struct {
    hf_ptr_t pointers[POINTERS];
    hf_mutex_t mutex;
    hf_cond_t cond;
    hf_sem_t sem;
    hf_event_t event;
    hf_once_t once;
    hf_barrier_t barrier;
    hf_rwlock_t rwlock;
    hf_vector_t vectors[VECTORS];
    hf_map_t map;
    struct {
        hf_permits_t head;
        uint64_t cells[PERMITS];
    } permits;
} root_t;

extern hf_segment_t *segment; /* null: could not be opened */
extern int object;            /* that it is in */

void name_of(unsigned i, char *name); /* of an object, and of a counter */
void require(int error, const char *what);

static inline root_t *root(void)
{
    return hf_segment_root(segment);
}

static inline struct hfi_slot *own_slot(void)
{
    return hfi_here.slot;
}

size_t element_size(unsigned vector);
size_t key_of(unsigned i, char *key); /* its size; the value is as large */

/* Every call that need not wait, on the segment as it is; `i` makes their arguments. */
void call_all(unsigned i);
void look_read_only(void);

#endif
