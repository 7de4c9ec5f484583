/* SPDX-License-Identifier: MIT */
/*
 * Holdfast's latch. Each write has a number, of which all of its words are functions. At
 * the kill there is what was written before or what the victim wrote, for all to read,
 * and whoever comes then writes over it.
 */
#include "../operation.h"
#include "../scene.h"
#include "../stage.h"
#include "lock.h"
#include "room.h"

#include <errno.h>
#include <stdatomic.h>

#define LENGTH(array) ((unsigned)(sizeof(array) / sizeof((array)[0])))

enum { NOTHING, BEFORE, VICTIMS, SURVIVORS /* from here on */ };

struct payload {
    uint64_t words[LATCH_WORDS];
};

static int write_number(uint64_t number)
{
    struct payload p;
    for (unsigned i = 0; i < LATCH_WORDS; i++) {
        p.words[i] = number * (i + 1);
    }
    return hf_latch_write(&room->latch, &p, sizeof p);
}

/* EILSEQ: a mixture. */
static int read_number(uint64_t *number)
{
    struct payload p;
    const int code = hf_latch_read(&room->latch, &p, sizeof p);
    *number = p.words[0];
    for (unsigned i = 0; code == 0 && i < LATCH_WORDS; i++) {
        if (p.words[i] != *number * (i + 1)) {
            return EILSEQ;
        }
    }
    return code;
}

/* ---- survivors ---- */

/* With the victim dead or standing still where it will be killed. */
static struct reply look(void)
{
    uint64_t number;
    int code = read_number(&number);
    code = code != 0 ? code : hf_latch_check(&room->latch);
    if (code != 0) {
        return judged("reading", code);
    }
    if (number == room->written.before || number == VICTIMS) {
        atomic_fetch_or(&room->written.found, 1U << (number == VICTIMS));
    } else if (number < SURVIVORS) {
        return broke("write %d is there", (int)number);
    }
    return went_on();
}

static struct reply write_over(bool victim_writes)
{
    uint64_t number;
    int code = write_number(SURVIVORS + __atomic_fetch_add(&room->comers, 1, 0));
    code = code != 0 ? code : read_number(&number);
    if (code != 0) {
        return judged("writing and reading", code);
    }
    return number >= SURVIVORS || (victim_writes && number == VICTIMS)
               ? went_on()
               : broke("a write is complete, an older one is there");
}

static struct reply write_beside_victim(void)
{
    return write_over(true);
}

static struct reply write_twice_beside_victim(void)
{
    const struct reply r = write_over(true);
    return r.ending == BROKE ? r : write_over(true);
}

static struct reply look_and_write(void)
{
    const struct reply r = look();
    return r.ending == BROKE ? r : write_over(false);
}

static struct reply inspect(void)
{
    const struct reply r = room_inspect();
    const bool writes = stage->operation->balance != 0;
    const unsigned found = room->written.found;
    if (r.ending == BROKE) {
        return r;
    }
    return found == 3 ? broke("some found the victim's write, others did not")
           : found == 1 && writes && !stage->may_be_undone
               ? broke("a write is complete, and was not found")
           : found == 2 && !(writes && stage->may_be_done)
               ? broke("a write was found that had not begun")
               : r;
}

/* ---- one who stands still in the middle of a write ---- */

static int take(void)
{
    const int code = hf_mutex_lock(&room->latch.hf_lock);
    if (code == 0) {
        room->latch.hf_begun = room->latch.hf_complete + 1;
    }
    return code;
}

static int give(void)
{
    return hf_mutex_unlock(&room->latch.hf_lock);
}

static const struct lock middle_of_a_write = {.take = take, .give = give};

static struct reply write_before(void)
{
    room->written.before = BEFORE;
    return judged("writing", write_number(BEFORE));
}

static void one_is_written(struct scene *s)
{
    helper_does(s, write_before);
}

static void helper_writes(struct scene *s)
{
    one_is_written(s);
    helper_takes(s);
}

static void writer_dies(struct scene *s)
{
    one_is_written(s);
    holder_dies(s);
}

/* ---- operations ---- */

static int operate_write(void)
{
    return write_number(VICTIMS);
}

