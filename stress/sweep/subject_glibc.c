/* SPDX-License-Identifier: MIT */
/* The peers: what glibc (or another libc) makes of the same scenes. */
#include "lock.h"
#include "operation.h"
#include "scene.h"
#include "stage.h"

#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#define LENGTH(array) ((unsigned)(sizeof(array) / sizeof((array)[0])))

/* Robust mutex. */

static struct reply reset_mutex(void)
{
    pthread_mutexattr_t attributes;
    memset(&stage->glibc, 0, sizeof stage->glibc);
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    const int code = pthread_mutex_init(&stage->glibc.mutex, &attributes);
    return code == 0 ? went_on() : broke("pthread_mutex_init: %s", strerror(code));
}

static int mutex_take(void)
{
    return pthread_mutex_lock(&stage->glibc.mutex);
}

static int mutex_give(void)
{
    return pthread_mutex_unlock(&stage->glibc.mutex);
}

static int mutex_repaired(void)
{
    return pthread_mutex_consistent(&stage->glibc.mutex);
}

static const struct lock robust_lock = {mutex_take, mutex_give, mutex_repaired};

static const struct operation robust_operations[] = {
    {.name = "lock, change, unlock", .operate = operate_section, .also = 1U << SAW_DEATH},
    {.name = "unlock",
        .prepare = lock_hold_whole,
        .operate = operate_give,
        .arrival = BEFORE_VICTIM,
        .before = SAW_DEATH},
    {.name = "lock, woken by unlock",
        .opening = helper_takes,
        .operate = operate_take,
        .victim_sleeps = helper_gives,
        .arrival = BEHIND_VICTIM,
        .after = SAW_DEATH},
    {.name = "lock, woken, a barger holds it",
        .opening = helper_takes,
        .operate = operate_take,
        .victim_sleeps = helper_passes,
        .arrival = BEHIND_VICTIM,
        .after = SAW_DEATH},
};

const struct subject glibc_robust = {
    .name = "glibc robust mutex",
    .lock = &robust_lock,
    .reset = reset_mutex,
    .survivor = lock_section,
    .operations = robust_operations,
    .operation_count = LENGTH(robust_operations),
};

/* Semaphore as a lock. */

static struct reply reset_sem(void)
{
    memset(&stage->glibc, 0, sizeof stage->glibc);
    return sem_init(&stage->glibc.sem, 1, 1) == 0 ? went_on() : broke("sem_init");
}

static int sem_take(void)
{
    while (sem_wait(&stage->glibc.sem) != 0) {
        if (errno != EINTR) {
            return errno;
        }
    }
    return 0;
}

static int sem_give(void)
{
    return sem_post(&stage->glibc.sem) == 0 ? 0 : errno;
}

static const struct lock sem_lock = {sem_take, sem_give, NULL};

static const struct operation sem_operations[] = {
    {.name = "wait, change, post", .operate = operate_section},
    {.name = "wait, woken by post",
        .opening = helper_takes,
        .operate = operate_take,
        .victim_sleeps = helper_gives,
        .arrival = BEHIND_VICTIM},
};

const struct subject glibc_sem = {
    .name = "glibc sem_t",
    .lock = &sem_lock,
    .reset = reset_sem,
    .survivor = lock_section,
    .operations = sem_operations,
    .operation_count = LENGTH(sem_operations),
};

/* Reader-writer lock: the victim reads, the survivors write. */

static struct reply reset_rwlock(void)
{
    pthread_rwlockattr_t attributes;
    memset(&stage->glibc, 0, sizeof stage->glibc);
    pthread_rwlockattr_init(&attributes);
    pthread_rwlockattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    const int code = pthread_rwlock_init(&stage->glibc.rwlock, &attributes);
    return code == 0 ? went_on() : broke("pthread_rwlock_init: %s", strerror(code));
}

static int rwlock_take(void)
{
    return pthread_rwlock_wrlock(&stage->glibc.rwlock);
}

static int rwlock_give(void)
{
    return pthread_rwlock_unlock(&stage->glibc.rwlock);
}

static int operate_read(void)
{
    const int code = pthread_rwlock_rdlock(&stage->glibc.rwlock);
    return code != 0 ? code : rwlock_give();
}

static const struct lock rwlock_lock = {rwlock_take, rwlock_give, NULL};

static const struct operation rwlock_operations[] = {
    {.name = "rdlock, unlock; writers follow", .operate = operate_read},
};

const struct subject glibc_rwlock = {
    .name = "pthread_rwlock",
    .lock = &rwlock_lock,
    .reset = reset_rwlock,
    .survivor = lock_section,
    .operations = rwlock_operations,
    .operation_count = LENGTH(rwlock_operations),
};

/* Condition variable with a robust mutex: all wait for tokens. */

static struct reply reset_cond(void)
{
    pthread_condattr_t attributes;
    const struct reply r = reset_mutex();
    pthread_condattr_init(&attributes);
    pthread_condattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    const int code = pthread_cond_init(&stage->glibc.cond, &attributes);
    return code == 0 ? r : broke("pthread_cond_init: %s", strerror(code));
}

/* A token needs no repair, so what a death interrupted is declared repaired at once. */
static int mended(int code)
{
    return code == EOWNERDEAD ? mutex_repaired() : code;
}

static int take_token(void)
{
    int code = mended(mutex_take());
    while (code == 0 && stage->glibc.tokens == 0) {
        code = mended(pthread_cond_wait(&stage->glibc.cond, &stage->glibc.mutex));
    }
    if (code == 0) {
        stage->glibc.tokens--;
        code = mutex_give();
    }
    return code;
}

static struct reply await_token(void)
{
    const int code = take_token();
    if (code != 0) {
        return broke("waiting: %s", strerror(code));
    }
    atomic_fetch_add(&stage->glibc.served, 1);
    return went_on();
}

static int add_token(int (*wake)(pthread_cond_t *))
{
    int code = mended(mutex_take());
    if (code == 0) {
        stage->glibc.tokens = 1;
        code = wake(&stage->glibc.cond);
    }
    return code == 0 ? mutex_give() : code;
}

static struct reply signal_one(void)
{
    const int code = add_token(pthread_cond_signal);
    return code == 0 ? went_on() : broke("signalling: %s", strerror(code));
}

/* Goes on producing until all survivors are served. */
static struct reply broadcast_all(void)
{
    int code = 0;
    while (code == 0 && atomic_load(&stage->glibc.served) < stage->glibc.wanted) {
        code = add_token(pthread_cond_broadcast);
        sched_yield();
    }
    return code == 0 ? went_on() : broke("broadcasting: %s", strerror(code));
}

static void helper_signals(struct scene *s)
{
    helper_does(s, signal_one);
}

static void helper_broadcasts(struct scene *s)
{
    stage->glibc.wanted = s->waiters + 1;
    actor_start(&s->cast.helper, broadcast_all);
}

static const struct operation cond_operations[] = {
    {.name = "wait, woken by signal",
        .operate = take_token,
        .victim_sleeps = helper_signals,
        .arrival = BEHIND_VICTIM,
        .aftermath = helper_broadcasts},
};

const struct subject glibc_cond = {
    .name = "glibc cond + robust",
    .reset = reset_cond,
    .survivor = await_token,
    .operations = cond_operations,
    .operation_count = LENGTH(cond_operations),
};
