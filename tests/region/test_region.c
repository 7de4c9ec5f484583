/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/vfs.h>

#include "party.h"

enum { PAGES = 4, PAGE = 4096, SIZE = PAGES * PAGE - 1000 };

/* Handles are static: what is open at a test's end is no leak. */
static char name[64];
static hf_shm_t *shm;
static hf_region_t *region;
static unsigned char *all; /* the whole object, in which byte i is i % 251 */

static void set_up(void)
{
    hf_shm_config_t config = {.size = SIZE};
    snprintf(name, sizeof name, "%s", fresh_name());
    assert_ok(hf_shm_open(&shm, name, HF_CREATE | HF_EXCLUSIVE, &config));
    assert_ok(hf_region_map(&region, shm, 0, 0, 0));
    all = hf_region_address(region);
    for (int i = 0; i < SIZE; i++) {
        all[i] = (unsigned char)(i % 251);
    }
}

static void tear_down(void)
{
    (void)!hf_shm_remove(name);
}

TestSuite(region, .init = set_up, .fini = tear_down, .timeout = 60);

static void assert_shows(const hf_region_t *part, size_t offset, size_t length)
{
    const unsigned char *bytes = hf_region_address(part);
    cr_assert_eq(hf_region_size(part), length);
    cr_assert_eq((uintptr_t)bytes % 4096, offset % 4096, "aligned as the offset is");
    cr_assert_eq(memcmp(bytes, all + offset, length), 0);
}

Test(region, any_offset_and_length_will_do)
{
    size_t offsets[] = {0, 1, 100, 4095, 4096, 4097, 8000, SIZE - 1};
    size_t lengths[] = {1, 7, 4096, 5000, SIZE};
    for (size_t i = 0; i < sizeof offsets / sizeof *offsets; i++) {
        hf_region_t *part;
        assert_ok(hf_region_map(&part, shm, HF_READ_ONLY, offsets[i], 0));
        assert_shows(part, offsets[i], SIZE - offsets[i]);
        assert_ok(hf_region_unmap(part));
        for (size_t k = 0; k < sizeof lengths / sizeof *lengths; k++) {
            bool within = offsets[i] + lengths[k] <= SIZE;
            assert_error(
                hf_region_map(&part, shm, 0, offsets[i], lengths[k]), within ? 0 : ENXIO);
            if (within) {
                assert_shows(part, offsets[i], lengths[k]);
                assert_ok(hf_region_flush(part, 0, 0));
                assert_ok(hf_region_unmap(part));
            }
        }
    }
}

Test(region, beyond_the_objects_end_is_ENXIO_until_it_has_grown)
{
    static hf_region_t *part;
    assert_error(hf_region_map(&part, shm, 0, SIZE, 0), ENXIO);
    cr_assert_null(part);
    assert_error(hf_region_map(&part, shm, 0, SIZE, 1), ENXIO);
    assert_error(hf_region_map(&part, shm, 0, SIZE - 1, 2), ENXIO);
    assert_error(hf_region_map(&part, shm, 0, 1, SIZE_MAX), ENXIO);
    assert_error(hf_region_map(&part, shm, 0, UINT64_MAX, 0), ENXIO);
    assert_error(hf_region_map(&part, shm, 0, UINT64_MAX, SIZE_MAX), ENXIO);
    assert_ok(hf_shm_truncate(shm, SIZE + 1));
    assert_ok(hf_region_map(&part, shm, 0, SIZE, 1));
    assert_ok(hf_region_unmap(part));

    assert_ok(hf_shm_close(shm));
    assert_ok(hf_shm_open_anonymous(&shm, 0));
    assert_error(hf_region_map(&part, shm, 0, 0, 0), ENXIO);
}

Test(region, what_can_never_be_right_is_EINVAL)
{
    static hf_region_t *part;
    unsigned access[] = {HF_CREATE, HF_EXCLUSIVE, HF_READ_ONLY | HF_PRIVATE, UINT32_MAX};
    for (size_t i = 0; i < sizeof access / sizeof *access; i++) {
        assert_error(hf_region_map(&part, shm, access[i], 0, 0), EINVAL);
    }
    assert_error(hf_region_map(NULL, shm, 0, 0, 0), EINVAL);
    assert_error(hf_region_map(&part, NULL, 0, 0, 0), EINVAL);
    assert_error(hf_region_unmap(NULL), EINVAL);
    assert_error(hf_region_flush(NULL, 0, 0), EINVAL);
    assert_error(hf_region_flush(region, SIZE, 0), EINVAL);
    assert_error(hf_region_flush(region, 1, SIZE), EINVAL);
    assert_error(hf_region_flush(region, SIZE_MAX, 2), EINVAL);
    cr_assert_null(hf_region_address(NULL));
    cr_assert_eq(hf_region_size(NULL), 0);
}

Test(region, two_mappings_are_the_same_memory)
{
    static hf_region_t *part;
    assert_ok(hf_region_map(&part, shm, 0, 5000, 10));
    unsigned char *bytes = hf_region_address(part);
    bytes[3] = 77;
    cr_assert_eq(all[5003], 77);
    all[5009] = 78;
    cr_assert_eq(bytes[9], 78);
}

static int write_to(party_t *region_address)
{
    *(volatile unsigned char *)region_address = 1;
    return 0;
}