static int operate_misfit(void)
{
    const uint64_t short_one = VICTIMS;
    return hf_latch_write(&room->latch, &short_one, sizeof short_one);
}

static int operate_read(void)
{
    uint64_t number;
    return read_number(&number);
}

static int operate_owner(void)
{
    hf_owner_t who;
    return hf_latch_owner(&room->latch, &who);
}

static int operate_check(void)
{
    return hf_latch_check(&room->latch);
}

#define BESIDE_READERS                                                                   \
    .stopped = true, .waiter = look, .newcomer = look, .fewest_waiters = 1
#define BEHIND_A_WRITER                                                                  \
    .opening = helper_writes, .operate = operate_write, .balance = 1,                    \
    .waiter = write_beside_victim

static const struct operation operations[] = {
    {.name = "write, the first", .operate = operate_write, .balance = 1, .crowd = true},
    {.name = "write",
        .opening = one_is_written,
        .operate = operate_write,
        .balance = 1,
        .crowd = true},
    {.name = "write, the first, stopped",
        .operate = operate_write,
        .balance = 1,
        BESIDE_READERS},
    {.name = "write, stopped",
        .opening = one_is_written,
        .operate = operate_write,
        .balance = 1,
        BESIDE_READERS},
    {.name = "write, paused",
        .opening = one_is_written,
        .operate = operate_write,
        .paused = true,
        .balance = 1,
        .waiter = write_beside_victim,
        .fewest_waiters = 1},
    {.name = "write, joining",
        .prepare = room_find,
        .comes_unprepared = true,
        .operate = operate_write,
        .balance = 1},
    {.name = "write, woken",
        BEHIND_A_WRITER,
        .victim_sleeps = helper_gives,
        .arrival = BEHIND_VICTIM,
        .crowd = true},
    {.name = "write, woken last",
        BEHIND_A_WRITER,
        .victim_sleeps = helper_gives,
        .arrival = BEFORE_VICTIM,
        .fewest_waiters = 1},
    {.name = "write, woken by a writer's death",
        BEHIND_A_WRITER,
        .victim_sleeps = helper_dies,
        .arrival = BEHIND_VICTIM,
        .deaths_coincide = true},
    {.name = "write after a dead one's",
        .opening = writer_dies,
        .operate = operate_write,
        .balance = 1,
        .crowd = true},
    {.name = "write of another size",
        .opening = one_is_written,
        .operate = operate_misfit,
        .returns = EINVAL},
    {.name = "read before the first write", .operate = operate_read},
    {.name = "read", .opening = one_is_written, .operate = operate_read},
    {.name = "read, stopped",
        .opening = one_is_written,
        .operate = operate_read,
        .stopped = true,
        .fewest_waiters = 1},
    {.name = "read, paused, overtaken",
        .opening = one_is_written,
        .operate = operate_read,
        .paused = true,
        .fewest_waiters = 1},
    {.name = "read, paused, overtaken by two",
        .opening = one_is_written,
        .operate = operate_read,
        .paused = true,
        .waiter = write_twice_beside_victim,
        .fewest_waiters = 1,
        .most_waiters = 1},
    {.name = "read, not joining",
        .opening = one_is_written,
        .prepare = room_find,
        .comes_unprepared = true,
        .operate = operate_read},
    {.name = "read beside one who stands still",
        .opening = helper_writes,
        .operate = operate_read,
        .arrival = BEFORE_VICTIM,
        .waiter = write_beside_victim},
    {.name = "read after a dead one's write",
        .opening = writer_dies,
        .operate = operate_read},
    {.name = "owner",
        .opening = helper_writes,
        .operate = operate_owner,
        .arrival = BEFORE_VICTIM,
        .waiter = write_beside_victim},
    {.name = "check",
        .opening = helper_writes,
        .operate = operate_check,
        .arrival = BEFORE_VICTIM,
        .waiter = write_beside_victim},
};

const struct subject holdfast_latch = {
    .name = "holdfast latch",
    .ours = true,
    .lock = &middle_of_a_write,
    .found = room_found,
    .enter = room_enter,
    .reset = room_reset,
    .inspect = inspect,
    .dissolve = room_remove,
    .survivor = look_and_write,
    .operations = operations,
    .operation_count = LENGTH(operations),
};
