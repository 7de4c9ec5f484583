/* SPDX-License-Identifier: MIT */
/*
 * Named objects: an index of the segment's heap, whose values are the objects. An entry's
 * `builder` is the tag of who constructs its value, 0 once that is done. Commit points:
 * the transaction that puts the entry, with a builder, into the index; the one that
 * clears the builder. A builder that dies between the two leaves an entry that nobody
 * finds; the next one who asks takes it out, and begins anew.
 */
#include <holdfast/object.h>

#include <errno.h>
#include <string.h>

#include "heap/index.h"
#include "segment/segment.h"
#include "wait/wait.h"

enum { OBJECT_ALIGNMENT = 64 };

int hfi_segment_key(const hf_segment_t *seg, const char *name, struct hfi_key *key)
{
    size_t length = name != NULL ? strnlen(name, HF_NAME_SIZE) : 0;
    if (seg == NULL || length == 0 || length == HF_NAME_SIZE) {
        return EINVAL;
    }
    *key = hfi_key(name, length);
    return 0;
}

/* ---- without a lock ---- */

static int look(
    const struct hf_segment *seg, const struct hfi_key *key, struct hfi_found *found)
{
    const struct hfi_index *index = &seg->heap.control->directory;
    uint64_t version;
    int error;
    do {
        version = hfi_index_version(index);
        error = hfi_index_look(&seg->heap, index, key, found);
    } while (hfi_index_has_changed(index, version));
    return error == 0 && found->builder != 0 ? ENOENT : error;
}

int hf_object_find(hf_segment_t *seg, const char *name, void **object, size_t *size)
{
    struct hfi_key key;
    struct hfi_found found;
    int error = object != NULL ? hfi_segment_key(seg, name, &key) : EINVAL;
    if (error == 0) {
        error = look(seg, &key, &found);
    }
    if (error == 0) {
        *object = hfi_heap_address(&seg->heap, found.value);
        if (size != NULL) {
            *size = (size_t)found.value_size;
        }
    }
    return error;
}

/* With the name, which is copied while it is certain that it is one. */
static int next(const struct hf_segment *seg, struct hfi_cursor *cursor,
    struct hfi_found *found, char *name)
{
    const struct hfi_index *index = &seg->heap.control->directory;
    uint64_t version;
    struct hfi_cursor after;
    int error;
    do {
        version = hfi_index_version(index);
        error = hfi_index_next(&seg->heap, index, cursor, found, &after);
        if (error == 0 && found->key_size >= HF_NAME_SIZE) {
            error = EBADMSG;
        }
        if (error == 0 && name != NULL) {
            hfi_index_copy(&seg->heap, name, hfi_index_key(found), found->key_size);
            name[found->key_size] = '\0';
        }
    } while (hfi_index_has_changed(index, version));
    if (error == 0) {
        *cursor = after;
    }
    return error;
}

static int next_object(const struct hf_segment *seg, struct hfi_cursor *cursor,
    struct hfi_found *found, char *name)
{
    int error;
    do {
        error = next(seg, cursor, found, name);
    } while (error == 0 && found->builder != 0);
    return error;
}

int hf_object_next(hf_segment_t *seg, hf_object_cursor_t *cursor, char *name,
    void **object, size_t *size)
{
    struct hfi_found found;
    if (seg == NULL || cursor == NULL) {
        return EINVAL;
    }
    struct hfi_cursor at = {.hash = cursor->hf_hash, .ties = cursor->hf_ties};
    int error = next_object(seg, &at, &found, name);
    if (error != 0) {
        return error;
    }
    *cursor = (hf_object_cursor_t){.hf_hash = at.hash, .hf_ties = at.ties};
    if (object != NULL) {
        *object = hfi_heap_address(&seg->heap, found.value);
    }
    if (size != NULL) {
        *size = (size_t)found.value_size;
    }
    return 0;
}

int hf_object_count(hf_segment_t *seg, size_t *count)
{
    struct hfi_cursor at = {.hash = 0};
    struct hfi_found found;
    int error = seg != NULL && count != NULL ? 0 : EINVAL;
    for (size_t n = 0; error == 0; n++) {
        *count = n;
        error = next_object(seg, &at, &found, NULL);
    }
    return error == ENOENT ? 0 : error;
}

/* ---- changing ---- */

static struct hfi_index *directory_of(const struct hfi_tx *tx)
{
    return &tx->heap->control->directory;
}

static int begin(struct hfi_tx *tx, const struct hfi_key *key, uint64_t size, uint64_t me,
    struct hfi_found *fresh)
{
    struct hfi_index *index = directory_of(tx);
    int error = hfi_index_prepare(tx, index, key, size, OBJECT_ALIGNMENT, fresh);
    if (error == 0) {
        struct hfi_entry *entry = hfi_heap_address(tx->heap, fresh->entry);
        entry->builder = fresh->builder = me;
        error = hfi_index_put(tx, index, key, fresh, NULL);
    }
    return error;
}

/*
 * In a transaction: 0: what was found is ours to construct; EEXIST: it is done; EBUSY:
 * somebody is at it; EOWNERDEAD: somebody was, and what there is of it is taken out.
 */
