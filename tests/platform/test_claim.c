/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <sys/mman.h>

#include "party.h"
#include "platform/platform.h"

static int object;
static struct hfi_object_info identity;

static void set_up(void)
{
    object = memfd_create("claims", MFD_CLOEXEC);
    cr_assert_geq(object, 0);
    assert_ok(hfi_object_inspect(object, &identity));
}

static int claim_elsewhere(uint64_t number)
{
    pid_t child = fork();
    if (child == 0) {
        struct hfi_claim claim;
        _exit(hfi_claim(&claim, object, &identity, number));
    }
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    return WEXITSTATUS(status);
}

Test(claim, is_one_processs_until_dropped, .init = set_up)
{
    struct hfi_claim claim;
    assert_ok(hfi_claim(&claim, object, &identity, 5));
    assert_error(claim_elsewhere(5), EBUSY);
    assert_ok(claim_elsewhere(6));
    hfi_unclaim(&claim, object, 5);
    assert_ok(claim_elsewhere(5));
}

/* A record lock would be gone. */
Test(claim, outlives_any_close_of_the_object, .init = set_up)
{
    struct hfi_claim claim;
    int other = dup(object);
    assert_ok(hfi_claim(&claim, object, &identity, 5));
    close(other);
    assert_error(claim_elsewhere(5), EBUSY);
}

Test(claim, goes_with_its_process, .init = set_up)
{
    assert_ok(claim_elsewhere(5)); /* that process ended without dropping it */
    assert_ok(claim_elsewhere(5));
}

Test(claim, notices_that_the_descriptor_is_another_files, .init = set_up)
{
    struct hfi_claim claim;
    int other = memfd_create("other", 0);
    cr_assert_eq(dup2(other, object), object);
    assert_error(hfi_claim(&claim, object, &identity, 5), EBADF);
}
