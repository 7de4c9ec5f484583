/* SPDX-License-Identifier: MIT */
/* The peers: what glibc (or another libc) makes of the same scenes. */
#include "../operation.h"
#include "../scene.h"
#include "../stage.h"
#include "lock.h"
#include "supply.h"

#include <errno.h>
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
    {.name = "wait (as a lock), woken by post",
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

/* The same as a supply of tokens. */

static struct reply reset_tokens(void)
{
    memset(&stage->glibc, 0, sizeof stage->glibc);
    return sem_init(&stage->glibc.sem, 1, 0) == 0 ? went_on() : broke("sem_init");
}

static int sem_attempt(void)
{
    return sem_trywait(&stage->glibc.sem) == 0 ? 0 : errno == EAGAIN ? EBUSY : errno;
}

static unsigned sem_left(void)
{
    int value = 0;
    sem_getvalue(&stage->glibc.sem, &value);
    return value > 0 ? (unsigned)value : 0;
}

static const struct supply sem_supply = {
    .take = sem_take, .attempt = sem_attempt, .post = sem_give, .left = sem_left};

static const struct operation token_operations[] = {
    {.name = "wait, woken by post",
        .operate = operate_supply_take,
        .victim_sleeps = helper_posts,
        .arrival = BEHIND_VICTIM,
        .balance = -1},
    {.name = "post",
        .operate = operate_supply_post,
        .arrival = BEFORE_VICTIM,
        .balance = 1},
};

const struct subject glibc_tokens = {
    .name = "glibc sem_t",
    .supply = &sem_supply,
    .reset = reset_tokens,
    .survivor = supply_take,
    .newcomer = supply_revisit,
    .operations = token_operations,
    .operation_count = LENGTH(token_operations),
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

static int operate_reading(void)
{
    const int code = pthread_rwlock_rdlock(&stage->glibc.rwlock);
    return code != 0 ? code : rwlock_give();
}

static const struct lock rwlock_lock = {rwlock_take, rwlock_give, NULL};

static const struct operation rwlock_operations[] = {
    {.name = "rdlock, unlock; writers follow", .operate = operate_reading},
    {.name = "wrlock, change, unlock", .operate = operate_section},
    {.name = "wrlock, woken by unlock",
        .opening = helper_takes,
        .operate = operate_take,
        .victim_sleeps = helper_gives,
        .arrival = BEHIND_VICTIM},
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

static int cond_wait(void)
{
    return pthread_cond_wait(&stage->glibc.cond, &stage->glibc.mutex);
}

static int cond_signal(void)
{
    return pthread_cond_signal(&stage->glibc.cond);
}

static int cond_broadcast(void)
{
    return pthread_cond_broadcast(&stage->glibc.cond);
}

static const struct monitor cond = {cond_wait, cond_signal, cond_broadcast};
static const struct supply cond_tokens = {.take = monitor_take,
    .attempt = monitor_attempt,
    .post = monitor_post,
    .left = monitor_left,
    .due = monitor_due,
    .monitor = &cond};

static const struct operation cond_operations[] = {
    {.name = "wait, woken by signal",
        .operate = operate_supply_take,
        .victim_sleeps = helper_posts,
        .arrival = BEHIND_VICTIM,
        .balance = -1,
        .also = 1U << SAW_DEATH},
    {.name = "wait, woken by broadcast",
        .operate = operate_supply_take,
        .victim_sleeps = helper_broadcasts,
        .arrival = BEHIND_VICTIM,
        .balance = -1,
        .also = 1U << SAW_DEATH},
    {.name = "signal",
        .opening = one_is_untold,
        .operate = operate_signal,
        .arrival = BEFORE_VICTIM},
    {.name = "broadcast",
        .opening = enough_are_untold,
        .operate = operate_broadcast,
        .arrival = BEFORE_VICTIM},
};

const struct subject glibc_cond = {
    .name = "glibc cond + robust",
    .lock = &robust_lock,
    .supply = &cond_tokens,
    .reset = reset_cond,
    .survivor = supply_take,
    .newcomer = supply_revisit,
    .operations = cond_operations,
    .operation_count = LENGTH(cond_operations),
};
