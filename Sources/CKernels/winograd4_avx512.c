// Winograd's F(4×4, 3×3) for pictures in bf16, with products of 16-bit integers, block by block like winograd_avx512.c.
// Tested against the direct convolution.
//
// A tile is a patch of 6×6 pixels that gives 4×4 results. Its transforms, with the interpolation points 0, ±3/4, ±3/2 and
// ∞, enlarge rounding errors too much for bf16's eight bits (1.2 % of a convolution's size); integers of 12 to 15 bits,
// scaled to what each tile and point holds, leave 0.2 to 0.3 %, less than F(2×2) in bf16 (docs/decisions/winograd.md).
// For a block of tiles:
//   codes[36][tiles][in]        Bᵀ d B of each tile and channel, divided by scales[36][tiles] and rounded
//   products[tiles][36][64]     its product with the weights, for 64 of the out channels at a time, f32
// Packed weights, G g Gᵀ, for each panel of 64 out channels:
//   codes[36][in / 2][64][2], scales[36][64], limits[36]     the largest codes of a tile with which no sum overflows

#include "form.h"

#if defined(__x86_64__)

#include "winograd.h"

#include <immintrin.h>
#include <math.h>
#include <string.h>

enum {
    SIDE = 6,    // of a tile
    RESULTS = 4, // along a side
    POINTS = 36, // of a transformed tile
    ROWS = 6,    // tiles at a time: 6 · 4 accumulators leave registers for the operands
    LANES = 16,
    FEWEST = 64, // tiles; below it, reading the weights (four times a direct convolution's) takes as long as it saves
};

static bool suits(const ckernels_convolution_shape *s) {
    return s->type == CKERNELS_BF16 && !s->quantized && s->kernel == 3 && s->stride == 1 && s->pad_begin == 1 &&
           s->pad_end == 1 && s->in_channels % (2 * LANES) == 0 && s->in_channels <= 4096 &&
           s->out_channels % PANEL == 0 && winograd_tiles(s, RESULTS) >= FEWEST &&
           ckernels_current_isa() == CKERNELS_AVX512_BF16 && ckernels_has_vnni();
}

// --- Layouts ---------------------------------------------------------------------------------------------------------

// Bytes of a point's codes in a panel of weights; of a panel.
static size_t point_size(const ckernels_convolution_shape *s) { return (size_t)s->in_channels * PANEL * 2; }
static size_t panel_size(const ckernels_convolution_shape *s) {
    return POINTS * (point_size(s) + PANEL * sizeof(float)) + (size_t)winograd_up(POINTS * sizeof(float), 64);
}
static size_t weights_size(const ckernels_convolution_shape *s) {
    return (size_t)(s->out_channels / PANEL) * panel_size(s);
}

typedef struct {
    int16_t *codes; // of the first point
    float *scales, *limits;
} panel;

static panel panel_at(const ckernels_convolution_shape *s, const char *packed, int64_t index) {
    char *start = (char *)packed + (size_t)index * panel_size(s);
    float *scales = (float *)(start + POINTS * point_size(s));
    return (panel){(int16_t *)start, scales, scales + POINTS * PANEL};
}

// Tiles a block: enough for each pass over a panel's weights, few enough for the codes to stay in cache.
static int64_t tiles_a_block(const ckernels_convolution_shape *s, int threads) {
    const int64_t most = s->in_channels <= 192 ? 6 : 8;
    return winograd_groups(winograd_up(winograd_tiles(s, RESULTS), ROWS) / ROWS, most, threads) * ROWS;
}

// A thread's scratch for blocks of that many tiles: codes, products, scales, and one tile before it is rounded.
typedef struct {
    size_t products, scales, staged, size; // where they start; all of it
} layout;

static layout scratch_layout(const ckernels_convolution_shape *s, int64_t block) {
    layout l = {.products = (size_t)winograd_up(POINTS * block * s->in_channels * 2, 64)};
    l.scales = l.products + (size_t)(POINTS * block * PANEL) * sizeof(float);
    l.staged = l.scales + (size_t)winograd_up(POINTS * block * (int64_t)sizeof(float), 64);
    l.size = l.staged + (size_t)(POINTS * s->in_channels) * sizeof(float);
    return l;
}

static size_t scratch_size(const ckernels_convolution_shape *s, int threads) {
    return scratch_layout(s, tiles_a_block(s, threads)).size * (size_t)threads;
}

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,avx512vnni,fma"))),  \
                             apply_to = function)

// --- Transforms ------------------------------------------------------------------------------------------------------

