// Attention with bf16 dot products that keeps scores in cache: six queries at a time against blocks of keys, with a
// running maximum and sum (Milakov and Gimelshein 2018; Dao et al. 2022, algorithm 1). Tested against attention.c.
//
// Keys and values are first packed in pairs, as vdpbf16ps wants them:
//   packed_keys[d / 2][keys]       the pair (k[t][2p], k[t][2p + 1]) in 32 bits
//   packed_values[keys / 2][d]     the pair (v[2t][c], v[2t + 1][c])

#if defined(__x86_64__)

#include "attention.h"

#include <immintrin.h>
#include <math.h>
#include <string.h>

enum {
    ROWS = 6,        // queries at a time: 6 · 4 accumulators leave registers for the operands
    KEY_TILE = 64,   // keys a score tile: four registers
    KEY_BLOCK = 512, // keys between two looks at the running maximum; scores of a block stay in the first-level cache
};

static size_t rounded(size_t bytes) { return (bytes + 63) & ~(size_t)63; }
static int64_t up(int64_t value, int64_t multiple) { return (value + multiple - 1) / multiple * multiple; }

typedef struct {
    uint32_t *keys, *values;
    float *sums, *scores;
    uint16_t *weights; // exp(score − maximum), bf16
    uint32_t *queries;
    size_t size;
} layout;

static layout lay_out(const ckernels_attention_shape *s, char *scratch) {
    const size_t padded_keys = (size_t)up(s->keys, KEY_TILE), padded_dim = (size_t)up(s->head_dim, 16);
    layout l;
    size_t at = 0;
#define TAKE(field, bytes) (l.field = (void *)(scratch + at), at += rounded(bytes))
    TAKE(keys, padded_keys * (size_t)s->head_dim * 2);
    TAKE(values, padded_keys * padded_dim * 2);
    TAKE(sums, ROWS * padded_dim * 4);
    TAKE(scores, ROWS * KEY_BLOCK * 4);
    TAKE(weights, ROWS * KEY_BLOCK * 2);
    TAKE(queries, ROWS * (size_t)s->head_dim * 2);
#undef TAKE
    l.size = at;
    return l;
}

size_t ckernels_attention_scratch_size_avx512_bf16(const ckernels_attention_shape *s) { return lay_out(s, NULL).size; }

#pragma clang attribute push(                                                                                          \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,fma"))), apply_to = function)

static void pack_keys(const ckernels_attention_shape *s, const uint16_t *k, uint32_t *packed) {
    const int64_t pairs = s->head_dim / 2, padded = up(s->keys, KEY_TILE);
    for (int64_t t = 0; t < s->keys; t++) {
        const uint16_t *row = k + t * s->k_stride;
        for (int64_t p = 0; p < pairs; p++) memcpy(&packed[p * padded + t], row + 2 * p, 4);
    }
    for (int64_t p = 0; p < pairs; p++) memset(&packed[p * padded + s->keys], 0, (size_t)(padded - s->keys) * 4);
}

static void pack_values(const ckernels_attention_shape *s, const uint16_t *v, uint32_t *packed) {
    const int64_t d = s->head_dim, padded = up(s->keys, KEY_TILE), padded_dim = up(d, 16);
    for (int64_t t = 0; t < padded; t += 2) {
        const uint16_t *even = v + t * s->v_stride, *odd = even + s->v_stride;
        uint32_t *row = packed + t / 2 * padded_dim;
        for (int64_t c = 0; c < padded_dim; c++) {
            const uint32_t low = c < d && t < s->keys ? even[c] : 0;
            const uint32_t high = c < d && t + 1 < s->keys ? odd[c] : 0;
            row[c] = low | high << 16;
        }
    }
}

