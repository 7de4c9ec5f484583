/* SPDX-License-Identifier: MIT */
/*
 * A segment whose bytes are damaged as somebody says, and every call that cannot
 * legitimately wait on it. The calls may say what they like; they must not crash, hang,
 * or touch what is not theirs. And what hf_segment_check calls sound must work, and be
 * sound afterwards.
 */
#ifndef FUZZ_IMAGE_H
#define FUZZ_IMAGE_H

#include <stddef.h>
#include <stdint.h>

void image_build(void);

/* The bytes are orders: what to damage, and how (image.c). */
void image_try(const uint8_t *orders, size_t size);

/* How many images hf_segment_check found sound; how many could not be opened. */
extern unsigned long image_sound, image_refused;

#endif
