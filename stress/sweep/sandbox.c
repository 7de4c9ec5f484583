/* SPDX-License-Identifier: MIT */
#include "sandbox.h"

#include "process.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <unistd.h>

static bool is_private;
static fsblkcnt_t free_at_start;

static bool write_text(const char *path, const char *text)
{
    const int fd = open(path, O_WRONLY | O_CLOEXEC);
    const bool done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    if (fd >= 0) {
        close(fd);
    }
    return done;
}

/* Everybody may have namespaces inside a user namespace of his own, where he is root. */
static bool enter_as_user(void)
{
    char users[64], groups[64];
    snprintf(users, sizeof users, "0 %u 1", (unsigned)getuid());
    snprintf(groups, sizeof groups, "0 %u 1", (unsigned)getgid());
    return unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 &&
           write_text("/proc/self/setgroups", "deny") &&
           write_text("/proc/self/uid_map", users) &&
           write_text("/proc/self/gid_map", groups);
}

static bool mount_own(void)
{
    struct statvfs at_start;
    bool is_ours = mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 ||
                   mount("none", "/dev/shm", NULL, MS_PRIVATE, NULL) == 0; /* a chroot */
    if (!is_ours ||
        mount("tmpfs", "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777") != 0 ||
        statvfs("/dev/shm", &at_start) != 0) {
        return false;
    }
    free_at_start = at_start.f_bfree;
    return true;
}

void sandbox_enter(void)
{
    is_private = (unshare(CLONE_NEWNS) == 0 || enter_as_user()) && mount_own();
    if (!is_private) {
        fputs("sweep: no /dev/shm of our own is permitted here: that nothing is left "
              "behind\n"
              "       can be checked by our segments' names only\n",
            stderr);
    }
}

void sandbox_renew(void)
{
    if (is_private && (unshare(CLONE_NEWNS) != 0 || !mount_own())) {
        give_up("no second /dev/shm of our own");
    }
}

static bool has_name(const char *name, char *what, size_t size)
{
    DIR *directory = opendir("/dev/shm");
    bool found = false;
    for (struct dirent *e;
         !found && directory != NULL && (e = readdir(directory)) != NULL;) {
        const bool itself = strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0;
        found = !itself && (is_private || strstr(e->d_name, name) != NULL);
        if (found) {
            snprintf(what, size, "%.*s", (int)size - 1, e->d_name);
        }
    }
    if (directory != NULL) {
        closedir(directory);
    }
    return found;
}

bool sandbox_has_leftovers(const char *name, char *what, size_t size)
{
    struct statvfs now;
    if (has_name(name, what, size)) {
        return true;
    }
    if (!is_private || statvfs("/dev/shm", &now) != 0 || now.f_bfree >= free_at_start) {
        return false;
    }
    snprintf(what, size, "%llu blocks without a name",
        (unsigned long long)(free_at_start - now.f_bfree));
    return true;
}
