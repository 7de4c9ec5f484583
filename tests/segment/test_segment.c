/* SPDX-License-Identifier: MIT */
#include "segment/file.h"
#include "segment/layout.h"

TestSuite(segment, .init = set_up, .fini = tear_down, .timeout = 60);

Test(segment, the_root_is_zero_and_aligned)
{
    create(&(hf_segment_config_t){.root_size = 10000});
    char *root = hf_segment_root(segment);
    cr_assert_eq((uintptr_t)root % 64, 0);
    for (int i = 0; i < 10000; i++) {
        cr_assert_eq(root[i], 0);
    }
}

Test(segment, defaults_are_as_documented)
{
    hf_segment_info_t info;
    create(NULL);
    assert_ok(hf_segment_info(segment, &info));
    cr_assert_eq(info.size, 4096 + 65536);
    cr_assert_eq(info.max_size, info.size);
    cr_assert_eq(info.root_size, 4096);
    cr_assert_eq(info.max_participants, 1024);
    struct stat status;
    cr_assert_eq(stat(path, &status), 0);
    cr_assert_eq(status.st_mode & 07777, 0600);
    cr_assert_geq(status.st_blocks * 512, status.st_size, "allocated in full");
}

Test(segment, permissions_are_those_asked_for_whatever_the_umask)
{
    struct stat status;
    umask(077);
    create(&(hf_segment_config_t){.permissions = 0660});
    cr_assert_eq(stat(path, &status), 0);
    cr_assert_eq(status.st_mode & 07777, 0660);
}

Test(segment, flags_say_what_may_exist)
{
    hf_segment_t *other;
    assert_error(hf_segment_open(&segment, name, 0, NULL), ENOENT);
    assert_error(hf_segment_open(&segment, name, HF_READ_ONLY, NULL), ENOENT);
    assert_ok(hf_segment_open(&segment, name, HF_CREATE | HF_EXCLUSIVE, NULL));
    assert_error(hf_segment_open(&other, name, HF_CREATE | HF_EXCLUSIVE, NULL), EEXIST);
    assert_ok(hf_segment_open(&other, name, HF_CREATE, NULL));
    assert_ok(hf_segment_remove(name));
    assert_error(hf_segment_remove(name), ENOENT);
    assert_error(hf_segment_open(&other, name, 0, NULL), ENOENT);
}

Test(segment, what_can_never_be_right_is_EINVAL)
{
    const hf_segment_config_t bad[] = {{.size = 10, .root_size = 11},
        {.max_participants = 16385}, {.permissions = 01600}, {.permissions = 0060}};
    unsigned flags[] = {HF_EXCLUSIVE, HF_CREATE | HF_READ_ONLY, 8, UINT32_MAX};
    for (size_t i = 0; i < 4; i++) {
        assert_error(hf_segment_open(&segment, name, HF_CREATE, &bad[i]), EINVAL);
        segment = (hf_segment_t *)name;
        assert_error(hf_segment_open(&segment, name, flags[i], NULL), EINVAL);
        cr_assert_null(segment);
    }
    segment = (hf_segment_t *)name;
    assert_error(hf_segment_open(NULL, name, HF_CREATE, NULL), EINVAL);
    assert_error(hf_segment_open(&segment, NULL, HF_CREATE, NULL), EINVAL);
    assert_error(hf_segment_open(&segment, "a/b", HF_CREATE, NULL), EINVAL);
    cr_assert_null(segment);
    assert_error(hf_segment_remove("a/b"), EINVAL);
    assert_error(hf_segment_close(NULL), EINVAL);
    cr_assert_null(hf_segment_root(NULL));
}

Test(segment, an_existing_one_must_offer_what_the_config_asks)
{
    const hf_segment_config_t larger[] = {
        {.root_size = 101}, {.size = 1001}, {.max_participants = 11}};
    hf_segment_t *other;
    hf_segment_config_t config = {.size = 1000, .root_size = 100, .max_participants = 10};
    create(&config);
    for (int i = 0; i < 3; i++) {
        assert_error(hf_segment_open(&other, name, HF_CREATE, &larger[i]), EINVAL);
    }
    assert_ok(hf_segment_open(&other, name, HF_CREATE, &config));
}

