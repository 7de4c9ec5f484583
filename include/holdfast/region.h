/* SPDX-License-Identifier: MIT */
/*
 * Mapped region: a part of a shared-memory object (shm.h), as memory of this process.
 *
 *     hf_region_t *region;
 *     int error = hf_region_map(&region, shm, HF_READ_ONLY, 100, 0);
 *     if (error == 0) {
 *         const record_t *record = hf_region_address(region);
 *
 * Any offset will do: pages are our work. The region's memory begins at that byte of the
 * object, and is as well aligned as the offset is. A region stays when its object is
 * closed or removed, until hf_region_unmap or the end of the process; a child of fork
 * has it too, at the same address. shm.h says when touching one may be SIGBUS, who may
 * call this when, and what a death leaves.
 */
#ifndef HOLDFAST_REGION_H
#define HOLDFAST_REGION_H

#include <holdfast/common.h>
#include <holdfast/shm.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct hf_region hf_region_t; /* process-local handle */

enum { HF_PRIVATE = 8 }; /* what this process writes there, no other sees */

/*
 * Maps `length` bytes from `offset` on; length 0: all to the object's end. Access: 0 to
 * read and write; HF_READ_ONLY: to write there is SIGSEGV; HF_PRIVATE: to read and write
 * a copy (any object will do; whether what others write later shows in it is not
 * defined). 0; ENXIO: not all of it is in the object, or it would be empty; EACCES:
 * writing, and the object was opened read-only; EINVAL: null, or another access; EPERM:
 * somebody sealed it against writing; ENOMEM: no memory or no room among addresses.
 */
HF_API HF_NODISCARD int hf_region_map(hf_region_t **region, const hf_shm_t *shm,
    unsigned access, uint64_t offset, size_t length);

/* The byte at `offset`; null for null. */
HF_API void *hf_region_address(const hf_region_t *region);

/* Its length in bytes; 0 for null. */
HF_API size_t hf_region_size(const hf_region_t *region);

/*
 * Returns when these bytes (length 0: all from offset on) have been written to the disk,
 * if the object is a file on one. Other processes see what is written without it. 0;
 * EINVAL: null, or not all of it is in the region; EIO.
 */
HF_API HF_NODISCARD int hf_region_flush(
    const hf_region_t *region, size_t offset, size_t length);

/* Unmaps it and ends the handle. 0; EINVAL: null. */
HF_API HF_NODISCARD int hf_region_unmap(hf_region_t *region);

#ifdef __cplusplus
}
#endif

#endif
