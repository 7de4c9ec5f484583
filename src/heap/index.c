/* SPDX-License-Identifier: MIT */
#include "heap/index.h"

#include <errno.h>
#include <string.h>

#include "base/checked.h"
#include "heap/cells.h"

/* ---- keys ---- */

/* Up to 8 bytes, the rest zero. */
static uint64_t word_of(const struct hfi_key *key, uint64_t at)
{
    uint64_t word = 0;
    uint64_t rest = key->size - at;
    memcpy(&word, (const char *)key->bytes + at, rest < sizeof word ? rest : sizeof word);
    return word;
}

static uint64_t mix(uint64_t h)
{
    h ^= h >> 32;
    h *= UINT64_C(0xd6e8feb86659fd93);
    return h ^ h >> 32;
}

struct hfi_key hfi_key(const void *bytes, uint64_t size)
{
    struct hfi_key key = {.bytes = bytes, .size = size, .hash = mix(size + 1)};
    for (uint64_t at = 0; at < size; at += sizeof(uint64_t)) {
        key.hash = mix(key.hash ^ word_of(&key, at)) * UINT64_C(0x9e3779b97f4a7c15);
    }
    key.hash = mix(key.hash);
    return key;
}

/* ---- reading what may be changing ---- */

static uint64_t load(const struct hfi_heap *heap, uint64_t offset)
{
    return hfi_load64_acquire(hfi_heap_address(heap, offset));
}

void hfi_index_copy(const struct hfi_heap *heap, void *to, uint64_t offset, uint64_t size)
{
    char *bytes = to;
    for (uint64_t at = 0; at < size; at += sizeof(uint64_t)) {
        uint64_t word = load(heap, offset + at);
        memcpy(bytes + at, &word, size - at < sizeof word ? size - at : sizeof word);
    }
}

int hfi_index_table(
    const struct hfi_heap *heap, const struct hfi_index *index, struct hfi_cells *table)
{
    uint64_t at = hfi_load64_acquire(&index->table);
    if (at == 0) {
        return ENOENT;
    }
    uint64_t size;
    if (hfi_heap_usable(heap, at, &size) != 0) {
        return EBADMSG;
    }
    uint64_t count = load(heap, at);
    bool sound = count >= HFI_CELLS_MIN && (count & (count - 1)) == 0 &&
                 count < size / sizeof(uint64_t);
    if (!sound) {
        return EBADMSG;
    }
    *table = (struct hfi_cells){
        .cells = at + sizeof(uint64_t),
        .mask = count - 1,
        .shift = 64 - (unsigned)__builtin_ctzll(count),
    };
    return 0;
}

int hfi_index_entry(const struct hfi_heap *heap, uint64_t cell, uint64_t value,
    struct hfi_found *found, uint64_t *hash)
{
    enum { GRID = sizeof(uint64_t) };
    uint64_t at = value & HFI_CELL_OFFSET;
    if (at % GRID != 0 || at < heap->first ||
        !hfi_heap_covers(heap, at, sizeof(struct hfi_entry))) {
        return EBADMSG;
    }
    const struct hfi_entry *entry = hfi_heap_address(heap, at);
    uint64_t key_size = hfi_load32_acquire(&entry->key_size);
    uint64_t value_at = hfi_load32_acquire(&entry->value_at);
    *hash = hfi_load64_acquire(&entry->hash);
    *found = (struct hfi_found){
        .cell = cell,
        .entry = at,
        .value = at + value_at,
        .key_size = key_size,
        .value_size = hfi_load64_acquire(&entry->value_size),
        .builder = hfi_load64_acquire(&entry->builder),
    };
    uint64_t end;
    bool sound = value_at % GRID == 0 && key_size < HFI_KEY_MAX &&
                 value_at >= sizeof *entry + key_size &&
                 hfi_align_up(found->value_size, GRID, &end) &&
                 hfi_heap_covers(heap, found->value, end);
    return sound ? 0 : EBADMSG;
}

static bool has_key(
    const struct hfi_heap *heap, const struct hfi_found *found, const struct hfi_key *key)
{
    if (found->key_size != key->size) {
        return false;
    }
    for (uint64_t at = 0; at < key->size; at += sizeof(uint64_t)) {
        if (load(heap, hfi_index_key(found) + at) != word_of(key, at)) {
            return false;
        }
    }
    return true;
}

/* *vacant: the cell that the key would go into, if it is not there; 0: none. */
static int probe(const struct hfi_heap *heap, const struct hfi_cells *table,
    const struct hfi_key *key, struct hfi_found *found, uint64_t *vacant)
{
    uint64_t home = hfi_home_of(table, key->hash);
    *vacant = 0;
    for (uint64_t i = 0; i <= table->mask; i++) {
        uint64_t cell = hfi_cell_at(table, home + i);
        uint64_t value = load(heap, cell);
        if (!hfi_cell_is_entry(value)) {
            *vacant = *vacant == 0 ? cell : *vacant;
            if (value == HFI_CELL_EMPTY) {
                return ENOENT;
            }
        } else if (value >> 48 == (key->hash & 0xffff)) {
            uint64_t hash;
            int error = hfi_index_entry(heap, cell, value, found, &hash);
            if (error != 0 || (hash == key->hash && has_key(heap, found, key))) {
                return error;
            }
        }
    }
    return ENOENT;
}