Test(segment, more_than_there_is_room_for_is_ENOSPC_at_once)
{
    hf_segment_config_t config = {.size = (size_t)1 << 44};
    assert_error(hf_segment_open(&segment, name, HF_CREATE, &config), ENOSPC);
    config.size = SIZE_MAX - 100;
    assert_error(hf_segment_open(&segment, name, HF_CREATE, &config), ENOSPC);
    cr_assert_eq(access(path, F_OK), -1, "nothing is left behind");
}

Test(segment, opened_twice_in_a_process_it_is_one)
{
    hf_segment_t *again;
    create(NULL);
    assert_ok(hf_segment_open(&again, name, 0, NULL));
    cr_assert_eq(hf_segment_root(again), hf_segment_root(segment));
    hf_mutex_t *lock = hf_segment_root(segment);
    assert_ok(hf_mutex_lock(lock));
    assert_ok(hf_segment_close(again));
    assert_ok(hf_mutex_unlock(lock));
    assert_ok(hf_segment_close(segment));
    assert_error(hf_segment_close(segment), EINVAL);
    assert_error(hf_mutex_lock(lock), EINVAL);
}

Test(segment, who_closes_is_dead_for_what_it_holds)
{
    create(NULL);
    assert_ok(hf_mutex_lock(hf_segment_root(segment)));
    assert_ok(hf_segment_close(segment));
    assert_ok(hf_segment_open(&segment, name, 0, NULL));
    assert_error(hf_mutex_lock(hf_segment_root(segment)), EOWNERDEAD);
}

Test(segment, what_is_no_plain_file_is_refused)
{
    assert_ok(hf_segment_open(&segment, name, HF_CREATE, NULL));
    char link[160];
    snprintf(link, sizeof link, "%s-link", path);
    cr_assert_eq(symlink(path, link), 0);
    hf_segment_t *other;
    assert_error(hf_segment_open(&other, link + 9, 0, NULL), EACCES);
    assert_error(hf_segment_open(&other, link + 9, HF_CREATE, NULL), EACCES);
    unlink(link);
    cr_assert_eq(mkdir(link, 0700), 0);
    assert_error(hf_segment_open(&other, link + 9, 0, NULL), EACCES);
    assert_error(hf_segment_open(&other, link + 9, HF_READ_ONLY, NULL), EACCES);
    rmdir(link);
    cr_assert_eq(mkfifo(link, 0600), 0);
    assert_error(hf_segment_open(&other, link + 9, HF_CREATE, NULL), EACCES);
    unlink(link);
}

Test(segment, another_owners_file_that_the_world_may_write_is_refused)
{
    create(&(hf_segment_config_t){.permissions = 0666});
    assert_ok(hf_segment_close(segment));
    if (geteuid() != 0) {
        cr_skip_test("needs root, to give a file away");
    }
    cr_assert_eq(chown(path, 12345, 12345), 0);
    assert_error(hf_segment_open(&segment, name, 0, NULL), EACCES);
    cr_assert_eq(chmod(path, 0660), 0);
    assert_ok(hf_segment_open(&segment, name, 0, NULL));
}

Test(segment, a_file_without_permission_is_EACCES)
{
    create(NULL);
    if (geteuid() != 0) {
        cr_skip_test("needs root, to become somebody else");
    }
    pid_t child = fork();
    if (child == 0) {
        hf_segment_t *other;
        _exit(setuid(12345) != 0 ? 1 : hf_segment_open(&other, name, 0, NULL));
    }
    assert_exits(child, EACCES);
}

static void write_file(const void *bytes, size_t size)
{
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, bytes, size), (ssize_t)size);
    close(fd);
}

Test(segment, foreign_and_short_files_are_EBADMSG_and_stay_as_they_are)
{
    char foreign[5000];
    memset(foreign, 'x', sizeof foreign);
    size_t sizes[] = {0, 1, 8, 100, 5000};
    for (size_t i = 0; i < 5; i++) {
        struct stat status;
        write_file(foreign, sizes[i]);
        assert_error(hf_segment_open(&segment, name, 0, NULL), EBADMSG);
        assert_error(hf_segment_open(&segment, name, HF_CREATE, NULL), EBADMSG);
        assert_error(hf_segment_open(&segment, name, HF_READ_ONLY, NULL), EBADMSG);
        cr_assert_eq(stat(path, &status), 0);
        cr_assert_eq((size_t)status.st_size, sizes[i]);
    }
}

