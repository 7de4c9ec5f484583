/* SPDX-License-Identifier: MIT */
#include "common/histogram.h"

/* Below 16 each value has its own bucket; above, the leading one and four bits after it.
 */
static unsigned bucket_of(uint64_t v)
{
    unsigned shift = 0;
    while ((v >> shift) >= 32) {
        shift++;
    }
    return shift * 16 + (unsigned)(v >> shift);
}

static uint64_t upper_edge(unsigned bucket)
{
    if (bucket < 32) {
        return bucket;
    }
    unsigned shift = bucket / 16 - 1;
    return ((uint64_t)(bucket - shift * 16 + 1) << shift) - 1;
}

void stress_histogram_add(stress_histogram_t *h, uint64_t ns)
{
    atomic_fetch_add_explicit(&h->bucket[bucket_of(ns)], 1, memory_order_relaxed);
    uint64_t worst = atomic_load_explicit(&h->worst, memory_order_relaxed);
    while (worst < ns && !atomic_compare_exchange_weak_explicit(&h->worst, &worst, ns,
                             memory_order_relaxed, memory_order_relaxed)) {
    }
}

uint64_t stress_histogram_count(const stress_histogram_t *h)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < STRESS_BUCKETS; i++) {
        sum += atomic_load_explicit(&h->bucket[i], memory_order_relaxed);
    }
    return sum;
}

uint64_t stress_histogram_worst(const stress_histogram_t *h)
{
    return atomic_load_explicit(&h->worst, memory_order_relaxed);
}

uint64_t stress_histogram_quantile(const stress_histogram_t *h, double q)
{
    double wanted = q * (double)stress_histogram_count(h);
    uint64_t below = 0;
    for (unsigned i = 0; i < STRESS_BUCKETS; i++) {
        below += atomic_load_explicit(&h->bucket[i], memory_order_relaxed);
        if (below > 0 && (double)below >= wanted) {
            uint64_t edge = upper_edge(i);
            uint64_t worst = stress_histogram_worst(h);
            return edge < worst ? edge : worst;
        }
    }
    return 0;
}
