/* SPDX-License-Identifier: MIT */
/*
 * Work on maps, by anybody at any time, read beside who writes: each value tells whether
 * it is whole, and what key it was stored under. In the first map each worker has a key of
 * its own, whose value it knows, also over a death; the last one is also cleared.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "common/random.h"
#include "heap.h"
#include "kinds.h"
#include "ledger.h"

enum { MAPS = 2, KEYS = 24, VALUE_WORDS = 128, MOST_MEMORY = 1 << 19 };

static const uint64_t unknown = UINT64_MAX;

typedef struct {
    hf_map_t map[MAPS];
    uint32_t object;
    _Alignas(64) uint64_t own[]; /* by seat: nonce under its key; 0: none; or unknown */
} atlas_t;

/* What is stored. */
typedef struct {
    uint64_t key; /* under which */
    uint64_t pattern[VALUE_WORDS];
} value_t;

static unsigned map_objects(const torture_options_t *options)
{
    (void)options;
    return MAPS;
}

static size_t map_size(const torture_options_t *options)
{
    size_t seats = (2 * options->processes + 8) / 8 * 8; /* areas are lines */
    return sizeof(atlas_t) + seats * sizeof(uint64_t);
}

static int map_prepare(const control_t *c, void *area, unsigned first)
{
    (void)c;
    ((atlas_t *)area)->object = first;
    return 0;
}

typedef struct {
    char text[16];
    size_t size;
    uint64_t number;
} entry_key_t;

static entry_key_t key_of(uint64_t number)
{
    entry_key_t key = {.number = number};
    int length = snprintf(key.text, sizeof key.text, "key %" PRIu64, number);
    key.size = (size_t)length;
    return key;
}

/* ---- calls ---- */

static void inspect_value(worker_t *w, const atlas_t *s, unsigned m, uint64_t key,
    const value_t *value, size_t size)
{
    size_t room = size - sizeof value->key;
    if (size < sizeof value->key + PATTERN_LEAST || value->key != key ||
        value->pattern[1] != room || !pattern_is_whole(value->pattern, room)) {
        violation(w->control, "#%u: worker %u: under key %" PRIu64 " one of %" PRIu64,
            s->object + m, w->seat, key, value->key);
        pattern_complain(w, s->object + m, "gets a value that is not whole",
            value->pattern, sizeof value->pattern);
    }
}

/* False: there is no room, or, of an insertion, no need. The value's nonce. */
static bool set(
    worker_t *w, atlas_t *s, unsigned m, uint64_t number, bool insert, uint64_t *nonce)
{
    value_t value = {.key = number};
    size_t room = sizeof value.pattern - PATTERN_LEAST + 1;
    size_t size = PATTERN_LEAST + stress_below(&w->random, room);
    entry_key_t key = key_of(number);
    pattern_fill(w, value.pattern, size);
    *nonce = value.pattern[2];
    size += sizeof value.key;
    worker_call(w, insert ? "hf_map_insert" : "hf_map_set", s->object + m);
    int error = (insert ? hf_map_insert : hf_map_set)(
        w->segment, &s->map[m], key.text, key.size, &value, size);
    worker_called(w);
    return (insert && error == EEXIST)
               ? false
               : heap_had_room(w, error, "storing in a map", s->object + m);
}

/* The nonce of what is there; 0: nothing is. */
static uint64_t look_up(worker_t *w, const atlas_t *s, unsigned m, uint64_t number)
{
    value_t value;
    size_t size = sizeof value;
    entry_key_t key = key_of(number);
    worker_call(w, "hf_map_get", s->object + m);
    int error = hf_map_get(w->segment, &s->map[m], key.text, key.size, &value, &size);
    worker_called(w);
    if (error != 0) {
        worker_expect(w, error, ENOENT, "hf_map_get", s->object + m);
        return 0;
    }
    inspect_value(w, s, m, number, &value, size);
    return value.pattern[2];
}

static int erase(worker_t *w, atlas_t *s, unsigned m, uint64_t number)
{
    entry_key_t key = key_of(number);
    worker_call(w, "hf_map_erase", s->object + m);
    int error = hf_map_erase(w->segment, &s->map[m], key.text, key.size);
    worker_called(w);
    if (error != ENOENT) {
        worker_expect(w, error, 0, "hf_map_erase", s->object + m);
    }
    return error;
}

/* How many there are; `there`, whom nobody else changes, is among them once. */
static size_t look_through(
    worker_t *w, const atlas_t *s, unsigned m, uint64_t there, unsigned times)
{
    hf_map_cursor_t cursor = {0};
    size_t n = 0;
    unsigned seen = 0;
    for (;; n++) {
        value_t value;
        char text[sizeof(entry_key_t)] = {0};
        size_t size = sizeof value, key_size = sizeof text - 1;
        uint64_t number = 0;
        worker_call(w, "hf_map_next", s->object + m);
        int error =
            hf_map_next(w->segment, &s->map[m], &cursor, text, &key_size, &value, &size);
        worker_called(w);
        if (error != 0) {
            worker_expect(w, error, ENOENT, "hf_map_next", s->object + m);
            break;
        }
        text[key_size] = '\0';
        sscanf(text, "key %" SCNu64, &number);
        seen += number == there;
        inspect_value(w, s, m, number, &value, size);
    }
    if (there != unknown && seen != times) {
        violation(w->control, "#%u: worker %u: is shown key %" PRIu64 " %u times",
            s->object + m, w->seat, there, seen);
    }
    return n;
}

