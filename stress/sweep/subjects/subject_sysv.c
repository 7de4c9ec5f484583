/* SPDX-License-Identifier: MIT */
/* What is crash-safe by the kernel: a System V semaphore with SEM_UNDO, as a permit. */
#include "../operation.h"
#include "../scene.h"
#include "../stage.h"
#include "lock.h"

#include <errno.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/sem.h>

#define LENGTH(array) ((unsigned)(sizeof(array) / sizeof((array)[0])))

static struct reply make(void)
{
    stage->glibc.semaphores = semget(IPC_PRIVATE, 1, 0600);
    return stage->glibc.semaphores >= 0 ? went_on()
                                        : broke("semget: %s", strerror(errno));
}

static struct reply reset(void)
{
    const int value = 1;
    return semctl(stage->glibc.semaphores, 0, SETVAL, value) == 0 ? went_on()
                                                                  : broke("semctl");
}

static struct reply dissolve(void)
{
    return semctl(stage->glibc.semaphores, 0, IPC_RMID) == 0 ? went_on()
                                                             : broke("semctl");
}

static int change(short by)
{
    struct sembuf operation = {.sem_op = by, .sem_flg = SEM_UNDO};
    while (semop(stage->glibc.semaphores, &operation, 1) != 0) {
        if (errno != EINTR) {
            return errno;
        }
    }
    return 0;
}

static int take(void)
{
    return change(-1);
}

static int give(void)
{
    return change(1);
}

static const struct lock sysv_lock = {take, give, NULL};

static const struct operation operations[] = {
    {.name = "acquire, change, release", .operate = operate_section},
    {.name = "acquire, woken by release",
        .opening = helper_takes,
        .operate = operate_take,
        .victim_sleeps = helper_gives,
        .arrival = BEHIND_VICTIM},
};

const struct subject sysv_sem = {
    .name = "SysV sem, SEM_UNDO",
    .lock = &sysv_lock,
    .found = make,
    .reset = reset,
    .dissolve = dissolve,
    .survivor = lock_section,
    .operations = operations,
    .operation_count = LENGTH(operations),
};
