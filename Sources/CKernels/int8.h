#pragma once
#include "CKernels.h"

// Products in 8 bits. Each row of x is quantised as it comes, to the 255 levels −127…127 of its own largest value; the
// weights of each out channel were, to those of theirs. Sums are exact, in 32 bits, and become floats times both scales.
// Rows are kept with 128 added, since the instructions multiply unsigned by signed bytes; what that adds to a sum is
// known when weights are packed (`offsets`).
//
// Packed weights are in panels of 64 out channels, the last one filled up with zeros:
//   codes[depth / 4][64][4], scales[64] f32, offsets[64] s32

enum { CKERNELS_INT8_PANEL = 64, CKERNELS_INT8_ROWS = 6 };

typedef struct {
    const int8_t *codes;
    const float *scales;
    const int32_t *offsets; // 128 · Σ codes
} ckernels_int8_panel;

// The parts of the direct form that differ between instruction sets.
typedef struct {
    // Quantises the row that `count` pieces of `length` elements make (NULL is a piece of zeros) to codes[up4(count ·
    // length)], filled up with 128s. Returns its scale. Not-a-numbers make the scale one.
    float (*quantize)(const void *const *pieces, size_t count, size_t length, ckernels_type type, uint8_t *codes);
    // y[rows][columns] (+)= the product of rows of `depth` codes (a multiple of 4) with a panel, plus bias, `columns` ≤ 64
    // of it. Rows of y are `y_stride` elements apart. Reads codes up to the next multiple of CKERNELS_INT8_ROWS rows.
    void (*multiply)(const uint8_t *codes, const float *row_scales, size_t rows, size_t depth,
                     const ckernels_int8_panel *panel, const float *bias, void *y, ckernels_type type, size_t columns,
                     size_t y_stride, bool accumulate);
} ckernels_int8_table;

extern const ckernels_int8_table ckernels_int8_ref;
#if defined(__x86_64__)
extern const ckernels_int8_table ckernels_int8_avx512;
#endif

// The scale that takes the largest absolute value to 127, and its inverse. Zeros have scale 0; not-a-numbers stay.
static inline float ckernels_int8_scale(float largest) { return largest / 127; }
static inline float ckernels_int8_inverse(float largest) { return largest == 0 ? 0 : 127 / largest; }
