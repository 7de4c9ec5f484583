/* SPDX-License-Identifier: MIT */
#include "element.h"

#include "common/random.h"

static uint64_t seal_of(
    const stage_t *stage, const element_t *e, uint64_t place, uint64_t version)
{
    uint64_t offset = (uint64_t)((uintptr_t)e - (uintptr_t)stage);
    return stress_mix(offset ^ stress_mix(version ^ stress_mix(place + 1)));
}

void element_fill(
    const stage_t *stage, element_t *e, uint64_t place, uint64_t version, uint64_t words)
{
    e->seal = seal_of(stage, e, place, version);
    e->place = place;
    e->version = version;
    e->words = words;
    for (uint64_t i = 0; i < words; i++) {
        e->word[i] = e->seal + i;
    }
}

const char *element_fault(const stage_t *stage, const element_t *element, uint64_t place,
    uint64_t version, bool shortly)
{
    const volatile element_t *e = element;
    uint64_t seal = seal_of(stage, element, place, version);
    if (e->version != version || e->place != place) {
        return "it is another, or none";
    }
    if (e->seal != seal) {
        return "it was overwritten";
    }
    uint64_t words = e->words;
    if (words > MOST_WORDS) {
        return "its size was overwritten";
    }
    for (uint64_t i = shortly && words > 0 ? words - 1 : 0; i < words; i++) {
        if (e->word[i] != seal + i) {
            return "its contents were overwritten";
        }
    }
    return NULL;
}
