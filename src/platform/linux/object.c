/* SPDX-License-Identifier: MIT */
/* Shared-memory objects: files in /dev/shm, and whatever a descriptor stands for. */
#include "platform/platform.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "platform/linux/cancel.h"

#define DIRECTORY "/dev/shm"

static int path_of(const char *name, char *path, size_t size)
{
    int length = snprintf(path, size, DIRECTORY "/%s", name);
    return length < 0 || (size_t)length >= size ? EINVAL : 0;
}

int hfi_object_open(int *object, const char *name, bool read_only)
{
    char path[512];
    int error = path_of(name, path, sizeof path);
    if (error != 0) {
        return error;
    }
    /* O_NONBLOCK: a pipe of that name shall not hold us up. */
    int fd =
        open(path, (read_only ? O_RDONLY : O_RDWR) | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) {
        bool no_file = errno == ELOOP || errno == EISDIR || errno == ENXIO;
        return no_file ? EACCES : errno;
    }
    *object = fd;
    return 0;
}

int hfi_object_duplicate(int *object, int fd, bool *read_only)
{
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0) {
        return errno;
    }
    if ((flags & O_ACCMODE) == O_WRONLY || (flags & O_PATH) != 0) {
        return EACCES;
    }
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (copy < 0) {
        return errno;
    }
    *object = copy;
    *read_only = (flags & O_ACCMODE) == O_RDONLY;
    return 0;
}

int hfi_object_create(int *object, unsigned permissions)
{
    HFI_NOT_CANCELLED;
    int fd = open(DIRECTORY, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0) {
        return errno == EROFS ? EACCES : errno == ENOENT ? ENOTSUP : errno;
    }
    if (fchmod(fd, (mode_t)permissions) != 0) {
        int error = errno;
        close(fd);
        return error;
    }
    *object = fd;
    return 0;
}

/* The mode counts where its descriptor is passed to another user: that a memfd's default
 * lets the whole world write looks like a trap to hfi_object_inspect. */
int hfi_object_create_anonymous(int *object)
{
    HFI_NOT_CANCELLED;
    int fd = memfd_create("holdfast", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0) {
        return errno;
    }
    if (fchmod(fd, 0600) != 0 || fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK) != 0) {
        int error = errno;
        close(fd);
        return error;
    }
    *object = fd;
    return 0;
}

int hfi_object_publish(int object, const char *name)
{
    char path[512];
    int error = path_of(name, path, sizeof path);
    if (error != 0) {
        return error;
    }
    /* By descriptor where we are allowed to; else through /proc, as open(2) has it. */
    if (linkat(object, "", AT_FDCWD, path, AT_EMPTY_PATH) == 0) {
        return 0;
    }
    if (errno != ENOENT && errno != EPERM) {
        return errno;
    }
    char self[64];
    snprintf(self, sizeof self, "/proc/self/fd/%d", object);
    return linkat(AT_FDCWD, self, AT_FDCWD, path, AT_SYMLINK_FOLLOW) == 0 ? 0 : errno;
}

int hfi_object_remove(const char *name)
{
    char path[512];
    int error = path_of(name, path, sizeof path);
    if (error != 0) {
        return error;
    }
    if (unlink(path) == 0) {
        return 0;
    }
    return errno == EPERM || errno == EISDIR ? EACCES : errno;
}

int hfi_object_inspect(int object, struct hfi_object_info *info)
{
    struct stat status;
    int saved = errno;
    if (fstat(object, &status) != 0) {
        int error = errno;
        errno = saved;
        return error;
    }
    *info = (struct hfi_object_info){
        .size = (uint64_t)status.st_size,
        .device = (uint64_t)status.st_dev,
        .inode = (uint64_t)status.st_ino,
        .regular = S_ISREG(status.st_mode),
        .has_holes = status.st_blocks < (status.st_size + 511) / 512,
        .foreign_and_open = status.st_uid != geteuid() && (status.st_mode & S_IWOTH) != 0,
    };
    return 0;
}

/* Where no mount has a limit (a memfd) the kernel would go on until it has killed whoever
 * has memory. */
static bool is_beyond_memory(int object, uint64_t size)
{
    struct statfs mount;
    struct sysinfo memory;
    return fstatfs(object, &mount) == 0 && mount.f_blocks == 0 && sysinfo(&memory) == 0 &&
           size / memory.mem_unit > memory.totalram + memory.totalswap;
}

int hfi_object_allocate(int object, uint64_t from, uint64_t size)
{
    HFI_NOT_CANCELLED;
    if (size > INT64_MAX || is_beyond_memory(object, size)) {
        return ENOSPC;
    }
    for (;;) {
        if (fallocate(object, 0, (off_t)from, (off_t)(size - from)) == 0) {
            return 0;
        }
        if (errno != EINTR) {
            return errno == EFBIG ? ENOSPC : errno;
        }
    }
}

int hfi_object_cut(int object, uint64_t size)
{
    return ftruncate(object, (off_t)size) == 0 ? 0 : errno;
}

/* The system maps whole pages. Where in its page something stands is the same in the
 * object and in memory, so an address says where its page begins. */
static size_t place_in_page(uintptr_t address)
{
    return address & ((uintptr_t)sysconf(_SC_PAGESIZE) - 1);
}

