/* SPDX-License-Identifier: MIT */
/* Reader-writer lock: what is asked and said of its state, but for locking it. */
#include <holdfast/rwlock.h>

#include <errno.h>

#include "rwlock/readers.h"
#include "rwlock/writer.h"

int hf_rwlock_init(hf_rwlock_t *l)
{
    const struct hfi_member *me;
    int error = hfi_member_at(l, sizeof *l, &me);
    if (error != 0) {
        return error;
    }
    hfi_store32_relaxed(&l->hf_bias, 0);
    l->hf_reserved = 0;
    hfi_store64_release(&l->hf_writer, 0);
    return hf_mutex_init(&l->hf_gate, 0);
}

static int tell_reader(
    const struct hfi_attachment *at, const hf_rwlock_t *l, hf_owner_t *who)
{
    uint64_t offset = (uintptr_t)l - (uintptr_t)at->region.memory;
    uint64_t reader;
    bool read = hfi_find_reader(&at->table, offset, &reader) != NULL;
    return read ? hfi_table_report(&at->table, reader, who) : 0;
}

/* Those who wait for the gate wait at the same address. */
int hf_rwlock_owner(const hf_rwlock_t *l, hf_owner_t *who)
{
    const struct hfi_attachment *at = hfi_attachment_look(l, sizeof *l);
    if (at == NULL) {
        return EINVAL;
    }
    int error = hf_mutex_owner(&l->hf_gate, who);
    if (error == 0 && who->pid == 0) {
        error = tell_reader(at, l, who);
    }
    hfi_attachment_let_go();
    return error;
}

int hf_rwlock_check(const hf_rwlock_t *l)
{
    const struct hfi_attachment *at = hfi_attachment_look(l, sizeof *l);
    if (at == NULL) {
        return EINVAL;
    }
    uint64_t w = hfi_load64_acquire(&l->hf_writer);
    bool possible =
        w == 0 || w == HFI_LOST || hfi_life_of_writer(&at->table, w) != HFI_IMPOSSIBLE;
    hfi_attachment_let_go();
    return possible ? hf_mutex_check(&l->hf_gate) : EBADMSG;
}