// The finite interpolation points are 0, ±P and ±Q.
#define P 0.75f
#define Q 1.5f
#define P2 (P * P)
#define Q2 (Q * Q)

// Bᵀ d: the coefficients of Π (x − other points) for each point.
static inline void transform_data(const __m512 d[SIDE], __m512 t[SIDE]) {
    const __m512 p = _mm512_set1_ps(P), q = _mm512_set1_ps(Q), p2 = _mm512_set1_ps(P2), q2 = _mm512_set1_ps(Q2);
    const __m512 both = _mm512_set1_ps(P2 + Q2), product = _mm512_set1_ps(P2 * Q2);
    t[0] = _mm512_fmadd_ps(product, d[0], _mm512_fnmadd_ps(both, d[2], d[4]));
    const __m512 even_p = _mm512_fnmadd_ps(q2, d[2], d[4]), odd_p = _mm512_fnmadd_ps(q2, d[1], d[3]);
    t[1] = _mm512_fmadd_ps(p, odd_p, even_p);
    t[2] = _mm512_fnmadd_ps(p, odd_p, even_p);
    const __m512 even_q = _mm512_fnmadd_ps(p2, d[2], d[4]), odd_q = _mm512_fnmadd_ps(p2, d[1], d[3]);
    t[3] = _mm512_fmadd_ps(q, odd_q, even_q);
    t[4] = _mm512_fnmadd_ps(q, odd_q, even_q);
    t[5] = _mm512_fmadd_ps(product, d[1], _mm512_fnmadd_ps(both, d[3], d[5]));
}

// G g: the filter's polynomial at each point, divided by Π (point − other points).
static inline void transform_filter(__m512 g0, __m512 g1, __m512 g2, __m512 t[SIDE]) {
    const __m512 p = _mm512_set1_ps(P), q = _mm512_set1_ps(Q), p2 = _mm512_set1_ps(P2), q2 = _mm512_set1_ps(Q2);
    const __m512 by_p = _mm512_set1_ps(1 / (2 * P2 * (P2 - Q2))), by_q = _mm512_set1_ps(1 / (2 * Q2 * (Q2 - P2)));
    t[0] = _mm512_mul_ps(g0, _mm512_set1_ps(1 / (P2 * Q2)));
    const __m512 even_p = _mm512_fmadd_ps(p2, g2, g0), even_q = _mm512_fmadd_ps(q2, g2, g0);
    t[1] = _mm512_mul_ps(_mm512_fmadd_ps(p, g1, even_p), by_p);
    t[2] = _mm512_mul_ps(_mm512_fnmadd_ps(p, g1, even_p), by_p);
    t[3] = _mm512_mul_ps(_mm512_fmadd_ps(q, g1, even_q), by_q);
    t[4] = _mm512_mul_ps(_mm512_fnmadd_ps(q, g1, even_q), by_q);
    t[5] = g2;
}

// Aᵀ m: the powers of each point.
static inline void transform_products(const __m512 m[SIDE], __m512 y[RESULTS]) {
    const __m512 sum_p = _mm512_add_ps(m[1], m[2]), difference_p = _mm512_sub_ps(m[1], m[2]);
    const __m512 sum_q = _mm512_add_ps(m[3], m[4]), difference_q = _mm512_sub_ps(m[3], m[4]);
    y[0] = _mm512_add_ps(m[0], _mm512_add_ps(sum_p, sum_q));
    y[1] = _mm512_fmadd_ps(_mm512_set1_ps(P), difference_p, _mm512_mul_ps(_mm512_set1_ps(Q), difference_q));
    y[2] = _mm512_fmadd_ps(_mm512_set1_ps(P2), sum_p, _mm512_mul_ps(_mm512_set1_ps(Q2), sum_q));
    y[3] = _mm512_fmadd_ps(_mm512_set1_ps(P2 * P), difference_p,
                           _mm512_fmadd_ps(_mm512_set1_ps(Q2 * Q), difference_q, m[5]));
}

// --- Weights ---------------------------------------------------------------------------------------------------------

typedef struct {
    const ckernels_convolution_shape *shape;
    const uint16_t *plain;
    char *packed;
} packing;

