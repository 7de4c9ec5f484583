/* SPDX-License-Identifier: MIT */
/*
 * Killed at any instruction of a call on the heap: it is done or not begun, and
 * hf_segment_check finds nothing wrong.
 *
 * A process is stepped through the call; each change that a step makes to the shared
 * memory is kept. Once the process is dead, each of these is what it would have left, had
 * it died there: nothing but the memory and the death of its lease outlives it.
 */
#include <holdfast/heap.h>
#include <holdfast/object.h>

#include <sys/mman.h>
#include <sys/ptrace.h>

#include "party.h"
#include "segment/segment.h"

enum { PIECES = 16, STATES_MAX = 4000 };

typedef struct {
    hf_mutex_t lock;
    hf_ptr_t pieces[PIECES];
} root_t;

static hf_segment_t *segment;
static root_t *root;
static int object;
static char *heap; /* and all behind it */
static char *states[STATES_MAX];
static unsigned count;

static void set_up(void)
{
    hf_segment_config_t config = {
        .size = 16000, .max_size = 60000, .root_size = sizeof(root_t)};
    object = memfd_create("kill", MFD_CLOEXEC);
    assert_ok(hf_segment_open_fd(&segment, object, HF_CREATE, &config));
    root = hf_segment_root(segment);
    heap = (char *)segment->heap.control;
    for (unsigned i = 0; i < PIECES; i++) {
        assert_ok(hf_alloc(segment, &root->pieces[i], 40 + i / 4 * 600));
    }
    const unsigned gone[] = {2, 5, 7, 9, 12, 14};
    for (unsigned i = 0; i < sizeof gone / sizeof gone[0]; i++) {
        assert_ok(hf_free(segment, &root->pieces[gone[i]]));
    }
    void *found;
    assert_ok(hf_object_find_or_construct(segment, "old", 9, NULL, NULL, &found));
}

TestSuite(kill, .init = set_up, .timeout = 120);

typedef int call_t(void);

/* The child joins, and stops before the call. */
static pid_t start(call_t *call)
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        if (hf_mutex_lock(&root->lock) != 0 || hf_mutex_unlock(&root->lock) != 0 ||
            ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0) {
            _exit(1);
        }
        raise(SIGSTOP);
        _exit(call() == 0 ? 0 : 2);
    }
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFSTOPPED(status));
    return child;
}

/* The object may grow; what it has not grown to yet is zero. */
static size_t size_now(void)
{
    return (size_t)lseek(object, 0, SEEK_END) - segment->header.control_offset;
}

static void keep(void)
{
    size_t size = size_now();
    if (count > 0 && memcmp(states[count - 1], heap, size) == 0) {
        return;
    }
    cr_assert_lt(count, STATES_MAX);
    states[count] = calloc(1, segment->header.total_limit);
    memcpy(states[count++], heap, size);
}

/* Through the whole call, to the process's end. */
static void step_through(call_t *call)
{
    pid_t child = start(call);
    int status = 0;
    do {
        keep();
        cr_assert_eq(ptrace(PTRACE_SINGLESTEP, child, NULL, NULL), 0);
        cr_assert_eq(waitpid(child, &status, 0), child);
    } while (WIFSTOPPED(status));
    cr_assert_eq(status, 0, "the call failed");
}

static void tell(const char *words, void *state)
{
    fprintf(stderr, "killed after change %u: %s\n", *(unsigned *)state, words);
}

/* Blocks that are neither a piece, nor an object, nor the directory's table. */
static size_t lost(void)
{
    hf_heap_info_t info;
    size_t objects, pieces = 0;
    assert_ok(hf_heap_info(segment, &info));
    assert_ok(hf_object_count(segment, &objects));
    for (unsigned i = 0; i < PIECES; i++) {
        pieces += hf_ptr_get(&root->pieces[i]) != NULL;
    }
    return info.blocks - pieces - objects - 1;
}

static void sweep(call_t *call)
{
    step_through(call);
    cr_assert_gt(count, 20);
    for (unsigned i = 0; i < count; i++) {
        void *found;
        memcpy(heap, states[i], size_now());
        assert_ok(hf_segment_check(segment, tell, &i));
        /* a dead constructor's place is taken over */
        assert_ok(hf_object_find_or_construct(segment, "new", 9, NULL, NULL, &found));
        cr_assert_eq(lost(), 0, "killed after change %u: a block is lost", i);
        assert_ok(hf_segment_check(segment, tell, &i));
        free(states[i]);
    }
}

static int allocate(void)
{
    return hf_alloc(segment, &root->pieces[2], 100);
}

Test(kill, inside_allocate)
{
    sweep(allocate);
}

static int allocate_exactly(void)
{
    return hf_alloc(segment, &root->pieces[2], 40);
}

Test(kill, inside_allocate_without_a_rest)
{
    sweep(allocate_exactly);
}

static int allocate_aligned(void)
{
    return hf_alloc_aligned(segment, &root->pieces[2], 100, 1024);
}

Test(kill, inside_allocate_aligned)
{
    sweep(allocate_aligned);
}

static int allocate_much(void)
{
    return hf_alloc(segment, &root->pieces[2], 20000);
}

Test(kill, inside_allocate_that_grows)
{
    sweep(allocate_much);
}

static int free_between(void)
{
    return hf_free(segment, &root->pieces[13]); /* free ones on both sides */
}

Test(kill, inside_free_between_free_ones)
{
    sweep(free_between);
}

static int free_before(void)
{
    return hf_free(segment, &root->pieces[4]);
}

Test(kill, inside_free_before_a_free_one)
{
    sweep(free_before);
}

static int free_last(void)
{
    return hf_free(segment, &root->pieces[15]);
}

Test(kill, inside_free_before_the_rest)
{
    sweep(free_last);
}

static int free_alone(void)
{
    return hf_free(segment, &root->pieces[0]);
}

Test(kill, inside_free_between_used_ones)
{
    sweep(free_alone);
}

static int enlarge(void)
{
    return hf_realloc(segment, &root->pieces[4], 1000);
}

Test(kill, inside_realloc_in_place)
{
    sweep(enlarge);
}

static int move_away(void)
{
    return hf_realloc(segment, &root->pieces[0], 3000);
}

Test(kill, inside_realloc_elsewhere)
{
    sweep(move_away);
}

static int shorten(void)
{
    return hf_realloc(segment, &root->pieces[8], 200);
}

Test(kill, inside_realloc_that_shortens)
{
    sweep(shorten);
}

static int construct(void)
{
    void *found;
    return hf_object_find_or_construct(segment, "new", 9, NULL, NULL, &found);
}

Test(kill, inside_construct)
{
    sweep(construct);
}

static int destroy(void)
{
    return hf_object_destroy(segment, "old");
}

Test(kill, inside_destroy)
{
    sweep(destroy);
}
