/* SPDX-License-Identifier: MIT */
/*
 * Atomic access to plain fields: structs in shared memory and public types carry no
 * _Atomic, which C++ and other compilers would lay out as they like.
 */
#ifndef HFI_BASE_ATOMICS_H
#define HFI_BASE_ATOMICS_H

#include <stdbool.h>
#include <stdint.h>

static inline uint32_t hfi_load32_relaxed(const uint32_t *p)
{
    return __atomic_load_n(p, __ATOMIC_RELAXED);
}

static inline uint32_t hfi_load32_acquire(const uint32_t *p)
{
    return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

static inline void hfi_store32_relaxed(uint32_t *p, uint32_t value)
{
    __atomic_store_n(p, value, __ATOMIC_RELAXED);
}

/* Sequentially consistent: its user needs a store-load order against another word. */
static inline bool hfi_cas32(uint32_t *p, uint32_t *expected, uint32_t desired)
{
    return __atomic_compare_exchange_n(
        p, expected, desired, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
}

static inline void hfi_store32_release(uint32_t *p, uint32_t value)
{
    __atomic_store_n(p, value, __ATOMIC_RELEASE);
}

static inline uint64_t hfi_load64_relaxed(const uint64_t *p)
{
    return __atomic_load_n(p, __ATOMIC_RELAXED);
}

static inline uint64_t hfi_load64_acquire(const uint64_t *p)
{
    return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

static inline void hfi_store64_relaxed(uint64_t *p, uint64_t value)
{
    __atomic_store_n(p, value, __ATOMIC_RELAXED);
}

static inline void hfi_store64_release(uint64_t *p, uint64_t value)
{
    __atomic_store_n(p, value, __ATOMIC_RELEASE);
}

static inline bool hfi_cas64_acquire(uint64_t *p, uint64_t *expected, uint64_t desired)
{
    return __atomic_compare_exchange_n(
        p, expected, desired, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

static inline bool hfi_cas64_release(uint64_t *p, uint64_t *expected, uint64_t desired)
{
    return __atomic_compare_exchange_n(
        p, expected, desired, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED);
}

static inline bool hfi_cas64(uint64_t *p, uint64_t *expected, uint64_t desired)
{
    return __atomic_compare_exchange_n(
        p, expected, desired, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
}

/* A full fence behind hfi_cas32 or hfi_cas64, which is one by itself on x86. */
static inline void hfi_fence_after_cas(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
#else
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
#endif
}

/* The half of a 64-bit word that holds its low bits: what a futex can wait on. */
static inline uint32_t *hfi_low_half(uint64_t *p)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    return (uint32_t *)(void *)p + 1;
#else
    return (uint32_t *)(void *)p;
#endif
}

#endif
