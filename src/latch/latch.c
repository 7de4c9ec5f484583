/* SPDX-License-Identifier: MIT */
/*
 * Latch: two places for the payload, and which of them is shown. Write n (1, 2, ...) goes
 * to place n % 2, so n = hf_complete is shown while n + 1 is being written elsewhere.
 *
 *   hf_begun = n + 1      who reads place (n + 1) % 2 must begin anew
 *   ... the payload ...
 *   hf_complete = n + 1   the commit point
 *
 * Dying before it, a writer leaves hf_begun ahead and its place half-written: nobody
 * reads that one, and the next writer, under the same lock, does write n + 1 again. A
 * reader copies the place that is shown, then looks whether another write has begun
 * there.
 */
#include <holdfast/latch.h>

#include <errno.h>
#include <string.h>

#include "base/atomics.h"
#include "participant/lookup.h"
#include "participant/member.h"

_Static_assert(sizeof(hf_latch_t) == 64, "format");

enum { PLACES = 2, WORD = sizeof(uint64_t), STEP = 4 * WORD /* bytes copied at once */ };

static size_t words_of(size_t payload)
{
    return payload / WORD + (payload % WORD != 0);
}

static inline size_t size_of(size_t payload)
{
    enum { LIMIT = SIZE_MAX / PLACES / WORD - sizeof(hf_latch_t) };
    size_t words = words_of(payload);
    bool fits = payload != 0 && words < LIMIT;
    return fits ? sizeof(hf_latch_t) + PLACES * words * WORD : 0;
}

size_t hf_latch_size(size_t payload)
{
    return size_of(payload);
}

static uint64_t *place_of(const hf_latch_t *l, uint64_t write, size_t payload)
{
    return (uint64_t *)(uintptr_t)(l + 1) + write % PLACES * words_of(payload);
}

/* No transition leads there. Others may write meanwhile: what has begun lies between the
 * writes complete before it was looked at, and one more than those after. */
static bool is_damaged(const hf_latch_t *l)
{
    uint64_t before = hfi_load64_acquire(&l->hf_complete);
    uint64_t begun = hfi_load64_acquire(&l->hf_begun);
    uint64_t after = hfi_load64_relaxed(&l->hf_complete);
    return begun < before || begun > after + 1;
}

/* Whether a latch with this payload is in an attached segment, which then stays mapped
 * until hfi_let_go. */
static inline bool look(const hf_latch_t *l, size_t payload)
{
    size_t size = size_of(payload);
    return size != 0 && hfi_look(l, size) != NULL;
}

/* The same, but it may go. */
static bool is_placed(const hf_latch_t *l, size_t payload)
{
    bool placed = look(l, payload);
    if (placed) {
        hfi_let_go();
    }
    return placed;
}

/* Without the list of segments, if it is in the one that the thread used last. That one
 * stays mapped, for the thread has joined it. */
static inline bool is_here(const hf_latch_t *l, size_t payload)
{
    return payload != 0 && hfi_are_here(l, sizeof *l / WORD + PLACES * words_of(payload));
}

/* ---- write ---- */

/* Word by word, for readers look on. */
static void fill(uint64_t *place, const char *payload, size_t size)
{
    uint64_t word = 0;
    for (; size >= WORD; size -= WORD, payload += WORD) {
        memcpy(&word, payload, WORD);
        hfi_store64_relaxed(place++, word);
    }
    if (size != 0) {
        memcpy(&word, payload, size);
        hfi_store64_relaxed(place, word);
    }
}

static int write_locked(hf_latch_t *l, const void *payload, size_t size)
{
    if (is_damaged(l)) {
        return EBADMSG;
    }
    uint64_t n = hfi_load64_relaxed(&l->hf_complete) + 1;
    if (n > 1 && hfi_load64_relaxed(&l->hf_size) != size) {
        return EINVAL;
    }
    hfi_store64_relaxed(&l->hf_size, size);
    hfi_store64_release(&l->hf_begun, n);    /* after the write before was complete */
    __atomic_thread_fence(__ATOMIC_RELEASE); /* and before any of the payload */
    fill(place_of(l, n, size), payload, size);
    hfi_store64_release(&l->hf_complete, n);
    return 0;
}

