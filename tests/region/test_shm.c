/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "party.h"

/* Handles are static: what is open at a test's end is no leak. */
static char name[64], path[128];
static hf_shm_t *shm;

static void set_up(void)
{
    snprintf(name, sizeof name, "%s", fresh_name());
    snprintf(path, sizeof path, "/dev/shm/%s", name);
}

static void tear_down(void)
{
    unlink(path);
}

TestSuite(shm, .init = set_up, .fini = tear_down, .timeout = 60);

static void create(uint64_t size)
{
    hf_shm_config_t config = {.size = size};
    assert_ok(hf_shm_open(&shm, name, HF_CREATE | HF_EXCLUSIVE, &config));
}

static uint64_t size_of(const hf_shm_t *object)
{
    uint64_t size;
    return hf_shm_size(object, &size) == 0 ? size : UINT64_MAX;
}

static void assert_size(const hf_shm_t *object, uint64_t expected)
{
    uint64_t size = size_of(object);
    cr_assert_eq(size, expected, "%ju", (uintmax_t)size);
}

static uint64_t allocated(const hf_shm_t *object)
{
    int fd;
    struct stat status;
    bool known = hf_shm_fd(object, &fd) == 0 && fstat(fd, &status) == 0;
    return known ? (uint64_t)status.st_blocks * 512 : UINT64_MAX;
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

/* Criterion heeds no assertion of a test's child. */
#define child_assert(condition)                                                          \
    do {                                                                                 \
        if (!(condition)) {                                                              \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);              \
            _exit(EPROTO);                                                               \
        }                                                                                \
    } while (0)

/* ---- a full file system ---- */

Test(shm, more_than_can_ever_be_is_ENOSPC_and_changes_nothing)
{
    hf_shm_config_t config = {.size = UINT64_MAX};
    assert_error(hf_shm_open(&shm, name, HF_CREATE, &config), ENOSPC);
    cr_assert_eq(access(path, F_OK), -1, "nothing is left behind");
    create(5000);
    assert_error(hf_shm_truncate(shm, UINT64_C(1) << 44), ENOSPC);
    assert_error(hf_shm_truncate(shm, UINT64_MAX), ENOSPC);
    assert_size(shm, 5000);
    cr_assert_eq(allocated(shm), 8192);
    assert_ok(hf_shm_close(shm));
    assert_error(hf_shm_open_anonymous(&shm, UINT64_MAX), ENOSPC);
}

/* With a /dev/shm of our own, of 64 pages. */
static int fill_a_small_one(party_t *unused)
{
    (void)unused;
    child_assert(mount("", "/", "", MS_REC | MS_PRIVATE, NULL) == 0);
    child_assert(mount("tmpfs", "/dev/shm", "tmpfs", 0, "nr_blocks=64") == 0);
    static hf_region_t *region;
    static hf_shm_t *other;
    hf_shm_config_t first = {.size = 16 * 4096};
    child_assert(hf_shm_open(&shm, name, HF_CREATE, &first) == 0);
    child_assert(hf_region_map(&region, shm, 0, 0, 0) == 0);
    strcpy(hf_region_address(region), "as it was");
    child_assert(hf_shm_truncate(shm, 65 * 4096) == ENOSPC);
    child_assert(size_of(shm) == 16 * 4096);
    child_assert(allocated(shm) == 16 * 4096);
    child_assert(strcmp(hf_region_address(region), "as it was") == 0);

    hf_shm_config_t config = {.size = 49 * 4096};
    char second[80];
    snprintf(second, sizeof second, "%s-2", name);
    child_assert(hf_shm_open(&other, second, HF_CREATE, &config) == ENOSPC);
    child_assert(hf_shm_open(&other, second, 0, NULL) == ENOENT);

    /* All is there that was promised, to the last page. */
    child_assert(hf_shm_truncate(shm, 64 * 4096) == 0);
    child_assert(hf_region_unmap(region) == 0);
    child_assert(hf_region_map(&region, shm, 0, 0, 0) == 0);
    memset(hf_region_address(region), 'x', 64 * 4096);
    /* Holes have no room any more: ENOSPC instead of a signal. */
    child_assert(hf_shm_open(&other, second, HF_CREATE, NULL) == 0);
    char second_path[160];
    snprintf(second_path, sizeof second_path, "%s-2", path);
    child_assert(truncate(second_path, 4096) == 0);
    child_assert(hf_shm_truncate(other, 4096) == ENOSPC);
    return 0;
}

