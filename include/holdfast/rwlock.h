/* SPDX-License-Identifier: MIT */
/*
 * Reader-writer lock: many readers, or one writer. Upgradable: one thread may read with
 * the right to become the writer, beside the readers.
 *
 *     int error = hf_rwlock_rdlock(&table->lock);
 *     if (error == EOWNERDEAD) {            // a writer died: you hold it as the writer
 *         repair(table);
 *         error = hf_rwlock_consistent(&table->lock);
 *     }
 *     ...
 *     error = hf_rwlock_unlock(&table->lock);
 *
 * Kill theorem: a dead reader holds nobody up. A writer that is killed while it may have
 * changed something passes the lock on, for writing and with EOWNERDEAD, to one live
 * thread that waits for it or comes next, reader or writer. Any other death changes
 * nothing for others.
 *
 * Policy: a writer that waits keeps new readers out, so readers do not starve it. After
 * it, the readers that waited go first if they get there first; one that was overtaken
 * often queues with the writers, so they do not starve it.
 *
 * Cost. A read lock writes nothing that another process writes: a few plain stores and
 * loads. The first write lock after reading makes a membarrier, some hundred nanoseconds;
 * each looks at every participant's slot that was ever used.
 *
 * Limits. A thread may hold 8 read locks at once in a segment, also several of one lock;
 * more are EAGAIN. Writing takes membarrier (Linux 4.16); where the kernel or a sandbox
 * has none, wrlock and upgrade are ENOTSUP, as is any of their kind, while reading and
 * uplock work.
 */
#ifndef HOLDFAST_RWLOCK_H
#define HOLDFAST_RWLOCK_H

#include <holdfast/common.h>
#include <holdfast/mutex.h>

#ifdef __cplusplus
extern "C" {
#endif

/* 32 bytes at an 8-byte boundary; all-zero is a free one. The fields are private. */
typedef struct {
    hf_mutex_t hf_gate;           /* the writer's, the upgradable one's */
    HF_ALIGN8 uint64_t hf_writer; /* who keeps readers out */
    uint32_t hf_bias;             /* whether readers need fences */
    uint32_t hf_reserved;
} hf_rwlock_t;

/* Makes it a free one, whatever it was. For fresh memory, or by agreement after
 * ENOTRECOVERABLE: nobody may hold it or be about to. 0; EINVAL; EACCES. */
HF_API HF_NODISCARD int hf_rwlock_init(hf_rwlock_t *l);

/*
 * Locks it for reading. 0; EOWNERDEAD: locked for writing, its writer died;
 * ENOTRECOVERABLE; EDEADLK: you hold it for writing; EAGAIN: 8 read locks already, or
 * participants; EINVAL; EBADMSG; EACCES. try: EBUSY. timed: ETIMEDOUT; EINVAL: no valid
 * time.
 */
HF_API HF_NODISCARD int hf_rwlock_rdlock(hf_rwlock_t *l);
HF_API HF_NODISCARD int hf_rwlock_tryrdlock(hf_rwlock_t *l);
HF_API HF_NODISCARD int hf_rwlock_timedrdlock(
    hf_rwlock_t *l, const struct timespec *deadline);

/*
 * Locks it for writing. The caller must not hold it for reading. 0; EOWNERDEAD: locked,
 * its writer died; ENOTRECOVERABLE; EDEADLK: you hold it; EINVAL; EBADMSG; EACCES;
 * EAGAIN: participants; ENOTSUP: no membarrier. try: EBUSY. timed: ETIMEDOUT; EINVAL: no
 * valid time.
 */
HF_API HF_NODISCARD int hf_rwlock_wrlock(hf_rwlock_t *l);
HF_API HF_NODISCARD int hf_rwlock_trywrlock(hf_rwlock_t *l);
HF_API HF_NODISCARD int hf_rwlock_timedwrlock(
    hf_rwlock_t *l, const struct timespec *deadline);

/* Locks it upgradably: beside readers, not beside a writer or another such. As wrlock,
 * but EOWNERDEAD: locked for writing, its writer died. */
HF_API HF_NODISCARD int hf_rwlock_uplock(hf_rwlock_t *l);
HF_API HF_NODISCARD int hf_rwlock_tryuplock(hf_rwlock_t *l);
HF_API HF_NODISCARD int hf_rwlock_timeduplock(
    hf_rwlock_t *l, const struct timespec *deadline);

/* Upgradable to writing, when the readers have gone; nobody writes in between. 0; EPERM:
 * you do not hold it so; EDEADLK: you read it too; ENOTSUP: no membarrier. timed:
 * ETIMEDOUT. After any but 0 and EPERM it is still upgradable. */
HF_API HF_NODISCARD int hf_rwlock_upgrade(hf_rwlock_t *l);
HF_API HF_NODISCARD int hf_rwlock_timedupgrade(
    hf_rwlock_t *l, const struct timespec *deadline);

/* Writing (consistent) or upgradable to reading; nobody writes in between. 0; EPERM: you
 * hold it in neither way; EINVAL: not yet consistent; EAGAIN: 8 read locks already. */
HF_API HF_NODISCARD int hf_rwlock_downgrade(hf_rwlock_t *l);

/* Gives it back, however it is held. Held for writing after an EOWNERDEAD, and not
 * declared consistent, it becomes ENOTRECOVERABLE. 0; EPERM: you do not hold it;
 * EINVAL. */
HF_API HF_NODISCARD int hf_rwlock_unlock(hf_rwlock_t *l);

/* Says that the data is repaired. 0; EPERM: you do not hold it for writing; EINVAL:
 * nothing to repair. */
HF_API HF_NODISCARD int hf_rwlock_consistent(hf_rwlock_t *l);

/* Tells who holds it for writing or upgradably, else one who reads it; and who waits for
 * it. 0; EINVAL; EBADMSG. */
HF_API HF_NODISCARD int hf_rwlock_owner(const hf_rwlock_t *l, hf_owner_t *who);

/* Whether its bytes can be a reader-writer lock of this segment. 0; EINVAL; EBADMSG. */
HF_API HF_NODISCARD int hf_rwlock_check(const hf_rwlock_t *l);

/* Locks for the rest of the block (GCC and Clang): as HF_SCOPED_LOCK. */
#define HF_SCOPED_RDLOCK(error, lock) HF_SCOPED_RWLOCK_(error, lock, hf_rwlock_rdlock)
#define HF_SCOPED_WRLOCK(error, lock) HF_SCOPED_RWLOCK_(error, lock, hf_rwlock_wrlock)
#define HF_SCOPED_UPLOCK(error, lock) HF_SCOPED_RWLOCK_(error, lock, hf_rwlock_uplock)

#define HF_SCOPED_RWLOCK_(error, lock, lock_it)                                          \
    __attribute__((cleanup(hf_scoped_rwunlock))) hf_rwlock_t *hf_scoped_##error =        \
        (lock);                                                                          \
    const int error = lock_it(hf_scoped_##error);                                        \
    if (error != 0 && error != EOWNERDEAD)                                               \
    hf_scoped_##error = NULL

static inline void hf_scoped_rwunlock(hf_rwlock_t **l)
{
    if (*l != NULL && hf_rwlock_unlock(*l) != 0) {
        *l = NULL; /* EPERM: unlocked by hand before */
    }
}

#ifdef __cplusplus
}
#endif

#endif
