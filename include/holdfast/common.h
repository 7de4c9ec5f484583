/* SPDX-License-Identifier: MIT */
/*
 * What all headers share: the rules of every call, deadlines, who holds a thing.
 *
 * Results. A call returns 0 or a positive errno value and leaves errno alone:
 *
 *   0                done
 *   EOWNERDEAD       done, and you now hold it exclusively; who held it before died.
 *                    Repair the data, then call _consistent; unlocked as it is, it
 *                    becomes ENOTRECOVERABLE for everybody
 *   ENOTRECOVERABLE  somebody gave up repairing; _init, by agreement, starts anew
 *   ETIMEDOUT EBUSY  the deadline passed; a try found it taken
 *   EDEADLK   EPERM  you hold it already; you do not hold it
 *   EINVAL           not inside an attached segment, or an argument that can never be
 *                    right
 *   EBADMSG          what the segment holds there is damaged, or no segment at all
 *   EAGAIN           a table is full: too many participants, too deep a recursion
 *   EACCES           no permission, or a segment attached read-only
 *   ENOTSUP          the kernel does not certify this thread's death (no robust futexes:
 *                    an emulator, a raw clone)
 *   EBADF            the program has closed the segment's own descriptor: joining and
 *                    growing need it
 *   ENOENT EEXIST ENOMEM ENOSPC   as everywhere
 *
 * Participants. A thread joins a segment by itself at its first call there (and may then
 * see EAGAIN, ENOTSUP, ENOMEM, EMFILE, ENFILE, EACCES or EBADF from it) and leaves at its
 * exit. Whoever leaves, exits, execs or is killed while holding something counts as dead
 * for it. The child of a fork is a new participant and holds nothing; what its parent held
 * is still the parent's.
 *
 * liburcu. The library uses its bp flavour, and takes care of it at a fork. A program that
 * uses that flavour itself leaves urcu_bp_before_fork and its partners to the library, and
 * opens, joins and closes nothing in its own read sections.
 *
 * Memory. A primitive is plain memory at an 8-byte boundary inside a segment's memory,
 * the same for 32- and 64-bit programs. All-zero is its initial state: there is nothing
 * to construct. It may be put to another use when nobody is inside a call on it; a mutex
 * or a semaphore as soon as somebody has locked or taken it and knows that nobody else
 * will.
 *
 * Signals. A wait goes on after a signal handler has run; a handler must not jump out of
 * one. No call is a cancellation point. A call may be made from a handler where its
 * header says so.
 */
#ifndef HOLDFAST_COMMON_H
#define HOLDFAST_COMMON_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#if defined(__GNUC__) || defined(__clang__)
#define HF_NODISCARD __attribute__((warn_unused_result))
#define HF_API       __attribute__((visibility("default")))
/* One that a program may read as fast as the library does; plain data, also in C++. */
#define HF_THREAD_LOCAL __thread __attribute__((tls_model("initial-exec")))
#else
#define HF_NODISCARD
#define HF_API
#endif

#if defined(__SANITIZE_THREAD__)
#define HF_UNDER_TSAN 1 /* it does not see into assembly */
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define HF_UNDER_TSAN 1
#endif
#endif

#ifdef __cplusplus
#define HF_ALIGN8 alignas(8)
extern "C" {
#else
#define HF_ALIGN8 _Alignas(8)
#endif

/* How to open what is shared; none: what exists, for reading and writing. */
enum {
    HF_CREATE = 1,    /* create it if there is none */
    HF_EXCLUSIVE = 2, /* with HF_CREATE: EEXIST if there is one */
    HF_READ_ONLY = 4  /* look only: calls that would write return EACCES */
};

/*
 * The moment `ms` milliseconds from now, on CLOCK_MONOTONIC: what the _timed calls take.
 *
 *     struct timespec deadline = hf_deadline_in_ms(250);
 *     int error = hf_mutex_timedlock(&shared->lock, &deadline);
 */
HF_API struct timespec hf_deadline_in_ms(unsigned ms);

/*
 * Who holds a thing, and who waits for it: a snapshot, true at some moment during the
 * call. Ids are numbers of the PID namespace of the one they name.
 */
typedef struct {
    pid_t pid;  /* the holder's process; 0: nobody holds it; -1: one that has left,
                   and whose place has been given on */
    pid_t tid;  /* the holder's thread */
    bool alive; /* certified by the kernel; false beside a pid: the holder is dead */
    unsigned waiters; /* threads that sleep until they get it */
    pid_t waiter_pid; /* the one of them that has slept longest; 0: nobody sleeps */
    pid_t waiter_tid;
    uint64_t waited_ns; /* for how long, in nanoseconds */
} hf_owner_t;

#ifdef __cplusplus
}
#endif

#endif