Test(shm, growth_on_a_full_file_system_is_ENOSPC_and_changes_nothing)
{
    if (unshare(CLONE_NEWNS) != 0) {
        cr_skip_test("needs root, to mount a small /dev/shm");
    }
    assert_exits(spawn(fill_a_small_one, NULL), 0);
}

/* ---- passed on ---- */

static int passage[2];

static int map_what_comes(party_t *unused)
{
    (void)unused;
    char byte, control[CMSG_SPACE(sizeof(int))] = {0};
    struct iovec io = {&byte, 1};
    struct msghdr message = {.msg_iov = &io,
        .msg_iovlen = 1,
        .msg_control = control,
        .msg_controllen = sizeof control};
    int fd;
    hf_shm_t *received;
    static hf_region_t *region;
    if (setuid(12345) != 0 && geteuid() == 0) {
        return EDOM;
    }
    child_assert(recvmsg(passage[1], &message, 0) == 1);
    memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
    child_assert(hf_shm_from_fd(&received, fd, 0) == 0);
    close(fd);
    child_assert(size_of(received) == 10000);
    child_assert(hf_region_map(&region, received, 0, 5000, 0) == 0);
    child_assert(hf_shm_close(received) == 0);
    char *text = hf_region_address(region);
    child_assert(strcmp(text, "ping") == 0);
    strcpy(text, "pong");
    return 0;
}

static void pass_on(int fd)
{
    char byte = 0, control[CMSG_SPACE(sizeof(int))] = {0};
    struct iovec io = {&byte, 1};
    struct msghdr message = {.msg_iov = &io,
        .msg_iovlen = 1,
        .msg_control = control,
        .msg_controllen = sizeof control};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(header), &fd, sizeof fd);
    cr_assert_eq(sendmsg(passage[0], &message, 0), 1);
}

/* The child is there before the object is: it can only come over the socket. */
Test(shm, an_anonymous_one_passed_over_a_socket_is_the_same_for_another_user_too)
{
    cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, passage), 0);
    pid_t child = spawn(map_what_comes, NULL);
    static hf_region_t *region;
    int fd;
    assert_ok(hf_shm_open_anonymous(&shm, 10000));
    assert_ok(hf_region_map(&region, shm, 0, 0, 0));
    strcpy((char *)hf_region_address(region) + 5000, "ping");
    assert_ok(hf_shm_fd(shm, &fd));
    pass_on(fd);
    assert_exits(child, 0);
    cr_assert_str_eq((char *)hf_region_address(region) + 5000, "pong");
}

