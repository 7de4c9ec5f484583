/* SPDX-License-Identifier: MIT */
#include "heap/heap.h"

#include <errno.h>
#include <string.h>

#include "heap/arena.h"

/* ---- transactions ---- */

/* What the dead holder had begun is undone or finished; dying here, we leave it as it is.
 */
static int lock(struct hfi_heap *heap, const struct timespec *deadline)
{
    hf_mutex_t *m = &heap->control->lock;
    int error = deadline != NULL ? hf_mutex_timedlock(m, deadline) : hf_mutex_lock(m);
    if (error == EOWNERDEAD) {
        error = hfi_journal_recover(heap, &heap->control->journal);
        int ignored = error == 0 ? hf_mutex_consistent(m) : hf_mutex_unlock(m);
        (void)ignored; /* we hold it */
    }
    return error == ENOTRECOVERABLE ? EBADMSG : error;
}

static int unlock(struct hfi_tx *tx, int error)
{
    int unlocked = hf_mutex_unlock(&tx->heap->control->lock);
    return error != 0 ? error : unlocked;
}

int hfi_heap_enter(struct hfi_heap *heap, struct hfi_tx *tx)
{
    return hfi_heap_enter_until(heap, tx, NULL);
}

int hfi_heap_enter_until(
    struct hfi_heap *heap, struct hfi_tx *tx, const struct timespec *deadline)
{
    int error = lock(heap, deadline);
    if (error != 0) {
        return error;
    }
    hfi_tx_begin(tx, heap);
    bool sound =
        tx->journal->state == 0 && hfi_region_backs(heap->region, heap->control->end);
    return sound ? 0 : unlock(tx, EBADMSG);
}

int hfi_heap_settle(struct hfi_heap *heap)
{
    struct hfi_tx tx;
    if (!hfi_journal_is_committed(&heap->control->journal)) {
        return 0;
    }
    int error = hfi_heap_enter(heap, &tx);
    return error != 0 ? error : hfi_heap_cancel(&tx, 0);
}

int hfi_heap_cancel(struct hfi_tx *tx, int error)
{
    return unlock(tx, hfi_tx_undo(tx, error));
}

int hfi_heap_leave(struct hfi_tx *tx)
{
    return unlock(tx, hfi_tx_commit(tx));
}

int hfi_heap_end(struct hfi_tx *tx, int error)
{
    return error != 0 ? hfi_heap_cancel(tx, error) : hfi_heap_leave(tx);
}

/* ---- growth ---- */

int hfi_heap_grow(struct hfi_tx *tx, uint64_t until)
{
    struct hfi_heap *heap = tx->heap;
    if (!hfi_align_up(until, HFI_HEAP_PAGE, &until) || until > heap->limit) {
        return ENOSPC;
    }
    if (until < heap->control->end + HFI_BLOCK_MIN) {
        return 0;
    }
    int saved = errno;
    int error = hfi_region_grow(heap->region, heap->control->end, until);
    errno = saved;
    return error != 0 ? error : hfi_arena_extend(tx, until);
}

/* By half of what there is, so that growing is rare; to where it must end, if need be. */
static int grow_to(struct hfi_tx *tx, uint64_t needed)
{
    const struct hfi_heap *heap = tx->heap;
    uint64_t arena_end = heap->control->end;
    uint64_t wanted = arena_end + (arena_end - heap->first) / 2;
    wanted = wanted < heap->limit ? wanted : heap->limit;
    int error = hfi_heap_grow(tx, wanted > needed ? wanted : needed);
    if (error == ENOSPC && wanted > needed) {
        error = hfi_heap_grow(tx, needed);
    }
    return error == 0 ? hfi_tx_commit(tx) : error;
}

/* ---- blocks ---- */

static int take(
    struct hfi_tx *tx, uint64_t size, uint64_t alignment, struct hfi_block *block)
{
    int error = hfi_arena_take(tx, size, alignment, block);
    bool fresh = tx->undo == 0 && tx->publish == 0; /* growing commits what there is */
    if (error != ENOSPC || !fresh) {
        return error;
    }
    uint64_t end;
    error = hfi_arena_end_for(tx->heap, size, alignment, &end);
    if (error == 0) {
        error = grow_to(tx, end);
    }
    return error != 0 ? error : hfi_arena_take(tx, size, alignment, block);
}

/* Zeroes what was free, two words at least: those that its header, its links and its size
 * stood in can be undone. */
static void clear(struct hfi_tx *tx, uint64_t from, uint64_t to)
{
    uint64_t *words = hfi_heap_address(tx->heap, from);
    uint64_t n = (to - from) / sizeof(uint64_t);
    hfi_tx_set(tx, &words[0], 0);
    hfi_tx_set(tx, &words[1], 0);
    if (n > 2) {
        hfi_tx_set(tx, &words[2], 0);
    }
    if (n > 3) {
        memset(words + 3, 0, (n - 4) * sizeof(uint64_t));
        hfi_tx_set(tx, &words[n - 1], 0);
    }
}

int hfi_heap_allocate(
    struct hfi_tx *tx, uint64_t size, uint64_t alignment, uint64_t *block)
{
    struct hfi_block taken;
    int error = take(tx, size, alignment, &taken);
    if (error == 0) {
        *block = taken.at + HFI_HEADER_SIZE;
        clear(tx, *block, taken.at + taken.size);
    }
    return error;
}

static int in_use(const struct hfi_heap *heap, uint64_t block, struct hfi_block *found)
{
    if (!hfi_region_backs(heap->region, hfi_load64_relaxed(&heap->control->end))) {
        return EBADMSG;
    }
    int error = hfi_block_at(heap, block - HFI_HEADER_SIZE, found);
    return error == 0 && (found->is_free || found->size == 0) ? EBADMSG : error;
}

int hfi_heap_discard(struct hfi_tx *tx, uint64_t block)
{
    return hfi_arena_give_back(tx, block - HFI_HEADER_SIZE);
}

int hfi_heap_resize(struct hfi_tx *tx, uint64_t block, uint64_t size)
{
    uint64_t before, after;
    int error = hfi_heap_usable(tx->heap, block, &before);
    if (error == 0) {
        error = hfi_arena_resize(tx, block - HFI_HEADER_SIZE, size);
    }
    if (error == 0) {
        error = hfi_heap_usable(tx->heap, block, &after);
    }
    if (error == 0 && after > before) {
        clear(tx, block + before, block + after);
    }
    return error;
}

int hfi_heap_usable(const struct hfi_heap *heap, uint64_t block, uint64_t *size)
{
    struct hfi_block found;
    int error = in_use(heap, block, &found);
    if (error == 0) {
        *size = found.size - HFI_HEADER_SIZE;
    }
    return error;
}
