/* SPDX-License-Identifier: MIT */
/* Shared-memory objects: what each call returns. */
#include "objects.h"

TestSuite(shm, .init = set_up, .fini = tear_down, .timeout = 60);

Test(shm, more_than_there_is_memory_is_ENOSPC)
{
    assert_error(hf_shm_open_anonymous(&shm, UINT64_C(1) << 45), ENOSPC);
}

Test(shm, flags_say_what_may_exist)
{
    static hf_shm_t *other;
    assert_error(hf_shm_open(&shm, name, 0, NULL), ENOENT);
    assert_error(hf_shm_open(&shm, name, HF_READ_ONLY, NULL), ENOENT);
    assert_ok(hf_shm_open(&shm, name, HF_CREATE, NULL));
    assert_error(hf_shm_open(&other, name, HF_CREATE | HF_EXCLUSIVE, NULL), EEXIST);
    cr_assert_null(other);
    assert_ok(hf_shm_open(&other, name, HF_CREATE, NULL));
    assert_ok(hf_shm_close(other));
    assert_ok(hf_shm_open(&other, name, HF_READ_ONLY, NULL));
    assert_error(hf_shm_truncate(other, 1), EACCES);
    assert_ok(hf_shm_close(other));
    assert_ok(hf_shm_remove(name));
    assert_error(hf_shm_remove(name), ENOENT);
    assert_error(hf_shm_open(&other, name, 0, NULL), ENOENT);
}

Test(shm, a_new_one_has_its_size_and_blocks_and_an_existing_one_must_have_as_many)
{
    static hf_shm_t *other;
    hf_shm_config_t config = {.size = 10001};
    create(10000);
    assert_size(shm, 10000);
    cr_assert_geq(allocated(shm), 10000);
    assert_error(hf_shm_open(&other, name, HF_CREATE, &config), EINVAL);
    config.size = 10000;
    assert_ok(hf_shm_open(&other, name, HF_CREATE, &config));
    assert_ok(hf_shm_close(other));
    config.size = 1;
    assert_ok(hf_shm_open(&other, name, 0, &config));
    assert_size(other, 10000);
}

Test(shm, permissions_are_those_asked_for_whatever_the_umask)
{
    struct stat status;
    umask(077);
    hf_shm_config_t config = {.permissions = 0664};
    assert_ok(hf_shm_open(&shm, name, HF_CREATE, &config));
    cr_assert_eq(stat(path, &status), 0);
    cr_assert_eq(status.st_mode & 07777, 0664);
    assert_ok(hf_shm_close(shm));
    assert_ok(hf_shm_remove(name));
    create(0);
    cr_assert_eq(stat(path, &status), 0);
    cr_assert_eq(status.st_mode & 07777, 0600);
}

static int open_as_another_user(party_t *unused)
{
    (void)unused;
    static hf_shm_t *other;
    if (setuid(12345) != 0) {
        return EDOM;
    }
    int error = hf_shm_open(&other, name, 0, NULL);
    return error != EACCES ? error : hf_shm_open(&other, name, HF_READ_ONLY, NULL);
}

Test(shm, a_file_without_permission_is_EACCES)
{
    if (geteuid() != 0) {
        cr_skip_test("needs root, to become somebody else");
    }
    create(1);
    assert_exits(spawn(open_as_another_user, NULL), EACCES);
    cr_assert_eq(chmod(path, 0644), 0);
    assert_exits(spawn(open_as_another_user, NULL), 0);
}

Test(shm, what_can_never_be_right_is_EINVAL)
{
    char long_name[252];
    memset(long_name, 'x', 251);
    long_name[251] = '\0';
    const char *names[] = {"", "/", "a/b", ".", "..", long_name, NULL};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_error(hf_shm_open(&shm, names[i], HF_CREATE, NULL), EINVAL);
        assert_error(hf_shm_remove(names[i]), EINVAL);
    }
    unsigned flags[] = {HF_EXCLUSIVE, HF_CREATE | HF_READ_ONLY, HF_PRIVATE, UINT32_MAX};
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        assert_error(hf_shm_open(&shm, name, flags[i], NULL), EINVAL);
    }
    const hf_shm_config_t bad[] = {{.permissions = 01600}, {.permissions = 0060}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_error(hf_shm_open(&shm, name, HF_CREATE, &bad[i]), EINVAL);
    }
    uint64_t size;
    int fd;
    assert_error(hf_shm_open(NULL, name, HF_CREATE, NULL), EINVAL);
    assert_error(hf_shm_open_anonymous(NULL, 0), EINVAL);
    assert_error(hf_shm_from_fd(NULL, 0, 0), EINVAL);
    assert_error(hf_shm_from_fd(&shm, 0, HF_CREATE), EINVAL);
    assert_error(hf_shm_from_fd(&shm, -1, 0), EBADF);
    assert_error(hf_shm_fd(NULL, &fd), EINVAL);
    assert_error(hf_shm_size(NULL, &size), EINVAL);
    assert_error(hf_shm_truncate(NULL, 1), EINVAL);
    assert_error(hf_shm_close(NULL), EINVAL);
}

