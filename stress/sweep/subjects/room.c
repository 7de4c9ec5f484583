/* SPDX-License-Identifier: MIT */
#include "room.h"

#include "../stage.h"

#include <string.h>

/* Few, so that victims who left any taken soon fill them. */
enum { SPARE_SEATS = 10 };

hf_segment_t *segment;
struct room *room;

static int open_room(unsigned flags)
{
    const hf_segment_config_t config = {.root_size = sizeof(struct room),
        .max_participants = stage->cast_size + SPARE_SEATS};
    const int code = hf_segment_open(&segment, stage->segment_name, flags, &config);
    room = code == 0 ? hf_segment_root(segment) : NULL;
    return code;
}

/* The first call in the segment: the thread joins. */
static int join(void)
{
    const int code = hf_mutex_lock(&room->spare);
    return code == 0 ? hf_mutex_unlock(&room->spare) : code;
}

struct reply judged(const char *what, int code)
{
    return code == 0 ? went_on() : broke("%s: %s", what, strerror(code));
}

struct reply room_found(void)
{
    const int code = open_room(HF_CREATE | HF_EXCLUSIVE);
    return judged("creating a segment", code != 0 ? code : join());
}

struct reply room_find(void)
{
    return judged("opening the segment", open_room(0));
}

struct reply room_enter(void)
{
    const int code = open_room(0);
    return judged("opening and joining", code != 0 ? code : join());
}

/* Nobody is inside a call. */
struct reply room_reset(void)
{
    memset(room, 0, sizeof *room);
    return went_on();
}

static int check_all(void)
{
    const int codes[] = {hf_mutex_check(&room->mutex), hf_cond_check(&room->cond),
        hf_sem_check(&room->sem), hf_event_check(&room->event),
        hf_once_check(&room->once), hf_rwlock_check(&room->rwlock),
        hf_barrier_check(&room->barrier), hf_latch_check(&room->latch)};
    int worst = 0;
    for (unsigned i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        worst = codes[i] != 0 ? codes[i] : worst;
    }
    return worst;
}

struct reply room_inspect(void)
{
    hf_segment_info_t info;
    int code = hf_segment_info(segment, &info);
    struct reply r = judged("looking at what is left", code != 0 ? code : check_all());
    if (code == 0 && info.participants != stage->cast_size) {
        r = broke("%u participants are left of %u", info.participants, stage->cast_size);
    }
    r.value = code == 0 ? info.rescues : 0;
    return r;
}

struct reply room_remove(void)
{
    return judged("hf_segment_remove", hf_segment_remove(stage->segment_name));
}
