/* SPDX-License-Identifier: MIT */
/* Takes away the segments that its arguments name, so that a test leaves none behind. */
#include <errno.h>
#include <holdfast/holdfast.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        int error = hf_segment_remove(argv[i]);
        if (error != 0 && error != ENOENT) {
            fprintf(stderr, "%s: %s\n", argv[i], strerror(error));
            return 1;
        }
    }
    return 0;
}
