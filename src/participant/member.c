/* SPDX-License-Identifier: MIT */
#include "participant/member.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "participant/tally.h"

enum { NARROW = 16, WIDE = 32 }; /* bytes: primitives with a fast path */

_Thread_local struct hfi_here hfi_here;

/* The segments that the thread has joined. */
static _Thread_local struct {
    struct hfi_member *list;
    unsigned count, capacity;
    uint32_t incarnation; /* the process in which it did */
} joined;

static pthread_key_t at_thread_exit;
static pthread_once_t key_once = PTHREAD_ONCE_INIT;
static int key_error;

static uint32_t incarnation(void)
{
    return hfi_load32_acquire(hfi_incarnation);
}

static void forget_here(void)
{
    hfi_here = (struct hfi_here){.begin = 0};
}

static uintptr_t units_for(uintptr_t length, uintptr_t size)
{
    return length < size ? 0 : (length - size) / HFI_GRID + 1;
}

static void remember_here(const struct hfi_member *member)
{
    uintptr_t length = member->at->length;
    hfi_here = (struct hfi_here){
        .begin = member->at->begin,
        .units = units_for(length, NARROW),
        .wide_units = units_for(length, WIDE),
        .at = member->at,
        .tag = member->tag,
        .slot = hfi_member_slot(member),
        .epoch = member->at->table.epoch,
        .start = (uintptr_t)member->at->region.memory,
        .incarnation = joined.incarnation,
    };
}

/* In a child of fork the list is the parent's: what is in it is not ours, nor ours to
 * leave. */
static void forget_the_parents(void)
{
    if (joined.incarnation != incarnation()) {
        joined.count = 0;
        joined.incarnation = incarnation();
        hfi_tally_end(NULL);
    }
}

static void leave(unsigned i)
{
    struct hfi_member member = joined.list[i];
    joined.list[i] = joined.list[--joined.count];
    forget_here();
    hfi_tally_end(member.at);
    if (hfi_table_leave(&member.at->table, member.tag)) {
        hfi_attachment_drop_member(member.at);
    }
}

void hfi_member_leave(struct hfi_attachment *at)
{
    forget_the_parents();
    for (unsigned i = 0; i < joined.count; i++) {
        if (joined.list[i].at == at) {
            leave(i);
            return;
        }
    }
}

/* A destructor of the user's may run later, and join once more: then so do we. */
static void on_thread_exit(void *unused)
{
    (void)unused;
    int saved = errno;
    hfi_process_lock();
    forget_the_parents();
    while (joined.count > 0) {
        leave(joined.count - 1);
    }
    hfi_process_unlock();
    free(joined.list);
    joined.list = NULL;
    joined.capacity = 0;
    errno = saved;
}

static void make_key(void)
{
    key_error = pthread_key_create(&at_thread_exit, on_thread_exit);
}

static int make_room(void)
{
    pthread_once(&key_once, make_key);
    int error = key_error != 0 ? key_error : pthread_setspecific(at_thread_exit, &joined);
    if (error != 0 || joined.count < joined.capacity) {
        return error;
    }
    unsigned capacity = joined.capacity == 0 ? 4 : 2 * joined.capacity;
    struct hfi_member *list = realloc(joined.list, capacity * sizeof *list);
    if (list == NULL) {
        return ENOMEM;
    }
    joined.list = list;
    joined.capacity = capacity;
    return 0;
}

int hfi_member_renew(void)
{
    if (incarnation() != 0) {
        return 0;
    }
    int error = hfi_renew_incarnation();
    if (error == 0) {
        hfi_attachment_forget_members();
    }
    return error;
}

/* Requires the process lock. */
static int join(const void *address, size_t size)
{
    int error = hfi_member_renew();
    if (error != 0) {
        return error;
    }
    forget_the_parents();
    struct hfi_attachment *at = hfi_attachment_at(address, size);
    if (at == NULL) {
        return EINVAL;
    }
    if (at->region.read_only) {
        return EACCES;
    }
    error = make_room();
    uint64_t tag;
    if (error == 0) {
        error = hfi_table_join(&at->table, &tag);
    }
    if (error == 0) {
        hfi_attachment_add_member(at);
        joined.list[joined.count++] = (struct hfi_member){.at = at, .tag = tag};
    }
    return error;
}

static const struct hfi_member *find(const void *address, size_t size)
{
    if (joined.incarnation != incarnation()) {
        return NULL;
    }
    for (unsigned i = 0; i < joined.count; i++) {
        if (hfi_attachment_holds(joined.list[i].at, address, size)) {
            return &joined.list[i];
        }
    }
    return NULL;
}

int hfi_member_at(const void *address, size_t size, const struct hfi_member **member)
{
    if ((uintptr_t)address % HFI_GRID != 0) {
        return EINVAL;
    }
    *member = find(address, size);
    if (*member == NULL) {
        int saved = errno;
        hfi_process_lock();
        int error = join(address, size);
        hfi_process_unlock();
        errno = saved;
        if (error != 0) {
            return error;
        }
        *member = find(address, size);
    }
    remember_here(*member);
    return 0;
}
