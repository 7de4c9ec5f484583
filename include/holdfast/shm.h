/* SPDX-License-Identifier: MIT */
/*
 * Shared-memory object: bytes that processes map (region.h), and nothing else.
 *
 * The layer below segments, for a layout of your own. holdfast's primitives need a
 * segment (segment.h); this is for data that needs none of them.
 *
 *     hf_shm_config_t config = {.size = sizeof(table_t)};
 *     hf_shm_t *shm;
 *     hf_region_t *region;
 *     int error = hf_shm_open(&shm, "prices", HF_CREATE, &config);
 *     if (error == 0) {
 *         error = hf_region_map(&region, shm, 0, 0, 0);
 *     }
 *     if (error == 0) {
 *         table_t *table = hf_region_address(region);
 *
 * Names are those of segments, and share one space with them: a segment can be opened as
 * an object (do not write to one, and never cut one), and an object that is no segment,
 * opened as one, is EBADMSG. On Linux both are files in /dev/shm, and so is what shm_open
 * makes. An object lives until hf_shm_remove and the last close and unmap, or until the
 * system stops.
 *
 * Death. A new object appears under its name all at once, with its size, zero, and its
 * blocks allocated: who opens it never sees it before, and a creator that is killed
 * leaves the whole object or nothing. A growth is whole or not at all, too. What has been
 * written stays written when its writer is killed.
 *
 * SIGBUS. Memory without blocks, or beyond the object's end, is that signal when it is
 * touched. So what is created or grown here gets its blocks at once (a full file system
 * is ENOSPC), no region reaches beyond the object's end (ENXIO), and anonymous objects
 * never become smaller. What remains: a named object that someone cuts under a region,
 * and one with holes, which only ftruncate elsewhere makes: hf_shm_truncate to the size
 * that it has fills them, or is ENOSPC.
 *
 * Threads may call everything here at the same time, but for what closes a handle that
 * another thread uses. A child of fork has handles of its own. None of these calls is for
 * signal handlers.
 */
#ifndef HOLDFAST_SHM_H
#define HOLDFAST_SHM_H

#include <holdfast/common.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct hf_shm hf_shm_t; /* process-local handle */

/* What a new object shall be. Zero (or a null config) means the default. */
typedef struct {
    uint64_t size; /* bytes; default: none. An existing one must have at least as many */
    unsigned permissions; /* mode bits, exactly these whatever the umask; default 0600 */
} hf_shm_config_t;

/*
 * Opens what exists, or creates: HF_CREATE, HF_EXCLUSIVE, HF_READ_ONLY (common.h).
 * `name` is 1 to 250 bytes without a slash, but for one that it may begin with. 0;
 * EINVAL: a bad name, flag or permission (0600 must be among them, and no more than
 * 0666), or the existing one is smaller than the config asks; ENOENT; EEXIST; EACCES: no
 * permission, a symbolic link, not a regular file, or a file of another owner that the
 * whole world may write; ENOMEM; ENOSPC; EMFILE, ENFILE.
 */
HF_API HF_NODISCARD int hf_shm_open(
    hf_shm_t **shm, const char *name, unsigned flags, const hf_shm_config_t *config);

/*
 * A new object without a name, which goes when nobody has it open or mapped any more. It
 * can be made larger, and by nobody on earth smaller. Others get it by inheriting, or by
 * hf_shm_fd here and hf_shm_from_fd there; hf_segment_open_fd builds a segment in it. 0;
 * EINVAL: null; ENOMEM; ENOSPC; EMFILE, ENFILE.
 */
HF_API HF_NODISCARD int hf_shm_open_anonymous(hf_shm_t **shm, uint64_t size);

/*
 * The object's descriptor, to be passed over a socket (SCM_RIGHTS). It is closed by
 * hf_shm_close and at exec. 0; EINVAL: null.
 */
HF_API HF_NODISCARD int hf_shm_fd(const hf_shm_t *shm, int *fd);

/*
 * Opens the object that a descriptor stands for: passed from elsewhere, a memfd, a file.
 * The caller keeps the descriptor and may close it afterwards. Flags: HF_READ_ONLY. 0;
 * EINVAL: null, another flag; EBADF: not a descriptor; EACCES: one that may not be read,
 * or, without HF_READ_ONLY, not written; and as from hf_shm_open; ENOMEM; EMFILE. Whether
 * it can become smaller under you is its maker's choice: fcntl(F_GET_SEALS) tells.
 */
HF_API HF_NODISCARD int hf_shm_from_fd(hf_shm_t **shm, int fd, unsigned flags);

/*
 * Makes it this large. What is new is zero; all blocks up to there are allocated, in
 * holes as well. Regions stay as they are: map again to see more. To make an object
 * smaller gives SIGBUS to whoever touches what is gone: be sure that nobody does. 0;
 * ENOSPC: no room, and on Linux in /dev/shm and anonymous, nothing has changed (on other
 * file systems some blocks, or a part of the growth, may remain); EPERM: anonymous, and
 * this would be smaller; EACCES: opened read-only; EINVAL: null; EOPNOTSUPP: a file
 * system that does not allocate.
 */
HF_API HF_NODISCARD int hf_shm_truncate(hf_shm_t *shm, uint64_t size);

/* Its size in bytes now. 0; EINVAL: null. */
HF_API HF_NODISCARD int hf_shm_size(const hf_shm_t *shm, uint64_t *size);

/* Takes the name away; who has it open or mapped keeps it. 0; ENOENT; EACCES; EINVAL: a
 * bad name. */
HF_API HF_NODISCARD int hf_shm_remove(const char *name);

/* Closes the handle; regions stay. 0; EINVAL: null. */
HF_API HF_NODISCARD int hf_shm_close(hf_shm_t *shm);

#ifdef __cplusplus
}
#endif

#endif
