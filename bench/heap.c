/* SPDX-License-Identifier: MIT */
/* Memory in a segment: what blocks and names cost, and how much of it is wasted. */
#include "bench.h"
#include "process.h"
#include "report.h"
#include "series.h"
#include "store.h"

#include <errno.h>
#include <holdfast/holdfast.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

enum { NAMES = 1000, STORES = 2, FINDERS = 3, PARTIES = 2, MIXED_MAX = 1024 };

#ifndef BENCH_BOOST
const store_t boost_store = {
    .name = "Boost managed_shared_memory", .missing = "not installed"};
#endif

/* What the machine gives to two who share nothing. */
static int find_nothing(const char *name)
{
    for (unsigned i = 0; i < 32; i++) {
        name += *(const volatile char *)name == '\0';
    }
    return 0;
}

static const store_t nothing = {.name = "a loop, nothing shared", .find = find_nothing};

static const store_t *const stores[STORES] = {&holdfast_store, &boost_store};

/* ---- what is measured ---- */

static char names[NAMES][STORE_KEY];
static struct {
    uint64_t state;
    size_t sizes[STORE_SLOTS]; /* 0: none */
    size_t needed;             /* bytes asked for */
} load;

static void heed(const store_t *store, int error)
{
    if (error != 0) {
        give_up(store->name, error);
    }
}

static uint64_t draw(void)
{
    load.state = load.state * 6364136223846793005u + 1442695040888963407u;
    return load.state >> 33;
}

/* A slot at random: its block goes, or it gets one of 1 to 1,024 bytes. */
static void step(const store_t *store)
{
    unsigned slot = 1 + (unsigned)(draw() % (STORE_SLOTS - 1));
    if (load.sizes[slot] != 0) {
        heed(store, store->release(slot));
        load.needed -= load.sizes[slot];
        load.sizes[slot] = 0;
    } else {
        load.sizes[slot] = 1 + draw() % MIXED_MAX;
        heed(store, store->allocate(slot, load.sizes[slot]));
        load.needed += load.sizes[slot];
    }
}

static void empty(const store_t *store)
{
    for (unsigned slot = 0; slot < STORE_SLOTS; slot++) {
        if (load.sizes[slot] != 0) {
            heed(store, store->release(slot));
            load.sizes[slot] = 0;
        }
    }
    load.needed = 0;
}

/* ---- cost ---- */

typedef int work_t(const store_t *store, unsigned count, size_t size);

static int pairs(const store_t *store, unsigned count, size_t size)
{
    int error = 0;
    for (unsigned i = 0; i < count; i++) {
        error |= store->allocate(0, size);
        error |= store->release(0);
    }
    return error;
}

static int mix(const store_t *store, unsigned count, size_t seed)
{
    load.state = seed;
    for (unsigned i = 0; i < count; i++) {
        step(store);
    }
    return 0;
}

static const char *name_at(unsigned i)
{
    return names[i * 617 % NAMES];
}

static int find_many(const store_t *store, unsigned count, size_t unused)
{
    int error = 0;
    (void)unused;
    for (unsigned i = 0; i < count; i++) {
        error |= store->find(name_at(i));
    }
    return error;
}

static int get_many(const store_t *store, unsigned count, size_t unused)
{
    int error = 0;
    (void)unused;
    for (unsigned i = 0; i < count; i++) {
        error |= store->get(name_at(i));
    }
    return error;
}

static int erase_and_put(const store_t *store, unsigned count, size_t unused)
{
    int error = 0;
    (void)unused;
    for (unsigned i = 0; i < count; i++) {
        error |= store->erase(name_at(i));
        error |= store->put(name_at(i));
    }
    return error;
}

static int push_and_pop(const store_t *store, unsigned count, size_t unused)
{
    int error = 0;
    (void)unused;
    for (unsigned i = 0; i < count; i++) {
        error |= store->push();
        error |= store->pop();
    }
    return error;
}

