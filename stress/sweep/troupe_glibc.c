/* SPDX-License-Identifier: MIT */
/* The same with robust mutexes, in memory that the whole cast inherits. */
#include "process.h"
#include "troupe.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

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

/* Both know the wall clock only. */
static struct timespec deadline_in_ms(unsigned ms)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    const long ns = t.tv_nsec + (long)ms * NS_PER_MS;
    return (struct timespec){t.tv_sec + ns / 1000000000, ns % 1000000000};
}

static int timed(unsigned ms)
{
    const struct timespec deadline = deadline_in_ms(ms);
    return pthread_mutex_timedlock(lock(), &deadline);
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
    .timed = timed,
    .map = map_both,
    .found = found,
    .leave_elsewhere = leave_elsewhere,
};

static sem_t *sem;

static void map_sem(void)
{
    map_both();
    sem = (sem_t *)(void *)here;
}

static int sem_take(void)
{
    while (sem_wait(sem) != 0) {
        if (errno != EINTR) {
            return errno;
        }
    }
    return 0;
}

static int sem_attempt(void)
{
    return sem_trywait(sem) == 0 ? 0 : errno;
}

static int sem_timed(unsigned ms)
{
    const struct timespec deadline = deadline_in_ms(ms);
    return sem_timedwait(sem, &deadline) == 0 ? 0 : errno;
}

static int sem_give(void)
{
    return sem_post(sem) == 0 ? 0 : errno;
}

static struct reply sem_found(void)
{
    return sem_init(sem, 1, 1) == 0 ? went_on() : broke("sem_init");
}

const struct troupe glibc_sem_troupe = {
    .name = "glibc sem_t",
    .lock = {sem_take, sem_give, NULL},
    .attempt = sem_attempt,
    .timed = sem_timed,
    .map = map_sem,
    .found = sem_found,
};
