/* SPDX-License-Identifier: MIT */
/*
 * Opening and closing. Commit points: of a named segment's creation, the link that gives
 * the finished object its name (dying before it, the nameless object goes with us); of
 * one built in a descriptor's object, the store of the signature (dying before it, the
 * object is marked unfinished, our claim on it is gone, and the next creator starts
 * over).
 */
#include <holdfast/segment.h>
#include <holdfast/shm.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/deadline.h"
#include "participant/member.h"
#include "region/region.h"
#include "segment/layout.h"
#include "segment/segment.h"

/* The claim, beyond those of the slots, that admits to building in a descriptor's object.
 */
#define BUILDING HFI_SLOTS_MAX

static const hf_segment_config_t no_wishes = {.size = 0};

/* ---- attaching what exists ---- */

static struct hfi_heap heap_of(
    const struct hfi_region *region, const struct hfi_header *header)
{
    char *memory = region->memory;
    return (struct hfi_heap){
        .start = memory,
        .control = (struct hfi_heap_control *)(void *)(memory + header->control_offset),
        .first = hfi_layout_arena(header),
        .limit = header->total_limit,
        .region = region,
    };
}

static void describe(struct hf_segment *seg, const struct hfi_header *header)
{
    char *memory = seg->at.region.memory;
    seg->header = *header;
    seg->heap = heap_of(&seg->at.region, header);
    seg->rcu = (struct hfi_rcu_control *)(void *)(memory + header->rcu_offset);
    seg->counters = hfi_heap_address(&seg->heap, hfi_layout_counters(header));
    seg->at.begin = (uintptr_t)seg->heap.control;
    seg->at.length = (uintptr_t)(header->total_limit - header->control_offset);
    seg->at.table = (struct hfi_table){
        .slots = (struct hfi_slot *)(void *)(memory + header->table_offset),
        .used = &((struct hfi_header *)(void *)memory)->slots_used,
        .epoch = &seg->rcu->epoch,
        .count = header->slot_count,
        .region = &seg->at.region,
    };
}

/* Takes the region over, mapped or not. Requires the process lock. */
static int attach(
    hf_segment_t **seg, struct hfi_region *region, const struct hfi_header *header)
{
    int error = hfi_member_renew();
    if (error == 0 && region->memory == NULL) {
        error = hfi_region_map(region, header->total_limit);
    }
    struct hf_segment *fresh = error == 0 ? calloc(1, sizeof *fresh) : NULL;
    if (fresh == NULL) {
        hfi_region_close(region);
        return error != 0 ? error : ENOMEM;
    }
    fresh->at.region = *region;
    describe(fresh, header);
    fresh->at.opens = 1;
    hfi_attachment_add(&fresh->at);
    *seg = fresh;
    return 0;
}

/* Reads it rather than mapping it: a file that is cut short meanwhile is no fault then.
 */
static int read_header(const struct hfi_region *region, struct hfi_header *header)
{
    int error = hfi_object_read(region->object, header, sizeof *header);
    return error != 0 ? error : hfi_layout_verify(header, region->info.size);
}

/* A copy that left zeros out, say: they shall be ENOSPC now rather than a fault later. */
static int fill_holes(const struct hfi_region *region)
{
    bool needed = region->info.has_holes && !region->read_only;
    int error = needed ? hfi_object_allocate(region->object, 0, region->info.size) : 0;
    return error == ENOSPC ? ENOSPC : 0; /* not every file system allocates */
}

/* Takes the region over. Requires the process lock. */
static int attach_existing(
    hf_segment_t **seg, struct hfi_region *region, const hf_segment_config_t *config)
{
    struct hfi_header header;
    int error = read_header(region, &header);
    if (error == 0 && !hfi_layout_offers(&header, region->info.size, config)) {
        error = EINVAL;
    }
    if (error == 0) {
        error = fill_holes(region);
    }
    if (error != 0) {
        hfi_region_close(region);
        return error;
    }
    struct hfi_attachment *at = hfi_attachment_of_object(
        region->info.device, region->info.inode, region->read_only);
    if (at == NULL) {
        return attach(seg, region, &header);
    }
    hfi_attachment_reopen(at, region);
    *seg = (struct hf_segment *)(void *)at;
    return 0;
}

