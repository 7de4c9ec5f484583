/* SPDX-License-Identifier: MIT */
#include "peer.h"

#include "bench.h"
#include "report.h"

#include <string.h>

enum { BATCH_US = 400 };

void peer_init(const peer_t *peer, void *thing)
{
    memset(thing, 0, peer->size);
    int error = peer->init(thing);
    if (error != 0) {
        give_up(peer->name, error);
    }
}

double peer_time(const peer_t *peer, void *thing, uint64_t pairs)
{
    uint64_t start = now_ns();
    int failed = peer->pairs(thing, pairs);
    uint64_t end = now_ns();
    if (failed != 0) {
        give_up(peer->name, failed);
    }
    return (double)(end - start) / (double)pairs;
}

uint64_t peer_fitting_pairs(const peer_t *peer, void *thing)
{
    enum { TRIES = 5, MANY = 500, FEW = 5 };
    double best = peer_time(peer, thing, FEW); /* join, fault in */
    uint64_t pairs = best * MANY < BATCH_US * 1e3 ? MANY : FEW;
    for (int i = 0; i < TRIES; i++) {
        double one = peer_time(peer, thing, pairs);
        best = one < best ? one : best;
    }
    return 1 + (uint64_t)(BATCH_US * 1e3 / best);
}

const char *peer_in_chart(const peer_set_t *set, unsigned p)
{
    const peer_t *peer = &set->peers[p];
    if (p == set->floor || peer->variant || peer->missing != NULL) {
        return NULL;
    }
    return p == set->subject ? REPORT_OURS : peer->name;
}
