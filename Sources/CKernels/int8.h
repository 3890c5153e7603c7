#pragma once
#include "CKernels.h"

// Products in 8 bits. Each row of x is quantised as it comes, to the 255 levels −127…127 of its own largest value; the
// weights of each out channel were, to those of theirs. Sums are exact, in 32 bits, and become floats times both scales.
// Rows are kept with 128 added, since the instructions multiply unsigned by signed bytes; what that adds to a sum is
// known when weights are packed (`offsets`, which sums start from).
// Packed weights are panels (CKernels.h), one after the other, the last one filled up with zeros.

extern const ckernels_int8_table ckernels_int8_ref;
#if defined(__x86_64__)
extern const ckernels_int8_table ckernels_int8_avx2;
extern const ckernels_int8_table ckernels_int8_avx512;
#endif

// The scalar form of quantize.
float ckernels_int8_quantize(const void *const *pieces, size_t count, size_t length, ckernels_type type,
                             uint8_t *codes);
// y[columns] (+)= sums times both scales, plus bias.
void ckernels_int8_finish(const int32_t *sums, float row_scale, const float *scales, const float *bias, void *y,
                          ckernels_type type, size_t columns, bool accumulate);

// The scale that takes the largest absolute value to 127, and its inverse. Zeros have scale 0; not-a-numbers stay.
static inline float ckernels_int8_scale(float largest) { return largest / 127; }
static inline float ckernels_int8_inverse(float largest) { return largest == 0 ? 0 : 127 / largest; }
