/* SPDX-License-Identifier: MIT */
/*
 * Damaged images from a seed, without libFuzzer: image N of a seed is the same whenever
 * and wherever it is made. A child does it, and leaves word of where it is; whatever ends
 * it, the parent can say which image did.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/random.h"
#include "image.h"

enum {
    BAD_USAGE = 2,
    ORDERS_MAX = 128,
    LIMIT = 10 /* seconds */,
    EVERY = 256 /* images */
};

typedef struct {
    uint64_t images, seed, first;
} options_t;

/* What the child tells. */
typedef struct {
    uint64_t image, slowest, slowest_ns;
    unsigned long sound, refused;
} told_t;

/* As many orders as one likes, mostly few: what is hardly damaged gets furthest. */
static size_t make_orders(uint64_t seed, uint64_t image, uint8_t *orders)
{
    uint64_t state = stress_mix(seed) ^ stress_mix(image + 1);
    size_t size = 4 + stress_any_scale(&state, 5) * 4;
    size = size < ORDERS_MAX ? size : ORDERS_MAX;
    for (size_t i = 0; i < size; i++) {
        orders[i] = (uint8_t)stress_random(&state);
    }
    return size;
}

static void try_all(const options_t *options, told_t *told)
{
    uint8_t orders[ORDERS_MAX];
    image_build();
    uint64_t before = stress_now_ns();
    for (uint64_t i = 0; i < options->images; i++) {
        told->image = options->first + i;
        if (i % EVERY == 0) {
            alarm(LIMIT);
        }
        image_try(orders, make_orders(options->seed, told->image, orders));
        uint64_t now = stress_now_ns();
        if (now - before > told->slowest_ns) {
            told->slowest_ns = now - before;
            told->slowest = told->image;
        }
        before = now;
    }
    told->sound = image_sound;
    told->refused = image_refused;
}

static int run(const options_t *options)
{
    told_t *told = mmap(
        NULL, sizeof *told, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (told == MAP_FAILED) {
        fprintf(stderr, "fuzz: no memory: %s\n", strerror(errno));
        return 1;
    }
    uint64_t start = stress_now_ns();
    pid_t child = fork();
    if (child == 0) {
        try_all(options, told);
        exit(0);
    }
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child) {
        fprintf(stderr, "fuzz: no child: %s\n", strerror(errno));
        return 1;
    }
    if (status != 0) {
        const char *how = WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "exit";
        fprintf(stderr,
            "fuzz: image %llu of seed %llu: %s; again: --seed %llu --image %llu\n",
            (unsigned long long)told->image, (unsigned long long)options->seed, how,
            (unsigned long long)options->seed, (unsigned long long)told->image);
        return 1;
    }
    double seconds = (double)(stress_now_ns() - start) / 1e9;
    printf("seed %llu: %llu images in %.1f s, %.0f/s; %lu sound, %lu not opened; slowest "
           "%llu: %.1f ms\n",
        (unsigned long long)options->seed, (unsigned long long)options->images, seconds,
        (double)options->images / seconds, told->sound, told->refused,
        (unsigned long long)told->slowest, (double)told->slowest_ns / 1e6);
    return 0;
}

static int refuse(const char *argument)
{
    fprintf(stderr,
        "fuzz: bad argument '%s'; usage: fuzz [--images N] [--seed N] [--image N]\n",
        argument);
    return BAD_USAGE;
}

int main(int argc, char **argv)
{
    options_t options = {.images = 20000, .seed = 1};
    for (int i = 1; i < argc; i += 2) {
        char *end = NULL;
        uint64_t value = i + 1 < argc ? strtoull(argv[i + 1], &end, 10) : 0;
        if (end == NULL || *end != '\0' || end == argv[i + 1]) {
            return refuse(argv[i]);
        }
        if (strcmp(argv[i], "--images") == 0) {
            options.images = value;
        } else if (strcmp(argv[i], "--seed") == 0) {
            options.seed = value;
        } else if (strcmp(argv[i], "--image") == 0) {
            options.first = value;
            options.images = 1;
        } else {
            return refuse(argv[i]);
        }
    }
    return run(&options);
}
