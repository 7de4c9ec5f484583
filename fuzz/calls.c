/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image.h"
#include "subject.h"

unsigned long image_sound;
static volatile char seen; /* of what was read through pointers */

/* What a call says of damaged memory is its business. */
static void ignore(int error)
{
    (void)error;
}

static void ask_primitives(root_t *r)
{
    hf_owner_t who;
    unsigned value;
    ignore(hf_mutex_check(&r->mutex));
    ignore(hf_mutex_owner(&r->mutex, &who));
    ignore(hf_cond_owner(&r->cond, &who));
    ignore(hf_sem_owner(&r->sem, &who));
    ignore(hf_sem_getvalue(&r->sem, &value));
    ignore(hf_event_owner(&r->event, &who));
    ignore(hf_once_owner(&r->once, &who));
    ignore(hf_barrier_owner(&r->barrier, &who));
    ignore(hf_rwlock_owner(&r->rwlock, &who));
    ignore(hf_rwlock_check(&r->rwlock));
    ignore(hf_permits_check(&r->permits.head));
    for (unsigned i = 0; i < PERMITS; i++) {
        ignore(hf_permits_owner(&r->permits.head, i, &who));
    }
    ignore(hf_permits_owner(&r->permits.head, 3000, &who)); /* if it says it has them */
}

static void try_primitives(root_t *r)
{
    unsigned which;
    if (hf_mutex_trylock(&r->mutex) == 0) {
        ignore(hf_cond_signal(&r->cond));
        ignore(hf_mutex_unlock(&r->mutex));
    }
    ignore(hf_sem_post(&r->sem));
    ignore(hf_sem_trywait(&r->sem));
    ignore(hf_event_set(&r->event));
    ignore(hf_event_trywait(&r->event));
    if (hf_rwlock_tryrdlock(&r->rwlock) == 0) {
        ignore(hf_rwlock_unlock(&r->rwlock));
    }
    if (hf_rwlock_trywrlock(&r->rwlock) == 0) {
        ignore(hf_rwlock_unlock(&r->rwlock));
    }
    if (hf_permits_tryacquire(&r->permits.head, &which) == 0) {
        ignore(hf_permits_release(&r->permits.head, which));
    }
}

static void see(const char *name, int64_t sum, void *arg)
{
    (void)sum;
    *(size_t *)arg += strlen(name);
}

static void look_at_counters(hf_segment_t *seg)
{
    char name[HF_NAME_SIZE];
    size_t length = 0;
    int64_t sum;
    ignore(hf_counter_each(seg, see, &length));
    for (unsigned i = 0; i < COUNTERS; i++) {
        hf_counter_t counter = {seg, (uint16_t)(i * i * 100)};
        name_of(i, name);
        ignore(hf_counter_read(counter, &sum));
        if (hf_counter_open(seg, name, &counter) == 0) { /* it may be lost, and new */
            ignore(hf_counter_read(counter, &sum));
        }
    }
}

static void look(void)
{
    hf_segment_info_t info;
    hf_object_cursor_t cursor = {0};
    char name[HF_NAME_SIZE];
    void *found;
    size_t n;
    ignore(hf_segment_info(segment, &info));
    for (unsigned i = 0; i < OBJECTS; i++) {
        name_of(i, name);
        if (hf_object_find(segment, name, &found, &n) == 0 && n > 0) {
            *(volatile char *)found = ((volatile char *)found)[n - 1];
        }
    }
    for (unsigned i = 0; i < 2 * OBJECTS; i++) {
        if (hf_object_next(segment, &cursor, name, &found, &n) != 0) {
            break;
        }
    }
    ignore(hf_object_count(segment, &n));
    for (unsigned i = 0; i < POINTERS; i++) {
        if (hf_ptr_check(segment, &root()->pointers[i], 24, &found) == 0 &&
            found != NULL) {
            *(volatile char *)found = 1;
            ignore(hf_usable_size(segment, found, &n));
        }
    }
}

