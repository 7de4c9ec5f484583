/* SPDX-License-Identifier: MIT */
/*
 * Holdfast's segments: made, found, closed and removed. The survivors do all of it: they
 * open or create the segment, join it, change what a mutex in it guards, and close it;
 * then nobody may be left in it, and nothing beside it.
 */
#include <holdfast/holdfast.h>

#include "../operation.h"
#include "../sandbox.h"
#include "../scene.h"
#include "../stage.h"
#include "../tracer.h"
#include "lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define LENGTH(array) ((unsigned)(sizeof(array) / sizeof((array)[0])))

struct room {
    hf_mutex_t mutex;
    uint64_t changes; /* of the stage's data, all told by users of this segment */
};

static hf_segment_t *segment;
static struct room *room;
static int object = -1; /* for what is opened by descriptor */

static const hf_segment_config_t config = {
    .root_size = sizeof(struct room), .max_participants = 8};

static struct reply judged(const char *what, int code)
{
    return code == 0 ? went_on() : broke("%s: %s", what, strerror(code));
}

static int open_segment(unsigned flags)
{
    const int code = object >= 0
                         ? hf_segment_open_fd(&segment, object, flags, &config)
                         : hf_segment_open(&segment, stage->segment_name, flags, &config);
    room = code == 0 ? hf_segment_root(segment) : NULL;
    return code;
}

static int open_object(void)
{
    object = shm_open(stage->segment_name, O_RDWR | O_CREAT, 0600);
    return object >= 0 ? 0 : errno;
}

static void close_object(void)
{
    if (object >= 0) {
        close(object);
        object = -1;
    }
}

/* Whoever makes a segment anew that others have used loses what they wrote. */
static int take(void)
{
    const int code = hf_mutex_lock(&room->mutex);
    const bool lost = room->changes != stage->guarded.second && !stage->may_be_removed;
    return code == 0 && lost ? ESTALE : code;
}

static int give(void)
{
    room->changes = stage->guarded.second;
    return hf_mutex_unlock(&room->mutex);
}

static int repaired(void)
{
    return hf_mutex_consistent(&room->mutex);
}

static const struct lock segment_lock = {take, give, repaired};

static struct reply use(void)
{
    int code = open_segment(HF_CREATE);
    if (code != 0) {
        return judged("opening or creating", code);
    }
    const struct reply r = lock_section();
    code = hf_segment_close(segment);
    return r.ending == BROKE || code == 0 ? r : judged("closing", code);
}

static struct reply use_object(void)
{
    const int code = open_object();
    const struct reply r = code == 0 ? use() : judged("shm_open", code);
    close_object();
    return r;
}

/* ---- the stage ---- */

static struct reply remove_leftovers(void)
{
    const int code = hf_segment_remove(stage->segment_name);
    return judged("hf_segment_remove", code == ENOENT ? 0 : code);
}

static int operate_remove(void)
{
    return hf_segment_remove(stage->segment_name);
}

static struct reply make_existing(void)
{
    const int code = open_segment(HF_CREATE | HF_EXCLUSIVE);
    return judged("making one", code != 0 ? code : hf_segment_close(segment));
}

static struct reply make_empty(void)
{
    const int code = open_object();
    close_object();
    return judged("making an empty object", code);
}

static void one_exists(struct scene *s)
{
    stage->may_be_removed = s->operation->operate == operate_remove;
    actor_call(&s->cast.stagehand, make_existing);
}

static void empty_one_exists(struct scene *s)
{
    actor_call(&s->cast.stagehand, make_empty);
}

static bool prepare_creation(void)
{
    return open_object() == 0;
}

static void create_there(void)
{
    (void)!open_segment(HF_CREATE);
}

static off_t object_size(void)
{
    const int fd = shm_open(stage->segment_name, O_RDONLY, 0);
    struct stat status = {0};
    if (fd >= 0) {
        fstat(fd, &status);
        close(fd);
    }
    return status.st_size;
}

