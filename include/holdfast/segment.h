/* SPDX-License-Identifier: MIT */
/*
 * Segment: a named piece of shared memory in which primitives live.
 *
 *     hf_segment_config_t config = {.root_size = sizeof(shared_t)};
 *     hf_segment_t *segment;
 *     int error = hf_segment_open(&segment, "accounts", HF_CREATE, &config);
 *     shared_t *shared = hf_segment_root(segment);
 *
 * Every process may do the same; the first one creates, the others find it. A segment is
 * built unseen and appears whole or not at all: whoever opens it never sees half of one,
 * and a creator that dies leaves nothing that is in anybody's way. All of its memory is
 * allocated at creation, or when it grows: a full file system is ENOSPC then, never a
 * fault later.
 *
 * In one process, opening a segment again returns the same handle and addresses (one for
 * reading and writing, one for HF_READ_ONLY); it goes when it has been closed as often as
 * opened; then it is as freed memory. Threads of a process may call everything here at
 * the same time.
 *
 * The object lives, with its contents, until hf_segment_remove and the last close, or
 * until the system stops. (Linux: a file in /dev/shm.)
 *
 * Limits: 16,384 participants (threads that have joined) a segment, 2^39 bytes. A process
 * that cannot open the object anew (it has no /proc; or another user, whose object it is,
 * passed it a descriptor, and its permissions do not admit this one) must not close a
 * descriptor of it while another of its threads joins (makes its first call there): the
 * kernel would drop the joiner's claim, and two threads might take each other for dead.
 */
#ifndef HOLDFAST_SEGMENT_H
#define HOLDFAST_SEGMENT_H

#include <holdfast/common.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct hf_segment hf_segment_t; /* process-local handle */

/* What a new segment shall be. Zero (or a null config) means the default. An existing one
 * must offer at least as much as is asked for here. */
typedef struct {
    size_t size;      /* bytes of your memory: the root, then what hf_alloc gives out;
                         default: the root's and 64 KiB */
    size_t root_size; /* bytes of the root object; default: 4,096, or all of a
                         smaller size */
    unsigned max_participants; /* threads joined at once, up to 16,384; default: 1,024 */
    unsigned permissions; /* mode bits, exactly these whatever the umask; default 0600.
                             What the whole world may write, others refuse to open */
    size_t max_size; /* to which size may grow; default: size. Takes address space in each
                        process, and memory only as it grows */
} hf_segment_config_t;

/*
 * Opens what exists, or creates (flags: common.h). `name` is 1 to 250 bytes without a
 * slash, but for one that it may begin with. 0; EINVAL: a bad name, flag or config, or
 * the existing one is smaller than the config asks; ENOENT; EEXIST; EACCES: no
 * permission, a symbolic link, not a regular file, or a file of another owner that the
 * whole world may write; EBADMSG: no segment, damaged, or cut short; EPROTONOSUPPORT: a
 * segment of another format version; ENOMEM; ENOSPC; EMFILE, ENFILE; ENOTSUP: the
 * system has no /dev/shm, or one without unnamed files. After any of them *seg is null.
 */
HF_API HF_NODISCARD int hf_segment_open(hf_segment_t **seg, const char *name,
    unsigned flags, const hf_segment_config_t *config);

/*
 * The same on a descriptor (a memfd, a file in /dev/shm, one passed over a socket),
 * which the caller keeps and may close afterwards (but see Limits above). HF_CREATE
 * builds a segment in an object that is empty or all zero, also in one whose last
 * creator died; one that is larger, and sealed against shrinking, is used as a whole;
 * permissions stay as they are. HF_EXCLUSIVE: EEXIST if it holds one already. EBADF: not
 * a descriptor; EACCES: also if it is sealed against what is needed. For another user,
 * fchmod a memfd first: by default the whole world may write it, so others refuse it.
 */
HF_API HF_NODISCARD int hf_segment_open_fd(
    hf_segment_t **seg, int fd, unsigned flags, const hf_segment_config_t *config);

/*
 * Closes it; the last close in the process detaches it. Then the calling thread leaves;
 * other threads of the process that have joined are asked for nothing: the mapping goes
 * when the last of them has ended. Whoever uses the segment's memory after its close is
 * at fault. 0; EINVAL: a null or closed handle.
 */
HF_API HF_NODISCARD int hf_segment_close(hf_segment_t *seg);

/* Takes the name away; who has it open keeps it. 0; ENOENT; EACCES; EINVAL: a bad name.
 */
HF_API HF_NODISCARD int hf_segment_remove(const char *name);

/* The root object: root_size bytes at a 64-byte boundary, all zero at creation. */
HF_API void *hf_segment_root(const hf_segment_t *seg);

/* What a segment is and how it fares. */
typedef struct {
    size_t size, root_size, max_size;
    unsigned max_participants;
    unsigned participants; /* threads that have joined now, in all processes */
    uint64_t rescues; /* sleepers that the back-stop timer had to save, ever. Deaths that
                         coincide may add to it; one that grows without them is a bug */
} hf_segment_info_t;

HF_API HF_NODISCARD int hf_segment_info(const hf_segment_t *seg, hf_segment_info_t *info);

/*
 * Makes it at least so large, in bytes, for everybody who has it open, up to max_size;
 * addresses stay as they are. hf_alloc does so by itself. 0; ENOSPC: beyond max_size, or
 * the system has no memory: all is as it was (beyond RLIMIT_FSIZE, too, if SIGXFSZ is
 * ignored); EBADMSG; what joining returns.
 */
HF_API HF_NODISCARD int hf_segment_grow(hf_segment_t *seg, size_t size);

/*
 * Looks for damage: in the header, the table of participants, the heap, block by block,
 * the directory of named objects, the counters and the retired blocks. What users keep in
 * their memory is theirs to check (hf_mutex_check, ...). Each thing that is wrong is told
 * to `report` (may be null) in words, with its offset, while the heap is locked: `report`
 * must not call anything that allocates here. Mends nothing, but finishes what a dead one
 * had begun in the heap, as every call does. Attached read-only it looks at what stands still, and says so.
 *
 * 0; EBADMSG: something is wrong; ETIMEDOUT: somebody had the heap locked for two seconds
 * (stopped, perhaps: `report` is told who), and it was not looked at; EDEADLK: called by
 * a signal handler in the middle of an allocation; what joining returns: the same.
 */
HF_API HF_NODISCARD int hf_segment_check(
    hf_segment_t *seg, void (*report)(const char *words, void *arg), void *arg);

#ifdef __cplusplus
}
#endif

#endif
