#pragma once
#include "CKernels.h"

// A way of computing convolutions that is ours instead of oneDNN's. A matrix product is the 1×1 convolution of as many
// pictures of one pixel as it has rows.
typedef struct {
    const char *name;
    // Whether this CPU and shape are ones that the form is made for and wins at.
    bool (*suits)(const ckernels_convolution_shape *shape);
    size_t (*weights_size)(const ckernels_convolution_shape *shape);
    size_t (*scratch_size)(const ckernels_convolution_shape *shape, int threads);
    // From OIHW weights of the shape's element type. Runs on all threads.
    void (*pack)(const ckernels_convolution_shape *shape, const void *plain, void *packed);
    // Runs on `threads` threads. `scratch`, of the size for as many, is 64-byte aligned, as `packed` is.
    void (*execute)(const ckernels_convolution_shape *shape, int threads, const void *x, const void *packed,
                    const float *bias, void *y, void *scratch);
} ckernels_form;

// 3×3 convolutions of stride 1 by Winograd's minimal filtering F(2×2, 3×3): 16 products for four results in place of 36
// (Winograd 1980; Lavin and Gray 2016, arXiv:1509.09308).
//
// In bf16 with f32 sums; the transformed pictures and weights are rounded to bf16, which about doubles the rounding error
// of a direct convolution.
extern const ckernels_form ckernels_winograd_bf16;
// In 8 bits: transformed tiles have a scale for each of their sixteen points, transformed weights one for each point and
// out channel.
extern const ckernels_form ckernels_winograd_int8;

// F(4×4, 3×3), 36 products for sixteen results in place of 144: bf16 pictures, products of 16-bit integers with a scale for
// each tile and point, and for each point and out channel.
extern const ckernels_form ckernels_winograd4_bf16;

// Any convolution in 8 bits (int8.c).
extern const ckernels_form ckernels_direct_int8;
