/* SPDX-License-Identifier: MIT */
#include <holdfast/holdfast.h>

#include "stage.h"
#include "troupe.h"

#include <stdio.h>
#include <string.h>

struct room {
    hf_mutex_t locks[MANY_LOCKS];
    hf_sem_t sem;
};

static hf_segment_t *here, *elsewhere;

static hf_mutex_t *lock(void)
{
    struct room *room = hf_segment_root(lock_number == ELSEWHERE ? elsewhere : here);
    return &room->locks[lock_number % MANY_LOCKS];
}

static int take(void)
{
    return hf_mutex_lock(lock());
}

static int attempt(void)
{
    return hf_mutex_trylock(lock());
}

static int timed(unsigned ms)
{
    const struct timespec deadline = hf_deadline_in_ms(ms);
    return hf_mutex_timedlock(lock(), &deadline);
}

static int give(void)
{
    return hf_mutex_unlock(lock());
}

static int repaired(void)
{
    return hf_mutex_consistent(lock());
}

static const char *name_elsewhere(char *name, size_t size)
{
    snprintf(name, size, "%s-elsewhere", stage->segment_name);
    return name;
}

static struct reply open_both(unsigned flags)
{
    const hf_segment_config_t config = {.root_size = sizeof(struct room)};
    char name[64];
    int code = hf_segment_open(&here, stage->segment_name, flags, &config);
    if (code == 0) {
        name_elsewhere(name, sizeof name);
        code = hf_segment_open(&elsewhere, name, flags, &config);
    }
    return code == 0 ? went_on() : broke("opening two segments: %s", strerror(code));
}

static struct reply found(void)
{
    return open_both(HF_CREATE | HF_EXCLUSIVE);
}

static struct reply enter(void)
{
    return open_both(0);
}

static struct reply leave_elsewhere(void)
{
    const int code = hf_segment_close(elsewhere);
    return code == 0 ? went_on() : broke("hf_segment_close: %s", strerror(code));
}

static struct reply dissolve(void)
{
    char name[64];
    const int code = hf_segment_remove(stage->segment_name);
    const int other = hf_segment_remove(name_elsewhere(name, sizeof name));
    return code == 0 && other == 0 ? went_on() : broke("hf_segment_remove");
}

static struct reply rescues(void)
{
    hf_segment_info_t info;
    const int code = hf_segment_info(here, &info);
    struct reply r = code == 0 ? went_on() : broke("hf_segment_info: %s", strerror(code));
    r.value = info.rescues;
    return r;
}

const struct troupe holdfast_troupe = {
    .name = "holdfast",
    .ours = true,
    .lock = {take, give, repaired},
    .attempt = attempt,
    .timed = timed,
    .found = found,
    .enter = enter,
    .leave_elsewhere = leave_elsewhere,
    .dissolve = dissolve,
    .rescues = rescues,
};

static hf_sem_t *sem(void)
{
    struct room *room = hf_segment_root(here);
    return &room->sem;
}

static int sem_take(void)
{
    return hf_sem_wait(sem());
}

static int sem_attempt(void)
{
    return hf_sem_trywait(sem());
}

static int sem_timed(unsigned ms)
{
    const struct timespec deadline = hf_deadline_in_ms(ms);
    return hf_sem_timedwait(sem(), &deadline);
}

static int sem_give(void)
{
    return hf_sem_post(sem());
}

static struct reply sem_found(void)
{
    const struct reply r = found();
    const int code = r.ending != BROKE ? hf_sem_init(sem(), 1) : 0;
    return code == 0 ? r : broke("hf_sem_init: %s", strerror(code));
}

const struct troupe holdfast_sem_troupe = {
    .name = "holdfast sem",
    .ours = true,
    .lock = {sem_take, sem_give, NULL},
    .attempt = sem_attempt,
    .timed = sem_timed,
    .found = sem_found,
    .enter = enter,
    .dissolve = dissolve,
    .rescues = rescues,
};
