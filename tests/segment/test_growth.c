/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "segment/room.h"
#include "segment/segment.h"

static void set_up(void)
{
    open_room(1 << 16, 1 << 22);
}

TestSuite(growth, .init = set_up, .timeout = 60);

/* Sees each block that steps announce, as large as it is, and nothing else. */
static int use_what_others_grow(party_t *p)
{
    for (uint32_t i = 1; i <= 8; i++) {
        await_steps(p, i);
        char *block = hf_ptr_get(&room->slot[i]);
        size_t usable, oldest;
        int error = hf_usable_size(segment, hf_ptr_get(&room->slot[0]), &oldest);
        error = error != 0 ? error : hf_usable_size(segment, block, &usable);
        if (error != 0 || usable < 100000 || !is_filled(block, 100000, (int)i)) {
            return error != 0 ? error : EPROTO;
        }
        block[0] = 'x';
        __atomic_store_n(&p->last, i, __ATOMIC_SEQ_CST);
    }
    return 0;
}

static void *use_in_a_thread(void *result)
{
    *(int *)result = use_what_others_grow(&room->party);
    return NULL;
}

static void grow_step_by_step(void)
{
    for (uint32_t i = 1; i <= 8; i++) {
        assert_ok(hf_alloc(segment, &room->slot[i], 100000));
        memset(hf_ptr_get(&room->slot[i]), (int)i, 100000);
        step(&room->party);
        while (__atomic_load_n(&room->party.last, __ATOMIC_SEQ_CST) < i) {
            sched_yield();
        }
        cr_assert_eq(*(char *)hf_ptr_get(&room->slot[i]), 'x');
    }
}

Test(growth, another_process_uses_what_this_one_let_grow)
{
    assert_ok(hf_alloc(segment, &room->slot[0], 10));
    pid_t child = spawn(use_what_others_grow, &room->party);
    grow_step_by_step();
    assert_exits(child, 0);
}

Test(growth, another_thread_uses_what_this_one_let_grow)
{
    pthread_t thread;
    int result = EPROTO;
    assert_ok(hf_alloc(segment, &room->slot[0], 10));
    cr_assert_eq(pthread_create(&thread, NULL, use_in_a_thread, &result), 0);
    grow_step_by_step();
    pthread_join(thread, NULL);
    assert_ok(result);
}

Test(growth, ends_at_max_size)
{
    size_t i = 0;
    while (i < SLOTS && hf_alloc(segment, &room->slot[i], 100000) == 0) {
        i++;
    }
    cr_assert_geq(i, (1 << 22) / 100100 - 1);
    cr_assert_lt(i, SLOTS);
    hf_heap_info_t before = info_of();
    assert_error(hf_alloc(segment, &room->slot[i], 100000), ENOSPC);
    assert_same(&before);
    hf_segment_info_t info;
    assert_ok(hf_segment_info(segment, &info));
    cr_assert_geq(info.size, 1 << 22);
    assert_error(hf_segment_grow(segment, (1 << 22) + 1), ENOSPC);
    while (i-- > 0) {
        assert_ok(hf_free(segment, &room->slot[i]));
    }
    cr_assert_eq(info_of().largest_free + 8, info_of().size);
}

Test(growth, for_what_will_not_fit_does_not_begin)
{
    hf_heap_info_t before = info_of();
    assert_error(hf_alloc(segment, &room->slot[0], (1 << 22) + 4096), ENOSPC);
    assert_same(&before);
    size_t most = (1 << 22) - sizeof *room - 2 * 4096; /* the last page is needed, too */
    assert_ok(hf_alloc_aligned(segment, &room->slot[0], most, 4096));
    assert_ok(hf_segment_check(segment, NULL, NULL));
    before = info_of();
    assert_error(hf_realloc(segment, &room->slot[0], (1 << 22) + 4096), ENOSPC);
    assert_same(&before);
}

Test(growth, on_demand)
{
    hf_heap_info_t before = info_of();
    hf_segment_info_t info;
    assert_ok(hf_segment_grow(segment, 100));
    assert_same(&before);
    assert_ok(hf_segment_grow(segment, 1 << 20));
    assert_ok(hf_segment_info(segment, &info));
    cr_assert_geq(info.size, 1 << 20);
    cr_assert_eq(info_of().largest_free + 8, info_of().size);
}

Test(growth, without_memory_is_ENOSPC_and_all_is_as_it_was)
{
    struct rlimit limit = {1 << 18, RLIM_INFINITY}; /* of a file, in bytes */
    signal(SIGXFSZ, SIG_IGN);
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    hf_heap_info_t before = info_of();
    hf_segment_info_t info;
    assert_ok(hf_segment_info(segment, &info));
    assert_error(hf_segment_grow(segment, 1 << 20), ENOSPC);
    assert_error(hf_alloc(segment, &room->slot[0], 1 << 20), ENOSPC);
    assert_same(&before);
    assert_ok(hf_alloc(segment, &room->slot[0], 1000));
}