static const struct {
    const char *name;
    work_t *work;
    size_t size;        /* or seed */
    double most_boosts; /* 0: no target */
} kinds[] = {
    {"allocate + free, 24 bytes", pairs, 24, 0.5},
    {"allocate + free, 64 bytes", pairs, 64, 0.5},
    {"allocate + free, 256 bytes", pairs, 256, 0.5},
    {"allocate + free, 1,024 bytes", pairs, 1024, 0.5},
    {"allocate or free, 1,023 slots at random", mix, 1, 0.5},
    {"find, among 1,000 names", find_many, 0, 0.7},
    {"map: get, among 1,000 keys", get_many, 0, 0},
    {"map: erase + set, of 1,000 keys", erase_and_put, 0, 0},
    {"vector: push back + pop back", push_and_pop, 0, 0},
};

enum { KINDS = sizeof kinds / sizeof kinds[0] };

static double cost(const store_t *store, unsigned kind, unsigned count)
{
    uint64_t start = now_ns();
    int error = kinds[kind].work(store, count, kinds[kind].size);
    double ns = (double)(now_ns() - start) / count;
    heed(store, error);
    empty(store);
    return ns;
}

static void measure_costs(const bench_options_t *options)
{
    static const table_t table = {.title = "memory in a segment, one process",
        .columns = {{"holdfast ns", 1}, {"Boost ns", 1}, {"x Boost", 2}}};
    unsigned count = options->quick ? 20000 : 200000;
    report_heads(&table);
    for (unsigned k = 0; k < KINDS; k++) {
        series_t costs[STORES] = {0};
        for (unsigned round = 0; round < 2 * options->rounds; round++) {
            report_progress(
                "heap", k * 2 * options->rounds + round, KINDS * 2 * options->rounds);
            for (unsigned s = 0; s < STORES; s++) {
                if (stores[s]->missing == NULL) {
                    series_add(&costs[s], cost(stores[s], k, count));
                }
            }
        }
        double ratio = series_ratio(&costs[0], &costs[1]);
        double values[] = {series_median(&costs[0]), series_median(&costs[1]), ratio};
        report_row(&table, kinds[k].name, values);
        report_bar(REPORT_MEMORY, kinds[k].name, REPORT_OURS, values[0]);
        report_bar(REPORT_MEMORY, kinds[k].name, stores[1]->name, values[1]);
        if (kinds[k].most_boosts > 0) {
            report_at_most(kinds[k].name, ratio, kinds[k].most_boosts, "x Boost");
        }
        series_clear(&costs[0]);
        series_clear(&costs[1]);
    }
}

/* ---- waste ---- */

/* What one block could still get, by trying. */
static size_t largest(const store_t *store)
{
    size_t least = 0, most = STORE_SIZE;
    while (most - least > 64) {
        size_t middle = least + (most - least) / 2;
        if (store->allocate(0, middle) == 0) {
            heed(store, store->release(0));
            least = middle;
        } else {
            most = middle;
        }
    }
    return least;
}

static void measure_waste(const bench_options_t *options)
{
    static const table_t table = {.title = "the same random load: memory",
        .columns = {{"used/needed", 3}, {"free KiB", 0}, {"largest KiB", 0}}};
    report_heads(&table);
    for (unsigned s = 0; s < STORES; s++) {
        const store_t *store = stores[s];
        if (store->missing != NULL) {
            report_missing(store->name, store->missing);
            continue;
        }
        size_t before = store->used();
        mix(store, options->quick ? 100000 : 1000000, 1);
        size_t after = store->used();
        double values[] = {(double)(after - before) / (double)load.needed,
            (double)(STORE_SIZE - after) / 1024, (double)largest(store) / 1024};
        report_row(&table, store->name, values);
        empty(store);
    }
}

/* ---- several processes ---- */

typedef struct {
    uint32_t go, stop;
    uint64_t finds[PARTIES];
} crowd_t;

