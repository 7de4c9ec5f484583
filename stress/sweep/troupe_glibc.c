/* SPDX-License-Identifier: MIT */
/* The same with robust mutexes, in memory that the whole cast inherits. */
#include "process.h"
#include "troupe.h"

#include <pthread.h>
#include <string.h>
#include <sys/mman.h>

static pthread_mutex_t *here, *elsewhere;

static pthread_mutex_t *lock(void)
{
    return lock_number == ELSEWHERE ? elsewhere : &here[lock_number];
}

static int take(void)
{
    return pthread_mutex_lock(lock());
}

static int attempt(void)
{
    return pthread_mutex_trylock(lock());
}

static int give(void)
{
    return pthread_mutex_unlock(lock());
}

static int repaired(void)
{
    return pthread_mutex_consistent(lock());
}

static pthread_mutex_t *map(size_t count)
{
    void *memory = mmap(NULL, count * sizeof(pthread_mutex_t), PROT_READ | PROT_WRITE,
        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        give_up("mmap failed");
    }
    return memory;
}

/* Fresh memory each time: what an earlier cast has left locked there is of no concern. */
static void map_both(void)
{
    here = map(MANY_LOCKS);
    elsewhere = map(1);
}

static struct reply found(void)
{
    pthread_mutexattr_t attributes;
    int code = pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    for (lock_number = 0; code == 0 && lock_number <= MANY_LOCKS; lock_number++) {
        code = pthread_mutex_init(lock(), &attributes);
    }
    return code == 0 ? went_on() : broke("pthread_mutex_init: %s", strerror(code));
}

static struct reply leave_elsewhere(void)
{
    return munmap(elsewhere, sizeof *elsewhere) == 0 ? went_on() : broke("munmap");
}

const struct troupe glibc_troupe = {
    .name = "glibc robust mutex",
    .lock = {take, give, repaired},
    .attempt = attempt,
    .map = map_both,
    .found = found,
    .leave_elsewhere = leave_elsewhere,
};