int hfi_index_look(const struct hfi_heap *heap, const struct hfi_index *index,
    const struct hfi_key *key, struct hfi_found *found)
{
    struct hfi_cells table;
    uint64_t vacant;
    int error = hfi_index_table(heap, index, &table);
    return error != 0 ? error : probe(heap, &table, key, found, &vacant);
}

/* Whether an entry that was found is the next one after the cursor, but for the better. */
static bool is_next(const struct hfi_cursor *cursor, uint64_t hash, uint64_t *ties,
    const struct hfi_cursor *best)
{
    bool seen = hash < cursor->hash || (hash == cursor->hash && (*ties)++ < cursor->ties);
    return !seen && (best->ties == 0 || hash < best->hash);
}

/*
 * Entries stand in runs without an empty cell between, each in the one that its home is
 * in. So the entry with the lowest hash of the first run that has any is the next one.
 * The table's last run may go on at its start: the entries there whose home is behind them
 * are its own, and nobody else's. One without empty cells is damaged, and ends when it has
 * been looked at twice.
 */
int hfi_index_next(const struct hfi_heap *heap, const struct hfi_index *index,
    const struct hfi_cursor *cursor, struct hfi_found *found, struct hfi_cursor *after)
{
    struct hfi_cells table;
    int error = hfi_index_table(heap, index, &table);
    if (error != 0) {
        return error;
    }
    struct hfi_cursor best = {.ties = 0};
    uint64_t ties = 0, home = hfi_home_of(&table, cursor->hash);
    for (uint64_t i = home; i <= 2 * table.mask + 1; i++) {
        uint64_t cell = hfi_cell_at(&table, i);
        uint64_t hash, value = load(heap, cell);
        struct hfi_found candidate;
        if (value == HFI_CELL_EMPTY && (best.ties != 0 || i >= table.mask)) {
            break;
        }
        if (!hfi_cell_is_entry(value)) {
            continue;
        }
        error = hfi_index_entry(heap, cell, value, &candidate, &hash);
        if (error != 0) {
            return error;
        }
        bool wrapped = hfi_home_of(&table, hash) > (i & table.mask);
        if (wrapped == (i > table.mask) && is_next(cursor, hash, &ties, &best)) {
            best = (struct hfi_cursor){.hash = hash, .ties = 1};
            *found = candidate;
        }
    }
    if (best.ties == 0) {
        return ENOENT;
    }
    after->ties = best.hash == cursor->hash ? cursor->ties + 1 : 1;
    after->hash = best.hash;
    return 0;
}

/* ---- changing ---- */

/* After what takes something away: who reads the version, then finds the old thing, must
 * find another version at its end. */
static void raise_version(struct hfi_tx *tx, struct hfi_index *index)
{
    hfi_tx_publish(tx, &index->version, index->version + 1);
}

/* Copies the cells in use to a table of so many. */
static int fill(const struct hfi_heap *heap, const struct hfi_cells *from, uint64_t *to,
    uint64_t count)
{
    struct hfi_cells table = {
        .mask = count - 1, .shift = 64 - (unsigned)__builtin_ctzll(count)};
    uint64_t room = count / 2;
    for (uint64_t i = 0; i <= from->mask; i++) {
        uint64_t value = load(heap, hfi_cell_at(from, i));
        struct hfi_found found;
        uint64_t hash;
        if (!hfi_cell_is_entry(value)) {
            continue;
        }
        if (room-- == 0 || hfi_index_entry(heap, 0, value, &found, &hash) != 0) {
            return EBADMSG;
        }
        uint64_t home = hfi_home_of(&table, hash);
        while (to[home & table.mask] != HFI_CELL_EMPTY) {
            home++;
        }
        to[home & table.mask] = value;
    }
    return 0;
}

/* Another table, twice as large as what is in use needs; commits. */
static int rebuild(
    struct hfi_tx *tx, struct hfi_index *index, const struct hfi_cells *old)
{
    uint64_t count = HFI_CELLS_MIN;
    while (count < 3 * (index->count + 1)) {
        count *= 2;
    }
    uint64_t block;
    int error =
        hfi_heap_allocate(tx, (count + 1) * sizeof(uint64_t), HFI_HEAP_GRAIN, &block);
    if (error != 0) {
        return error;
    }
    uint64_t *words = hfi_heap_address(tx->heap, block);
    words[0] = count;
    if (old != NULL) {
        error = fill(tx->heap, old, words + 1, count);
    }
    hfi_tx_publish(tx, &index->table, block);
    hfi_tx_publish(tx, &index->spent, index->count);
    raise_version(tx, index);
    if (error == 0 && old != NULL) {
        error = hfi_heap_discard(tx, old->cells - sizeof(uint64_t));
    }
    return error == 0 ? hfi_tx_commit(tx) : error;
}