/* ---- by name ---- */

struct wish {
    hf_segment_t **seg;
    const char *name;
    unsigned flags;
    const hf_segment_config_t *config;
};

static int find(void *arg)
{
    const struct wish *wish = arg;
    struct hfi_region region;
    hfi_process_lock();
    int error = hfi_region_open(&region, wish->name, (wish->flags & HF_READ_ONLY) != 0);
    if (error == 0) {
        error = attach_existing(wish->seg, &region, wish->config);
    }
    hfi_process_unlock();
    return error;
}

static void format_heap(const struct hfi_region *region, const struct hfi_header *header)
{
    struct hfi_heap heap = heap_of(region, header);
    hfi_heap_format(&heap, header->total_size);
}

static int build(struct hfi_region *region, struct hfi_header *header,
    const hf_segment_config_t *config)
{
    int error = hfi_layout_plan(config, header);
    if (error == 0) {
        error = hfi_region_create(region, config->permissions);
    }
    if (error == 0) {
        error = hfi_region_allocate(region, header->total_size, header->total_limit);
    }
    if (error == 0) {
        memcpy(region->memory, header, sizeof *header);
        format_heap(region, header);
    }
    return error;
}

static int make(void *arg)
{
    const struct wish *wish = arg;
    struct hfi_header header;
    struct hfi_region region;
    int error = build(&region, &header, wish->config);
    if (error != 0) {
        return error;
    }
    hfi_process_lock();
    error = hfi_object_publish(region.object, wish->name);
    if (error == 0) {
        error = attach(wish->seg, &region, &header);
    } else {
        hfi_region_close(&region);
    }
    hfi_process_unlock();
    return error;
}

/* ---- by descriptor ---- */

/* For an object that has so many bytes already, and may not become smaller. */
static int plan_for(const struct hfi_region *region, const hf_segment_config_t *config,
    struct hfi_header *header)
{
    int error = hfi_layout_plan(config, header);
    if (error != 0 || region->info.size <= header->total_limit) {
        return error;
    }
    error = hfi_object_cut(region->object, header->total_size);
    if (error == EPERM) { /* then it has all of it */
        hf_segment_config_t larger = *config;
        larger.size = larger.max_size =
            (size_t)(region->info.size - header->memory_offset);
        error = hfi_layout_plan(&larger, header);
    }
    return error;
}

/* Requires the process lock and the claim on building. */
static int build_in_place(
    hf_segment_t **seg, struct hfi_region *region, const hf_segment_config_t *config)
{
    struct hfi_header header;
    char mark[HFI_SIGNATURE_SIZE];
    uint64_t left_over = region->info.size; /* of a creator that died, with its bytes */
    hfi_layout_mark_unfinished(mark);
    int error = hfi_object_write(region->object, mark, sizeof mark);
    if (error == 0) {
        error = plan_for(region, config, &header);
    }
    if (error != 0) {
        hfi_region_close(region);
        return error;
    }
    error = hfi_region_allocate(region, header.total_size, header.total_limit);
    if (error != 0) {
        return error;
    }
    if (left_over > sizeof mark) {
        uint64_t end = left_over < header.total_size ? left_over : header.total_size;
        memset((char *)region->memory + sizeof mark, 0, (size_t)end - sizeof mark);
    }
    memcpy((char *)region->memory + sizeof mark, (char *)&header + sizeof mark,
        sizeof header - sizeof mark);
    format_heap(region, &header);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    memcpy(region->memory, header.signature, sizeof mark);
    return attach(seg, region, &header);
}

