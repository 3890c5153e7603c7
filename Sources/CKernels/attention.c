// Attention in f32: blocks of query rows against all keys, the two products by oneDNN's sgemm. The reference of
// attention_avx512_bf16.c, and what runs wherever that form does not; bf16 operands are widened first.

#include "attention.h"
#include "onednn.h"

#include <float.h>
#include <string.h>

enum { QUERY_BLOCK = 64 };

static size_t rounded(size_t bytes) { return (bytes + 63) & ~(size_t)63; }

size_t ckernels_attention_scratch_size_f32(const ckernels_attention_shape *s) {
    const size_t scores = rounded((size_t)s->keys * QUERY_BLOCK * 4);
    if (s->type == CKERNELS_F32) return scores;
    return scores + 2 * rounded((size_t)(s->keys * s->head_dim) * 4) +
           2 * rounded((size_t)s->head_dim * QUERY_BLOCK * 4);
}

static void widen(const void *x, int64_t stride, int64_t rows, int64_t channels, float *y) {
    const ckernels_table *kernels = ckernels_kernels();
    for (int64_t r = 0; r < rows; r++)
        kernels->convert((const uint16_t *)x + r * stride, CKERNELS_BF16, y + r * channels, CKERNELS_F32,
                         (size_t)channels);
}

int ckernels_attention_f32(const ckernels_attention_shape *s, const void *q, const void *k, const void *v, void *y,
                           int64_t first_query, int64_t query_count, void *scratch) {
    const ckernels_table *kernels = ckernels_kernels();
    const int64_t d = s->head_dim;
    const bool wide = s->type == CKERNELS_F32;
    char *free_scratch = scratch;
    float *scores = (float *)free_scratch;
    free_scratch += rounded((size_t)s->keys * QUERY_BLOCK * 4);
    const float *keys = k, *values = v;
    int64_t k_stride = s->k_stride, v_stride = s->v_stride;
    float *q_wide = NULL, *y_wide = NULL;
    if (!wide) {
        float *k_wide = (float *)free_scratch;
        float *v_wide = (float *)(free_scratch + rounded((size_t)(s->keys * d) * 4));
        free_scratch += 2 * rounded((size_t)(s->keys * d) * 4);
        q_wide = (float *)free_scratch;
        y_wide = (float *)(free_scratch + rounded((size_t)d * QUERY_BLOCK * 4));
        widen(k, k_stride, s->keys, d, k_wide);
        widen(v, v_stride, s->keys, d, v_wide);
        keys = k_wide, values = v_wide, k_stride = v_stride = d;
    }
    const int loaded = onednn_load();
    if (loaded) return loaded;
    for (int64_t first = first_query; first < first_query + query_count; first += QUERY_BLOCK) {
        const int64_t left = first_query + query_count - first;
        const int64_t rows = left < QUERY_BLOCK ? left : QUERY_BLOCK;
        const float *queries = (const float *)q + first * s->q_stride;
        int64_t q_stride = s->q_stride;
        if (!wide) {
            widen((const uint16_t *)q + first * s->q_stride, s->q_stride, rows, d, q_wide);
            queries = q_wide, q_stride = d;
        }
        dnnl_status_t status =
            onednn.sgemm('N', 'T', rows, s->keys, d, s->scale, queries, q_stride, keys, k_stride, 0, scores, s->keys);
        if (status) return status;
        for (int64_t r = 0; r < rows; r++) {
            float *row = scores + r * s->keys;
            const int64_t seen = s->causal && first + r + 1 < s->keys ? first + r + 1 : s->keys;
            kernels->softmax(row, (size_t)seen);
            memset(row + seen, 0, (size_t)(s->keys - seen) * 4);
        }
        float *out = wide ? (float *)y + first * s->y_stride : y_wide;
        const int64_t out_stride = wide ? s->y_stride : d;
        status = onednn.sgemm('N', 'N', rows, d, s->keys, 1, scores, s->keys, values, v_stride, 0, out, out_stride);
        if (status) return status;
        if (!wide)
            for (int64_t r = 0; r < rows; r++)
                kernels->convert(y_wide + r * d, CKERNELS_F32, (uint16_t *)y + (first + r) * s->y_stride, CKERNELS_BF16,
                                 (size_t)d);
    }
    return 0;
}

#if defined(__x86_64__)
static bool fused(const ckernels_attention_shape *s) {
    return s->type == CKERNELS_BF16 && s->head_dim % 2 == 0 && ckernels_current_isa() == CKERNELS_AVX512_BF16;
}
#endif

size_t ckernels_attention_scratch_size(const ckernels_attention_shape *s) {
#if defined(__x86_64__)
    if (fused(s)) return ckernels_attention_scratch_size_avx512_bf16(s);
#endif
    return ckernels_attention_scratch_size_f32(s);
}

int ckernels_attention(const ckernels_attention_shape *s, const void *q, const void *k, const void *v, void *y,
                       int64_t first_query, int64_t query_count, void *scratch) {
#if defined(__x86_64__)
    if (fused(s)) {
        ckernels_attention_avx512_bf16(s, q, k, v, y, first_query, query_count, scratch);
        return 0;
    }
#endif
    return ckernels_attention_f32(s, q, k, v, y, first_query, query_count, scratch);
}
