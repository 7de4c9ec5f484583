/* SPDX-License-Identifier: MIT */
#include "heap.h"

#include <errno.h>
#include <inttypes.h>

#include "common/random.h"

/* ---- patterns ---- */

/* Two patterns of one owner and one size differ all the same. */
typedef struct {
    uint64_t owner, size, nonce, check;
} pattern_t;

_Static_assert(sizeof(pattern_t) == PATTERN_LEAST, "the words come behind it");

static uint64_t check_of(const pattern_t *p)
{
    return stress_mix(p->owner ^ stress_mix(p->size ^ stress_mix(p->nonce)));
}

static uint64_t word_of(const pattern_t *p, uint64_t i)
{
    return p->nonce + i * UINT64_C(0x9e3779b97f4a7c15);
}

void pattern_fill(worker_t *w, void *bytes, uint64_t size)
{
    enum { STEP_EVERY = 128 };
    pattern_t *p = bytes;
    uint64_t *words = bytes;
    p->owner = w->life;
    p->size = size;
    p->nonce = stress_random(&w->random);
    worker_step(w);
    for (uint64_t i = PATTERN_LEAST / sizeof *words; i < size / sizeof *words; i++) {
        words[i] = word_of(p, i);
        if (i % STEP_EVERY == 0) {
            worker_step(w);
        }
    }
    worker_step(w);
    p->check = check_of(p);
}

bool pattern_is_whole(const void *bytes, uint64_t room)
{
    const pattern_t *p = bytes;
    const uint64_t *words = bytes;
    if (room < PATTERN_LEAST || p->size < PATTERN_LEAST || p->size > room ||
        p->check != check_of(p)) {
        return false;
    }
    uint64_t wrong = 0;
    for (uint64_t i = PATTERN_LEAST / sizeof *words; i < p->size / sizeof *words; i++) {
        wrong |= words[i] ^ word_of(p, i);
    }
    return wrong == 0;
}

bool is_all_zero(const void *bytes, uint64_t from, uint64_t to)
{
    const unsigned char *c = bytes;
    unsigned char any = 0;
    for (uint64_t i = from; i < to; i++) {
        any |= c[i];
    }
    return any == 0;
}

void pattern_complain(
    worker_t *w, unsigned object, const char *what, const void *bytes, uint64_t room)
{
    static const pattern_t none;
    const pattern_t *p = room >= sizeof *p ? bytes : &none;
    violation(w->control,
        "#%u: worker %u: %s at %td: of life %" PRIx64 ", %" PRIu64 " bytes in %" PRIu64
        ", check %s",
        object, w->seat, what, (const char *)bytes - w->root, p->owner, p->size, room,
        p->check == check_of(p) ? "right" : "wrong");
}

/* ---- calls ---- */

bool heap_had_room(worker_t *w, int error, const char *call, unsigned object)
{
    if (error != ENOSPC) {
        worker_expect(w, error, 0, call, object);
    }
    return error == 0;
}

hf_heap_info_t heap_info(worker_t *w, unsigned object)
{
    hf_heap_info_t info = {.size = 0};
    worker_call(w, "hf_heap_info", object);
    int error = hf_heap_info(w->segment, &info);
    worker_called(w);
    worker_expect(w, error, 0, "hf_heap_info", object);
    if (info.used + info.free != info.size || info.largest_free > info.free ||
        info.blocks * BLOCK_LEAST > info.used) {
        violation(w->control,
            "#%u: worker %u: a heap of %zu bytes, %zu in use in %zu blocks, %zu free, "
            "%zu of them in one block",
            object, w->seat, info.size, info.used, info.blocks, info.free,
            info.largest_free);
    }
    return info;
}

size_t heap_usable_size(worker_t *w, unsigned object, const void *block)
{
    size_t size;
    worker_call(w, "hf_usable_size", object);
    int error = hf_usable_size(w->segment, block, &size);
    worker_called(w);
    worker_expect(w, error, 0, "hf_usable_size", object);
    return size;
}

void heap_free(worker_t *w, unsigned object, hf_ptr_t *p)
{
    worker_call(w, "hf_free", object);
    int error = hf_free(w->segment, p);
    worker_called(w);
    worker_expect(w, error, 0, "hf_free", object);
}

typedef struct {
    worker_t *worker;
    unsigned object;
} check_t;

static void report_fault(const char *words, void *arg)
{
    const check_t *check = arg;
    violation(check->worker->control, "#%u: worker %u: hf_segment_check: %s",
        check->object, check->worker->seat, words);
}

void heap_check(worker_t *w, unsigned object)
{
    check_t check = {.worker = w, .object = object};
    worker_call(w, "hf_segment_check", object);
    int error = hf_segment_check(w->segment, report_fault, &check);
    worker_called(w);
    worker_expect(w, error, 0, "hf_segment_check", object);
}

void heap_lock(
    worker_t *w, unsigned object, hf_rwlock_t *lock, int (*call)(hf_rwlock_t *))
{
    worker_call(w, "locking the agreement", object);
    int error = call(lock);
    worker_called(w);
    if (error == EOWNERDEAD) {
        worker_call(w, "hf_rwlock_consistent", object);
        error = hf_rwlock_consistent(lock);
        worker_called(w);
    }
    worker_expect(w, error, 0, "locking the agreement", object);
}

void heap_unlock(worker_t *w, unsigned object, hf_rwlock_t *lock)
{
    worker_call(w, "hf_rwlock_unlock", object);
    int error = hf_rwlock_unlock(lock);
    worker_called(w);
    worker_expect(w, error, 0, "hf_rwlock_unlock", object);
}

/* ---- audit ---- */

void heap_free_at_last(worker_t *auditor, unsigned object, hf_ptr_t *p)
{
    const void *block = hf_ptr_get(p);
    if (block == NULL) {
        return;
    }
    size_t size = heap_usable_size(auditor, object, block) + BLOCK_HEADER;
    hf_heap_info_t before = heap_info(auditor, object);
    heap_free(auditor, object, p);
    hf_heap_info_t after = heap_info(auditor, object);
    if (before.blocks - after.blocks != 1 || before.used - after.used != size) {
        violation(auditor->control,
            "#%u: freeing a block of %zu bytes gave back %zu bytes in %zu blocks", object,
            size, before.used - after.used, before.blocks - after.blocks);
    }
}

/* The directory of named objects keeps its table: a word, then cells of a word each, a
 * power of two; and less than a block if that could not be cut off. */
static bool is_table(size_t used)
{
    size_t cells = 1;
    while (2 * cells * sizeof(uint64_t) < used) {
        cells *= 2;
    }
    size_t table = BLOCK_HEADER + (1 + cells) * sizeof(uint64_t);
    return used >= table && used - table < BLOCK_LEAST;
}

void heap_audit(worker_t *auditor, size_t lasting)
{
    hf_heap_info_t info = heap_info(auditor, no_object);
    bool nothing = info.blocks == lasting && (lasting > 0 || info.used == 0);
    bool directory = info.blocks == lasting + 1 && (lasting > 0 || is_table(info.used));
    if (!nothing && !directory) {
        violation(auditor->control,
            "all is freed, and %zu bytes in %zu blocks are still in use, not in %zu",
            info.used, info.blocks, lasting);
        count_up(&auditor->control->lost);
    }
    heap_check(auditor, no_object);
}
