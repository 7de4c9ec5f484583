/* SPDX-License-Identifier: MIT */
/*
 * Vector: elements of one size, side by side in a segment's memory, that grow in number.
 *
 *     hf_vector_t *samples = &shared->samples;             // in the segment, all zero
 *     int error = hf_vector_init(segment, samples, sizeof(double));
 *     error = hf_vector_push_back(segment, samples, &(double){0.5});
 *
 *     double copy;                                         // beside whoever writes
 *     error = hf_vector_get(segment, samples, 0, &copy);
 *
 *     double *all = hf_vector_data(samples);               // while nobody writes
 *     for (size_t i = 0; i < hf_vector_size(samples); i++) {
 *         sum += all[i];
 *     }
 *
 * Who writes. Push, pop, reserve, clear and free may be called by anybody at any time:
 * each is one transaction of the segment's heap, whose lock puts them in order.
 *
 * Who reads. hf_vector_get and hf_vector_size take no lock, write nothing, and wait for
 * nobody, whoever was stopped or killed in the middle of whatever, also on a segment that
 * is attached read-only: an element is copied out whole, as somebody pushed it. Pointers
 * (hf_vector_at, hf_vector_data) are as fast as pointers are, and as good: growing moves
 * the elements, popping and pushing changes them. So they are for who has agreed with the
 * writers (a lock), or knows that the vector neither grows nor shrinks meanwhile. Who
 * changes an element through one does so beside hf_vector_get at his own risk.
 *
 * What elements are. Bytes, which are copied, and move when the vector grows: no hf_ptr_t,
 * vector, map or primitive in them. Keep those in blocks of their own, or objects.
 *
 * Kill theorem: any process killed at any instruction inside these calls leaves them done
 * or not begun, and no memory lost; the next caller, whoever it is, goes on at once. A
 * stopped one inside a call holds up those who write, not those who read.
 *
 * Errors of all calls, besides those listed: EINVAL: a null argument, or a vector that is
 * not in this segment's memory; EBADMSG: damaged, or not initialised. Those that write:
 * EACCES: attached read-only; EDEADLK, and what joining returns, as in holdfast/heap.h.
 */
#ifndef HOLDFAST_VECTOR_H
#define HOLDFAST_VECTOR_H

#include <holdfast/ptr.h>
#include <holdfast/segment.h>

#ifdef __cplusplus
extern "C" {
#endif

/* 48 bytes at an 8-byte boundary. Private fields. Not to be copied by assignment. */
typedef struct {
    hf_ptr_t hf_data; /* the first element; null: no capacity */
    uint64_t hf_size; /* in elements, as the next */
    uint64_t hf_capacity;
    uint64_t hf_element_size; /* in bytes; constant, as the next */
    uint64_t hf_check;        /* of the element's size and the vector's place */
    uint64_t hf_version;      /* grows when elements have gone that may be being read */
} hf_vector_t;

/*
 * Makes zero memory a vector of elements of so many bytes. One that is it already stays
 * as it is, so every process may call this. EEXIST: its elements are of another size;
 * EINVAL: a size of 0.
 */
HF_API HF_NODISCARD int hf_vector_init(
    hf_segment_t *seg, hf_vector_t *v, size_t element_size);

/* Appends a copy of *element. ENOSPC: it is full, and cannot grow. */
HF_API HF_NODISCARD int hf_vector_push_back(
    hf_segment_t *seg, hf_vector_t *v, const void *element);

/* Takes the last one off, with a copy of it to *element, which may be null. ENOENT: there
 * is none. Dying after it has happened, the caller takes the element along. */
HF_API HF_NODISCARD int hf_vector_pop_back(
    hf_segment_t *seg, hf_vector_t *v, void *element);

/* A copy of an element. ENOENT: there are not so many. */
HF_API HF_NODISCARD int hf_vector_get(
    const hf_segment_t *seg, const hf_vector_t *v, size_t index, void *copy);

/* Room for so many elements, so that pushing them will not move any, nor fail. ENOSPC. */
HF_API HF_NODISCARD int hf_vector_reserve(
    hf_segment_t *seg, hf_vector_t *v, size_t capacity);

/* Takes all elements off, and keeps the room. */
HF_API HF_NODISCARD int hf_vector_clear(hf_segment_t *seg, hf_vector_t *v);

/* The same, and gives the room back. It stays a vector. */
HF_API HF_NODISCARD int hf_vector_free(hf_segment_t *seg, hf_vector_t *v);

/* Whether its bytes can be a vector of this segment: the pointers below believe them. */
HF_API HF_NODISCARD int hf_vector_check(const hf_segment_t *seg, const hf_vector_t *v);

/* How many there are. Who sees a size can get so many elements, unless they are taken
 * off. */
static inline size_t hf_vector_size(const hf_vector_t *v)
{
    return (size_t)__atomic_load_n(&v->hf_size, __ATOMIC_ACQUIRE);
}

/* The elements, side by side; null: no room yet. For how long: see above. */
static inline void *hf_vector_data(const hf_vector_t *v)
{
    return hf_ptr_get(&v->hf_data);
}

/* An element, or null: there are not so many. For how long: see above. Plain loads, which
 * a compiler can take out of a loop, since nobody writes meanwhile; what stays is the
 * comparison, and a multiplication by the elements' size. hf_vector_data has neither. */
static inline void *hf_vector_at(const hf_vector_t *v, size_t index)
{
    if (index >= v->hf_size) {
        return NULL;
    }
    uintptr_t data = (uintptr_t)&v->hf_data + (uintptr_t)v->hf_data.hf_distance;
    return (void *)(data + index * v->hf_element_size);
}

#ifdef __cplusplus
}
#endif

#endif
