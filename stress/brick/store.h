/* SPDX-License-Identifier: MIT */
/* A segment with memory and named objects, ours or a peer's: what brick.c makes it do. */
#ifndef BRICK_STORE_H
#define BRICK_STORE_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { STORE_SIZE = 4 << 20, STORE_WORKERS = 4 };

typedef struct {
    const char *name;
    bool (*create)(void); /* an empty one; forked children inherit it */
    void (*destroy)(void);
    /* One, by the worker of this number, up to STORE_WORKERS. False: an error that cannot
     * be, here and below. */
    bool (*allocate_and_free)(unsigned worker, size_t size);
    bool (*construct_and_destroy)(const char *name);
    bool (*find)(const char *name); /* which may be there or not */
    bool (*is_sound)(void);
} store_t;

extern const store_t boost_store, holdfast_store;

#ifdef __cplusplus
}
#endif

#endif
