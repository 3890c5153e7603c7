// Attention with bf16 dot products: six queries at a time against tiles of keys, whose scores never leave the registers
// before they are weights, with a running sum (Milakov and Gimelshein 2018; Dao et al. 2022, algorithm 1). Tested against
// attention.c.
//
// Weights are 2^(score − base), where base is not the running maximum but the first tile's: bf16 has the exponents of
// f32, so that nothing is lost as long as no score is more than MOST above it. Only then is the base moved, and what was
// summed so far scaled.
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
    KEY_BLOCK = 512, // keys whose weights are multiplied with the values at once; they stay in the first-level cache
    LANES = 16,
};

static const float MOST = 60;       // in powers of two; the sum of 2³² such weights is still a float
static const float MASKED = -1e30f; // finite, as −∞ less its own rounding is not a number

static size_t rounded(size_t bytes) { return (bytes + 63) & ~(size_t)63; }
static int64_t up(int64_t value, int64_t multiple) { return (value + multiple - 1) / multiple * multiple; }

typedef struct {
    uint32_t *keys, *values;
    float *sums;
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
    TAKE(weights, ROWS * KEY_BLOCK * 2);
    TAKE(queries, ROWS * (size_t)s->head_dim * 2);
#undef TAKE
    l.size = at;
    return l;
}

size_t ckernels_attention_scratch_size_avx512_bf16(const ckernels_attention_shape *s) { return lay_out(s, NULL).size; }

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,fma"))),             \
                             apply_to = function)

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

// 2ˣ to 1e-4, a quarter of bf16's last place: the minimax polynomial of 2^f on |f| ≤ ½. 0 for very negative x.
static inline __m512 exp2_vector(__m512 x) {
    const __m512 n = _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    const __m512 f = _mm512_sub_ps(x, n);
    __m512 p = _mm512_set1_ps(5.517167e-2f);
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(2.4261113e-1f));
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(6.9326099e-1f));
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(9.9992807e-1f));
    return _mm512_scalef_ps(p, n);
}

// Where six queries stand.
typedef struct {
    float base[ROWS];   // in powers of two
    __m512 total[ROWS]; // of the weights so far
    bool has_sums;      // whether l->sums holds anything
} progress;

// Moves a row's base up to `base`: scales its total, its sums, and the `done` weights that are not in the sums yet.
static __attribute__((noinline)) void move_base(progress *at, int r, float base, const layout *l, int64_t padded_dim,
                                                int64_t done) {
    const __m512 factor = _mm512_set1_ps(exp2f(at->base[r] - base));
    at->base[r] = base;
    at->total[r] = _mm512_mul_ps(at->total[r], factor);
    float *sums = l->sums + r * padded_dim;
    for (int64_t c = 0; at->has_sums && c < padded_dim; c += LANES)
        _mm512_storeu_ps(sums + c, _mm512_mul_ps(_mm512_loadu_ps(sums + c), factor));
    uint16_t *weights = l->weights + r * KEY_BLOCK;
    for (int64_t t = 0; t < done; t += LANES) {
        const __m512i bits = _mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256((void *)(weights + t))), 16);
        const __m512 scaled = _mm512_mul_ps(_mm512_castsi512_ps(bits), factor);
        _mm256_storeu_si256((__m256i *)(weights + t), (__m256i)_mm512_cvtneps_pbh(scaled));
    }
}

