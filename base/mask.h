/* SPDX-License-Identifier: Apache-2.0
 *
 * Choices without branches, for what must not show in time what it looked at: padding of something that
 * was decrypted. A mask is all ones (yes) or all zeros. */
#ifndef IDP_BASE_MASK_H
#define IDP_BASE_MASK_H

#include <stdint.h>

/* The compiler does not see where `x` comes from, and so cannot make a branch of it. */
static inline uint32_t mask_hide(uint32_t x) {
    __asm__("" : "+r"(x));
    return x;
}

static inline uint32_t mask_zero(uint32_t x) {
    return mask_hide(((x | (0U - x)) >> 31) - 1U);
}

/* a < b, both below 2^31 */
static inline uint32_t mask_less(uint32_t a, uint32_t b) {
    return mask_hide(0U - ((a - b) >> 31));
}

#endif