int hfi_object_map(
    int object, uint64_t offset, size_t size, enum hfi_access access, void **memory)
{
    size_t before = place_in_page((uintptr_t)offset);
    if (size > SIZE_MAX - before) {
        return ENOMEM;
    }
    int protection = access == HFI_ACCESS_READ ? PROT_READ : PROT_READ | PROT_WRITE;
    int sharing = access == HFI_ACCESS_COPY ? MAP_PRIVATE : MAP_SHARED;
    char *page =
        mmap(NULL, before + size, protection, sharing, object, (off_t)(offset - before));
    if (page == MAP_FAILED) {
        return errno;
    }
    *memory = page + before;
    return 0;
}

int hfi_object_flush(void *memory, size_t size)
{
    HFI_NOT_CANCELLED;
    size_t before = place_in_page((uintptr_t)memory);
    return msync((char *)memory - before, before + size, MS_SYNC) == 0 ? 0 : errno;
}

void hfi_object_unmap(void *memory, size_t size)
{
    size_t before = place_in_page((uintptr_t)memory);
    munmap((char *)memory - before, before + size);
}

/* The kernel looks at a word for us, and waits no time. EFAULT: we would be killed. */
bool hfi_object_is_behind(const void *byte)
{
    int saved = errno;
    const struct timespec no_time = {0};
    uintptr_t word = (uintptr_t)byte / sizeof(uint32_t) * sizeof(uint32_t);
    bool is_fault = syscall(SYS_futex, word, FUTEX_WAIT, 0, &no_time, NULL, 0) != 0 &&
                    errno == EFAULT;
    errno = saved;
    return !is_fault;
}

void hfi_object_close(int object)
{
    HFI_NOT_CANCELLED;
    close(object);
}

int hfi_object_read(int object, void *bytes, size_t size)
{
    ssize_t n = pread(object, bytes, size, 0);
    if (n < 0) {
        return errno;
    }
    return (size_t)n == size ? 0 : EBADMSG;
}

int hfi_object_write(int object, const void *bytes, size_t size)
{
    ssize_t n = pwrite(object, bytes, size, 0);
    if (n < 0) {
        return errno;
    }
    return (size_t)n == size ? 0 : ENOSPC;
}

/*
 * A lock on a description of our own is dropped by nobody's close() but ours. Where none
 * can be had (no /proc, a descriptor of somebody else's file), a record lock does, unless
 * the program closes a descriptor of the same file at that moment. Either conflicts with
 * either.
 */
static int open_afresh(int object)
{
    char self[64];
    snprintf(self, sizeof self, "/proc/self/fd/%d", object);
    return open(self, O_RDWR | O_CLOEXEC);
}

/* Holes are zero, and may be larger than anybody can read. Where the system does not tell
 * of them there are none, or the descriptor is all we have: its own place in the object is
 * its owner's. */
static uint64_t skip_hole(int fresh, uint64_t at, uint64_t size)
{
    off_t data = fresh >= 0 ? lseek(fresh, (off_t)at, SEEK_DATA) : (off_t)at;
    return data >= 0 ? (uint64_t)data : errno == ENXIO ? size : at;
}

static bool is_zero(int object, int fresh, uint64_t size)
{
    enum { CHUNK = 1 << 11 };
    static const char zeros[CHUNK];
    char bytes[CHUNK];
    for (uint64_t at = skip_hole(fresh, 0, size); at < size;) {
        uint64_t rest = size - at;
        ssize_t n = pread(object, bytes, rest < CHUNK ? (size_t)rest : CHUNK, (off_t)at);
        if (n <= 0 || memcmp(bytes, zeros, (size_t)n) != 0) {
            return false;
        }
        at = skip_hole(fresh, at + (uint64_t)n, size);
    }
    return true;
}

bool hfi_object_is_zero(int object, uint64_t size)
{
    int fresh = open_afresh(object);
    bool zero = is_zero(object, fresh, size);
    if (fresh >= 0) {
        close(fresh);
    }
    return zero;
}

static bool is_same_object(int fd, const struct hfi_object_info *identity)
{
    struct hfi_object_info info = {.size = 0};
    return hfi_object_inspect(fd, &info) == 0 && info.device == identity->device &&
           info.inode == identity->inode;
}

static int lock_byte(int fd, int command, uint64_t number, short type)
{
    struct flock lock = {
        .l_type = type, .l_whence = SEEK_SET, .l_start = (off_t)number, .l_len = 1};
    int result;
    do {
        result = fcntl(fd, command, &lock);
    } while (result != 0 && errno == EINTR);
    if (result == 0) {
        return 0;
    }
    return errno == EAGAIN || errno == EACCES ? EBUSY : errno;
}

int hfi_claim(struct hfi_claim *claim, int object, const struct hfi_object_info *identity,
    uint64_t number)
{
    int fresh = open_afresh(object);
    if (fresh < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM)) {
        return errno;
    }
    int fd = fresh >= 0 ? fresh : object;
    int error = is_same_object(fd, identity) ? 0 : EBADF;
    if (error == 0) {
        error = lock_byte(fd, fresh >= 0 ? F_OFD_SETLK : F_SETLK, number, F_WRLCK);
    }
    if (error != 0 && fresh >= 0) {
        close(fresh);
    }
    claim->holder = fresh;
    return error;
}

void hfi_unclaim(struct hfi_claim *claim, int object, uint64_t number)
{
    if (claim->holder >= 0) {
        close(claim->holder);
    } else {
        (void)lock_byte(object, F_SETLK, number, F_UNLCK);
    }
}
