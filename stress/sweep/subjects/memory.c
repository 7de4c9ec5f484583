/* SPDX-License-Identifier: MIT */
#include "memory.h"

#include "props.h"

#include <errno.h>
#include <stdbool.h>

enum { SMALL = 72, LARGE = 200, MUCH = 600, LITTLE = 400, ALIGNMENT = 256 };

/* The pointers that are operated on, and those whose blocks stand around. */
static hf_ptr_t *pointer(unsigned i)
{
    return &props->pointers[i];
}

static int alloc_filled(unsigned i, size_t size, char byte)
{
    const int code = hf_alloc(prop_room, pointer(i), size);
    if (code == 0) {
        prop_fill(hf_ptr_get(pointer(i)), size, byte);
    }
    return code;
}

static int free_at(unsigned i)
{
    return hf_free(prop_room, pointer(i));
}

/* ---- preparations ---- */

struct reply arranged(int code)
{
    return props_judged("arranging", code);
}

struct reply arrange(int (*how)(void))
{
    const struct reply r = props_enter();
    return r.ending == BROKE ? r : arranged(how());
}

struct reply arrange_nothing(void)
{
    return props_enter();
}

static int make_block(void)
{
    return alloc_filled(0, SMALL, '0');
}

struct reply arrange_block(void)
{
    return arrange(make_block);
}

/* Blocks 1 and 2 with one between them, that may be free. */
static int make_row_with_hole(void)
{
    int code = alloc_filled(1, LARGE, '1');
    code = code == 0 ? make_block() : code;
    code = code == 0 ? alloc_filled(2, LARGE, '2') : code;
    return code == 0 ? alloc_filled(3, SMALL, '3') : code;
}

static int make_hole(void)
{
    const int code = make_row_with_hole();
    return code == 0 ? free_at(0) : code;
}

struct reply arrange_hole(void)
{
    return arrange(make_hole);
}

struct reply arrange_row(void)
{
    return arrange(make_row_with_hole);
}

static int make_row_first_free(void)
{
    const int code = make_row_with_hole();
    return code == 0 ? free_at(1) : code;
}

struct reply arrange_row_first_free(void)
{
    return arrange(make_row_first_free);
}

static int make_row_last_free(void)
{
    const int code = make_row_with_hole();
    return code == 0 ? free_at(2) : code;
}

struct reply arrange_row_last_free(void)
{
    return arrange(make_row_last_free);
}

static int make_row_both_free(void)
{
    const int code = make_row_first_free();
    return code == 0 ? free_at(2) : code;
}

struct reply arrange_row_both_free(void)
{
    return arrange(make_row_both_free);
}

static int make_two_blocks(void)
{
    const int code = make_block();
    return code == 0 ? alloc_filled(1, LARGE, '1') : code;
}

struct reply arrange_two_blocks(void)
{
    return arrange(make_two_blocks);
}

/* Little is left, which is enough for visitors. */
static int fill_heap(void)
{
    hf_heap_info_t info;
    const int code = hf_heap_info(prop_room, &info);
    return code == 0 ? alloc_filled(1, info.largest_free - LITTLE, '1') : code;
}

struct reply arrange_full_heap(void)
{
    return arrange(fill_heap);
}

struct reply arrange_once(int (*how)(void), int (*last)(void))
{
    struct reply r = props_enter();
    if (r.ending != BROKE && props->arranged == 0) {
        r = arranged(how());
        props->arranged = 1;
        r = r.ending != BROKE && last != NULL ? arranged(last()) : r;
    }
    return r;
}

struct reply arrange_row_to_be_freed(void)
{
    return arrange_once(make_row_with_hole, NULL);
}

struct reply arrange_freed_row(void)
{
    return arrange_once(make_row_with_hole, operate_free);
}

struct reply arrange_gap_to_be_closed(void)
{
    return arrange_once(make_row_both_free, NULL);
}

struct reply arrange_unallocated(void)
{
    return arrange_once(make_hole, NULL);
}

/* ---- the heap ---- */

int operate_info(void)
{
    hf_heap_info_t info;
    return hf_heap_info(prop_room, &info);
}

int operate_alloc(void)
{
    return hf_alloc(prop_room, pointer(0), SMALL);
}

int operate_alloc_aligned(void)
{
    return hf_alloc_aligned(prop_room, pointer(0), SMALL, ALIGNMENT);
}

int operate_alloc_much(void)
{
    return hf_alloc(prop_room, pointer(0), MUCH);
}

int operate_free(void)
{
    return free_at(0);
}

static int resize(size_t size, bool stays)
{
    const void *before = hf_ptr_get(pointer(0));
    const int code = hf_realloc(prop_room, pointer(0), size);
    const bool stayed = hf_ptr_get(pointer(0)) == before;
    return code == 0 && stayed != stays ? ESTALE : code;
}

int operate_realloc_here(void)
{
    return resize(LARGE, true);
}

int operate_shrink(void)
{
    return resize(SMALL / 2, true);
}

int operate_realloc_elsewhere(void)
{
    return resize(LARGE, false);
}

int operate_swap(void)
{
    return hf_ptr_swap(prop_room, pointer(0), pointer(1));
}

int operate_grow(void)
{
    return hf_segment_grow(prop_room, 2 * sizeof(struct props) + 32768);
}

struct reply retract_alloc(void)
{
    return arranged(free_at(0));
}
