/* SPDX-License-Identifier: MIT */
/*
 * The one seam to the system: a port writes what is declared here. All above it is C11,
 * but for liburcu and a thread's exit (participant/) and the clock (base/deadline.c).
 * Calls that can fail return 0 or a positive errno value.
 */
#ifndef HFI_PLATFORM_H
#define HFI_PLATFORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- processors ---- */

bool hfi_single_cpu(void); /* nobody else runs while we spin */

static inline void hfi_cpu_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__) || defined(__arm__)
    __asm__ volatile("yield");
#endif
}

/*
 * A fence on every thread, of whatever process, that may be in the middle of a store and
 * a load without one (membarrier). False: it cannot be done; those who count on it must
 * not sleep long.
 */
bool hfi_fence_everyone(void);

#pragma GCC visibility push(hidden)
/* Whether that reaches this process. If not, it needs fences of its own. Valid as the
 * nonce. */
extern bool hfi_reached_by_fences;
#pragma GCC visibility pop

/* ---- processes and threads ---- */

uint32_t hfi_process_id(void);
uint32_t hfi_thread_id(void);

/* A random number that tells this process from any other, whatever PID namespace that is
 * in. Valid after hfi_renew_incarnation. */
uint64_t hfi_process_nonce(void);

/*
 * Points to a number that no two processes related by fork share: the kernel wipes it to
 * 0 in a child, by whatever call the child was made, until hfi_renew_incarnation there. A
 * thread's cached identity carries the number that it was made under. Never null.
 */
#pragma GCC visibility push(hidden)
extern const uint32_t *hfi_incarnation;
#pragma GCC visibility pop

/* Gives this process a number that it has never had. Requires the process lock. */
int hfi_renew_incarnation(void);

/* Zero bytes that a child of fork, by whatever call it was made, finds zero again, like
 * the incarnation. ENOMEM, ENOTSUP. */
int hfi_wiped_map(size_t size, void **memory);
void hfi_wiped_unmap(void *memory, size_t size);

/*
 * One lock per process, for what happens rarely: attach, detach, join, leave. A fork
 * waits for it, so a child never finds it held. Never held while waiting for another
 * process.
 */
void hfi_process_lock(void);
void hfi_process_unlock(void);

/* ---- shared-memory objects ---- */

struct hfi_object_info {
    uint64_t size;
    uint64_t device, inode; /* what it is, however it was opened */
    bool regular;           /* a plain file of bytes */
    bool has_holes;         /* bytes without memory: touching them may be a fault */
    bool foreign_and_open;  /* of another user, and writable by the whole world */
};

/* EACCES: also for what is no plain file of bytes, a symbolic link for one. */
int hfi_object_open(int *object, const char *name, bool read_only);
int hfi_object_duplicate(
    int *object, int fd, bool *read_only); /* what the descriptor is */
/* An object without a name, of which nothing is left if we die before it is published. */
int hfi_object_create(int *object, unsigned permissions);
/* One that no name leads to, and that nobody can make smaller. */
int hfi_object_create_anonymous(int *object);
int hfi_object_publish(int object, const char *name); /* EEXIST */
int hfi_object_remove(const char *name);
int hfi_object_inspect(int object, struct hfi_object_info *info);
/* The bytes [from, size) get memory, for certain: ENOSPC now or never. */
int hfi_object_allocate(int object, uint64_t from, uint64_t size);
/* EPERM: it is one that nobody can make smaller. */
int hfi_object_cut(int object, uint64_t size);

enum hfi_access {
    HFI_ACCESS_READ,
    HFI_ACCESS_WRITE,
    HFI_ACCESS_COPY /* what is written stays in this process */
};

/* Any offset; *memory is what stands there. */
int hfi_object_map(
    int object, uint64_t offset, size_t size, enum hfi_access access, void **memory);
int hfi_object_flush(void *memory, size_t size); /* any part of what is mapped */
void hfi_object_unmap(void *memory, size_t size);
/* Whether the object reaches to this byte of what is mapped: to touch it is no fault. */
bool hfi_object_is_behind(const void *byte);
void hfi_object_close(int object);
int hfi_object_read(
    int object, void *bytes, size_t size); /* from the start; EBADMSG: short */
int hfi_object_write(int object, const void *bytes, size_t size);
/* Whether its first bytes, so many, are zero: nobody has written to them, or read. */
bool hfi_object_is_zero(int object, uint64_t size);

/*
 * A claim on one number of an object. It vanishes with the process at whatever
 * instruction that dies, after the kernel has run the thread's robust list. It excludes
 * other processes; threads of this one may not be told apart: hold the process lock.
 */
struct hfi_claim {
    int holder; /* private */
};

/* EBUSY: claimed elsewhere; EBADF: the object was closed behind our back; EMFILE, ENFILE,
 * ENOMEM. */
int hfi_claim(struct hfi_claim *claim, int object, const struct hfi_object_info *identity,
    uint64_t number);
void hfi_unclaim(struct hfi_claim *claim, int object, uint64_t number);

/* ---- leases: a word that the kernel changes when its thread dies ---- */

enum { HFI_LEASE_SIZE = 64 };

struct hfi_lease {
    uint64_t opaque[HFI_LEASE_SIZE / 8];
};

/*
 * Initialises the lease and takes it for the calling thread. *word: where in it, in
 * bytes, its life can be read. ENOTSUP: the kernel does not know about it. Requires that
 * nobody else takes or gives back this lease, and that its memory stays mapped while it
 * is taken.
 */
int hfi_lease_take(struct hfi_lease *lease, uint32_t *word);
void hfi_lease_give_back(struct hfi_lease *lease);

bool hfi_lease_is_live(uint32_t lease_word);
/* The value that a live lease's word must have for its death to wake a sleeper. */
uint32_t hfi_lease_watched(uint32_t lease_word);

/* ---- sleeping ---- */

struct hfi_watch {
    uint32_t *word;
    uint32_t expected;
};

enum { HFI_WATCHES_MAX = 128 };

/*
 * Sleeps while all words are as expected, until a wake on any, the deadline or a signal.
 * ETIMEDOUT if the deadline passed; else 0, which promises nothing. Without the kernel's
 * help for several words it sleeps on the first, and returns 0 after some milliseconds.
 */
int hfi_sleep(const struct hfi_watch *watches, unsigned count, uint64_t deadline);

/* Lets another thread that wants this CPU have it. */
void hfi_yield(void);

/* For somebody else to get on with what nobody will wake us for. */
void hfi_pause(uint64_t ns);

/* Wakes up to `count` who sleep on the word, in order of arrival; returns how many. */
unsigned hfi_wake(uint32_t *word, unsigned count);

/* Changes the word and wakes who sleeps on it, both or neither: no death comes between.
 */
unsigned hfi_add_and_wake(
    uint32_t *word, uint32_t term, unsigned count); /* term < 2048 */
unsigned hfi_set_bit_and_wake(
    uint32_t *word, unsigned bit, unsigned count); /* bit < 11 */

#define HFI_ALL INT32_MAX

#endif