// The weights of 16 · registers keys, `done` keys into a block. `seen[r]` of them count for row r.
static inline __attribute__((always_inline)) void weigh_keys(const layout *l, int64_t pairs, int64_t padded_keys,
                                                             int64_t padded_dim, int64_t first_key, int64_t done,
                                                             const int64_t seen[ROWS], float scale, progress *at,
                                                             int registers) {
    __m512 sum[ROWS][4];
    for (int r = 0; r < ROWS; r++)
        for (int z = 0; z < registers; z++) sum[r][z] = _mm512_setzero_ps();
    const uint32_t *keys = l->keys + first_key;
    for (int64_t p = 0; p < pairs; p++, keys += padded_keys) {
        __m512bh key[4];
        for (int z = 0; z < registers; z++) key[z] = (__m512bh)_mm512_loadu_si512(keys + LANES * z);
        for (int r = 0; r < ROWS; r++) {
            const __m512bh query = (__m512bh)_mm512_set1_epi32((int)l->queries[r * pairs + p]);
            for (int z = 0; z < registers; z++) sum[r][z] = _mm512_dpbf16_ps(sum[r][z], query, key[z]);
        }
    }
    const __m512 scales = _mm512_set1_ps(scale);
    for (int r = 0; r < ROWS; r++) {
        if (seen[r] < LANES * registers)
            for (int z = 0; z < registers; z++) {
                const int64_t left = seen[r] - LANES * z;
                const __mmask16 there = left >= LANES ? 0xffff : left <= 0 ? 0 : (__mmask16)((1u << left) - 1);
                sum[r][z] = _mm512_mask_blend_ps(there, _mm512_set1_ps(MASKED), sum[r][z]);
            }
        __m512 most = sum[r][0];
        for (int z = 1; z < registers; z++) most = _mm512_max_ps(most, sum[r][z]);
        const __m512 limit = _mm512_set1_ps(at->base[r] + MOST);
        if (_mm512_cmp_ps_mask(_mm512_mul_ps(most, scales), limit, _CMP_GT_OQ))
            move_base(at, r, _mm512_reduce_max_ps(most) * scale, l, padded_dim, done);
        const __m512 base = _mm512_set1_ps(at->base[r]);
        __m512 total = at->total[r];
        for (int z = 0; z < registers; z++) {
            const __m512 weight = exp2_vector(_mm512_fmsub_ps(sum[r][z], scales, base));
            total = _mm512_add_ps(total, weight);
            _mm256_storeu_si256((__m256i *)(l->weights + r * KEY_BLOCK + done + LANES * z),
                                (__m256i)_mm512_cvtneps_pbh(weight));
        }
        at->total[r] = total;
    }
}

// The same for a tile of which any row sees `keys`: at least 1; more than 64 count as 64.
static void weigh_tile(const layout *l, int64_t pairs, int64_t padded_keys, int64_t padded_dim, int64_t first_key,
                       int64_t done, const int64_t seen[ROWS], float scale, progress *at, int64_t keys) {
    switch ((keys + LANES - 1) / LANES) {
    case 1: weigh_keys(l, pairs, padded_keys, padded_dim, first_key, done, seen, scale, at, 1); break;
    case 2: weigh_keys(l, pairs, padded_keys, padded_dim, first_key, done, seen, scale, at, 2); break;
    case 3: weigh_keys(l, pairs, padded_keys, padded_dim, first_key, done, seen, scale, at, 3); break;
    default: weigh_keys(l, pairs, padded_keys, padded_dim, first_key, done, seen, scale, at, 4); break;
    }
}

// sums[ROWS][16 · registers (+ 8)] = (sums, unless this is the first block, +) weights · values over a block of keys.
static inline __attribute__((always_inline)) void add_values(const uint16_t *weights, const uint32_t *values,
                                                             int64_t padded_dim, int64_t block_keys, float *sums,
                                                             bool has_sums, int registers, bool and_half) {
    __m512 sum[ROWS][4];
    __m256 half[ROWS];
    for (int r = 0; r < ROWS; r++) {
        const float *before = sums + r * padded_dim;
        for (int z = 0; z < registers; z++)
            sum[r][z] = has_sums ? _mm512_loadu_ps(before + LANES * z) : _mm512_setzero_ps();
        if (and_half) half[r] = has_sums ? _mm256_loadu_ps(before + LANES * registers) : _mm256_setzero_ps();
    }
    for (int64_t t = 0; t < block_keys; t += 2, values += padded_dim) {
        __m512bh value[4];
        __m256bh last;
        for (int z = 0; z < registers; z++) value[z] = (__m512bh)_mm512_loadu_si512(values + LANES * z);
        if (and_half) last = (__m256bh)_mm256_loadu_si256((const __m256i *)(values + LANES * registers));
        for (int r = 0; r < ROWS; r++) {
            int pair;
            memcpy(&pair, weights + r * KEY_BLOCK + t, 4);
            const __m512bh weight = (__m512bh)_mm512_set1_epi32(pair);
            for (int z = 0; z < registers; z++) sum[r][z] = _mm512_dpbf16_ps(sum[r][z], weight, value[z]);
            if (and_half) half[r] = _mm256_dpbf16_ps(half[r], (__m256bh)_mm256_set1_epi32(pair), last);
        }
    }
    for (int r = 0; r < ROWS; r++) {
        for (int z = 0; z < registers; z++) _mm512_storeu_ps(sums + r * padded_dim + LANES * z, sum[r][z]);
        if (and_half) _mm256_storeu_ps(sums + r * padded_dim + LANES * registers, half[r]);
    }
}