/* Whether the key can go into this table: into its own cell, one that is spent already,
 * or one of the last that may be. */
static bool has_room(const struct hfi_heap *heap, const struct hfi_index *index,
    const struct hfi_cells *table, const struct hfi_key *key)
{
    struct hfi_found found;
    uint64_t vacant, cells = table->mask + 1;
    int error = probe(heap, table, key, &found, &vacant);
    if (error != ENOENT || vacant == 0) {
        return error == 0;
    }
    return load(heap, vacant) == HFI_CELL_GONE || index->spent < hfi_cells_most(cells);
}

/* At most three cells of four are spent, or seven of eight if there is no memory for a
 * larger table: probing ends, and soon. */
static int make_room(
    struct hfi_tx *tx, struct hfi_index *index, const struct hfi_key *key)
{
    struct hfi_cells table;
    int error = hfi_index_table(tx->heap, index, &table);
    uint64_t cells = error == 0 ? table.mask + 1 : 0;
    if (error == EBADMSG || index->count > cells || index->spent > cells) {
        return EBADMSG;
    }
    if (error == ENOENT) {
        return rebuild(tx, index, NULL);
    }
    if ((index->spent + 1) * 4 <= cells * 3) {
        return 0;
    }
    error = rebuild(tx, index, &table);
    bool slower = error == ENOSPC && has_room(tx->heap, index, &table, key);
    return slower ? 0 : error;
}

int hfi_index_prepare(struct hfi_tx *tx, struct hfi_index *index,
    const struct hfi_key *key, uint64_t value_size, uint64_t alignment,
    struct hfi_found *fresh)
{
    uint64_t value_at, size;
    bool fits =
        hfi_align_up(sizeof(struct hfi_entry) + key->size, alignment, &value_at) &&
        hfi_add(value_at, value_size, &size);
    int error = fits ? make_room(tx, index, key) : ENOSPC;
    uint64_t block;
    if (error == 0) {
        error = hfi_heap_allocate(tx, size, alignment, &block);
    }
    if (error != 0) {
        return error;
    }
    struct hfi_entry *entry = hfi_heap_address(tx->heap, block);
    *entry = (struct hfi_entry){
        key->hash, (uint32_t)key->size, (uint32_t)value_at, value_size, 0};
    memcpy(entry + 1, key->bytes, key->size);
    *fresh = (struct hfi_found){
        .entry = block,
        .value = block + value_at,
        .key_size = key->size,
        .value_size = value_size,
    };
    return 0;
}

int hfi_index_put(struct hfi_tx *tx, struct hfi_index *index, const struct hfi_key *key,
    const struct hfi_found *fresh, const struct hfi_found *old)
{
    struct hfi_cells table;
    struct hfi_found found;
    uint64_t cell;
    if (hfi_index_table(tx->heap, index, &table) != 0) {
        return EBADMSG;
    }
    int error = probe(tx->heap, &table, key, &found, &cell);
    if (old != NULL) {
        if (error != 0 || found.entry != old->entry) {
            return EBADMSG;
        }
        cell = found.cell;
    } else if (error != ENOENT || cell == 0) {
        return EBADMSG;
    }
    uint64_t *word = hfi_heap_address(tx->heap, cell);
    bool unspent = *word == HFI_CELL_EMPTY;
    hfi_tx_publish(tx, word, hfi_cell(fresh->entry, key->hash));
    if (old != NULL) {
        raise_version(tx, index);
        return hfi_heap_discard(tx, old->entry);
    }
    hfi_tx_publish(tx, &index->count, index->count + 1);
    if (unspent) {
        hfi_tx_publish(tx, &index->spent, index->spent + 1);
    }
    return 0;
}

int hfi_index_take_out(
    struct hfi_tx *tx, struct hfi_index *index, const struct hfi_found *found)
{
    hfi_tx_publish(tx, hfi_heap_address(tx->heap, found->cell), HFI_CELL_GONE);
    raise_version(tx, index);
    hfi_tx_publish(tx, &index->count, index->count - 1);
    return hfi_heap_discard(tx, found->entry);
}

int hfi_index_drop_table(struct hfi_tx *tx, struct hfi_index *index)
{
    hfi_tx_publish(tx, &index->table, 0);
    raise_version(tx, index);
    hfi_tx_publish(tx, &index->spent, 0);
    return index->table != 0 ? hfi_heap_discard(tx, index->table) : 0;
}
