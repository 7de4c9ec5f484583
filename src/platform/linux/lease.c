/* SPDX-License-Identifier: MIT */
/*
 * A lease is a robust, process-shared pthread mutex that its thread locks once: that puts
 * one word on the list that the kernel walks when the thread dies. libc owns that list;
 * we only read it, to learn where the word is and that the kernel knows of it.
 */
#include "platform/platform.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

_Static_assert(sizeof(pthread_mutex_t) <= HFI_LEASE_SIZE, "a pthread mutex fits a lease");

static pthread_mutex_t *mutex_of(struct hfi_lease *lease)
{
    return (pthread_mutex_t *)(void *)lease;
}

static int make_mutex(struct hfi_lease *lease)
{
    pthread_mutexattr_t attributes;
    int error = pthread_mutexattr_init(&attributes);
    if (error != 0) {
        return error;
    }
    error = pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    if (error == 0) {
        error = pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    }
    if (error == 0) {
        error = pthread_mutex_init(mutex_of(lease), &attributes);
    }
    pthread_mutexattr_destroy(&attributes);
    return error;
}

/*
 * Looks as the kernel will: an entry's futex lies futex_offset bytes from it. glibc and
 * musl put a lock that was just taken at the head; further on may be mutexes that their
 * owner has unmapped.
 */
static int find_word(const struct hfi_lease *lease, uint32_t *word)
{
    struct robust_list_head *head = NULL;
    size_t size;
    if (syscall(SYS_get_robust_list, 0, &head, &size) != 0 || head == NULL) {
        return ENOTSUP;
    }
    uintptr_t offset =
        (uintptr_t)head->list.next + (uintptr_t)head->futex_offset - (uintptr_t)lease;
    if (offset > HFI_LEASE_SIZE - sizeof *word || offset % sizeof *word != 0) {
        return ENOTSUP;
    }
    *word = (uint32_t)offset;
    return 0;
}

int hfi_lease_take(struct hfi_lease *lease, uint32_t *word)
{
    int error = make_mutex(lease);
    if (error == 0) {
        error = pthread_mutex_lock(mutex_of(lease));
    }
    if (error != 0) {
        return error;
    }
    error = find_word(lease, word);
    if (error != 0) {
        hfi_lease_give_back(lease);
    }
    return error;
}

void hfi_lease_give_back(struct hfi_lease *lease)
{
    pthread_mutex_unlock(mutex_of(lease));
}

bool hfi_lease_is_live(uint32_t lease_word)
{
    return (lease_word & FUTEX_TID_MASK) != 0 && (lease_word & FUTEX_OWNER_DIED) == 0;
}

uint32_t hfi_lease_watched(uint32_t lease_word)
{
    return lease_word | FUTEX_WAITERS;
}
