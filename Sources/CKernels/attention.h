#pragma once
#include "CKernels.h"

// What a form of the attention kernel needs and does; see ckernels_attention in CKernels.h.
size_t ckernels_attention_scratch_size_f32(const ckernels_attention_shape *shape);
int ckernels_attention_f32(const ckernels_attention_shape *shape, const void *q, const void *k, const void *v, void *y,
                           int64_t first_query, int64_t query_count, void *scratch);

#if defined(__x86_64__)
size_t ckernels_attention_scratch_size_avx512_bf16(const ckernels_attention_shape *shape);
void ckernels_attention_avx512_bf16(const ckernels_attention_shape *shape, const void *q, const void *k, const void *v,
                                    void *y, int64_t first_query, int64_t query_count, void *scratch);
#endif