// scores[ROWS][KEY_BLOCK] of one tile of 64 keys.
static inline void score_tile(const layout *l, int64_t pairs, int64_t padded_keys, int64_t first_key, float *scores) {
    __m512 sum[ROWS][4];
    for (int r = 0; r < ROWS; r++)
        for (int z = 0; z < 4; z++) sum[r][z] = _mm512_setzero_ps();
    const uint32_t *keys = l->keys + first_key;
    for (int64_t p = 0; p < pairs; p++, keys += padded_keys) {
        __m512bh key[4];
        for (int z = 0; z < 4; z++) key[z] = (__m512bh)_mm512_loadu_si512(keys + 16 * z);
        for (int r = 0; r < ROWS; r++) {
            const __m512bh query = (__m512bh)_mm512_set1_epi32((int)l->queries[r * pairs + p]);
            for (int z = 0; z < 4; z++) sum[r][z] = _mm512_dpbf16_ps(sum[r][z], query, key[z]);
        }
    }
    for (int r = 0; r < ROWS; r++)
        for (int z = 0; z < 4; z++) _mm512_storeu_ps(scores + r * KEY_BLOCK + 16 * z, sum[r][z]);
}

// 2ˣ to 2e-7, by the series of e^(f ln 2) on |f| ≤ 1/2; 0 for −∞.
static inline __m512 exp2_vector(__m512 x) {
    x = _mm512_max_ps(x, _mm512_set1_ps(-150.0f));
    const __m512 n = _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    const __m512 f = _mm512_sub_ps(x, n);
    __m512 p = _mm512_set1_ps(1.53533e-4f);
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(1.339887e-3f));
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(9.618437e-3f));
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(5.5503324e-2f));
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(2.4022648e-1f));
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(6.9314718e-1f));
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(1.0f));
    return _mm512_scalef_ps(p, n);
}

// sums[ROWS][16 · registers] += weights · values over a block of keys, after scaling the old sums.
static inline __attribute__((always_inline)) void add_values(const uint16_t *weights, const uint32_t *values,
                                                             int64_t padded_dim, int64_t block_keys, float *sums,
                                                             const float *rescale, int registers) {
    __m512 sum[ROWS][4];
    for (int r = 0; r < ROWS; r++)
        for (int z = 0; z < registers; z++)
            sum[r][z] = _mm512_mul_ps(_mm512_loadu_ps(sums + r * padded_dim + 16 * z), _mm512_set1_ps(rescale[r]));
    for (int64_t t = 0; t < block_keys; t += 2, values += padded_dim) {
        __m512bh value[4];
        for (int z = 0; z < registers; z++) value[z] = (__m512bh)_mm512_loadu_si512(values + 16 * z);
        for (int r = 0; r < ROWS; r++) {
            int pair;
            memcpy(&pair, weights + r * KEY_BLOCK + t, 4);
            const __m512bh weight = (__m512bh)_mm512_set1_epi32(pair);
            for (int z = 0; z < registers; z++) sum[r][z] = _mm512_dpbf16_ps(sum[r][z], weight, value[z]);
        }
    }
    for (int r = 0; r < ROWS; r++)
        for (int z = 0; z < registers; z++) _mm512_storeu_ps(sums + r * padded_dim + 16 * z, sum[r][z]);
}