/* Or as good as: of a creator that died, or with a size and nothing else yet. */
static bool is_empty(const struct hfi_region *region)
{
    char signature[HFI_SIGNATURE_SIZE];
    bool unfinished = hfi_object_read(region->object, signature, sizeof signature) == 0 &&
                      hfi_layout_is_unfinished(signature);
    return unfinished || hfi_object_is_zero(region->object, region->info.size);
}

static int open_or_build(hf_segment_t **seg, struct hfi_region *region, unsigned flags,
    const hf_segment_config_t *config)
{
    /* Its size may be another since it was opened: somebody may have finished it. */
    int error = hfi_object_inspect(region->object, &region->info);
    if (error != 0) {
        hfi_region_close(region);
        return error;
    }
    if ((flags & HF_CREATE) != 0 && is_empty(region)) {
        return build_in_place(seg, region, config);
    }
    if ((flags & HF_EXCLUSIVE) != 0) {
        hfi_region_close(region);
        return EEXIST;
    }
    return attach_existing(seg, region, config);
}

/* EBUSY: somebody builds in it just now. */
static int open_by_fd(
    hf_segment_t **seg, int fd, unsigned flags, const hf_segment_config_t *config)
{
    struct hfi_region region;
    bool read_only = (flags & HF_READ_ONLY) != 0;
    int error = hfi_region_open_fd(&region, fd, read_only);
    if (error != 0) {
        return error;
    }
    int object = region.object;
    struct hfi_claim claim;
    error = read_only ? 0 : hfi_claim(&claim, object, &region.info, BUILDING);
    if (error != 0) {
        hfi_region_close(&region);
        return error;
    }
    error = open_or_build(seg, &region, flags, config);
    if (!read_only) {
        hfi_unclaim(&claim, object, BUILDING);
    }
    return error == EPERM ? EACCES : error; /* sealed */
}

/* ---- public ---- */

static int check_arguments(
    hf_segment_t **seg, unsigned flags, const hf_segment_config_t *config)
{
    struct hfi_header unused;
    if (seg == NULL) {
        return EINVAL;
    }
    *seg = NULL;
    return hfi_region_are_flags_valid(flags) ? hfi_layout_plan(config, &unused) : EINVAL;
}

int hf_segment_open(hf_segment_t **seg, const char *name, unsigned flags,
    const hf_segment_config_t *config)
{
    config = config != NULL ? config : &no_wishes;
    int error = check_arguments(seg, flags, config);
    name = hfi_region_name(name);
    if (error != 0 || name == NULL) {
        return error != 0 ? error : EINVAL;
    }
    int saved = errno;
    struct wish wish = {seg, name, flags, config};
    error = hfi_region_find_or_make(flags, find, make, &wish);
    errno = saved;
    return error;
}

int hf_segment_open_fd(
    hf_segment_t **seg, int fd, unsigned flags, const hf_segment_config_t *config)
{
    config = config != NULL ? config : &no_wishes;
    int error = check_arguments(seg, flags, config);
    if (error != 0) {
        return error;
    }
    int saved = errno;
    for (;;) {
        hfi_process_lock();
        error = open_by_fd(seg, fd, flags, config);
        hfi_process_unlock();
        if (error != EBUSY) {
            break;
        }
        hfi_pause(HFI_MILLISECOND);
    }
    errno = saved;
    return error;
}

int hf_segment_close(hf_segment_t *seg)
{
    int saved = errno;
    hfi_process_lock();
    bool open = seg != NULL && hfi_attachment_is_open(&seg->at);
    int error = open ? hfi_member_renew() : EINVAL;
    if (error == 0) {
        if (seg->at.opens == 1) {
            hfi_member_leave(&seg->at);
        }
        hfi_attachment_close(&seg->at);
    }
    hfi_process_unlock();
    errno = saved;
    return error;
}

int hf_segment_remove(const char *name)
{
    return hf_shm_remove(name);
}

void *hf_segment_root(const hf_segment_t *seg)
{
    return seg != NULL ? seg->heap.start + seg->header.memory_offset : NULL;
}