static int ended_by(pid_t child)
{
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

/* A sanitizer would report the signal, and end otherwise. */
static int write_unwatched(party_t *region_address)
{
    signal(SIGSEGV, SIG_DFL);
    return write_to(region_address);
}

Test(region, writing_to_a_read_only_one_is_SIGSEGV)
{
    static hf_region_t *part;
    assert_ok(hf_region_map(&part, shm, HF_READ_ONLY, 100, 0));
    cr_assert_eq(ended_by(spawn(write_unwatched, hf_region_address(part))), SIGSEGV);
    assert_ok(hf_region_unmap(part));
    assert_ok(hf_region_map(&part, shm, 0, 100, 0));
    cr_assert_eq(ended_by(spawn(write_unwatched, hf_region_address(part))), 0);
    cr_assert_eq(all[100], 1);
}

Test(region, an_object_opened_read_only_is_not_mapped_for_writing)
{
    static hf_region_t *part;
    static hf_shm_t *reader;
    int fd;
    assert_ok(hf_shm_open(&reader, name, HF_READ_ONLY, NULL));
    assert_error(hf_region_map(&part, reader, 0, 0, 0), EACCES);
    assert_ok(hf_region_map(&part, reader, HF_READ_ONLY, 1, 0));
    assert_shows(part, 1, SIZE - 1);
    assert_ok(hf_region_unmap(part));
    assert_ok(hf_shm_close(reader));
    /* Also where the descriptor itself would allow it. */
    assert_ok(hf_shm_fd(shm, &fd));
    assert_ok(hf_shm_from_fd(&reader, fd, HF_READ_ONLY));
    assert_error(hf_region_map(&part, reader, 0, 0, 0), EACCES);
}

Test(region, what_is_written_to_a_private_one_stays_in_it)
{
    static hf_region_t *copy;
    static hf_shm_t *reader;
    assert_ok(hf_shm_open(&reader, name, HF_READ_ONLY, NULL));
    assert_ok(hf_region_map(&copy, reader, HF_PRIVATE, 100, 0));
    assert_shows(copy, 100, SIZE - 100);
    *(unsigned char *)hf_region_address(copy) = 1;
    cr_assert_eq(all[100], 100);
    assert_ok(hf_region_flush(copy, 0, 0));
    cr_assert_eq(all[100], 100);
}

Test(region, outlives_its_objects_name_and_handle)
{
    static hf_region_t *part;
    assert_ok(hf_region_map(&part, shm, 0, 1000, 0));
    assert_ok(hf_shm_remove(name));
    assert_ok(hf_shm_close(shm));
    assert_shows(part, 1000, SIZE - 1000);
    assert_error(hf_shm_open(&shm, name, 0, NULL), ENOENT);
}

static bool is_mapped(const void *address)
{
    unsigned char resident;
    return mincore((void *)((uintptr_t)address & ~(uintptr_t)4095), 1, &resident) == 0;
}

Test(region, unmap_takes_all_of_its_pages_and_no_others)
{
    static hf_region_t *part;
    assert_ok(hf_region_map(&part, shm, 0, 4095, 4098)); /* parts of three pages */
    char *begin = (char *)hf_region_address(part);
    assert_ok(hf_region_unmap(part));
    for (int i = 0; i < 3; i++) {
        cr_assert_not(is_mapped(begin + i * 4096));
    }
    cr_assert(is_mapped(all));
}

/* Pages that have not been written back, of the mapping that holds the address: kB. */
static unsigned dirty(const void *address)
{
    char line[512];
    unsigned long begin, end;
    unsigned kilobytes, sum = 0;
    bool inside = false;
    FILE *maps = fopen("/proc/self/smaps", "r");
    cr_assert_not_null(maps);
    while (fgets(line, sizeof line, maps) != NULL) {
        if (sscanf(line, "%lx-%lx ", &begin, &end) == 2) {
            inside = begin <= (uintptr_t)address && (uintptr_t)address < end;
        } else if (inside && (sscanf(line, "Shared_Dirty: %u", &kilobytes) == 1 ||
                                 sscanf(line, "Private_Dirty: %u", &kilobytes) == 1)) {
            sum += kilobytes;
        }
    }
    fclose(maps);
    return sum;
}

Test(region, flush_writes_the_pages_that_the_bytes_are_in)
{
    FILE *file = tmpfile();
    cr_assert_not_null(file);
    struct statfs system;
    cr_assert_eq(fstatfs(fileno(file), &system), 0);
    if (system.f_type == TMPFS_MAGIC) {
        cr_skip_test("needs a disk under the temporary files");
    }
    static hf_shm_t *object;
    static hf_region_t *part;
    assert_ok(hf_shm_from_fd(&object, fileno(file), 0));
    assert_ok(hf_shm_truncate(object, 3 * 4096));
    assert_ok(hf_region_map(&part, object, 0, 100, 0));
    char *bytes = hf_region_address(part);
    memset(bytes, 'x', 3 * 4096 - 100);
    cr_assert_eq(dirty(bytes), 12);
    assert_ok(hf_region_flush(part, 4095 - 100, 2)); /* in the first and the second */
    cr_assert_leq(dirty(bytes), 4);
    assert_ok(hf_region_flush(part, 8192 - 100, 0)); /* the third */
    cr_assert_eq(dirty(bytes), 0);
}
