// The processor's instructions on two 16-bit numbers in one word (Armv7E-M; Arm C Language Extensions, "32-bit
// SIMD intrinsics"), which Swift has no word for and the compiler does not find by itself for 8-bit numbers. Other
// processors get plain C of the same results, so that everywhere the same Swift code runs around it.
//
// Always inlined: a call would cost more than the instruction.
#ifndef CDSP_H
#define CDSP_H

#include <stdint.h>

#define CDSP_INLINE static inline __attribute__((always_inline))

#if defined(__ARM_FEATURE_SIMD32) && __ARM_FEATURE_SIMD32
#include <arm_acle.h>

/// SXTB16: bytes 0 and 2 of `bytes`, each extended with its sign, as two 16-bit numbers.
CDSP_INLINE uint32_t cdsp_even_bytes(uint32_t bytes) { return (uint32_t)__sxtb16((int8x4_t)bytes); }

/// SXTB16 with rotation: bytes 1 and 3 likewise.
CDSP_INLINE uint32_t cdsp_odd_bytes(uint32_t bytes) {
  return (uint32_t)__sxtb16((int8x4_t)(bytes >> 8 | bytes << 24));
}

/// SMLAD: adds the products of the low and of the high 16-bit numbers to `sum`, modulo 2^32.
CDSP_INLINE int32_t cdsp_multiply_add_pairs(uint32_t a, uint32_t b, int32_t sum) {
  return __smlad((int16x2_t)a, (int16x2_t)b, sum);
}

#else

/// Bytes 0 and 2 of `bytes`, each extended with its sign, as two 16-bit numbers.
CDSP_INLINE uint32_t cdsp_even_bytes(uint32_t bytes) {
  return (uint32_t)(uint16_t)(int8_t)bytes | (uint32_t)(uint16_t)(int8_t)(bytes >> 16) << 16;
}

/// Bytes 1 and 3 likewise.
CDSP_INLINE uint32_t cdsp_odd_bytes(uint32_t bytes) { return cdsp_even_bytes(bytes >> 8); }

/// Adds the products of the low and of the high 16-bit numbers to `sum`, modulo 2^32.
CDSP_INLINE int32_t cdsp_multiply_add_pairs(uint32_t a, uint32_t b, int32_t sum) {
  const uint32_t low = (uint32_t)((int32_t)(int16_t)a * (int16_t)b);
  const uint32_t high = (uint32_t)((int32_t)(int16_t)(a >> 16) * (int16_t)(b >> 16));
  return (int32_t)((uint32_t)sum + low + high);
}

#endif
#endif