static void look_at_vector(hf_segment_t *seg, hf_vector_t *v)
{
    char element[64];
    if (hf_vector_check(seg, v) != 0) {
        return; /* the pointers believe it */
    }
    if (v->hf_element_size <= sizeof element) {
        for (size_t i = 0; i <= ELEMENTS; i++) {
            ignore(hf_vector_get(seg, v, i, element));
        }
    }
    volatile char *last = hf_vector_at(v, hf_vector_size(v) - 1);
    seen ^= last != NULL ? *last : 0;
}

static void look_at_map(hf_segment_t *seg, hf_map_t *map)
{
    char key[KEY_SIZE], value[KEY_SIZE];
    hf_map_cursor_t cursor = {0};
    size_t n, size;
    ignore(hf_map_count(seg, map, &n));
    for (unsigned i = 0; i < KEYS; i++) {
        n = key_of(i, key);
        size = i % 3 * 50;
        ignore(hf_map_get(seg, map, key, n, value, &size));
    }
    for (unsigned i = 0; i < 2 * KEYS; i++) {
        n = sizeof key;
        size = sizeof value;
        if (hf_map_next(seg, map, &cursor, key, &n, value, &size) != 0) {
            break;
        }
    }
}

static void look_at_containers(hf_segment_t *seg)
{
    root_t *r = hf_segment_root(seg);
    for (unsigned i = 0; i < VECTORS; i++) {
        look_at_vector(seg, &r->vectors[i]);
    }
    look_at_map(seg, &r->map);
}

/* Whatever stands in it. */
static void change_containers(unsigned i)
{
    root_t *r = root();
    char key[KEY_SIZE], element[64] = "fresh";
    size_t n = key_of(i % (2 * KEYS), key);
    hf_vector_t *v = &r->vectors[i % VECTORS];
    ignore(hf_map_check(segment, &r->map));
    ignore(hf_map_set(segment, &r->map, key, n, key, n));
    ignore(hf_map_insert(segment, &r->map, key + 1, n - 1, NULL, 0));
    ignore(hf_map_erase(segment, &r->map, key, n));
    if (v->hf_element_size <= sizeof element) {
        ignore(hf_vector_push_back(segment, v, element));
        ignore(hf_vector_pop_back(segment, v, element));
    }
    ignore(hf_vector_reserve(segment, v, i * 3));
    ignore(i % 2 == 0 ? hf_vector_clear(segment, v) : hf_vector_free(segment, v));
    ignore(i % 2 == 0 ? hf_map_clear(segment, &r->map) : hf_map_free(segment, &r->map));
}

static void look_at_rcu(void)
{
    hf_rcu_info_t info;
    hf_owner_t reader;
    ignore(hf_rcu_info(segment, &info));
    ignore(hf_rcu_stalled(segment, &reader));
    ignore(hf_rcu_read_unlock(segment));
    ignore(hf_rcu_read_lock(segment));
    ignore(hf_rcu_read_unlock(segment));
}

static int count(unsigned i)
{
    char name[HF_NAME_SIZE];
    hf_counter_t counter;
    name_of(i % (COUNTERS + 4), name);
    int error = hf_counter_open(segment, name, &counter);
    return error != 0 ? error : hf_counter_add(counter, i);
}

/* These work in what is sound. */
static int change(unsigned i)
{
    char name[HF_NAME_SIZE];
    void *found;
    hf_ptr_t *fresh = &root()->pointers[POINTERS - 1];
    hf_ptr_set(fresh, NULL);
    name_of(i % (OBJECTS + 4), name);
    int error = hf_alloc(segment, fresh, i * 40);
    if (error == 0) {
        error = hf_realloc(segment, fresh, i * 60);
    }
    if (error == 0) {
        error = hf_alloc_aligned(segment, fresh - 1, i, UINT32_C(1) << i % 13);
    }
    if (error == 0 || error == EEXIST || error == ENOSPC) {
        error = hf_object_find_or_construct(segment, name, i, NULL, NULL, &found);
    }
    if (error == 0) {
        error = hf_object_destroy(segment, name);
    }
    if (error == 0) {
        error = hf_rcu_replace(segment, fresh, fresh - 1);
        error = error != EAGAIN && error != ENOSPC ? error : 0;
    }
    if (error == 0 || error == ENOSPC) {
        error = count(i);
    }
    if (error == 0 && i % 8 == 0) {
        error = hf_segment_grow(segment, 20000 + i * 100);
    }
    return error;
}

