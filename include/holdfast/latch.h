/* SPDX-License-Identifier: MIT */
/*
 * Latch: several fields that are read together, as one writer left them.
 *
 *     typedef struct { double bid, ask; uint64_t time; } quote_t;
 *
 *     hf_latch_t *latch = ...;                   // hf_latch_size(sizeof(quote_t)) bytes
 *     int error = hf_latch_write(latch, &quote, sizeof quote);
 *     ...
 *     error = hf_latch_read(latch, &quote, sizeof quote);
 *
 * A reader copies what the last complete write left: never a mixture, never what a writer
 * that was killed half-way had begun. It takes no lock, writes nothing and waits for
 * nobody: a writer that is stopped or dead in the middle of a write leaves what was there
 * before. (There are two places; a writer fills the one that is not shown, then shows
 * it.) A reader begins anew only if two writes overtake its copying.
 *
 * Kill theorem: a writer killed at any instruction has written all or nothing, and the
 * next writer goes on at once; a reader's death is noticed by nobody. A stopped writer
 * holds up other writers, not readers.
 *
 * Reading needs no participant's slot, and works on a segment attached read-only and in
 * signal handlers. A thread that has joined the segment (has locked or written something
 * there, and in no other one since) reads faster, 64 bytes in two thirds of the time: it
 * need not be looked up.
 *
 * Read acquires what the write that it sees released; a thread's next read sees the same
 * write or a later one.
 */
#ifndef HOLDFAST_LATCH_H
#define HOLDFAST_LATCH_H

#include <holdfast/mutex.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The start of a latch at an 8-byte boundary; twice the payload follows. All-zero is a
 * latch of any size whose payload is zero. The fields are private. */
typedef struct {
    hf_mutex_t hf_lock;   /* of the writers */
    uint64_t hf_complete; /* writes that are complete: the last one's place is shown */
    uint64_t hf_begun;    /* writes that have begun */
    uint64_t hf_size;     /* bytes of payload; the first write's */
    uint64_t hf_reserved[3];
} hf_latch_t;

/* Bytes of a latch with so many bytes of payload, 1 or more; 0: too many, or none. */
HF_API size_t hf_latch_size(size_t payload);

/*
 * Writes all of the payload. The first write fixes its size. 0; EINVAL: a null payload,
 * another size than before or 0, or the latch is not all in a segment's memory; what
 * hf_mutex_lock returns, but EOWNERDEAD: a dead writer has left nothing to repair.
 */
HF_API HF_NODISCARD int hf_latch_write(hf_latch_t *l, const void *payload, size_t size);

/* Copies the payload: zeros before the first write. 0; EINVAL: as hf_latch_write;
 * EBADMSG. */
HF_API HF_NODISCARD int hf_latch_read(const hf_latch_t *l, void *payload, size_t size);

/* Who is writing, and who waits to. EINVAL; EBADMSG. */
HF_API HF_NODISCARD int hf_latch_owner(const hf_latch_t *l, hf_owner_t *who);

/* Whether it can be a latch. 0; EINVAL: in no segment; EBADMSG: damaged. */
HF_API HF_NODISCARD int hf_latch_check(const hf_latch_t *l);

#ifdef __cplusplus
}
#endif

#endif