// The same over all of a head's channels, as evenly spread over the registers as they go.
static void add_block(const layout *l, int64_t d, int64_t first_key, int64_t block_keys, bool has_sums) {
    const int64_t padded_dim = up(d, LANES), keys = up(block_keys, 2);
    const uint32_t *values = l->values + first_key / 2 * padded_dim;
    for (int64_t c = 0; c < d;) {
        const int64_t halves = (d - c + 7) / 8, passes = (halves + 7) / 8, now = (halves + passes - 1) / passes;
        switch (now) {
        case 1: add_values(l->weights, values + c, padded_dim, keys, l->sums + c, has_sums, 0, true); break;
        case 2: add_values(l->weights, values + c, padded_dim, keys, l->sums + c, has_sums, 1, false); break;
        case 3: add_values(l->weights, values + c, padded_dim, keys, l->sums + c, has_sums, 1, true); break;
        case 4: add_values(l->weights, values + c, padded_dim, keys, l->sums + c, has_sums, 2, false); break;
        case 5: add_values(l->weights, values + c, padded_dim, keys, l->sums + c, has_sums, 2, true); break;
        case 6: add_values(l->weights, values + c, padded_dim, keys, l->sums + c, has_sums, 3, false); break;
        case 7: add_values(l->weights, values + c, padded_dim, keys, l->sums + c, has_sums, 3, true); break;
        default: add_values(l->weights, values + c, padded_dim, keys, l->sums + c, has_sums, 4, false); break;
        }
        c += 8 * now;
    }
}

void ckernels_attention_avx512_bf16(const ckernels_attention_shape *s, const void *q, const void *k, const void *v,
                                    void *y, int64_t first_query, int64_t query_count, void *scratch) {
    const layout l = lay_out(s, scratch);
    const int64_t d = s->head_dim, pairs = d / 2, padded_keys = up(s->keys, KEY_TILE), padded_dim = up(d, LANES);
    pack_keys(s, k, l.keys);
    pack_values(s, v, l.values);
    const float scale = s->scale * 1.44269504f; // to powers of two

    for (int64_t first = first_query; first < first_query + query_count; first += ROWS) {
        const int64_t left = first_query + query_count - first;
        const int64_t rows = left < ROWS ? left : ROWS;
        for (int64_t r = 0; r < ROWS; r++) // the last rows stand in for those that are not there
            memcpy(l.queries + r * pairs, (const uint16_t *)q + (first + (r < rows ? r : rows - 1)) * s->q_stride,
                   (size_t)d * 2);
        progress at;
        // So low that the first tile moves it to its own maximum.
        for (int r = 0; r < ROWS; r++) at.base[r] = MASKED, at.total[r] = _mm512_setzero_ps();

        const int64_t end = s->causal && first + rows < s->keys ? first + rows : s->keys;
        for (int64_t block = 0; block < end; block += KEY_BLOCK) {
            const int64_t block_keys = end - block < KEY_BLOCK ? end - block : KEY_BLOCK;
            at.has_sums = block > 0;
            for (int64_t t = 0; t < block_keys; t += KEY_TILE) {
                int64_t seen[ROWS];
                for (int64_t r = 0; r < ROWS; r++) {
                    const int64_t last = s->causal && first + r + 1 < s->keys ? first + r + 1 : s->keys;
                    seen[r] = last - block - t;
                }
                weigh_tile(&l, pairs, padded_keys, padded_dim, block + t, t, seen, scale, &at, block_keys - t);
            }
            add_block(&l, d, block, block_keys, at.has_sums);
        }

        for (int64_t r = 0; r < rows; r++) {
            uint16_t *out = (uint16_t *)y + (first + r) * s->y_stride;
            const __m512 inverse = _mm512_set1_ps(1.0f / _mm512_reduce_add_ps(at.total[r]));
            for (int64_t c = 0; c < d; c += LANES) {
                const __mmask16 there = d - c >= LANES ? 0xffff : (__mmask16)((1u << (d - c)) - 1);
                const __m512 value = _mm512_mul_ps(_mm512_loadu_ps(l.sums + r * padded_dim + c), inverse);
                _mm256_mask_storeu_epi16(out + c, there, (__m256i)_mm512_cvtneps_pbh(value));
            }
        }
    }
}

#pragma clang attribute pop

#endif
