/* SPDX-License-Identifier: MIT */
/*
 * Named objects: calls on them, and the names that a worker has for itself. Each of those
 * is new, so that the directory wears out; nobody else destroys them, so they must be
 * there; who sits down where one was killed takes them over.
 */
#ifndef TORTURE_OBJECTS_H
#define TORTURE_OBJECTS_H

#include "heap.h"

enum { OWN_NAMES = 6 };

typedef struct {
    _Alignas(64) life_t life;   /* that has used them last */
    uint32_t number[OWN_NAMES]; /* 0: none */
} own_names_t;

/* In the calls of this file, `object` is the one to name in a complaint. */
void *object_find(worker_t *w, const char *text, unsigned object, int *error);
int object_destroy(worker_t *w, const char *text, unsigned object);

/* When all is quiet: one block becomes free, if there was the object. */
void object_destroy_at_last(worker_t *auditor, const char *text, unsigned object);

bool own_names_match(const char *text);
void own_names_take_over(worker_t *w, own_names_t *own, unsigned object);
void own_names_work(worker_t *w, own_names_t *own, unsigned object);
void own_names_audit(worker_t *auditor, own_names_t *own, unsigned seat, unsigned object);

#endif