Test(segment, one_cut_short_is_EBADMSG)
{
    create(NULL);
    assert_ok(hf_segment_close(segment));
    cr_assert_eq(truncate(path, 4096), 0);
    assert_error(hf_segment_open(&segment, name, 0, NULL), EBADMSG);
}

Test(segment, every_damaged_byte_of_the_header_is_noticed)
{
    create(NULL);
    assert_ok(hf_segment_close(segment));
    int fd = open(path, O_RDWR);
    for (off_t i = 0; i < (off_t)offsetof(struct hfi_header, line_end); i++) {
        unsigned char byte, damaged;
        cr_assert_eq(pread(fd, &byte, 1, i), 1);
        damaged = byte ^ 0x41;
        cr_assert_eq(pwrite(fd, &damaged, 1, i), 1);
        int error = hf_segment_open(&segment, name, 0, NULL);
        cr_assert(error == EBADMSG || error == EPROTONOSUPPORT, "byte %d", (int)i);
        cr_assert_eq(pwrite(fd, &byte, 1, i), 1);
    }
    assert_ok(hf_segment_open(&segment, name, 0, NULL));
}

Test(segment, of_another_format_version_is_EPROTONOSUPPORT)
{
    create(NULL);
    assert_ok(hf_segment_close(segment));
    int fd = open(path, O_RDWR);
    uint32_t version = 2;
    cr_assert_eq(
        pwrite(fd, &version, sizeof version, (off_t)offsetof(struct hfi_header, version)),
        (ssize_t)sizeof version);
    assert_error(hf_segment_open(&segment, name, 0, NULL), EPROTONOSUPPORT);
}

Test(segment, an_unfinished_object_is_built_anew_by_the_next_creator)
{
    int fd = memfd_create("segment", MFD_CLOEXEC);
    char mark[HFI_SIGNATURE_SIZE];
    hfi_layout_mark_unfinished(mark);
    cr_assert_eq(write(fd, mark, sizeof mark), (ssize_t)sizeof mark);
    assert_error(hf_segment_open_fd(&segment, fd, 0, NULL), EBADMSG);
    assert_ok(hf_segment_open_fd(&segment, fd, HF_CREATE | HF_EXCLUSIVE, NULL));
    assert_ok(hf_mutex_lock(hf_segment_root(segment)));
}

static int create_and_count(party_t *unused)
{
    (void)unused;
    hf_segment_t *mine;
    hf_segment_config_t config = {.root_size = sizeof(party_t)};
    int error = hf_segment_open(&mine, name, HF_CREATE, &config);
    if (error == 0) {
        step(hf_segment_root(mine));
    }
    return error;
}

Test(segment, of_many_creators_one_creates_and_all_agree)
{
    enum { CREATORS = 12 };
    pid_t children[CREATORS];
    for (int i = 0; i < CREATORS; i++) {
        children[i] = spawn(create_and_count, NULL);
    }
    for (int i = 0; i < CREATORS; i++) {
        assert_exits(children[i], 0);
    }
    assert_ok(hf_segment_open(&segment, name, 0, NULL));
    cr_assert_eq(((party_t *)hf_segment_root(segment))->steps, CREATORS);
}

Test(segment, leaves_no_descriptor_and_no_mapping_behind)
{
    int before = count_descriptors();
    for (int i = 0; i < 20; i++) {
        hf_segment_t *again;
        create(NULL);
        assert_ok(hf_segment_open(&again, name, 0, NULL));
        assert_ok(hf_segment_close(again));
        assert_ok(hf_mutex_lock(hf_segment_root(segment)));
        assert_ok(hf_mutex_unlock(hf_segment_root(segment)));
        assert_ok(hf_segment_close(segment));
    }
    cr_assert_eq(count_descriptors(), before);
    char line[512];
    FILE *maps = fopen("/proc/self/maps", "r");
    while (fgets(line, sizeof line, maps) != NULL) {
        cr_assert_null(strstr(line, name));
    }
    fclose(maps);
}

Test(segment, takes_16384_participants)
{
    hf_segment_info_t info;
    create(&(hf_segment_config_t){.max_participants = 16384});
    assert_ok(hf_segment_info(segment, &info));
    cr_assert_eq(info.max_participants, 16384);
    assert_ok(hf_mutex_lock(hf_segment_root(segment)));
}