static int claim(struct hfi_tx *tx, const struct hfi_key *key, uint64_t size,
    const struct hfi_member *me, struct hfi_found *found)
{
    int error = hfi_index_look(tx->heap, directory_of(tx), key, found);
    if (error == ENOENT) {
        return begin(tx, key, size, me->tag, found);
    }
    if (error != 0 || found->builder == 0) {
        return error != 0 ? error : EEXIST;
    }
    if (found->builder == me->tag) {
        return EDEADLK;
    }
    enum hfi_life life = hfi_table_life(&me->at->table, found->builder);
    if (life == HFI_DEAD) {
        error = hfi_index_take_out(tx, directory_of(tx), found);
        return error != 0 ? error : EOWNERDEAD;
    }
    return life == HFI_ALIVE ? EBUSY : EBADMSG;
}

/* Until a construction is over, or this one's builder dies. */
static void await(
    struct hf_segment *seg, struct hfi_wait *wait, uint64_t builder, uint64_t built)
{
    uint64_t *word = &seg->heap.control->built;
    hfi_wait_sleep(wait, hfi_low_half(word), (uint32_t)built, &builder, 1);
    if (wait->rang && hfi_load64_relaxed(word) != built) {
        hfi_wait_count_rescue(wait);
    }
}

static int try_claim(struct hf_segment *seg, const struct hfi_key *key, uint64_t size,
    struct hfi_wait *wait, struct hfi_found *found)
{
    struct hfi_tx tx;
    int error = hfi_heap_enter(&seg->heap, &tx);
    if (error != 0) {
        return error;
    }
    uint64_t built = hfi_load64_relaxed(&seg->heap.control->built);
    error = claim(&tx, key, size, &wait->me, found);
    if (error == 0) {
        return hfi_heap_leave(&tx);
    }
    if (error == EOWNERDEAD) {
        error = hfi_heap_leave(&tx);
        return error != 0 ? error : HFI_TRY_AGAIN;
    }
    error = hfi_heap_cancel(&tx, error);
    if (error == EBUSY) {
        await(seg, wait, found->builder, built);
        error = HFI_TRY_AGAIN;
    }
    return error;
}

/* The construction that we began is over. Those asleep watch our lease, should we die
 * before we wake them. */
static int finish(struct hf_segment *seg, const struct hfi_key *key,
    const struct hfi_found *mine, bool done)
{
    struct hfi_tx tx;
    struct hfi_found found;
    int error = hfi_heap_enter(&seg->heap, &tx);
    if (error != 0) {
        return error;
    }
    uint64_t *built = &seg->heap.control->built;
    error = hfi_index_look(&seg->heap, directory_of(&tx), key, &found);
    if (error != 0 || found.entry != mine->entry || found.builder != mine->builder) {
        return hfi_heap_cancel(&tx, EBADMSG); /* it was taken over: our tag is gone */
    }
    if (done) {
        struct hfi_entry *entry = hfi_heap_address(&seg->heap, found.entry);
        hfi_tx_publish(&tx, &entry->builder, 0);
    } else {
        error = hfi_index_take_out(&tx, directory_of(&tx), &found);
    }
    error = hfi_heap_end(&tx, error);
    hfi_add_and_wake(hfi_low_half(built), 1, HFI_ALL);
    return error;
}

static int construct_ours(struct hf_segment *seg, const struct hfi_key *key,
    const struct hfi_found *ours, int (*construct)(void *, void *), void *arg)
{
    void *object = hfi_heap_address(&seg->heap, ours->value);
    int error = construct != NULL ? construct(object, arg) : 0;
    int finished = finish(seg, key, ours, error == 0);
    return error != 0 ? error : finished;
}

static int find_or_claim(struct hf_segment *seg, const struct hfi_key *key, size_t size,
    struct hfi_found *found)
{
    const struct hfi_member *me;
    struct hfi_heap_control *control = seg->heap.control;
    int error = hfi_member_at(&control->lock, sizeof control->lock, &me);
    if (error != 0) {
        return error;
    }
    struct hfi_wait wait = hfi_wait_start(me, &control->built, HFI_NEVER);
    do {
        error = try_claim(seg, key, size, &wait, found);
    } while (error == HFI_TRY_AGAIN);
    hfi_wait_finish(&wait);
    return error;
}

int hf_object_find_or_construct(hf_segment_t *seg, const char *name, size_t size,
    int (*construct)(void *object, void *arg), void *arg, void **object)
{
    struct hfi_key key;
    struct hfi_found found;
    int error = object != NULL ? hfi_segment_key(seg, name, &key) : EINVAL;
    if (error != 0) {
        return error;
    }
    error = look(seg, &key, &found);
    if (error == ENOENT) {
        error = find_or_claim(seg, &key, size, &found);
        if (error == 0) {
            error = construct_ours(seg, &key, &found, construct, arg);
        } else if (error == EEXIST) {
            error = 0;
        }
    }
    if (error == 0 && found.value_size < size) {
        error = EINVAL;
    }
    if (error == 0) {
        *object = hfi_heap_address(&seg->heap, found.value);
    }
    return error;
}

int hf_object_destroy(hf_segment_t *seg, const char *name)
{
    struct hfi_tx tx;
    struct hfi_key key;
    struct hfi_found found;
    int error = hfi_segment_key(seg, name, &key);
    if (error == 0) {
        error = hfi_heap_enter(&seg->heap, &tx);
    }
    if (error != 0) {
        return error;
    }
    error = hfi_index_look(&seg->heap, directory_of(&tx), &key, &found);
    if (error == 0 && found.builder != 0 &&
        hfi_table_life(&seg->at.table, found.builder) == HFI_ALIVE) {
        error = EBUSY;
    }
    if (error == 0) {
        error = hfi_index_take_out(&tx, directory_of(&tx), &found);
    }
    return hfi_heap_end(&tx, error);
}