/* A creator has died there, having written something, but not made room for the rest. */
static void half_made_one_exists(struct scene *s)
{
    struct victim creator;
    const struct script script = {prepare_creation, create_there, false};
    empty_one_exists(s);
    if (victim_start(&creator, script)) {
        while (creator.place == AT_INSTRUCTION && object_size() == 0) {
            victim_run_call(&creator);
        }
    }
    victim_kill(&creator);
    victim_bury(&creator);
}

static struct reply inspect(void)
{
    hf_segment_info_t info = {0};
    int code = open_segment(0);
    if (code == 0) {
        code = hf_segment_info(segment, &info);
        (void)!hf_segment_close(segment);
    }
    if (code != 0) {
        return judged("looking at what is left", code);
    }
    struct reply r = remove_leftovers();
    char left[64];
    if (info.participants != 0) {
        r = broke("%u participants are left of none", info.participants);
    } else if (sandbox_has_leftovers(stage->segment_name, left, sizeof left)) {
        r = broke("left behind in /dev/shm: %s", left);
    }
    static uint64_t rescues; /* each scene has a segment of its own */
    rescues += info.rescues;
    r.value = rescues;
    return r;
}

/* ---- operations ---- */

static struct reply prepare_open(void)
{
    return judged("opening", open_segment(0));
}

/* Joined, and closed as often as opened but once. */
static struct reply prepare_twice(void)
{
    const int code = open_segment(0);
    const struct reply r = code == 0 ? lock_section() : judged("opening", code);
    return r.ending == BROKE ? r : prepare_open();
}

static struct reply prepare_object(void)
{
    return judged("shm_open", open_object());
}

static int operate_create(void)
{
    return open_segment(HF_CREATE);
}

static int operate_open(void)
{
    return open_segment(0);
}

static int operate_close(void)
{
    return hf_segment_close(segment);
}

/* What a short-lived program does from first to last. */
static int operate_all(void)
{
    int code = open_segment(HF_CREATE);
    if (code == 0) {
        code = operate_section();
    }
    return code == 0 ? hf_segment_close(segment) : code;
}

static const struct operation operations[] = {
    {.name = "create", .operate = operate_create},
    {.name = "create in a descriptor's object",
        .opening = empty_one_exists,
        .prepare = prepare_object,
        .operate = operate_create,
        .waiter = use_object,
        .newcomer = use_object},
    {.name = "create, paused instead", .operate = operate_create, .paused = true},
    {.name = "create in a descriptor's, paused",
        .opening = empty_one_exists,
        .prepare = prepare_object,
        .operate = operate_create,
        .paused = true,
        .waiter = use_object,
        .newcomer = use_object},
    {.name = "create in a half-made object",
        .opening = half_made_one_exists,
        .prepare = prepare_object,
        .operate = operate_create,
        .waiter = use_object,
        .newcomer = use_object},
    {.name = "create in a half-made one, paused",
        .opening = half_made_one_exists,
        .prepare = prepare_object,
        .operate = operate_create,
        .paused = true,
        .waiter = use_object,
        .newcomer = use_object},
    {.name = "open", .opening = one_exists, .operate = operate_open},
    {.name = "open a second time",
        .opening = one_exists,
        .prepare = prepare_open,
        .operate = operate_open},
    {.name = "close, not joined",
        .opening = one_exists,
        .prepare = prepare_open,
        .operate = operate_close},
    {.name = "close the first of two",
        .opening = one_exists,
        .prepare = prepare_twice,
        .operate = operate_close},
    {.name = "remove", .opening = one_exists, .operate = operate_remove},
    {.name = "create, join, lock, unlock, close",
        .operate = operate_all,
        .also = 1U << SAW_DEATH},
};

const struct subject holdfast_segment = {
    .name = "holdfast segment",
    .ours = true,
    .lock = &segment_lock,
    .reset = remove_leftovers,
    .inspect = inspect,
    .survivor = use,
    .operations = operations,
    .operation_count = LENGTH(operations),
};
