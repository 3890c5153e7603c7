#pragma once
// What the kernels in 8 bits share. Include it with the target's attribute in force or mark the callers: AVX-512 VNNI.

#include "int8.h"

#include <immintrin.h>
#include <string.h>

#define VNNI __attribute__((always_inline, target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,fma")))

// Sixteen values as codes.
VNNI static inline __m128i ckernels_int8_codes(__m512 value, __m512 inverse) {
    const __m512i scaled = _mm512_cvtps_epi32(_mm512_mul_ps(value, inverse));
    return _mm_xor_si128(_mm512_cvtsepi32_epi8(scaled), _mm_set1_epi8(-128));
}

// sums[row][64] = rows of `depth` codes, `stride` bytes apart, times a panel's codes.
VNNI static inline void ckernels_int8_sums(const uint8_t *codes, size_t stride, size_t depth, const int8_t *weights,
                                           __m512i sums[CKERNELS_INT8_ROWS][4]) {
    for (int r = 0; r < CKERNELS_INT8_ROWS; r++)
        for (int z = 0; z < 4; z++) sums[r][z] = _mm512_setzero_si512();
    for (size_t i = 0; i < depth; i += 4, weights += 4 * CKERNELS_INT8_PANEL) {
        __m512i w[4];
        for (int z = 0; z < 4; z++) w[z] = _mm512_loadu_si512(weights + 64 * z);
        for (int r = 0; r < CKERNELS_INT8_ROWS; r++) {
            int bits;
            memcpy(&bits, codes + (size_t)r * stride + i, 4);
            const __m512i d = _mm512_set1_epi32(bits);
            for (int z = 0; z < 4; z++) sums[r][z] = _mm512_dpbusd_epi32(sums[r][z], d, w[z]);
        }
    }
}
