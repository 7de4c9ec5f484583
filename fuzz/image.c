/* SPDX-License-Identifier: MIT */
#include "image.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "heap/arena.h"
#include "subject.h"

static const hf_segment_config_t config = {.size = 24000,
    .root_size = sizeof(root_t),
    .max_participants = SLOTS,
    .max_size = 64000};

int object;
hf_segment_t *segment;
static char *pristine; /* the whole, with our lease in it */
static size_t size;
static struct hfi_header segment_header;
static uint64_t own_generation; /* in slot 0, in the pristine one */

unsigned long image_refused;

void require(int error, const char *what)
{
    if (error != 0) {
        fprintf(stderr, "fuzz: %s: %s\n", what, strerror(error));
        abort();
    }
}

/* ---- a sound image ---- */

static char *memory(void)
{
    return segment->heap.start;
}

void name_of(unsigned i, char *name)
{
    snprintf(name, HF_NAME_SIZE, "object %u", i);
}

size_t element_size(unsigned vector)
{
    return vector == 0 ? 1 : 8 * (2 * vector - 1);
}

size_t key_of(unsigned i, char *key)
{
    return (size_t)snprintf(key, KEY_SIZE, "key %0*u", (int)(i % 7 * 20), i);
}

static void fill_containers(void)
{
    char bytes[KEY_SIZE] = "element";
    for (unsigned i = 0; i < VECTORS; i++) {
        hf_vector_t *v = &root()->vectors[i];
        require(hf_vector_init(segment, v, element_size(i)), "hf_vector_init");
        for (unsigned n = 0; n < ELEMENTS; n++) {
            require(hf_vector_push_back(segment, v, bytes), "hf_vector_push_back");
        }
    }
    for (unsigned i = 0; i < KEYS; i++) {
        size_t n = key_of(i, bytes);
        require(hf_map_set(segment, &root()->map, bytes, n, bytes, n), "hf_map_set");
    }
    size_t n = key_of(1, bytes);
    require(hf_map_erase(segment, &root()->map, bytes, n), "hf_map_erase");
}

static void fill(void)
{
    char name[HF_NAME_SIZE];
    void *unused;
    for (unsigned i = 0; i < POINTERS - 2; i++) {
        require(hf_alloc(segment, &root()->pointers[i], 20 + i * i * 8), "hf_alloc");
    }
    for (unsigned i = 1; i < POINTERS - 2; i += 2) {
        hf_ptr_t *p = &root()->pointers[i];
        bool retire = i % 4 == 1;
        require(retire ? hf_rcu_replace(segment, p, NULL) : hf_free(segment, p),
            "taking a block back");
    }
    for (unsigned i = 0; i < OBJECTS; i++) {
        name_of(i, name);
        require(hf_object_find_or_construct(segment, name, 24 * i, NULL, NULL, &unused),
            "hf_object_find_or_construct");
    }
    require(hf_object_destroy(segment, name), "hf_object_destroy");
    for (unsigned i = 0; i < COUNTERS; i++) {
        hf_counter_t counter;
        name_of(i, name);
        require(hf_counter_open(segment, name, &counter), "hf_counter_open");
        require(hf_counter_add(counter, i), "hf_counter_add");
    }
    fill_containers();
    require(hf_permits_init(&root()->permits.head, PERMITS), "hf_permits_init");
    require(hf_barrier_init(&root()->barrier, 2), "hf_barrier_init");
}

static void keep(void)
{
    size = (size_t)segment->header.total_size;
    pristine = pristine != NULL ? pristine : malloc(size);
    memcpy(pristine, memory(), size);
    segment_header = segment->header;
    own_generation = segment->at.table.slots[0].generation;
}

/* Left and joined again: there is a dead one whose tag may stand somewhere. */
static void make_sound(void)
{
    require(hf_segment_open_fd(&segment, object, HF_CREATE, &config), "creating");
    fill();
    require(hf_segment_close(segment), "closing");
    require(hf_segment_open_fd(&segment, object, 0, NULL), "opening");
    require(hf_segment_check(segment, NULL, NULL), "hf_segment_check");
    keep();
}

void image_build(void)
{
    object = memfd_create("image", MFD_CLOEXEC);
    make_sound();
}

/* ---- damage ---- */

typedef struct {
    const uint8_t *at, *end;
} orders_t;

/* The next n bytes as a number; zeros when there are no more. */
static uint64_t next(orders_t *orders, unsigned n)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < n && orders->at < orders->end; i++) {
        value |= (uint64_t)*orders->at++ << 8 * i;
    }
    return value;
}

/* Where much hangs on little is looked at more often than its size asks for. */
static size_t somewhere(orders_t *orders)
{
    const struct hfi_header *header = &segment_header;
    size_t at = next(orders, 2);
    switch (next(orders, 1) % 5) {
    case 0: /* header and participants */
        return at % header->control_offset;
    case 1: /* directory, lock and journal */
        return header->control_offset + at % offsetof(struct hfi_heap_control, bins);
    case 2:
        return header->memory_offset + at % sizeof(root_t);
    case 3: /* RCU; counters: the names, and the first groups */
        return header->rcu_offset + at % (sizeof(struct hfi_rcu_control) +
                                             offsetof(struct hfi_counters, groups[4]));
    default:
        return at;
    }
}

/* A place for n bytes; more often than not on the grid. */
static size_t place(orders_t *orders, size_t n)
{
    size_t at = somewhere(orders) % (size - n + 1);
    return (next(orders, 1) & 7) != 0 ? at & ~(size_t)7 : at;
}

