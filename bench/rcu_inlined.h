/* SPDX-License-Identifier: MIT */
#ifndef BENCH_RCU_INLINED_H
#define BENCH_RCU_INLINED_H

#include "peer.h"

/* Of a thread that has registered. */
int memb_inlined_pairs(void *unused, uint64_t count);

#endif
