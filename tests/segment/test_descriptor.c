/* SPDX-License-Identifier: MIT */
/* Segments that are opened, or built, by a descriptor; and what their objects may be. */
#include "segment/file.h"

TestSuite(descriptor, .init = set_up, .fini = tear_down, .timeout = 60);

Test(descriptor, by_descriptor)
{
    hf_segment_t *other;
    int fd = memfd_create("segment", MFD_CLOEXEC);
    assert_error(hf_segment_open_fd(&segment, -1, 0, NULL), EBADF);
    assert_error(hf_segment_open_fd(&segment, fd, 0, NULL), EBADMSG);
    assert_ok(hf_segment_open_fd(&segment, fd, HF_CREATE, NULL));
    assert_error(hf_segment_open_fd(&other, fd, HF_CREATE | HF_EXCLUSIVE, NULL), EEXIST);
    assert_ok(hf_segment_open_fd(&other, fd, HF_CREATE, NULL));
    cr_assert_eq(other, segment);
    close(fd);
    assert_ok(hf_mutex_lock(hf_segment_root(segment)));
}

Test(descriptor, an_object_that_has_a_size_and_nothing_else_is_empty)
{
    int fd = memfd_create("segment", MFD_CLOEXEC);
    assert_ok(ftruncate(fd, 1 << 20));
    assert_error(hf_segment_open_fd(&segment, fd, 0, NULL), EBADMSG);
    assert_ok(hf_segment_open_fd(&segment, fd, HF_CREATE | HF_EXCLUSIVE, NULL));
    assert_ok(hf_mutex_lock(hf_segment_root(segment)));
    assert_ok(hf_segment_check(segment, NULL, NULL));
}

Test(descriptor, what_cannot_become_smaller_is_used_as_a_whole)
{
    enum { SIZE = 3000001 };
    hf_shm_t *shm;
    hf_segment_info_t info;
    hf_ptr_t *p;
    int fd;
    assert_ok(hf_shm_open_anonymous(&shm, SIZE));
    assert_ok(hf_shm_fd(shm, &fd));
    assert_ok(hf_segment_open_fd(&segment, fd, HF_CREATE, NULL));
    assert_ok(hf_segment_info(segment, &info));
    p = hf_segment_root(segment);
    assert_ok(hf_alloc(segment, p, info.size - 10000));
    cr_assert_geq(info.size, SIZE - 400000);
    assert_ok(hf_segment_check(segment, NULL, NULL));
    assert_ok(hf_shm_close(shm));
}

Test(descriptor, an_object_with_anything_in_it_is_somebodys)
{
    char byte = 1, read;
    int fd = memfd_create("segment", MFD_CLOEXEC);
    cr_assert_eq(pwrite(fd, &byte, 1, 70000), 1);
    assert_error(hf_segment_open_fd(&segment, fd, HF_CREATE, NULL), EBADMSG);
    cr_assert_eq(pread(fd, &read, 1, 70000), 1);
    cr_assert_eq(read, byte);
}

Test(descriptor, one_larger_than_can_be_read_is_looked_at_all_the_same)
{
    const off_t far = (off_t)1 << 50;
    char byte = 1;
    int fd = memfd_create("segment", MFD_CLOEXEC);
    cr_assert_eq(pwrite(fd, &byte, 1, far), 1);
    assert_error(hf_segment_open_fd(&segment, fd, HF_CREATE, NULL), EBADMSG);
    cr_assert_eq(lseek(fd, 0, SEEK_CUR), 0, "where the caller stood in it");
    cr_assert_eq(ftruncate(fd, far), 0);
    assert_ok(hf_segment_open_fd(&segment, fd, HF_CREATE, NULL));
    assert_ok(hf_segment_check(segment, NULL, NULL));
}

Test(descriptor, what_is_sealed_is_EACCES)
{
    int fd = memfd_create("segment", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    assert_ok(hf_segment_open_fd(&segment, fd, HF_CREATE, NULL));
    assert_ok(hf_segment_close(segment));
    cr_assert_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), 0);
    assert_error(hf_segment_open_fd(&segment, fd, 0, NULL), EACCES);
    cr_assert_null(segment);
    assert_ok(hf_segment_open_fd(&segment, fd, HF_READ_ONLY, NULL));
}

Test(descriptor, holes_are_filled_when_it_is_opened)
{
    create(NULL);
    assert_ok(hf_segment_close(segment));
    int fd = open(path, O_RDWR);
    struct stat info;
    assert_ok(fstat(fd, &info));
    blkcnt_t blocks = info.st_blocks;
    assert_ok(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
        info.st_size - 8192, 4096)); /* zeros */
    assert_ok(fstat(fd, &info));
    cr_assert_lt(info.st_blocks, blocks);
    assert_ok(hf_segment_open(&segment, name, 0, NULL));
    assert_ok(fstat(fd, &info));
    cr_assert_eq(info.st_blocks, blocks);
    assert_ok(hf_segment_check(segment, NULL, NULL));
}

Test(descriptor, a_read_only_descriptor_is_for_looking)
{
    create(NULL);
    hf_segment_t *other;
    int fd = open(path, O_RDONLY);
    assert_error(hf_segment_open_fd(&other, fd, 0, NULL), EACCES);
    assert_error(hf_segment_open_fd(&other, fd, HF_CREATE, NULL), EACCES);
    assert_ok(hf_segment_open_fd(&other, fd, HF_READ_ONLY, NULL));
    fd = open(path, O_WRONLY);
    assert_error(hf_segment_open_fd(&other, fd, HF_READ_ONLY, NULL), EACCES);
    fd = open("/dev/null", O_RDWR);
    assert_error(hf_segment_open_fd(&other, fd, HF_CREATE, NULL), EACCES);
}