static void put(char *image, size_t at, uint64_t value)
{
    memcpy(image + at, &value, sizeof value);
}

/* Our own tag, an incarnation ago: nobody's any more. */
static void begin_transaction(char *image, orders_t *orders)
{
    struct hfi_heap_control *control = (void *)(image + segment_header.control_offset);
    uint64_t dead = hfi_tag(0, own_generation - 1);
    memcpy(&control->lock, &dead, sizeof dead);
    unsigned what = (unsigned)next(orders, 1);
    control->journal.state = (uint64_t)(what & 1) << 32 | what >> 1;
    struct hfi_record *records =
        (what & 1) != 0 ? control->journal.publish : control->journal.undo;
    for (unsigned i = 0; i < (what >> 1 & 7); i++) {
        records[i].offset = place(orders, sizeof(uint64_t)) & ~UINT64_C(7);
        records[i].value = next(orders, 2);
    }
}

/* An order: its first byte says what, the next ones where and what with. */
static void damage_once(char *image, orders_t *orders)
{
    unsigned what = (unsigned)next(orders, 1) % 8;
    size_t n = what < 5 ? sizeof(uint64_t) : next(orders, 1) + (what == 7 ? 2000 : 1);
    size_t at = place(orders, n);
    switch (what) {
    case 0: /* any value */
        put(image, at, next(orders, 8));
        break;
    case 1: /* a small one */
        put(image, at, next(orders, 2));
        break;
    case 2: /* an offset, somewhere in the image or just behind it */
        put(image, at, next(orders, 2) & ~UINT64_C(7));
        break;
    case 3: /* a header that has the right check */
        at = (at & ~(size_t)15) | 8;
        put(image, at + 8 > size ? at - 16 : at,
            hfi_block_header(
                at, next(orders, 2) & ~UINT64_C(15), (unsigned)next(orders, 1) & 3));
        break;
    case 4: /* a power of two, or one bit less */
        put(image, at, (UINT64_C(1) << next(orders, 1) % 64) - next(orders, 1) % 2);
        break;
    case 5:
        begin_transaction(image, orders);
        break;
    case 6: /* something from elsewhere */
        memmove(image + at, pristine + place(orders, n), n);
        break;
    default: /* a whole region */
        memset(image + at, (int)next(orders, 1), n);
        break;
    }
}

/* A sound header, but of another segment's shape; a file of another size. */
static void damage_shape(char *image, orders_t *orders)
{
    hf_segment_config_t other = config;
    unsigned what = (unsigned)next(orders, 1) % 4;
    struct hfi_header header;
    if (what == 0) {
        return;
    }
    other.size += next(orders, 2) - other.size / 2;
    other.max_size = what == 1 ? other.max_size : other.size + next(orders, 3);
    other.root_size = 1 + next(orders, what);
    other.max_participants = 1 + (unsigned)next(orders, 1);
    if (hfi_layout_plan(&other, &header) == 0) {
        memcpy(image, &header, sizeof header);
    }
    off_t cut = (off_t)(what == 3 ? next(orders, 2) : header.total_size);
    require(ftruncate(object, cut), "ftruncate");
}

static void damage(char *image, orders_t *orders)
{
    while (orders->at < orders->end) {
        damage_once(image, orders);
    }
}

/* ---- the same mapping again ---- */

/*
 * Our own lease is libc's, which believes what is in it: what can be damaged there before
 * we join can be damaged here, and nothing more.
 */
static void damage_in_place(orders_t *orders)
{
    struct hfi_lease lease = own_slot()->lease;
    hfi_tally_end(&segment->at); /* where its cells were, this image has what it has */
    memcpy(memory(), pristine, size);
    damage(memory(), orders);
    own_slot()->lease = lease;
}

static void damage_and_open(orders_t *orders)
{
    static char *image;
    if (segment != NULL) {
        require(hf_segment_close(segment), "closing");
    }
    image = image != NULL ? image : malloc(size);
    memcpy(image, pristine, size);
    require(ftruncate(object, (off_t)size), "ftruncate");
    damage_shape(image, orders);
    damage(image, orders);
    off_t end = lseek(object, 0, SEEK_END);
    size_t n = (size_t)end < size ? (size_t)end : size;
    require(pwrite(object, image, n, 0) == (ssize_t)n ? 0 : EIO, "pwrite");
    if (hf_segment_open_fd(&segment, object, 0, NULL) != 0) {
        segment = NULL;
    }
}

/* After an image of another shape, the next one is damaged in place again. */
static void start_over(void)
{
    if (segment != NULL) {
        require(hf_segment_close(segment), "closing");
    }
    require(ftruncate(object, 0), "ftruncate");
    make_sound();
}

/* The object may have grown. */
static void shrink(void)
{
    uint64_t *known = &segment->at.region.info.size;
    if (*known > size) {
        require(ftruncate(object, (off_t)size), "ftruncate");
        *known = size;
    }
}

void image_try(const uint8_t *bytes, size_t n)
{
    orders_t orders = {.at = bytes, .end = bytes + n};
    unsigned how = (unsigned)next(&orders, 1);
    bool reopen = how % 16 == 0;
    if (reopen) {
        damage_and_open(&orders);
    } else {
        damage_in_place(&orders);
    }
    image_refused += segment == NULL;
    if (reopen && segment != NULL) {
        look_read_only();
    }
    if (segment != NULL) {
        call_all(how / 16 + how);
    }
    if (reopen) {
        start_over();
    } else {
        shrink();
    }
}