/* Users' pointers may be damaged where nothing else is. */
static void change_wildly(void)
{
    hf_heap_info_t info;
    hf_ptr_t *p = root()->pointers;
    for (unsigned i = 0; i + 3 < POINTERS; i += 3) {
        ignore(hf_ptr_swap(segment, &p[i], &p[i + 1]));
        ignore(hf_free(segment, &p[i]));
        ignore(hf_realloc(segment, &p[i + 1], 30 * i));
        ignore(hf_alloc(segment, &p[i + 2], 100 * i));
    }
    ignore(hf_rcu_replace(segment, &p[0], &p[2]));
    ignore(hf_rcu_retire(segment, hf_ptr_get(&p[3])));
    ignore(hf_rcu_barrier(segment));
    for (unsigned i = 0; i < COUNTERS; i++) {
        ignore(hf_counter_add((hf_counter_t){segment, (uint16_t)(i * i * 100)}, 1));
    }
    ignore(hf_heap_info(segment, &info));
}

/* Nobody else lives here: who seems to would be waited for, and rightly. */
static void bury_others(void)
{
    uint64_t tag;
    ignore(hf_mutex_trylock(&root()->mutex)); /* join */
    for (uint32_t i = 0; i < segment->at.table.count; i++) {
        struct hfi_slot *slot = &segment->at.table.slots[i];
        if (slot != own_slot() && hfi_table_occupied(&segment->at.table, i, &tag)) {
            memset(&slot->lease, 0, sizeof slot->lease);
        }
    }
    if (own_slot() != NULL) {
        own_slot()->generation = hfi_tag_generation(hfi_here.tag);
    }
}

static void show_fault(const char *words, void *arg)
{
    fprintf(stderr, "%s: %s\n", (const char *)arg, words);
}

void look_read_only(void)
{
    hf_segment_t *reader;
    char name[HF_NAME_SIZE];
    void *found;
    size_t n;
    if (hf_segment_open_fd(&reader, object, HF_READ_ONLY, NULL) == 0) {
        name_of(3, name);
        ignore(hf_segment_check(reader, NULL, NULL));
        ignore(hf_object_find(reader, name, &found, &n));
        ignore(hf_object_count(reader, &n));
        look_at_counters(reader);
        if (reader->header.root_size >= sizeof(root_t)) {
            look_at_containers(reader);
        }
        ignore(hf_alloc(reader, hf_segment_root(reader), 1));
        require(hf_segment_close(reader), "closing");
    }
}

void call_all(unsigned i)
{
    bool has_root = segment->header.root_size >= sizeof(root_t);
    look();
    if (has_root) {
        ask_primitives(root());
        try_primitives(root());
        look_at_containers(segment);
    }
    bury_others();
    look_at_rcu();
    if (hf_segment_check(segment, NULL, NULL) == 0) {
        image_sound++;
        int error = change(i);
        if (error == EBADMSG ||
            hf_segment_check(segment, show_fault, "was sound before") != 0) {
            fprintf(stderr, "fuzz: sound, and then: %s\n", strerror(error));
            abort();
        }
    } else {
        ignore(change(i));
    }
    look_at_counters(segment);
    change_wildly();
    if (has_root) {
        change_containers(i);
    }
    ignore(hf_segment_check(segment, NULL, NULL));
}