static void *allocate_there(void *slot)
{
    return (void *)(intptr_t)hf_alloc(segment, slot, 10);
}

static int grow_and_die(party_t *unused)
{
    (void)unused;
    struct hfi_tx tx;
    int error = hf_segment_grow(segment, 1 << 20);
    if (error == 0) {
        error = hfi_heap_enter(&segment->heap, &tx);
    }
    if (error == 0) {
        hfi_tx_set(&tx, &tx.heap->control->used, 1);
        hfi_tx_set(&tx, hfi_heap_address(tx.heap, tx.heap->control->end - 64), 1);
        kill(getpid(), SIGKILL);
    }
    return error;
}

/* Such as a daemon that closes all descriptors it does not know. */
Test(growth, whose_descriptor_is_another_files_spares_that_and_harms_nobody)
{
    int fd = segment->at.region.object, kept = dup(fd);
    int others = memfd_create("others", MFD_CLOEXEC);
    struct stat info;
    hf_heap_info_t before = info_of();
    cr_assert_eq(dup2(others, fd), fd);
    assert_error(hf_segment_grow(segment, 1 << 20), EBADF);
    cr_assert_eq(fstat(others, &info), 0);
    cr_assert_eq(info.st_size, 0);
    assert_same(&before);
    cr_assert_eq(dup2(kept, fd), fd);
    pid_t child = spawn(grow_and_die, &room->party);
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFSIGNALED(status));
    cr_assert_eq(dup2(others, fd), fd);
    assert_ok(hf_alloc(segment, &room->slot[0], 10)); /* the memory tells how much grew */
    cr_assert_eq(dup2(kept, fd), fd);
    assert_ok(hf_alloc(segment, &room->slot[1], 10));
    assert_ok(hf_segment_check(segment, NULL, NULL));
}

Test(growth, whose_descriptor_is_another_files_gets_one_by_opening_again)
{
    hf_segment_t *again;
    int fd = segment->at.region.object, kept = dup(fd);
    int others = memfd_create("others", MFD_CLOEXEC);
    cr_assert_eq(dup2(others, fd), fd);
    assert_error(hf_segment_grow(segment, 1 << 20), EBADF);
    assert_ok(hf_segment_open_fd(&again, kept, 0, NULL));
    cr_assert_eq(again, segment);
    assert_ok(hf_segment_grow(segment, 1 << 20));
    pthread_t thread;
    cr_assert_eq(pthread_create(&thread, NULL, allocate_there, &room->slot[0]), 0);
    void *error;
    cr_assert_eq(pthread_join(thread, &error), 0);
    cr_assert_null(error, "joining needs it, too");
    assert_ok(hf_segment_close(again));
    assert_ok(hf_segment_close(segment));
}

Test(growth, a_descriptor_that_is_another_files_stays_open)
{
    hf_shm_t *shm;
    hf_region_t *region;
    uint64_t size;
    int fd, others = memfd_create("others", MFD_CLOEXEC);
    assert_ok(hf_shm_open_anonymous(&shm, 100));
    assert_ok(hf_shm_fd(shm, &fd));
    cr_assert_eq(dup2(others, fd), fd);
    assert_error(hf_shm_size(shm, &size), EBADF);
    assert_error(hf_shm_truncate(shm, 5000), EBADF);
    assert_error(hf_region_map(&region, shm, 0, 0, 0), EBADF);
    assert_ok(hf_shm_close(shm));
    cr_assert_neq(fcntl(fd, F_GETFD), -1);
    fd = segment->at.region.object;
    cr_assert_eq(dup2(others, fd), fd);
    assert_error(hf_segment_check(segment, NULL, NULL), EBADF);
    assert_ok(hf_segment_close(segment));
    cr_assert_neq(fcntl(fd, F_GETFD), -1);
}

Test(growth, a_grown_one_is_opened_as_large_as_it_is)
{
    const char *name = fresh_name();
    hf_segment_config_t config = {
        .size = 1 << 16, .max_size = 1 << 22, .root_size = sizeof *room};
    hf_segment_t *grown;
    assert_ok(hf_segment_open(&grown, name, HF_CREATE, &config));
    room_t *there = hf_segment_root(grown);
    assert_ok(hf_alloc(grown, &there->slot[0], 1 << 20));
    strcpy(hf_ptr_get(&there->slot[0]), "hello");
    assert_ok(hf_segment_close(grown));
    assert_ok(hf_segment_open(&grown, name, HF_READ_ONLY, &config));
    assert_ok(hf_segment_remove(name));
    there = hf_segment_root(grown);
    void *text;
    assert_ok(hf_ptr_check(grown, &there->slot[0], 1 << 20, &text));
    cr_assert_str_eq(text, "hello");
}
