/* SPDX-License-Identifier: MIT */
#include "platform/platform.h"

#include <errno.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <urcu-bp.h>

#include "platform/linux/cancel.h"

static const uint32_t never_renewed = 0;
const uint32_t *hfi_incarnation = &never_renewed;

static uint64_t nonce;
static pthread_mutex_t process_lock = PTHREAD_MUTEX_INITIALIZER;
static int cancel_before; /* the lock's holder's */
static pthread_once_t fork_handlers = PTHREAD_ONCE_INIT;

bool hfi_single_cpu(void)
{
    static int cpus; /* every thread finds the same number: relaxed */
    int n = __atomic_load_n(&cpus, __ATOMIC_RELAXED);
    if (n == 0) {
        cpu_set_t set;
        n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 2;
        __atomic_store_n(&cpus, n, __ATOMIC_RELAXED);
    }
    return n == 1;
}

bool hfi_reached_by_fences;

bool hfi_fence_everyone(void)
{
    int saved = errno;
    long result = syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0, 0);
    errno = saved;
    return result == 0;
}

uint32_t hfi_process_id(void)
{
    return (uint32_t)getpid();
}

uint32_t hfi_thread_id(void)
{
    return (uint32_t)syscall(SYS_gettid);
}

uint64_t hfi_process_nonce(void)
{
    return nonce;
}

/* The reader registry of liburcu would otherwise name threads that the child lacks, and
 * wait for them. */
static void before_fork(void)
{
    hfi_process_lock();
    urcu_bp_before_fork();
}

static void after_fork_parent(void)
{
    urcu_bp_after_fork_parent();
    hfi_process_unlock();
}

static void after_fork_child(void)
{
    urcu_bp_after_fork_child();
    hfi_process_unlock();
}

static void install_fork_handlers(void)
{
    pthread_atfork(before_fork, after_fork_parent, after_fork_child);
}

void hfi_process_lock(void)
{
    int before = hfi_forbid_cancel();
    pthread_mutex_lock(&process_lock);
    cancel_before = before;
}

void hfi_process_unlock(void)
{
    int before = cancel_before;
    pthread_mutex_unlock(&process_lock);
    hfi_permit_cancel(&before);
}

int hfi_wiped_map(size_t size, void **memory)
{
    void *fresh = mmap(NULL, size, PROT_READ | PROT_WRITE,
        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (fresh == MAP_FAILED) {
        return ENOMEM;
    }
    if (madvise(fresh, size, MADV_WIPEONFORK) != 0) {
        munmap(fresh, size);
        return ENOTSUP;
    }
    *memory = fresh;
    return 0;
}

void hfi_wiped_unmap(void *memory, size_t size)
{
    munmap(memory, size);
}

int hfi_renew_incarnation(void)
{
    static uint32_t *number;
    static uint32_t last;
    if (number == NULL) {
        void *fresh;
        int error = hfi_wiped_map(sizeof *number, &fresh);
        if (error != 0) {
            return error;
        }
        pthread_once(&fork_handlers, install_fork_handlers);
        number = fresh;
        __atomic_store_n(&hfi_incarnation, number, __ATOMIC_RELEASE);
    }
    if (getrandom(&nonce, sizeof nonce, 0) != (ssize_t)sizeof nonce) {
        return EAGAIN;
    }
    hfi_reached_by_fences =
        syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, 0, 0) == 0;
    __atomic_store_n(number, ++last, __ATOMIC_RELEASE);
    return 0;
}