// One in channel of 64 filters.
static inline void transform_filters(const uint16_t *plain, int64_t filter_stride,
                                     __m512 points[POINTS][PANEL / LANES]) {
    float taps[9][PANEL];
    for (int64_t k = 0; k < PANEL; k++)
        for (int tap = 0; tap < 9; tap++) {
            const uint32_t wide = (uint32_t)plain[k * filter_stride + tap] << 16;
            memcpy(&taps[tap][k], &wide, 4);
        }
    for (int z = 0; z < PANEL / LANES; z++) {
        __m512 columns[3][SIDE];
        for (int column = 0; column < 3; column++) {
            const float *first = taps[column] + LANES * z;
            transform_filter(_mm512_loadu_ps(first), _mm512_loadu_ps(first + 3 * PANEL),
                             _mm512_loadu_ps(first + 6 * PANEL), columns[column]);
        }
        for (int row = 0; row < SIDE; row++) {
            __m512 t[SIDE];
            transform_filter(columns[0][row], columns[1][row], columns[2][row], t);
            for (int k = 0; k < SIDE; k++) points[SIDE * row + k][z] = t[k];
        }
    }
}

static inline __m512i magnitude(__m512 value) { return _mm512_castps_si512(_mm512_abs_ps(value)); }

static void pack_panel(void *context, size_t index) {
    const packing *job = context;
    const ckernels_convolution_shape *s = job->shape;
    const int64_t in = s->in_channels;
    const uint16_t *plain = job->plain + (int64_t)index * PANEL * in * 9;
    const panel to = panel_at(s, job->packed, (int64_t)index);
    // Weights and data share the 31 bits of a sum of `in` products about evenly, if a weight is a quarter of the largest.
    const float most = fminf(32767, floorf(sqrtf(2147483648.0f * 4 / (float)in)));
    __m512 points[POINTS][PANEL / LANES];
    __m512i largest[POINTS][PANEL / LANES], sums[POINTS][PANEL / LANES];
    memset(largest, 0, sizeof largest);
    memset(sums, 0, sizeof sums);
    for (int64_t i = 0; i < in; i++) {
        transform_filters(plain + 9 * i, 9 * in, points);
        for (int point = 0; point < POINTS; point++)
            for (int z = 0; z < PANEL / LANES; z++) // as integers, so that not-a-numbers are the largest
                largest[point][z] = _mm512_max_epi32(largest[point][z], magnitude(points[point][z]));
    }
    for (int64_t i = 0; i < in; i++) {
        transform_filters(plain + 9 * i, 9 * in, points);
        for (int point = 0; point < POINTS; point++) {
            int16_t *codes = to.codes + (point * in + i / 2 * 2) * PANEL + i % 2;
            for (int z = 0; z < PANEL / LANES; z++) {
                const __mmask16 some = _mm512_test_epi32_mask(largest[point][z], largest[point][z]);
                const __m512 inverse =
                    _mm512_maskz_div_ps(some, _mm512_set1_ps(most), _mm512_castsi512_ps(largest[point][z]));
                const __m512i values = _mm512_cvtps_epi32(_mm512_mul_ps(points[point][z], inverse));
                int16_t narrow[LANES];
                _mm256_storeu_si256((__m256i *)narrow, _mm512_cvtsepi32_epi16(values));
                for (int k = 0; k < LANES; k++) codes[(LANES * z + k) * 2] = narrow[k];
                sums[point][z] = _mm512_add_epi32(sums[point][z], _mm512_abs_epi32(values));
            }
        }
    }
    for (int point = 0; point < POINTS; point++) {
        int32_t sum = 1;
        for (int z = 0; z < PANEL / LANES; z++) {
            const int32_t most_of_these = _mm512_reduce_max_epi32(sums[point][z]);
            if (most_of_these > sum) sum = most_of_these;
            _mm512_storeu_ps(to.scales + point * PANEL + LANES * z,
                             _mm512_div_ps(_mm512_castsi512_ps(largest[point][z]), _mm512_set1_ps(most)));
        }
        const int32_t limit = INT32_MAX / sum;
        to.limits[point] = (float)(limit < INT16_MAX ? limit : INT16_MAX);
    }
}

static void pack(const ckernels_convolution_shape *s, const void *plain, void *packed) {
    packing job = {s, plain, packed};
    parallel_for((size_t)(s->out_channels / PANEL), pack_panel, &job);
}

// --- Pictures --------------------------------------------------------------------------------------------------------

typedef struct {
    winograd_run run;
    float limits[POINTS]; // of all panels
} convolution;

static inline __m512 widened(__m256i bits) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(bits), 16));
}

