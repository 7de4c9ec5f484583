/* SPDX-License-Identifier: MIT */
/* Start two at once: both append to one vector, which they find by its name. */
#include <holdfast/holdfast.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "numbers";
    hf_segment_t *segment;
    hf_segment_config_t config = {.size = 1 << 16, .max_size = 1 << 24};
    void *object;
    int error = hf_segment_open(&segment, name, HF_CREATE, &config);
    if (error == 0) {
        error = hf_object_find_or_construct(
            segment, "numbers", sizeof(hf_vector_t), NULL, NULL, &object);
    }
    if (error != 0) {
        fprintf(stderr, "%s: %s\n", name, strerror(error));
        return error;
    }
    hf_vector_t *numbers = object; /* all zero at first */
    error = hf_vector_init(segment, numbers, sizeof(uint64_t));
    for (uint64_t i = 1; i <= 10000 && error == 0; i++) {
        error = hf_vector_push_back(segment, numbers, &i);
    }
    uint64_t sum = 0, number;
    size_t size = error == 0 ? hf_vector_size(numbers) : 0; /* the other may append */
    for (size_t i = 0; i < size && error == 0; i++) {
        error = hf_vector_get(segment, numbers, i, &number);
        sum += number;
    }
    printf("%zu %" PRIu64 "\n", size, sum);
    return error;
}