void ckernels_attention_avx512_bf16(const ckernels_attention_shape *s, const void *q, const void *k, const void *v,
                                    void *y, int64_t first_query, int64_t query_count, void *scratch) {
    const layout l = lay_out(s, scratch);
    const int64_t d = s->head_dim, pairs = d / 2, padded_keys = up(s->keys, KEY_TILE), padded_dim = up(d, 16);
    pack_keys(s, k, l.keys);
    pack_values(s, v, l.values);
    const float to_log2 = s->scale * 1.44269504f;

    for (int64_t first = first_query; first < first_query + query_count; first += ROWS) {
        const int64_t left = first_query + query_count - first;
        const int64_t rows = left < ROWS ? left : ROWS;
        for (int64_t r = 0; r < ROWS; r++) // the last rows stand in for those that are not there
            memcpy(l.queries + r * pairs, (const uint16_t *)q + (first + (r < rows ? r : rows - 1)) * s->q_stride,
                   (size_t)d * 2);
        float maximum[ROWS], sum[ROWS];
        for (int r = 0; r < ROWS; r++) maximum[r] = -INFINITY, sum[r] = 0;
        memset(l.sums, 0, ROWS * (size_t)padded_dim * 4);

        const int64_t last_seen = s->causal && first + rows < s->keys ? first + rows : s->keys;
        for (int64_t block = 0; block < last_seen; block += KEY_BLOCK) {
            const int64_t block_keys = padded_keys - block < KEY_BLOCK ? padded_keys - block : KEY_BLOCK;
            for (int64_t t = 0; t < block_keys; t += KEY_TILE)
                score_tile(&l, pairs, padded_keys, block + t, l.scores + t);

            float rescale[ROWS];
            for (int64_t r = 0; r < ROWS; r++) {
                float *scores = l.scores + r * KEY_BLOCK;
                int64_t seen = s->causal && first + r + 1 < s->keys ? first + r + 1 : s->keys;
                seen -= block;
                for (int64_t t = seen < 0 ? 0 : seen; t < block_keys; t++) scores[t] = -INFINITY;
                __m512 most = _mm512_set1_ps(maximum[r]);
                for (int64_t t = 0; t < block_keys; t += 16) most = _mm512_max_ps(most, _mm512_loadu_ps(scores + t));
                const float now = _mm512_reduce_max_ps(most);
                const float base = now == -INFINITY ? 0 : now;
                rescale[r] = maximum[r] == -INFINITY ? 0 : exp2f((maximum[r] - base) * to_log2);
                maximum[r] = now;
                __m512 total = _mm512_setzero_ps();
                const __m512 scale = _mm512_set1_ps(to_log2), offset = _mm512_set1_ps(base * to_log2);
                for (int64_t t = 0; t < block_keys; t += 16) {
                    const __m512 e = exp2_vector(_mm512_fmsub_ps(_mm512_loadu_ps(scores + t), scale, offset));
                    total = _mm512_add_ps(total, e);
                    _mm256_storeu_si256((__m256i *)(l.weights + r * KEY_BLOCK + t), (__m256i)_mm512_cvtneps_pbh(e));
                }
                sum[r] = sum[r] * rescale[r] + _mm512_reduce_add_ps(total);
            }

            const uint32_t *values = l.values + block / 2 * padded_dim;
            for (int64_t c = 0; c < padded_dim; c += 64) {
                const int64_t registers = (padded_dim - c) / 16;
                switch (registers) {
                case 1: add_values(l.weights, values + c, padded_dim, block_keys, l.sums + c, rescale, 1); break;
                case 2: add_values(l.weights, values + c, padded_dim, block_keys, l.sums + c, rescale, 2); break;
                case 3: add_values(l.weights, values + c, padded_dim, block_keys, l.sums + c, rescale, 3); break;
                default: add_values(l.weights, values + c, padded_dim, block_keys, l.sums + c, rescale, 4); break;
                }
            }
        }

        for (int64_t r = 0; r < rows; r++) {
            uint16_t *out = (uint16_t *)y + (first + r) * s->y_stride;
            const __m512 inverse = _mm512_set1_ps(1.0f / sum[r]);
            for (int64_t c = 0; c < d; c += 16) {
                const __mmask16 there = d - c >= 16 ? 0xffff : (__mmask16)((1u << (d - c)) - 1);
                const __m512 value = _mm512_mul_ps(_mm512_loadu_ps(l.sums + r * padded_dim + c), inverse);
                _mm256_mask_storeu_epi16(out + c, there, (__m256i)_mm512_cvtneps_pbh(value));
            }
        }
    }
}

#pragma clang attribute pop

#endif
