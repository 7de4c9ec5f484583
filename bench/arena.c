/* SPDX-License-Identifier: MIT */
#include "arena.h"

#include "bench.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

enum { ROOT_SIZE = 1 << 18, PARTICIPANTS = 2048 };

typedef struct {
    hf_segment_t *segment;
    char *root;
    size_t used;
} arena_t;

static arena_t arenas[ARENAS];

/* The name goes at once: nothing is left behind however the bench ends. */
static void open_arena(arena_t *arena)
{
    char name[64];
    snprintf(name, sizeof name, "holdfast-bench-%ld-%d", (long)getpid(),
        (int)(arena - arenas));
    hf_segment_config_t config = {
        .root_size = ROOT_SIZE, .max_participants = PARTICIPANTS};
    int error = hf_segment_open(&arena->segment, name, HF_CREATE | HF_EXCLUSIVE, &config);
    if (error == 0) {
        error = hf_segment_remove(name);
    }
    if (error != 0) {
        give_up("opening a segment", error);
    }
    arena->root = hf_segment_root(arena->segment);
}

void *arena_take_of(enum arena which, size_t size)
{
    arena_t *arena = &arenas[which];
    if (arena->root == NULL) {
        open_arena(arena);
    }
    size_t rounded = (size + ARENA_LINE - 1) / ARENA_LINE * ARENA_LINE;
    size_t first = ((uintptr_t)arena->root % ARENA_LINE == 0) ? 0 : ARENA_LINE / 2;
    size_t start = arena->used == 0 ? first : arena->used;
    if (start + rounded > ROOT_SIZE) {
        give_up("dividing the arena", ENOMEM);
    }
    arena->used = start + rounded;
    return arena->root + start;
}

void *arena_take(size_t size)
{
    return arena_take_of(ARENA_COMMON, size);
}

hf_segment_t *arena_segment(enum arena which)
{
    return arenas[which].segment;
}

uint64_t arena_rescues(void)
{
    uint64_t rescues = 0;
    for (unsigned i = 0; i < ARENAS; i++) {
        hf_segment_info_t info;
        if (arenas[i].segment == NULL) {
            continue;
        }
        int error = hf_segment_info(arenas[i].segment, &info);
        if (error != 0) {
            give_up("asking for a segment's state", error);
        }
        rescues += info.rescues;
    }
    return rescues;
}