Test(shm, leaves_errno_alone)
{
    errno = EDOM;
    assert_error(hf_shm_open(&shm, name, 0, NULL), ENOENT);
    assert_error(hf_shm_remove(name), ENOENT);
    assert_error(hf_shm_from_fd(&shm, -1, 0), EBADF);
    assert_ok(hf_shm_open_anonymous(&shm, 1));
    assert_error(hf_shm_truncate(shm, 0), EPERM);
    cr_assert_eq(errno, EDOM);
}

Test(shm, grows_and_shrinks_and_what_is_new_is_zero)
{
    static hf_region_t *region;
    create(0);
    assert_size(shm, 0);
    assert_ok(hf_shm_truncate(shm, 0));
    assert_ok(hf_shm_truncate(shm, 5000));
    assert_ok(hf_region_map(&region, shm, 0, 0, 0));
    memset(hf_region_address(region), 'x', 5000);
    assert_ok(hf_region_unmap(region));
    assert_ok(hf_shm_truncate(shm, 10));
    assert_size(shm, 10);
    assert_ok(hf_shm_truncate(shm, 20000));
    cr_assert_geq(allocated(shm), 20000);
    assert_ok(hf_region_map(&region, shm, 0, 0, 0));
    const char *bytes = hf_region_address(region);
    for (int i = 0; i < 20000; i++) {
        cr_assert_eq(bytes[i], i < 10 ? 'x' : 0);
    }
}

Test(shm, truncate_to_the_same_size_fills_holes)
{
    create(0);
    cr_assert_eq(truncate(path, 1 << 20), 0);
    cr_assert_eq(allocated(shm), 0);
    assert_ok(hf_shm_truncate(shm, 1 << 20));
    cr_assert_geq(allocated(shm), 1 << 20);
    assert_size(shm, 1 << 20);
}

Test(shm, an_anonymous_one_grows_but_never_shrinks)
{
    int fd;
    assert_ok(hf_shm_open_anonymous(&shm, 100));
    assert_size(shm, 100);
    assert_ok(hf_shm_truncate(shm, 8192));
    assert_error(hf_shm_truncate(shm, 8191), EPERM);
    assert_error(hf_shm_truncate(shm, 0), EPERM);
    assert_ok(hf_shm_fd(shm, &fd));
    cr_assert_eq(ftruncate(fd, 8191), -1);
    cr_assert_eq(errno, EPERM);
    assert_size(shm, 8192);
    cr_assert_geq(allocated(shm), 8192);
}

/* ---- beside segments ---- */

Test(shm, a_segment_is_an_object_and_an_object_is_no_segment)
{
    hf_segment_t *segment;
    create(100000);
    assert_error(hf_segment_open(&segment, name, HF_CREATE, NULL), EBADMSG);
    assert_ok(hf_shm_close(shm));
    assert_ok(hf_segment_remove(name));
    assert_ok(hf_segment_open(&segment, name, HF_CREATE, NULL));
    assert_ok(hf_shm_open(&shm, name, HF_READ_ONLY, NULL));
    assert_ok(hf_shm_remove(name));
}

Test(shm, an_anonymous_one_can_carry_a_segment)
{
    int fd;
    hf_segment_t *segment;
    assert_ok(hf_shm_open_anonymous(&shm, 0));
    assert_ok(hf_shm_fd(shm, &fd));
    assert_ok(hf_segment_open_fd(&segment, fd, HF_CREATE, NULL));
    assert_ok(hf_shm_close(shm));
    assert_ok(hf_mutex_lock(hf_segment_root(segment)));
    assert_ok(hf_mutex_unlock(hf_segment_root(segment)));
}

Test(shm, leaves_no_descriptor_behind)
{
    static hf_shm_t *other;
    int fd, null = open("/dev/null", O_RDWR), before = count_descriptors();
    for (int i = 0; i < 20; i++) {
        hf_shm_config_t config = {.size = 1 << 20};
        create(1);
        assert_error(hf_shm_open(&other, name, HF_CREATE | HF_EXCLUSIVE, NULL), EEXIST);
        assert_error(hf_shm_open(&other, name, 0, &config), EINVAL);
        assert_ok(hf_shm_fd(shm, &fd));
        assert_ok(hf_shm_from_fd(&other, fd, 0));
        assert_ok(hf_shm_close(other));
        assert_error(hf_shm_from_fd(&other, null, 0), EACCES);
        assert_error(hf_shm_open_anonymous(&other, UINT64_MAX), ENOSPC);
        assert_ok(hf_shm_remove(name));
        assert_ok(hf_shm_close(shm));
    }
    cr_assert_eq(count_descriptors(), before);
}
