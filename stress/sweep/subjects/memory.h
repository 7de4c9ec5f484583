/* SPDX-License-Identifier: MIT */
/* What is done to the props: preparations and operations. */
#ifndef SWEEP_MEMORY_H
#define SWEEP_MEMORY_H

#include "../actor.h"

/* For preparations that are made of one call. */
struct reply arranged(int code);
struct reply arrange(int (*how)(void));
struct reply arrange_once(int (*how)(void), int (*last)(void)); /* see below */

/* Preparations: open the segment, join, and arrange things there. */
body_fn arrange_nothing, arrange_block, arrange_hole, arrange_two_blocks;
body_fn arrange_full_heap;
body_fn arrange_row, arrange_row_first_free, arrange_row_last_free, arrange_row_both_free;
body_fn arrange_room, arrange_full_vector;
body_fn arrange_entry, arrange_full_map;
body_fn arrange_object;

/* The same, unless somebody did it who is dead: what he did last happened, or not. */
body_fn arrange_row_to_be_freed, arrange_freed_row, arrange_unallocated, arrange_unset;
body_fn arrange_gap_to_be_closed;

/* Operations; each returns an error, or ESTALE: it went another way than it should. */
int operate_info(void);
int operate_alloc(void), operate_alloc_aligned(void), operate_alloc_much(void);
int operate_free(void);
int operate_realloc_here(void), operate_shrink(void), operate_realloc_elsewhere(void);
int operate_swap(void);
int operate_grow(void);
int operate_push(void), operate_push_and_grow(void), operate_pop(void);
int operate_vector_get(void);
int operate_set(void), operate_insert(void), operate_set_first(void);
int operate_erase(void), operate_map_get(void);
int operate_construct(void), operate_construct_and_refuse(void);
int operate_refuse_or_find(void); /* the others may be quicker */
int operate_find(void), operate_next(void), operate_destroy(void);

/* What they did is taken back. */
body_fn retract_alloc, retract_set, retract_set_first;

/* A constructor that waits until it may end (stage->builder_may_end). */
body_fn construct_slowly;

#endif
