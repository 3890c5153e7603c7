#pragma once
#include "CKernels.h"

// 3×3 convolutions of stride 1 by Winograd's minimal filtering F(2×2, 3×3): 16 products for four results in place of 36
// (Winograd 1980; Lavin and Gray 2016, arXiv:1509.09308). In bf16 with f32 sums; the transformed pictures and weights are
// rounded to bf16, which about doubles the rounding error of a direct convolution.

// Whether this CPU and shape are ones that the form below is made for and wins at.
bool ckernels_winograd_suits(const ckernels_convolution_shape *shape);
size_t ckernels_winograd_weights_size(const ckernels_convolution_shape *shape);
size_t ckernels_winograd_scratch_size(const ckernels_convolution_shape *shape, int threads);
// Transforms OIHW bf16 weights. Runs on all threads.
void ckernels_winograd_pack(const ckernels_convolution_shape *shape, const void *plain, void *packed);
// Runs on `threads` threads. `scratch`, of the size for as many, is 64-byte aligned, as `packed` is.
void ckernels_winograd_execute(const ckernels_convolution_shape *shape, int threads, const void *x, const void *packed,
                               const float *bias, void *y, void *scratch);
