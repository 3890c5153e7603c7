#pragma once
// What the kernels in 8 bits share. Include it with the target's attribute in force or mark the callers: AVX-512 VNNI.

#include "int8.h"

#include <immintrin.h>
#include <string.h>

#define VNNI __attribute__((always_inline, target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,fma")))

// The sum with it has the nearest integer in its low bits, 128 added: 1.5 · 2²³ + 128.
#define CKERNELS_INT8_ROUNDER 12583040.0f

// Sixteen values as codes.
VNNI static inline __m128i ckernels_int8_codes(__m512 value, __m512 inverse) {
    const __m512 rounded = _mm512_fmadd_ps(value, inverse, _mm512_set1_ps(CKERNELS_INT8_ROUNDER));
    return _mm512_cvtepi32_epi8(_mm512_castps_si512(rounded));
}

// The same of thirty-two in bf16.
VNNI static inline __m256i ckernels_int8_codes_of_bf16(__m512i values, __m512 inverse) {
    const __m512 rounder = _mm512_set1_ps(CKERNELS_INT8_ROUNDER);
    const __m512 even = _mm512_castsi512_ps(_mm512_slli_epi32(values, 16));
    const __m512 odd = _mm512_castsi512_ps(_mm512_and_si512(values, _mm512_set1_epi32((int)0xffff0000)));
    const __m512i low = _mm512_castps_si512(_mm512_fmadd_ps(even, inverse, rounder));
    const __m512i high = _mm512_castps_si512(_mm512_fmadd_ps(odd, inverse, rounder));
    return _mm512_cvtepi16_epi8(_mm512_mask_blend_epi16(0xaaaaaaaa, low, _mm512_slli_epi32(high, 16)));
}

// The largest absolute value of bf16 numbers' `most`; not-a-numbers are larger than all others.
VNNI static inline float ckernels_int8_largest_of_bf16(__m512i most) {
    const __m256i half = _mm256_max_epu16(_mm512_castsi512_si256(most), _mm512_extracti64x4_epi64(most, 1));
    const uint32_t bits = _mm512_reduce_max_epu32(_mm512_cvtepu16_epi32(half)) << 16;
    float value;
    memcpy(&value, &bits, 4);
    return value;
}

// sums[row][64] = rows of `depth` codes, `stride` bytes apart, times a panel's codes, without the 128s.
VNNI static inline void ckernels_int8_sums(const uint8_t *codes, size_t stride, size_t depth,
                                           const ckernels_int8_panel *panel, __m512i sums[CKERNELS_INT8_ROWS][4]) {
    for (int z = 0; z < 4; z++) {
        const __m512i offsets = _mm512_loadu_si512(panel->offsets + 16 * z);
        for (int r = 0; r < CKERNELS_INT8_ROWS; r++) sums[r][z] = offsets;
    }
    const int8_t *weights = panel->codes;
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