typedef struct {
    const store_t *store;
    crowd_t *crowd;
    unsigned index;
} finder_t;

static void keep_finding(int channel, void *context)
{
    (void)channel;
    const finder_t *finder = context;
    crowd_t *crowd = finder->crowd;
    uint64_t finds = 0;
    while (__atomic_load_n(&crowd->go, __ATOMIC_ACQUIRE) == 0) {
    }
    while (__atomic_load_n(&crowd->stop, __ATOMIC_RELAXED) == 0) {
        heed(finder->store, find_many(finder->store, 1000, 0));
        finds += 1000;
    }
    __atomic_store_n(&crowd->finds[finder->index], finds + 1, __ATOMIC_RELEASE);
}

static double rate(const store_t *store, unsigned parties, const bench_options_t *options)
{
    crowd_t *crowd = mmap(
        NULL, sizeof *crowd, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (crowd == MAP_FAILED) {
        give_up("memory for a crowd", errno);
    }
    process_t children[PARTIES];
    for (unsigned i = 0; i < parties; i++) {
        finder_t finder = {.store = store, .crowd = crowd, .index = i};
        children[i] = process_start(keep_finding, &finder);
    }
    __atomic_store_n(&crowd->go, 1, __ATOMIC_RELEASE);
    uint64_t start = now_ns();
    usleep(options->quick ? 50000 : 200000);
    __atomic_store_n(&crowd->stop, 1, __ATOMIC_RELAXED);
    double ns = (double)(now_ns() - start);
    uint64_t finds = 0;
    for (unsigned i = 0; i < parties; i++) {
        while (__atomic_load_n(&crowd->finds[i], __ATOMIC_ACQUIRE) == 0) {
            usleep(100);
        }
        finds += crowd->finds[i];
        process_kill(&children[i]);
    }
    munmap(crowd, sizeof *crowd);
    return (double)finds / ns * 1000;
}

static void measure_crowd(const bench_options_t *options)
{
    static const table_t table = {.title = "find, several processes: million/s",
        .columns = {{"1 process", 2}, {"2 processes", 2}, {"x 1 process", 2}}};
    const store_t *const finders[FINDERS] = {&nothing, &holdfast_store, &boost_store};
    series_t one[FINDERS] = {0}, two[FINDERS] = {0};
    for (unsigned i = 0; i < options->rounds * FINDERS; i++) {
        const store_t *store = finders[i % FINDERS];
        if (store->missing == NULL) {
            series_add(&one[i % FINDERS], rate(store, 1, options));
            series_add(&two[i % FINDERS], rate(store, 2, options));
        }
    }
    report_heads(&table);
    double gained[FINDERS];
    for (unsigned s = 0; s < FINDERS; s++) {
        gained[s] = series_ratio(&two[s], &one[s]);
        double values[] = {series_median(&one[s]), series_median(&two[s]), gained[s]};
        if (finders[s]->missing != NULL) {
            report_missing(finders[s]->name, finders[s]->missing);
        } else {
            report_row(&table, finders[s]->name, values);
        }
        series_clear(&one[s]);
        series_clear(&two[s]);
    }
    report_at_least("find, 2 processes", gained[1], 1.8, "x 1 process");
    report_at_least(
        "find, 2 processes, beside the loop", gained[1] / gained[0], 0.9, "x the loop's");
}

void heap_run(const bench_options_t *options)
{
    for (unsigned i = 0; i < NAMES; i++) {
        snprintf(names[i], sizeof names[i], "object number %u", i);
    }
    for (unsigned s = 0; s < STORES; s++) {
        if (stores[s]->missing == NULL) {
            heed(stores[s], stores[s]->open());
            for (unsigned i = 0; i < NAMES; i++) {
                heed(stores[s], stores[s]->add(names[i]));
                heed(stores[s], stores[s]->put(names[i]));
            }
        }
    }
    measure_costs(options);
    measure_waste(options);
    measure_crowd(options);
}
