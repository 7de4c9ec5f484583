/* SPDX-License-Identifier: MIT */
/* A store: memory that processes share, with blocks in slots, things with names, a map and
 * a vector. Read by C and C++. */
#ifndef BENCH_STORE_H
#define BENCH_STORE_H

#include <stddef.h>

enum { STORE_SLOTS = 1024, STORE_KEY = 24 /* bytes */, STORE_SIZE = 16 << 20 };

/* Calls return 0 or an errno value. */
typedef struct {
    const char *name;
    const char *missing; /* why it cannot be measured here; null: it can */
    int (*open)(void);
    int (*allocate)(unsigned slot, size_t size);
    int (*release)(unsigned slot);
    int (*add)(const char *name);
    int (*find)(const char *name);
    int (*put)(const char *key); /* STORE_KEY bytes */
    int (*get)(const char *key);
    int (*erase)(const char *key);
    int (*push)(void);
    int (*pop)(void);
    size_t (*used)(void); /* bytes that are not free */
} store_t;

#ifdef __cplusplus
extern "C" {
#endif

extern const store_t holdfast_store, boost_store;

#ifdef __cplusplus
}
#endif

#endif
