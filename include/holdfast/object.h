/* SPDX-License-Identifier: MIT */
/*
 * Named objects: things in a segment that processes find by name.
 *
 *     typedef struct { hf_mutex_t lock; long count; } counter_t;
 *
 *     void *object;
 *     int error = hf_object_find_or_construct(segment, "visits", sizeof(counter_t), NULL,
 *         NULL, &object);
 *     counter_t *visits = object;
 *
 * Every process may do the same: one of them constructs, the others wait for it and find
 * the same object. It lives until hf_object_destroy. A name is 1 to 255 bytes. An object
 * stands at a 64-byte boundary.
 *
 * Finding takes no lock, writes nothing, and waits for nobody, whoever was stopped or
 * killed in the middle of whatever; it may be done beside anything, also on a segment
 * that is attached read-only. But who uses an object while another one destroys it is at
 * fault: agree on it, as with free.
 *
 * Kill theorem: any process killed at any instruction inside these calls leaves them done
 * or not begun, and no memory lost. A constructor's place is taken over by the next one
 * who asks for the name, with fresh, zero memory; one who waits for it is woken by the
 * death. A constructor that is stopped is alive, and those who want its object wait.
 *
 * What a constructor allocates itself hangs on the object, and would be lost with it: the
 * library does not know a dead one's pointers. So construct what needs no memory beside
 * the object, and let hf_once, in the object, do the rest; it goes on where a dead one
 * was, and hf_alloc says EEXIST of what that had allocated already:
 *
 *     static int fill(void *object)                      // killed anywhere, done again
 *     {
 *         store_t *store = object;
 *         int error = hf_alloc(segment, &store->rows, ROWS);
 *         return error == EEXIST ? 0 : error;
 *     }
 *     error = hf_object_find_or_construct(segment, "store", sizeof(store_t), NULL, NULL,
 *         &object);
 *     error = hf_once(&((store_t *)object)->filled, fill, object);
 *
 * Errors of all calls, besides those listed: EINVAL: a null argument, or not a name;
 * EBADMSG: damaged. Those that change anything: EACCES, EDEADLK, and what joining
 * returns, as in holdfast/heap.h.
 */
#ifndef HOLDFAST_OBJECT_H
#define HOLDFAST_OBJECT_H

#include <holdfast/segment.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { HF_NAME_SIZE = 256 }; /* bytes for any name, with its end */

/* The object of this name, and its size in bytes (`size` may be null). ENOENT: there is
 * none, or it is still being constructed. */
HF_API HF_NODISCARD int hf_object_find(
    hf_segment_t *seg, const char *name, void **object, size_t *size);

/*
 * Finds it, or allocates `size` bytes, all zero, and calls construct(object, arg) on
 * them, before anybody else sees them; a null `construct` leaves them zero. Waits for
 * another's constructor. A constructor returns 0, or an errno value: then the object goes
 * again, and that is the result. It must return (no exception, no longjmp). It may itself
 * find or construct others, but two that want each other's wait for ever.
 *
 * 0; ENOSPC: no free block is so large; EINVAL: there is one, and it is smaller; EDEADLK:
 * the calling thread is constructing it.
 */
HF_API HF_NODISCARD int hf_object_find_or_construct(hf_segment_t *seg, const char *name,
    size_t size, int (*construct)(void *object, void *arg), void *arg, void **object);

/* Takes the name away and frees the object. ENOENT; EBUSY: it is being constructed. */
HF_API HF_NODISCARD int hf_object_destroy(hf_segment_t *seg, const char *name);

/* Where an iteration is. All-zero is its start. The fields are private. */
typedef struct {
    uint64_t hf_hash, hf_ties;
} hf_object_cursor_t;

/*
 * One object after the other, in no order that means anything: name (HF_NAME_SIZE bytes),
 * address and size, each of which may be null. Those that exist all the while are shown
 * exactly once, whatever else comes and goes. ENOENT: no more.
 */
HF_API HF_NODISCARD int hf_object_next(hf_segment_t *seg, hf_object_cursor_t *cursor,
    char *name, void **object, size_t *size);

/* How many there are. */
HF_API HF_NODISCARD int hf_object_count(hf_segment_t *seg, size_t *count);

#ifdef __cplusplus
}
#endif

#endif