static void clear_map(worker_t *w, atlas_t *s, unsigned m)
{
    bool keep = stress_one_in(&w->random, 2);
    worker_call(w, keep ? "hf_map_clear" : "hf_map_free", s->object + m);
    int error = (keep ? hf_map_clear : hf_map_free)(w->segment, &s->map[m]);
    worker_called(w);
    worker_expect(w, error, 0, "emptying a map", s->object + m);
}

/* ---- the kind ---- */

static uint64_t own_key(const worker_t *w)
{
    return KEYS + w->seat;
}

/* Unknown is what a killed one was about to change: that is begun anew, by a call that
 * changes something, which first completes what the dead one did. */
static void work_on_own(worker_t *w, atlas_t *s)
{
    uint64_t *own = &s->own[w->seat];
    uint64_t known = *own;
    if (known != unknown && look_up(w, s, 0, own_key(w)) != known) {
        violation(
            w->control, "#%u: worker %u: its own value is another", s->object, w->seat);
    }
    *own = unknown;
    worker_step(w);
    if (stress_one_in(&w->random, 4)) {
        int error = erase(w, s, 0, own_key(w));
        if (known != unknown) {
            worker_expect(
                w, error, known != 0 ? 0 : ENOENT, "hf_map_erase, of its own", s->object);
        }
        known = 0;
    } else {
        uint64_t nonce;
        known = set(w, s, 0, own_key(w), false, &nonce) ? nonce : known;
    }
    worker_step(w);
    *own = known;
}

static void work_on_map(worker_t *w, atlas_t *s, unsigned m)
{
    uint64_t nonce, key = stress_below(&w->random, KEYS);
    uint64_t chance = stress_below(&w->random, 256);
    const uint64_t *own = &s->own[w->seat];
    if (m == 0 && chance < 64) {
        work_on_own(w, s);
    } else if (chance < 66) {
        bool known = m == 0 && *own != unknown;
        look_through(w, s, m, known ? own_key(w) : unknown, *own != 0);
    } else if (chance == 66 && m == MAPS - 1) {
        clear_map(w, s, m);
    } else if (chance < 100) {
        erase(w, s, m, key);
    } else if (chance < 160) {
        set(w, s, m, key, chance % 2 == 0, &nonce);
    } else {
        look_up(w, s, m, key);
    }
}

static void map_turn(worker_t *w, void *area)
{
    work_on_map(w, area, (unsigned)stress_below(&w->random, MAPS));
}

static void map_attend(worker_t *w, void *area, unsigned object, bool two)
{
    atlas_t *s = area;
    grip_set(&w->control->seat[w->seat], 0, s->object + object, GRIP_WANTS);
    do {
        bool other = two && object + 1 < MAPS && w->seat % 2 == 1;
        work_on_map(w, s, object + other);
    } while (worker_is_assembled(w));
    grip_set(&w->control->seat[w->seat], 0, 0, GRIP_NONE);
}

static void audit_map(worker_t *auditor, atlas_t *s, unsigned m)
{
    size_t count = 0;
    size_t n = look_through(auditor, s, m, unknown, 0);
    worker_expect(auditor, hf_map_count(auditor->segment, &s->map[m], &count), 0,
        "hf_map_count", s->object + m);
    if (n != count) {
        violation(auditor->control, "#%u: %zu entries, of which %zu are shown",
            s->object + m, count, n);
    }
    clear_map(auditor, s, m);
    worker_expect(auditor, hf_map_free(auditor->segment, &s->map[m]), 0, "hf_map_free",
        s->object + m);
}

static void map_audit(worker_t *auditor, void *area)
{
    atlas_t *s = area;
    heap_info(auditor, s->object); /* completes what a dead one did */
    for (unsigned seat = 0; seat < auditor->control->seats; seat++) {
        uint64_t known = s->own[seat];
        if (known != unknown && look_up(auditor, s, 0, KEYS + seat) != known) {
            violation(auditor->control, "#%u: the value of worker %u is another",
                s->object, seat);
        }
    }
    for (unsigned m = 0; m < MAPS; m++) {
        audit_map(auditor, s, m);
    }
}

static int map_owner(const control_t *c, void *area, unsigned object, hf_owner_t *who)
{
    (void)c, (void)area, (void)object;
    *who = (hf_owner_t){0}; /* the heap's lock is nobody's business */
    return 0;
}

const kind_t map_kind = {
    .name = "map",
    .memory = MOST_MEMORY,
    .objects = map_objects,
    .size = map_size,
    .prepare = map_prepare,
    .turn = map_turn,
    .attend = map_attend,
    .audit = map_audit,
    .owner = map_owner,
};
