/* SPDX-License-Identifier: MIT */
/*
 * Map: from byte strings to byte strings, a hash table in a segment's memory.
 *
 *     hf_map_t *prices = &shared->prices;                  // in the segment, all zero
 *     double price = 12.5;
 *     int error = hf_map_set(segment, prices, "tea", 3, &price, sizeof price);
 *
 *     size_t size = sizeof price;                          // beside whoever writes
 *     error = hf_map_get(segment, prices, "tea", 3, &price, &size);
 *
 * Who writes. Set, insert, erase, clear and free may be called by anybody at any time:
 * each is a transaction of the segment's heap, whose lock puts them in order.
 *
 * Who reads. Get, next and count take no lock, write nothing, and wait for nobody,
 * whoever was stopped or killed in the middle of whatever, also on a segment that is
 * attached read-only. A value is copied out whole, as somebody stored it: get and next
 * begin anew when something was replaced or erased meanwhile. One that was overtaken eight
 * times, copying much beside a busy writer, locks as writers do, for one look, unless it
 * is read-only or somebody has the lock for ten milliseconds.
 *
 * Kill theorem: any process killed at any instruction inside these calls leaves them done
 * or not begun (clear and free: each entry erased or there), and no memory lost; the next
 * caller, whoever it is, goes on at once. A stopped one inside a call holds up those who
 * write, not those who read.
 *
 * A key is 1 to 65,535 bytes, a value 0 or more: bytes, which are copied, so no hf_ptr_t
 * and no primitive. An entry takes 40 bytes, its key and its value, rounded up.
 *
 * Errors of all calls, besides those listed: EINVAL: a null argument, a map that is not
 * in this segment's memory, or not a key; EBADMSG: damaged. Those that write: EACCES:
 * attached read-only; EDEADLK, and what joining returns, as in holdfast/heap.h.
 */
#ifndef HOLDFAST_MAP_H
#define HOLDFAST_MAP_H

#include <holdfast/segment.h>

#ifdef __cplusplus
extern "C" {
#endif

/* 32 bytes at an 8-byte boundary. All-zero is an empty map. Private fields. */
typedef struct {
    HF_ALIGN8 uint64_t hf_table;
    uint64_t hf_version, hf_count, hf_spent;
} hf_map_t;

/* Stores a copy of the value under the key, in place of what is there. ENOSPC: all is as
 * it was. `value` may be null if its size is 0. */
HF_API HF_NODISCARD int hf_map_set(hf_segment_t *seg, hf_map_t *map, const void *key,
    size_t key_size, const void *value, size_t size);

/* The same, if there is nothing there. EEXIST; ENOSPC. */
HF_API HF_NODISCARD int hf_map_insert(hf_segment_t *seg, hf_map_t *map, const void *key,
    size_t key_size, const void *value, size_t size);

/*
 * A copy of the value. *size: bytes that there is room for; then the value's. `value` may
 * be null if there is none. ENOENT; ERANGE: it does not fit, *size says what it needs, and
 * *value means nothing.
 */
HF_API HF_NODISCARD int hf_map_get(const hf_segment_t *seg, const hf_map_t *map,
    const void *key, size_t key_size, void *value, size_t *size);

/* Takes the entry out. ENOENT. */
HF_API HF_NODISCARD int hf_map_erase(
    hf_segment_t *seg, hf_map_t *map, const void *key, size_t key_size);

/* Where an iteration is. All-zero is its start. The fields are private. */
typedef struct {
    uint64_t hf_hash, hf_ties;
} hf_map_cursor_t;

/*
 * One entry after the other, in no order that means anything: copies of key and value,
 * sizes as in hf_map_get; either may be null, with its size. Those that exist all the
 * while are shown exactly once, whatever else comes and goes. ENOENT: no more; ERANGE:
 * one does not fit, and the cursor stays.
 */
HF_API HF_NODISCARD int hf_map_next(const hf_segment_t *seg, const hf_map_t *map,
    hf_map_cursor_t *cursor, void *key, size_t *key_size, void *value, size_t *size);

/* How many entries there are. */
HF_API HF_NODISCARD int hf_map_count(
    const hf_segment_t *seg, const hf_map_t *map, size_t *count);

/* Whether its bytes can be a map of this segment: the table, and each entry. Locks the
 * heap as writers do. */
HF_API HF_NODISCARD int hf_map_check(hf_segment_t *seg, const hf_map_t *map);

/* Erases them all, one after the other, while no other writer comes between. Killed in
 * the middle, it leaves some of them. */
HF_API HF_NODISCARD int hf_map_clear(hf_segment_t *seg, hf_map_t *map);

/* The same, and gives all memory back. It stays an empty map. */
HF_API HF_NODISCARD int hf_map_free(hf_segment_t *seg, hf_map_t *map);

#ifdef __cplusplus
}
#endif

#endif