Test(shm, a_descriptor_is_no_more_than_it_allows)
{
    static hf_shm_t *other;
    create(100);
    int fd = open(path, O_RDONLY);
    assert_error(hf_shm_from_fd(&other, fd, 0), EACCES);
    assert_ok(hf_shm_from_fd(&other, fd, HF_READ_ONLY));
    assert_error(hf_shm_truncate(other, 200), EACCES);
    assert_ok(hf_shm_close(other));
    fd = open(path, O_WRONLY);
    assert_error(hf_shm_from_fd(&other, fd, HF_READ_ONLY), EACCES);
    fd = open("/dev/null", O_RDWR);
    assert_error(hf_shm_from_fd(&other, fd, 0), EACCES);
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

/* ---- races and deaths ---- */

static int create_exclusively(party_t *party)
{
    hf_shm_config_t config = {.size = 3 * 4096};
    step(party);
    await_steps(party, party->last);
    int error = hf_shm_open(&shm, name, HF_CREATE | HF_EXCLUSIVE, &config);
    if (error == EEXIST) { /* whoever sees it sees all of it */
        child_assert(hf_shm_open(&shm, name, 0, NULL) == 0);
        child_assert(size_of(shm) == config.size);
    }
    return error;
}

Test(shm, of_two_exclusive_creators_one_creates)
{
    hf_segment_t *segment;
    party_t *party = fresh_party(&segment);
    for (uint32_t round = 1; round <= 20; round++) {
        party->last = 2 * round;
        pid_t children[2];
        int created = 0, status;
        for (int i = 0; i < 2; i++) {
            children[i] = spawn(create_exclusively, party);
        }
        for (int i = 0; i < 2; i++) {
            cr_assert_eq(waitpid(children[i], &status, 0), children[i]);
            cr_assert(WIFEXITED(status));
            created += WEXITSTATUS(status) == 0;
            cr_assert(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == EEXIST);
        }
        cr_assert_eq(created, 1);
        assert_ok(hf_shm_remove(name));
    }
}

enum { SMALL = 3 * 4096, LARGE = 10 * 4096 + 1 };

static int create_and_grow(party_t *unused)
{
    (void)unused;
    hf_shm_config_t config = {.size = SMALL};
    child_assert(ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0);
    raise(SIGSTOP);
    int error = hf_shm_open(&shm, name, HF_CREATE, &config);
    return error != 0 ? error : hf_shm_truncate(shm, LARGE);
}

/* To where it enters or leaves its n-th system call; false: it has ended before. */
static bool step_calls(pid_t child, unsigned n)
{
    int status;
    for (unsigned i = 0; i <= n; i++) {
        cr_assert_eq(waitpid(child, &status, 0), child);
        if (!WIFSTOPPED(status)) {
            cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%x", status);
            return false;
        }
        if (i < n) {
            cr_assert_eq(ptrace(PTRACE_SYSCALL, child, NULL, NULL), 0);
        }
    }
    return true;
}

/* Between two system calls nobody else can see a difference. */
Test(shm, killed_at_any_system_call_it_leaves_all_or_nothing)
{
    unsigned none = 0, small = 0, large = 0;
    for (unsigned n = 0;; n++) {
        pid_t child = spawn(create_and_grow, NULL);
        bool alive = step_calls(child, n);
        if (alive) {
            kill_and_reap(child);
        }
        int error = hf_shm_open(&shm, name, 0, NULL);
        if (error == 0) {
            uint64_t size = size_of(shm);
            cr_assert(size == SMALL || size == LARGE, "%ju", (uintmax_t)size);
            cr_assert_geq(allocated(shm), size);
            *(size == SMALL ? &small : &large) += 1;
            assert_ok(hf_shm_close(shm));
            assert_ok(hf_shm_remove(name));
        } else {
            assert_error(error, ENOENT);
            none++;
        }
        if (!alive) {
            break;
        }
    }
    cr_assert(none > 0 && small > 0 && large > 0, "%u, %u, %u", none, small, large);
}

enum { HUGE = 64 << 20 };

static int grow(party_t *party)
{
    step(party);
    return hf_shm_truncate(shm, HUGE);
}

Test(shm, killed_inside_a_growth_it_has_grown_or_not)
{
    hf_segment_t *segment;
    party_t *party = fresh_party(&segment);
    for (unsigned round = 1; round <= 20; round++) {
        assert_ok(hf_shm_open_anonymous(&shm, SMALL));
        pid_t child = spawn(grow, party);
        await_steps(party, round);
        kill_and_reap(child);
        uint64_t size = size_of(shm);
        cr_assert(size == SMALL || size == HUGE, "%ju", (uintmax_t)size);
        cr_assert_eq(allocated(shm), size);
        assert_ok(hf_shm_close(shm));
    }
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