int hf_latch_write(hf_latch_t *l, const void *payload, size_t size)
{
    if (payload == NULL || !(is_here(l, size) || is_placed(l, size))) {
        return EINVAL;
    }
    int error = hf_mutex_lock(&l->hf_lock);
    if (error == EOWNERDEAD) {
        error = hf_mutex_consistent(&l->hf_lock); /* it showed all of its write or none */
    }
    if (error != 0) {
        return error;
    }
    error = write_locked(l, payload, size);
    int unlocked = hf_mutex_unlock(&l->hf_lock);
    return error != 0 ? error : unlocked;
}

/* ---- read ---- */

static inline void copy_word(char *payload, const uint64_t *place, size_t i)
{
    uint64_t word = hfi_load64_relaxed(place + i);
    memcpy(payload + i * WORD, &word, WORD);
}

static __attribute__((noinline)) void copy_rest(
    char *payload, const uint64_t *place, size_t size)
{
    size_t words = size / WORD;
    for (size_t i = 0; i < words; i++) {
        copy_word(payload, place, i);
    }
    if (size % WORD != 0) {
        uint64_t word = hfi_load64_relaxed(place + words);
        memcpy(payload + words * WORD, &word, size % WORD);
    }
}

/* No compiler unrolls a loop of atomic loads: counting took as long as copying. */
static inline void copy_words(char *payload, const uint64_t *place)
{
    copy_word(payload, place, 0);
    copy_word(payload, place, 1);
    copy_word(payload, place, 2);
    copy_word(payload, place, 3);
}

static inline void copy(char *payload, const uint64_t *place, size_t size)
{
    size_t rest = size % STEP;
    for (size_t at = 0; at < size - rest; at += STEP) {
        copy_words(payload + at, place + at / WORD);
    }
    if (rest != 0) {
        copy_rest(payload + (size - rest), place + (size - rest) / WORD, rest);
    }
}

/* Whether it is all of write *n, the last one complete: there is one, of this size, and no
 * write has begun in its place. */
static inline bool copy_shown(
    const hf_latch_t *l, void *payload, size_t size, uint64_t *n)
{
    *n = hfi_load64_acquire(&l->hf_complete);
    if (*n == 0 || hfi_load64_relaxed(&l->hf_size) != size) {
        return false;
    }
    copy(payload, place_of(l, *n, size), size);
    __atomic_thread_fence(__ATOMIC_ACQUIRE); /* the payload, before begun */
    return hfi_load64_acquire(&l->hf_begun) - *n <= 1;
}

/* EAGAIN: overtaken. */
static int read_once(const hf_latch_t *l, void *payload, size_t size)
{
    uint64_t n;
    if (copy_shown(l, payload, size, &n)) {
        return 0;
    }
    if (n == 0) {
        memset(payload, 0, size);
        return 0;
    }
    if (hfi_load64_relaxed(&l->hf_size) != size) {
        return EINVAL;
    }
    /* Who sees a write begun sees the one before complete. */
    return hfi_load64_relaxed(&l->hf_complete) == n ? EBADMSG : EAGAIN;
}

static __attribute__((noinline)) int read_slow(
    const hf_latch_t *l, void *payload, size_t size)
{
    if (payload == NULL || !look(l, size)) {
        return EINVAL;
    }
    int error;
    do {
        error = read_once(l, payload, size);
    } while (error == EAGAIN);
    hfi_let_go();
    return error;
}

static __attribute__((noinline)) int read_any(
    const hf_latch_t *l, void *payload, size_t size)
{
    int error = EAGAIN;
    if (payload != NULL && is_here(l, size)) {
        error = read_once(l, payload, size);
    }
    return error == EAGAIN ? read_slow(l, payload, size) : error;
}

/* What mostly happens, without a call. */
int hf_latch_read(const hf_latch_t *l, void *payload, size_t size)
{
    uint64_t n;
    bool read = payload != NULL && size % STEP == 0 && is_here(l, size) &&
                copy_shown(l, payload, size, &n);
    return read ? 0 : read_any(l, payload, size);
}

/* ---- questions ---- */

int hf_latch_owner(const hf_latch_t *l, hf_owner_t *who)
{
    return is_placed(l, 1) ? hf_mutex_owner(&l->hf_lock, who) : EINVAL;
}

static int check(const hf_latch_t *l)
{
    uint64_t size = hfi_load64_relaxed(&l->hf_size);
    bool fits = size == 0 || (size <= SIZE_MAX && is_placed(l, (size_t)size));
    return fits && !is_damaged(l) ? hf_mutex_check(&l->hf_lock) : EBADMSG;
}

int hf_latch_check(const hf_latch_t *l)
{
    if (!look(l, 1)) {
        return EINVAL;
    }
    int error = check(l);
    hfi_let_go();
    return error;
}