// A tile to staged[in / 16][36][16], and the largest magnitude of each point; outside the picture there is zero.
static void transform_tile(const ckernels_convolution_shape *s, const uint16_t *picture, int64_t tile_row,
                           int64_t tile_column, float *staged, __m512i largest[POINTS]) {
    const int64_t in = s->in_channels, top = RESULTS * tile_row - 1, left = RESULTS * tile_column - 1;
    for (int point = 0; point < POINTS; point++) largest[point] = _mm512_setzero_si512();
    for (int64_t c = 0; c < in; c += LANES, staged += POINTS * LANES) {
        __m512 half[SIDE][SIDE]; // rows transformed: [point][column]
        for (int64_t column = 0; column < SIDE; column++) {
            const bool beside = left + column >= 0 && left + column < s->width;
            __m512 d[SIDE], t[SIDE];
            for (int64_t row = 0; row < SIDE; row++) {
                const bool there = beside && top + row >= 0 && top + row < s->height;
                const uint16_t *from = picture + ((top + row) * s->width + left + column) * in + c;
                d[row] = there ? widened(_mm256_loadu_si256((const __m256i *)from)) : _mm512_setzero_ps();
            }
            transform_data(d, t);
            for (int row = 0; row < SIDE; row++) half[row][column] = t[row];
        }
        for (int row = 0; row < SIDE; row++) {
            __m512 t[SIDE];
            transform_data(half[row], t);
            for (int k = 0; k < SIDE; k++) {
                const int point = SIDE * row + k;
                _mm512_store_ps(staged + point * LANES, t[k]);
                largest[point] = _mm512_max_epi32(largest[point], magnitude(t[k]));
            }
        }
    }
}

// A staged tile to codes[36][block][in] and scales[36][block].
static void round_tile(const convolution *job, const float *staged, const __m512i largest[POINTS], int16_t *codes,
                       float *scales) {
    const int64_t in = job->run.shape->in_channels, block = job->run.block;
    for (int64_t point = 0; point < POINTS; point++) {
        const int32_t bits = _mm512_reduce_max_epi32(largest[point]);
        float most;
        memcpy(&most, &bits, 4);
        const __m512 inverse = _mm512_set1_ps(bits ? job->limits[point] / most : 0);
        const float *from = staged + point * LANES;
        int16_t *to = codes + point * block * in;
        for (int64_t c = 0; c < in; c += LANES, from += POINTS * LANES) {
            const __m512i values = _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_load_ps(from), inverse));
            _mm256_store_si256((__m256i *)(to + c), _mm512_cvtepi32_epi16(values));
        }
        scales[point * block] = most / job->limits[point];
    }
}

// sum + the products of pairs. In assembly because LLVM makes two instructions of the intrinsic, for latency's sake, where
// only throughput counts.
static inline __m512i add_products(__m512i sum, __m512i d, __m512i w) {
    __asm__("vpdpwssd %2, %1, %0" : "+v"(sum) : "v"(d), "v"(w));
    return sum;
}

// products[tiles][36][64] of one point = codes[tiles][in] times a panel's. `tiles` is a multiple of ROWS.
static void multiply(const int16_t *codes, const float *tile_scales, const int16_t *weights, const float *weight_scales,
                     int64_t tiles, int64_t in, float *products) {
    for (int64_t tile = 0; tile < tiles; tile += ROWS) {
        __m512i sum[ROWS][4];
        for (int r = 0; r < ROWS; r++)
            for (int z = 0; z < 4; z++) sum[r][z] = _mm512_setzero_si512();
        const int16_t *row = codes + tile * in, *pairs = weights;
        for (int64_t pair = 0; pair < in / 2; pair++, row += 2, pairs += 2 * PANEL) {
            __m512i w[4];
            for (int z = 0; z < 4; z++) w[z] = _mm512_load_si512(pairs + 2 * LANES * z);
#pragma clang loop unroll(full)
            for (int r = 0; r < ROWS; r++) {
                int bits;
                memcpy(&bits, row + r * in, 4);
                const __m512i d = _mm512_set1_epi32(bits);
#pragma clang loop unroll(full)
                for (int z = 0; z < 4; z++) sum[r][z] = add_products(sum[r][z], d, w[z]);
            }
        }
        for (int z = 0; z < 4; z++) {
            const __m512 scales = _mm512_load_ps(weight_scales + LANES * z);
            for (int r = 0; r < ROWS; r++) {
                const __m512 scale = _mm512_mul_ps(scales, _mm512_set1_ps(tile_scales[tile + r]));
                _mm512_store_ps(products + (tile + r) * POINTS * PANEL + LANES * z,
                                _mm512_mul_ps(_mm512_cvtepi32_ps(sum[r][z]), scale));
            }
        }
    }
}

