/* SPDX-License-Identifier: MIT */
/*
 * holdfast: synchronisation between processes that survives kill -9.
 *
 * This header brings all of the library. Each of the others is the manual of one noun.
 */
#ifndef HOLDFAST_HOLDFAST_H
#define HOLDFAST_HOLDFAST_H

#include <holdfast/barrier.h>
#include <holdfast/common.h>
#include <holdfast/cond.h>
#include <holdfast/counter.h>
#include <holdfast/event.h>
#include <holdfast/heap.h>
#include <holdfast/latch.h>
#include <holdfast/map.h>
#include <holdfast/mutex.h>
#include <holdfast/object.h>
#include <holdfast/once.h>
#include <holdfast/permits.h>
#include <holdfast/ptr.h>
#include <holdfast/rcu.h>
#include <holdfast/region.h>
#include <holdfast/rwlock.h>
#include <holdfast/segment.h>
#include <holdfast/sem.h>
#include <holdfast/shm.h>
#include <holdfast/vector.h>

#endif
