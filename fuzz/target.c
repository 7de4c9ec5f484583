/* SPDX-License-Identifier: MIT */
/* libFuzzer's way in; main.c is the other one. */
#include <stdbool.h>

#include "image.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static bool built;
    if (!built) {
        image_build();
        built = true;
    }
    image_try(bytes, size);
    return 0;
}
