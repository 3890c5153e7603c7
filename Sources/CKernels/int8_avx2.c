// The direct form's products with AVX2: codes and weights widened to 16 bits, multiplied and added in pairs. Tested
// against the scalar one in int8.c.

#if defined(__x86_64__)

#include "int8.h"

#include <immintrin.h>
#include <string.h>

#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)

enum { AT_ONCE = 16, ROWS_AT_ONCE = 2 }; // out channels and rows: eight sums leave registers for the operands

// Four codes of a row, four times over, in 16 bits.
static inline __m256i widened_codes(const uint8_t *codes) {
    int32_t bits;
    memcpy(&bits, codes, 4);
    return _mm256_broadcastq_epi64(_mm_cvtepu8_epi16(_mm_cvtsi32_si128(bits)));
}

// sums[2][64], of which 16 from `column` on are written.
static inline void multiply_columns(const uint8_t *codes, size_t depth, const ckernels_int8_panel *panel, size_t column,
                                    int32_t sums[ROWS_AT_ONCE][CKERNELS_INT8_PANEL]) {
    __m256i pairs[ROWS_AT_ONCE][4];
    memset(pairs, 0, sizeof pairs);
    const int8_t *weights = panel->codes + 4 * column;
    for (size_t i = 0; i < depth; i += 4, weights += 4 * CKERNELS_INT8_PANEL) {
        const __m256i first = widened_codes(codes + i), second = widened_codes(codes + depth + i);
        for (int z = 0; z < 4; z++) {
            const __m256i w = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(weights + 16 * z)));
            pairs[0][z] = _mm256_add_epi32(pairs[0][z], _mm256_madd_epi16(first, w));
            pairs[1][z] = _mm256_add_epi32(pairs[1][z], _mm256_madd_epi16(second, w));
        }
    }
    for (int r = 0; r < ROWS_AT_ONCE; r++)
        for (int z = 0; z < 4; z += 2) {
            // The sums of two halves come out in the order 0 1 4 5 2 3 6 7.
            const __m256i both = _mm256_hadd_epi32(pairs[r][z], pairs[r][z + 1]);
            const __m256i sum = _mm256_permute4x64_epi64(both, 0xd8);
            const __m256i offsets = _mm256_loadu_si256((const __m256i *)(panel->offsets + column + 4 * z));
            _mm256_storeu_si256((__m256i *)(sums[r] + column + 4 * z), _mm256_add_epi32(sum, offsets));
        }
}

// Two rows at a time: the rows past the last are those that fill a block up.
static void multiply(const uint8_t *codes, const float *row_scales, size_t rows, size_t depth,
                     const ckernels_int8_panel *panel, const float *bias, void *y, ckernels_type type, size_t columns,
                     size_t y_stride, bool accumulate) {
    const size_t row_size = y_stride * (type == CKERNELS_F32 ? 4 : 2);
    for (size_t row = 0; row < rows; row += ROWS_AT_ONCE) {
        int32_t sums[ROWS_AT_ONCE][CKERNELS_INT8_PANEL];
        for (size_t column = 0; column < columns; column += AT_ONCE)
            multiply_columns(codes + row * depth, depth, panel, column, sums);
        for (size_t r = 0; r < ROWS_AT_ONCE && row + r < rows; r++)
            ckernels_int8_finish(sums[r], row_scales[row + r], panel->scales, bias, (char *)y + (row + r) * row_size,
                                 type, columns, accumulate);
    }
}

const ckernels_int8_table ckernels_int8_avx2 = {ckernels_int8_quantize, multiply};

#pragma clang attribute pop

#endif
