/* SPDX-License-Identifier: MIT */
#include "stage.h"

#include "process.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct stage *stage;

void stage_build(void)
{
    const int anonymous = MAP_SHARED | MAP_ANONYMOUS;
    stage = mmap(NULL, sizeof *stage, PROT_READ | PROT_WRITE, anonymous, -1, 0);
    if (stage == MAP_FAILED) {
        give_up("mmap: %s", strerror(errno));
    }
    snprintf(stage->segment_name, sizeof stage->segment_name, "holdfast-sweep-%d",
        (int)getpid());
}
