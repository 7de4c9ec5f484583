/* SPDX-License-Identifier: MIT */
#include "reading.h"

#include "memory.h"
#include "props.h"

#include <errno.h>
#include <stdbool.h>

/* src/rcu/retire.c: the last of so many looks whether any can be freed; and so many have
 * room in the first ring. */
enum { BATCH = 64 };

static hf_ptr_t *shown(void)
{
    return &props->pointers[POINTERS - 1];
}

static hf_ptr_t *fresh(void)
{
    return &props->pointers[0];
}

/* ---- calls ---- */

static const void *seen;

int operate_read_lock(void)
{
    const int code = hf_rcu_read_lock(prop_room);
    seen = code == 0 ? hf_rcu_dereference(shown()) : NULL;
    return code;
}

int operate_read_unlock(void)
{
    const bool whole = seen == NULL || prop_is_whole(seen, PROP_SIZE);
    const int code = hf_rcu_read_unlock(prop_room);
    return whole ? code : EILSEQ;
}

int operate_rcu_section(void)
{
    const int code = operate_read_lock();
    return code == 0 ? operate_read_unlock() : code;
}

int operate_rcu_nested(void)
{
    int code = operate_read_lock();
    code = code == 0 ? operate_rcu_section() : code;
    return code == 0 ? operate_read_unlock() : code;
}

int operate_synchronize(void)
{
    return hf_rcu_synchronize(prop_room);
}

int operate_barrier(void)
{
    return hf_rcu_barrier(prop_room);
}

int operate_replace(void)
{
    return hf_rcu_replace(prop_room, shown(), fresh());
}

int operate_clear(void)
{
    return hf_rcu_replace(prop_room, shown(), NULL);
}

static void *lone;

int operate_retire(void)
{
    return hf_rcu_retire(prop_room, lone);
}

int operate_stalled(void)
{
    hf_owner_t reader;
    return hf_rcu_stalled(prop_room, &reader);
}

int operate_rcu_info(void)
{
    hf_rcu_info_t info;
    return hf_rcu_info(prop_room, &info);
}

/* ---- preparations ---- */

static int make_fresh(void)
{
    const int code = hf_alloc(prop_room, fresh(), PROP_SIZE);
    if (code == 0) {
        prop_fill(hf_ptr_get(fresh()), PROP_SIZE, 'f');
    }
    return code;
}

static int replace_many(unsigned many)
{
    int code = 0;
    for (unsigned i = 0; code == 0 && i < many; i++) {
        code = make_fresh();
        code = code == 0 ? operate_replace() : code;
    }
    return code;
}

static int be_next_after(unsigned many)
{
    const int code = replace_many(many);
    return code == 0 ? make_fresh() : code;
}

static int be_second(void)
{
    return be_next_after(1);
}

static int be_end_of_batch(void)
{
    return be_next_after(BATCH - 1);
}

static int be_one_too_many(void)
{
    return be_next_after(BATCH);
}

/* The first batch is covered by a period. */
static int be_end_of_second_batch(void)
{
    return be_next_after(2 * BATCH - 1);
}

/* The same, and what is left of the first one is little. */
static int be_end_of_batch_after_few(void)
{
    int code = replace_many(BATCH - 3);
    code = code == 0 ? operate_barrier() : code;
    return code == 0 ? be_next_after(3 + BATCH - 1) : code;
}

static int retire_some(void)
{
    return replace_many(3);
}

static int make_lone(void)
{
    const int code = make_fresh();
    lone = hf_ptr_get(fresh());
    hf_ptr_set(fresh(), NULL);
    return code;
}

struct reply find_room(void)
{
    return arranged(props_open(0));
}

struct reply arrange_reader(void)
{
    return arrange(operate_rcu_section);
}

struct reply arrange_section(void)
{
    return arrange(operate_read_lock);
}

struct reply arrange_first(void)
{
    return arrange(make_fresh);
}

struct reply arrange_second(void)
{
    return arrange(be_second);
}

struct reply arrange_end_of_batch(void)
{
    return arrange(be_end_of_batch);
}

struct reply arrange_one_too_many(void)
{
    return arrange(be_one_too_many);
}

struct reply arrange_end_of_second_batch(void)
{
    return arrange(be_end_of_second_batch);
}

struct reply arrange_end_of_batch_after_few(void)
{
    return arrange(be_end_of_batch_after_few);
}

struct reply arrange_some_retired(void)
{
    return arrange(retire_some);
}

struct reply arrange_lone(void)
{
    return arrange(make_lone);
}
