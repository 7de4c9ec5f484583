/* SPDX-License-Identifier: MIT */
#include "objects.h"

#include <errno.h>
#include <stdio.h>

#include "common/random.h"

enum { SIZE_BITS = 11, MOST_SIZE = PATTERN_LEAST + (1 << SIZE_BITS) };

/* ---- calls ---- */

void *object_find(worker_t *w, const char *text, unsigned object, int *error)
{
    void *found = NULL;
    size_t size;
    worker_call(w, "hf_object_find", object);
    *error = hf_object_find(w->segment, text, &found, &size);
    worker_called(w);
    return found;
}

int object_destroy(worker_t *w, const char *text, unsigned object)
{
    worker_call(w, "hf_object_destroy", object);
    int error = hf_object_destroy(w->segment, text);
    worker_called(w);
    worker_step(w);
    return error;
}

void object_destroy_at_last(worker_t *auditor, const char *text, unsigned object)
{
    hf_heap_info_t before = heap_info(auditor, object);
    int error = object_destroy(auditor, text, object);
    hf_heap_info_t after = heap_info(auditor, object);
    if (error != ENOENT) {
        worker_expect(auditor, error, 0, "hf_object_destroy, at last", object);
    }
    if (before.blocks - after.blocks != (error == 0) ||
        (error == 0) != (before.used > after.used)) {
        violation(auditor->control,
            "#%u: destroying %s gave back %zu bytes in %zu blocks", object, text,
            before.used - after.used, before.blocks - after.blocks);
    }
}

/* ---- one's own ---- */

static const char *own_text(char *text, unsigned seat, uint32_t number)
{
    snprintf(text, HF_NAME_SIZE, "own %u %u", seat, number);
    return text;
}

bool own_names_match(const char *text)
{
    unsigned seat, number;
    return sscanf(text, "own %u %u", &seat, &number) == 2;
}

static void destroy_own(worker_t *w, unsigned object, uint32_t *number, bool certain)
{
    char text[HF_NAME_SIZE];
    int error = object_destroy(w, own_text(text, w->seat, *number), object);
    if (certain || error != ENOENT) {
        worker_expect(w, error, 0, "hf_object_destroy, of its own", object);
    }
    *number = 0;
}

/* A name that was never there before: the directory's table wears out. */
static void make_own(worker_t *w, unsigned object, uint32_t *number)
{
    char text[HF_NAME_SIZE];
    void *made;
    size_t size = PATTERN_LEAST - 1 + stress_any_scale(&w->random, SIZE_BITS);
    *number = 1 + (uint32_t)stress_below(&w->random, UINT32_MAX);
    worker_step(w);
    worker_call(w, "hf_object_find_or_construct", object);
    int error = hf_object_find_or_construct(
        w->segment, own_text(text, w->seat, *number), size, NULL, NULL, &made);
    worker_called(w);
    worker_step(w);
    if (!heap_had_room(w, error, "hf_object_find_or_construct", object)) {
        *number = 0;
        return;
    }
    if (!is_all_zero(made, 0, size)) {
        pattern_complain(w, object, "makes its own of used memory", made, size);
    }
    pattern_fill(w, made, size);
}

void own_names_work(worker_t *w, own_names_t *own, unsigned object)
{
    uint32_t *number = &own->number[stress_below(&w->random, OWN_NAMES)];
    if (*number == 0) {
        make_own(w, object, number);
        return;
    }
    char text[HF_NAME_SIZE];
    int error;
    const void *found = object_find(w, own_text(text, w->seat, *number), object, &error);
    worker_expect(w, error, 0, "hf_object_find, of its own", object);
    if (error == 0 && !pattern_is_whole(found, MOST_SIZE)) {
        pattern_complain(w, object, "finds its own not whole", found, PATTERN_LEAST);
    }
    destroy_own(w, object, number, true);
}

/* What the last life was about may have happened, or not. */
void own_names_take_over(worker_t *w, own_names_t *own, unsigned object)
{
    if (own->life == w->life) {
        return;
    }
    for (unsigned i = 0; i < OWN_NAMES; i++) {
        if (own->number[i] != 0) {
            destroy_own(w, object, &own->number[i], false);
        }
    }
    own->life = w->life;
}

void own_names_audit(worker_t *auditor, own_names_t *own, unsigned seat, unsigned object)
{
    char text[HF_NAME_SIZE];
    for (unsigned i = 0; i < OWN_NAMES; i++) {
        if (own->number[i] != 0) {
            object_destroy_at_last(auditor, own_text(text, seat, own->number[i]), object);
        }
    }
}
