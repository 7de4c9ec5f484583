/* SPDX-License-Identifier: MIT */
/* Shared-memory objects: full file systems, other processes, and who dies. */
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>

#include "objects.h"

TestSuite(shm_death, .init = set_up, .fini = tear_down, .timeout = 60);

/* Criterion heeds no assertion of a test's child. */
#define child_assert(condition)                                                          \
    do {                                                                                 \
        if (!(condition)) {                                                              \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);              \
            _exit(EPROTO);                                                               \
        }                                                                                \
    } while (0)

/* ---- a full file system ---- */

Test(shm_death, more_than_can_ever_be_is_ENOSPC_and_changes_nothing)
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
    /* Not "/", which is no mount in a chroot. Nobody else shall see the small one. */
    child_assert(mount("", "/dev/shm", "", MS_PRIVATE, NULL) == 0);
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

Test(shm_death, growth_on_a_full_file_system_is_ENOSPC_and_changes_nothing)
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
Test(shm_death, an_anonymous_one_passed_over_a_socket_is_the_same_for_another_user_too)
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

Test(shm_death, a_descriptor_is_no_more_than_it_allows)
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

Test(shm_death, of_two_exclusive_creators_one_creates)
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
Test(shm_death, killed_at_any_system_call_it_leaves_all_or_nothing)
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

Test(shm_death, killed_inside_a_growth_it_has_grown_or_not)
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
