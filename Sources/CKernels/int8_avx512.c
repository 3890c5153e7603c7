// The direct form's kernels with AVX-512 VNNI. Tested against the scalar ones in int8.c.

#if defined(__x86_64__)

#include "int8_avx512.h"
#include "int8.h"

#include <immintrin.h>

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,fma"))),             \
                             apply_to = function)

#define INLINE static inline __attribute__((always_inline))

INLINE __m512 load(const void *x, ckernels_type type, size_t index, __mmask16 there) {
    if (type == CKERNELS_F32) return _mm512_maskz_loadu_ps(there, (const float *)x + index);
    const __m256i bits = _mm256_maskz_loadu_epi16(there, (const uint16_t *)x + index);
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(bits), 16));
}

INLINE void store(void *y, ckernels_type type, size_t index, __mmask16 there, __m512 value) {
    if (type == CKERNELS_F32) {
        _mm512_mask_storeu_ps((float *)y + index, there, value);
        return;
    }
    // To nearest even, as vcvtneps2bf16 does, which not every CPU with VNNI has. Not-a-numbers stay such: those that come
    // from bf16 have no low bits that could carry over.
    const __m512i bits = _mm512_castps_si512(value);
    const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
    const __m512i rounded = _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
    const __m256i narrow = _mm512_cvtepi32_epi16(_mm512_srli_epi32(rounded, 16));
    // Masked stores of words are slow, and so is narrowing into memory.
    if (there == 0xffff) _mm256_storeu_si256((__m256i *)((uint16_t *)y + index), narrow);
    else _mm256_mask_storeu_epi16((uint16_t *)y + index, there, narrow);
}

INLINE __mmask16 first_lanes(size_t count) { return count >= 16 ? 0xffff : (__mmask16)((1u << count) - 1); }

INLINE float quantize_type(const void *const *pieces, size_t count, size_t length, ckernels_type type, uint8_t *codes) {
    // As integers, so that not-a-numbers are the largest.
    __m512i most = _mm512_setzero_si512();
    for (size_t piece = 0; piece < count; piece++)
        for (size_t i = 0; pieces[piece] && i < length; i += 16) {
            const __m512 value = load(pieces[piece], type, i, first_lanes(length - i));
            most = _mm512_max_epi32(most, _mm512_and_si512(_mm512_castps_si512(value), _mm512_set1_epi32(0x7fffffff)));
        }
    union {
        int32_t bits;
        float value;
    } largest = {_mm512_reduce_max_epi32(most)};
    const __m512 inverse = _mm512_set1_ps(ckernels_int8_inverse(largest.value));
    for (size_t piece = 0; piece < count; piece++)
        for (size_t i = 0; i < length; i += 16) {
            const __mmask16 there = first_lanes(length - i);
            const __m512 value = pieces[piece] ? load(pieces[piece], type, i, there) : _mm512_setzero_ps();
            _mm_mask_storeu_epi8(codes + piece * length + i, there, ckernels_int8_codes(value, inverse));
        }
    for (size_t i = count * length; i % 4; i++) codes[i] = 128;
    return ckernels_int8_scale(largest.value);
}

static float quantize(const void *const *pieces, size_t count, size_t length, ckernels_type type, uint8_t *codes) {
    return type == CKERNELS_F32 ? quantize_type(pieces, count, length, CKERNELS_F32, codes)
                                : quantize_type(pieces, count, length, CKERNELS_BF16, codes);
}

INLINE void multiply_type(const uint8_t *codes, const float *row_scales, size_t rows, size_t depth,
                          const ckernels_int8_panel *panel, const float *bias, void *y, ckernels_type type,
                          size_t columns, size_t y_stride, bool accumulate) {
    for (size_t row = 0; row < rows; row += CKERNELS_INT8_ROWS) {
        __m512i sums[CKERNELS_INT8_ROWS][4];
        ckernels_int8_sums(codes + row * depth, depth, depth, panel, sums);
        const size_t there = rows - row < CKERNELS_INT8_ROWS ? rows - row : CKERNELS_INT8_ROWS;
        // Unrolled, so that the sums stay in their registers.
#pragma clang loop unroll(full)
        for (int z = 0; z < 4; z++) {
            if ((size_t)z * 16 >= columns) continue;
            const __mmask16 lanes = first_lanes(columns - (size_t)z * 16);
            const __m512 scales = _mm512_loadu_ps(panel->scales + 16 * z);
            const __m512 shift = bias ? _mm512_maskz_loadu_ps(lanes, bias + 16 * z) : _mm512_setzero_ps();
#pragma clang loop unroll(full)
            for (size_t r = 0; r < CKERNELS_INT8_ROWS; r++) {
                if (r >= there) continue;
                const size_t at = (row + r) * y_stride + (size_t)z * 16;
                const __m512 sum = _mm512_mul_ps(_mm512_cvtepi32_ps(sums[r][z]), _mm512_set1_ps(row_scales[row + r]));
                __m512 value = _mm512_fmadd_ps(sum, scales, shift);
                if (accumulate) value = _mm512_add_ps(value, load(y, type, at, lanes));
                store(y, type, at, lanes, value);
            }
        }
    }
}

static void multiply(const uint8_t *codes, const float *row_scales, size_t rows, size_t depth,
                     const ckernels_int8_panel *panel, const float *bias, void *y, ckernels_type type, size_t columns,
                     size_t y_stride, bool accumulate) {
    if (type == CKERNELS_F32)
        multiply_type(codes, row_scales, rows, depth, panel, bias, y, CKERNELS_F32, columns, y_stride, accumulate);
    else multiply_type(codes, row_scales, rows, depth, panel, bias, y, CKERNELS_BF16, columns, y_stride, accumulate);
}

const ckernels_int8_table ckernels_int8_avx512 = {quantize, multiply};

#pragma clang attribute pop

#endif