// Aᵀ m A plus bias (and what y holds) for one tile, of which `rows` × `columns` lie in the picture, and 64 channels.
static void finish_tile(const ckernels_convolution_shape *s, const float *products, uint16_t *y, int64_t rows,
                        int64_t columns, const float *bias) {
    for (int z = 0; z < PANEL / LANES; z++) {
        __m512 half[RESULTS][SIDE];
        for (int column = 0; column < SIDE; column++) {
            __m512 m[SIDE], t[RESULTS];
            for (int row = 0; row < SIDE; row++)
                m[row] = _mm512_load_ps(products + (SIDE * row + column) * PANEL + LANES * z);
            transform_products(m, t);
            for (int row = 0; row < RESULTS; row++) half[row][column] = t[row];
        }
        const __m512 shift = bias ? _mm512_loadu_ps(bias + LANES * z) : _mm512_setzero_ps();
        for (int64_t row = 0; row < rows; row++) {
            __m512 results[RESULTS];
            transform_products(half[row], results);
            for (int64_t column = 0; column < columns; column++) {
                __m256i *to = (__m256i *)(y + (row * s->width + column) * s->out_channels + LANES * z);
                __m512 value = _mm512_add_ps(results[column], shift);
                if (s->accumulate) value = _mm512_add_ps(value, widened(_mm256_loadu_si256(to)));
                _mm256_storeu_si256(to, (__m256i)_mm512_cvtneps_pbh(value));
            }
        }
    }
}

static void run_block(const winograd_run *run, const winograd_block *b, char *scratch) {
    const convolution *job = (const convolution *)run;
    const ckernels_convolution_shape *s = run->shape;
    const int64_t in = s->in_channels, out = s->out_channels, block = run->block;
    const layout l = scratch_layout(s, block);
    int16_t *codes = (int16_t *)scratch;
    float *products = (float *)(scratch + l.products), *scales = (float *)(scratch + l.scales);
    for (int64_t tile = 0; tile < b->count; tile++) {
        const winograd_place at = winograd_place_of(s, RESULTS, b->first + tile);
        __m512i largest[POINTS];
        transform_tile(s, run->x + at.picture * s->height * s->width * in, at.row, at.column,
                       (float *)(scratch + l.staged), largest);
        round_tile(job, (float *)(scratch + l.staged), largest, codes + tile * in, scales + tile);
    }
    const int64_t rows = winograd_up(b->count, ROWS); // what follows `count` is computed and thrown away
    for (int64_t channel = b->channel; channel < b->channel_end; channel += PANEL) {
        const panel weights = panel_at(s, run->packed, channel / PANEL);
        for (int64_t point = 0; point < POINTS; point++)
            multiply(codes + point * block * in, scales + point * block, weights.codes + point * in * PANEL,
                     weights.scales + point * PANEL, rows, in, products + point * PANEL);
        for (int64_t tile = 0; tile < b->count; tile++) {
            const winograd_place at = winograd_place_of(s, RESULTS, b->first + tile);
            const int64_t top = RESULTS * at.row, left = RESULTS * at.column;
            finish_tile(s, products + tile * POINTS * PANEL,
                        run->y + ((at.picture * s->height + top) * s->width + left) * out + channel,
                        s->height - top < RESULTS ? s->height - top : RESULTS,
                        s->width - left < RESULTS ? s->width - left : RESULTS, run->bias ? run->bias + channel : NULL);
        }
    }
}

static void execute(const ckernels_convolution_shape *s, int threads, const void *x, const void *packed,
                    const float *bias, void *y, void *scratch) {
    const int64_t block = tiles_a_block(s, threads);
    convolution job = {{s, x, packed, bias, y, scratch, block, RESULTS, scratch_layout(s, block).size, run_block, 0, 0},
                       {0}};
    for (int64_t index = 0; index < s->out_channels / PANEL; index++)
        for (int point = 0; point < POINTS; point++) {
            const float limit = panel_at(s, packed, index).limits[point];
            if (!index || limit < job.limits[point]) job.limits[point] = limit;
        }
    winograd_execute(&job.run, threads);
}

const ckernels_form ckernels_winograd4_bf16 = {
    "winograd4:avx512_vnni", suits, weights_size, scratch_size, pack, execute};

#pragma clang attribute pop

#else // other CPUs: no shape suits, so the rest is never called

static bool suits(const ckernels_convolution_shape *s) { return (void)s, false; }

const ckernels_form ckernels_winograd4_bf16 = {"winograd4:avx512_vnni", suits, 0, 0, 0, 0};

#endif
