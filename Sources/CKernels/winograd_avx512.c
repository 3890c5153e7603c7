// Winograd's F(2×2, 3×3) with bf16 or 8-bit dot products, block by block so that everything between the two transforms
// stays in cache. Tested against the direct convolution.
//
// A tile is a patch of 4×4 pixels that gives 2×2 results. For a block of tiles:
//   transformed[16][tiles][in]          Bᵀ d B of each tile and channel, bf16 or codes, with scales[16][tiles]
//   products[16][tiles][64]             its product with the weights, for 64 of the out channels at a time, f32
// Packed weights, G g Gᵀ, for each panel of 64 out channels:
//   bf16:   [16][in / 2][64][2]         pairs of in channels, as vdpbf16ps wants them
//   8 bits: [16] panels of int8.h, in channels deep

#include "form.h"

#if defined(__x86_64__)

#include "int8_avx512.h"
#include "winograd.h"

#include <immintrin.h>
#include <string.h>

enum {
    POINTS = 16,               // of a transformed tile
    ROWS = CKERNELS_INT8_ROWS, // tiles at a time: 6 · 4 accumulators leave registers for the operands
    LANES = 16,
    RESULTS = 2,       // along a tile's side
    STAGED = 4,        // tiles that are transformed before they are quantised
    FEWEST_TILES = 32, // below it, reading the weights (16/9 of a direct convolution's) takes longer than it saves
};
_Static_assert(PANEL == CKERNELS_INT8_PANEL, "a point's codes are a panel of int8.h");

// Tiles a block, a multiple of ROWS: so many that the transformed block stays in the second-level cache while its
// channels are few, and that each pass over the weights serves enough tiles where they are many; of such numbers the one
// that leaves the threads least unequal work.
static int64_t tiles_a_block(const ckernels_convolution_shape *s, int threads) {
    const int64_t most = s->in_channels <= 192 || s->in_channels >= 1024 ? 16 : 8;
    return winograd_groups(winograd_up(winograd_tiles(s, RESULTS), ROWS) / ROWS, most, threads) * ROWS;
}

static bool fits(const ckernels_convolution_shape *s) {
    return s->type == CKERNELS_BF16 && s->kernel == 3 && s->stride == 1 && s->pad_begin == 1 && s->pad_end == 1 &&
           s->in_channels % (2 * LANES) == 0 && s->out_channels % PANEL == 0 &&
           winograd_tiles(s, RESULTS) >= FEWEST_TILES && ckernels_current_isa() == CKERNELS_AVX512_BF16;
}
static bool suits_bf16(const ckernels_convolution_shape *s) { return fits(s) && !s->quantized; }
static bool suits_int8(const ckernels_convolution_shape *s) { return fits(s) && s->quantized && ckernels_has_vnni(); }

// Bytes of one point's weights, for a panel of out channels.
static size_t point_size(const ckernels_convolution_shape *s) {
    return s->quantized ? (size_t)s->in_channels * PANEL + PANEL * 8 : (size_t)s->in_channels * PANEL * 2;
}
static size_t weights_size(const ckernels_convolution_shape *s) {
    return (size_t)(s->out_channels / PANEL) * POINTS * point_size(s);
}

// A thread's scratch for blocks of that many tiles: transformed, products, and in 8 bits scales and staged.
typedef struct {
    size_t products, scales, staged, size; // where they start; all of it
} layout;

static layout scratch_layout(const ckernels_convolution_shape *s, int64_t block) {
    const int64_t in = s->in_channels;
    layout l = {.products = (size_t)winograd_up(POINTS * block * in * (s->quantized ? 1 : 2), 64)};
    l.size = l.scales = l.products + (size_t)(POINTS * block * PANEL) * sizeof(float);
    if (s->quantized) {
        l.staged = l.scales + (size_t)winograd_up(POINTS * block * (int64_t)sizeof(float), 64);
        l.size = l.staged + (size_t)winograd_up(POINTS * STAGED * in * 2, 64);
    }
    return l;
}

static size_t scratch_size(const ckernels_convolution_shape *s, int threads) {
    return scratch_layout(s, tiles_a_block(s, threads)).size * (size_t)threads;
}

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,avx512vnni,fma"))),  \
                             apply_to = function)

// --- Weights ---------------------------------------------------------------------------------------------------------

// One point's weights in 8 bits, of a panel that starts at `packed`.
static ckernels_int8_panel point_weights(const ckernels_convolution_shape *s, const char *packed, int point) {
    const char *start = packed + (size_t)point * point_size(s);
    const float *scales = (const float *)(start + s->in_channels * PANEL);
    return (ckernels_int8_panel){(const int8_t *)start, scales, (const int32_t *)(scales + PANEL)};
}

typedef struct {
    const ckernels_convolution_shape *shape;
    const uint16_t *plain;
    char *packed;
} packing;

static inline float widened(uint16_t bits) {
    const uint32_t wide = (uint32_t)bits << 16;
    float value;
    memcpy(&value, &wide, 4);
    return value;
}

// One in channel of 64 filters: G g Gᵀ, G = [1 0 0; ½ ½ ½; ½ −½ ½; 0 0 1].
static inline void transform_filters(const uint16_t *plain, int64_t filter_stride,
                                     __m512 points[POINTS][PANEL / LANES]) {
    float taps[9][PANEL];
    for (int64_t k = 0; k < PANEL; k++)
        for (int tap = 0; tap < 9; tap++) taps[tap][k] = widened(plain[k * filter_stride + tap]);
    const __m512 half = _mm512_set1_ps(0.5f);
    for (int z = 0; z < PANEL / LANES; z++) {
        __m512 rows[4][3];
        for (int column = 0; column < 3; column++) {
            const __m512 a = _mm512_loadu_ps(taps[column] + LANES * z),
                         b = _mm512_loadu_ps(taps[3 + column] + LANES * z),
                         c = _mm512_loadu_ps(taps[6 + column] + LANES * z);
            const __m512 outer = _mm512_mul_ps(_mm512_add_ps(a, c), half);
            rows[0][column] = a;
            rows[1][column] = _mm512_fmadd_ps(b, half, outer);
            rows[2][column] = _mm512_fnmadd_ps(b, half, outer);
            rows[3][column] = c;
        }
        for (int row = 0; row < 4; row++) {
            const __m512 outer = _mm512_mul_ps(_mm512_add_ps(rows[row][0], rows[row][2]), half);
            points[4 * row][z] = rows[row][0];
            points[4 * row + 1][z] = _mm512_fmadd_ps(rows[row][1], half, outer);
            points[4 * row + 2][z] = _mm512_fnmadd_ps(rows[row][1], half, outer);
            points[4 * row + 3][z] = rows[row][2];
        }
    }
}

static void pack_bf16(void *context, size_t panel) {
    const packing *job = context;
    const int64_t in = job->shape->in_channels;
    const uint16_t *plain = job->plain + (int64_t)panel * PANEL * in * 9;
    uint32_t *packed = (uint32_t *)(job->packed + panel * POINTS * point_size(job->shape));
    for (int64_t pair = 0; pair < in / 2; pair++) {
        __m512 even[POINTS][PANEL / LANES], odd[POINTS][PANEL / LANES];
        transform_filters(plain + 18 * pair, 9 * in, even);
        transform_filters(plain + 18 * pair + 9, 9 * in, odd);
        for (int point = 0; point < POINTS; point++)
            for (int z = 0; z < PANEL / LANES; z++) {
                const __m512i low = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(even[point][z]));
                const __m512i high = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(odd[point][z]));
                _mm512_storeu_si512(packed + (point * in / 2 + pair) * PANEL + LANES * z,
                                    _mm512_or_si512(low, _mm512_slli_epi32(high, 16)));
            }
    }
}

static void pack_int8(void *context, size_t panel) {
    const packing *job = context;
    const int64_t in = job->shape->in_channels;
    const uint16_t *plain = job->plain + (int64_t)panel * PANEL * in * 9;
    char *packed = job->packed + panel * POINTS * point_size(job->shape);
    __m512 points[POINTS][PANEL / LANES];
    __m512i largest[POINTS][PANEL / LANES], sums[POINTS][PANEL / LANES];
    memset(largest, 0, sizeof largest);
    memset(sums, 0, sizeof sums);
    for (int64_t i = 0; i < in; i++) {
        transform_filters(plain + 9 * i, 9 * in, points);
        for (int point = 0; point < POINTS; point++)
            for (int z = 0; z < PANEL / LANES; z++)
                // As integers, so that not-a-numbers are the largest.
                largest[point][z] =
                    _mm512_max_epi32(largest[point][z], _mm512_castps_si512(_mm512_abs_ps(points[point][z])));
    }
    for (int64_t i = 0; i < in; i++) {
        transform_filters(plain + 9 * i, 9 * in, points);
        for (int point = 0; point < POINTS; point++) {
            int8_t *codes = (int8_t *)(packed + (size_t)point * point_size(job->shape)) + i / 4 * PANEL * 4 + i % 4;
            for (int z = 0; z < PANEL / LANES; z++) {
                const __mmask16 some = _mm512_test_epi32_mask(largest[point][z], largest[point][z]);
                const __m512 inverse =
                    _mm512_maskz_div_ps(some, _mm512_set1_ps(127), _mm512_castsi512_ps(largest[point][z]));
                const __m512i values = _mm512_cvtps_epi32(_mm512_mul_ps(points[point][z], inverse));
                int8_t bytes[LANES];
                _mm_storeu_si128((__m128i *)bytes, _mm512_cvtsepi32_epi8(values));
                for (int k = 0; k < LANES; k++) codes[(LANES * z + k) * 4] = bytes[k];
                sums[point][z] = _mm512_add_epi32(sums[point][z], values);
            }
        }
    }
    for (int point = 0; point < POINTS; point++) {
        const ckernels_int8_panel p = point_weights(job->shape, packed, point);
        for (int z = 0; z < PANEL / LANES; z++) {
            _mm512_storeu_ps((float *)p.scales + LANES * z,
                             _mm512_div_ps(_mm512_castsi512_ps(largest[point][z]), _mm512_set1_ps(127)));
            _mm512_storeu_si512((int32_t *)p.offsets + LANES * z,
                                _mm512_slli_epi32(_mm512_sub_epi32(_mm512_setzero_si512(), sums[point][z]), 7));
        }
    }
}

static void pack(const ckernels_convolution_shape *s, const void *plain, void *packed) {
    packing job = {s, plain, packed};
    parallel_for((size_t)(s->out_channels / PANEL), s->quantized ? pack_int8 : pack_bf16, &job);
}

// --- Pictures --------------------------------------------------------------------------------------------------------

// Sixteen channels of one column of four pixels, Bᵀ d; rows or columns outside the picture are zero.
static inline void transform_column(const uint16_t *const rows[4], bool inside, int64_t offset, __m512 column[4]) {
    __m512 d[4];
    for (int r = 0; r < 4; r++) {
        const __mmask16 there = inside && rows[r] ? 0xffff : 0;
        // Nothing is read where the mask is zero, but a pointer must not be made of a row that is not there.
        const uint16_t *from = there ? rows[r] + offset : NULL;
        const __m256i bits = _mm256_maskz_loadu_epi16(there, from);
        d[r] = _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(bits), 16));
    }
    column[0] = _mm512_sub_ps(d[0], d[2]);
    column[1] = _mm512_add_ps(d[1], d[2]);
    column[2] = _mm512_sub_ps(d[2], d[1]);
    column[3] = _mm512_sub_ps(d[1], d[3]);
}

// `count` tiles side by side in one row of tiles, from column `first` on, to transformed[16][block][in].
static void transform_tiles(const ckernels_convolution_shape *s, const uint16_t *picture, int64_t tile_row,
                            int64_t first, int64_t count, int64_t block, uint16_t *transformed) {
    const int64_t in = s->in_channels;
    const uint16_t *rows[4];
    for (int64_t r = 0; r < 4; r++) {
        const int64_t row = 2 * tile_row - 1 + r;
        rows[r] = row >= 0 && row < s->height ? picture + row * s->width * in : NULL;
    }
    for (int64_t c = 0; c < in; c += 2 * LANES) {
        // Neighbours share two columns; both halves of a cache line are written at once.
        __m512 columns[2][4][4];
        for (int half = 0; half < 2; half++)
            for (int64_t k = 0; k < 2; k++) {
                const int64_t column = 2 * first - 1 + k;
                transform_column(rows, column >= 0, column * in + c + LANES * half, columns[half][k]);
            }
        for (int64_t tile = 0; tile < count; tile++) {
            for (int half = 0; half < 2; half++) {
                __m512(*now)[4] = columns[half];
                for (int64_t k = 2; k < 4; k++) {
                    const int64_t column = 2 * (first + tile) - 1 + k;
                    transform_column(rows, column < s->width, column * in + c + LANES * half, now[k]);
                }
                uint16_t *to = transformed + tile * in + c + LANES * half;
                for (int r = 0; r < 4; r++) {
                    const __m512 points[4] = {_mm512_sub_ps(now[0][r], now[2][r]), _mm512_add_ps(now[1][r], now[2][r]),
                                              _mm512_sub_ps(now[2][r], now[1][r]), _mm512_sub_ps(now[1][r], now[3][r])};
                    for (int k = 0; k < 4; k++)
                        _mm256_storeu_si256((__m256i *)(to + (4 * r + k) * block * in),
                                            (__m256i)_mm512_cvtneps_pbh(points[k]));
                    now[0][r] = now[2][r];
                    now[1][r] = now[3][r];
                }
            }
        }
    }
}

// products[tiles][64] = transformed[tiles][in] · packed[in / 2][64][2]. `tiles` is a multiple of ROWS.
static void multiply(const uint16_t *transformed, const uint16_t *packed, int64_t tiles, int64_t in, float *products) {
    for (int64_t tile = 0; tile < tiles; tile += ROWS) {
        __m512 sum[ROWS][4];
        for (int r = 0; r < ROWS; r++)
            for (int z = 0; z < 4; z++) sum[r][z] = _mm512_setzero_ps();
        const uint16_t *row = transformed + tile * in, *weights = packed;
        for (int64_t pair = 0; pair < in / 2; pair++, row += 2, weights += 2 * PANEL) {
            __m512bh w[4];
            for (int z = 0; z < 4; z++) w[z] = (__m512bh)_mm512_load_si512(weights + 2 * LANES * z);
            for (int r = 0; r < ROWS; r++) {
                int bits;
                memcpy(&bits, row + r * in, 4);
                const __m512bh d = (__m512bh)_mm512_set1_epi32(bits);
                for (int z = 0; z < 4; z++) sum[r][z] = _mm512_dpbf16_ps(sum[r][z], d, w[z]);
            }
        }
        for (int r = 0; r < ROWS; r++)
            for (int z = 0; z < 4; z++) _mm512_store_ps(products + (tile + r) * PANEL + LANES * z, sum[r][z]);
    }
}

// What `transformed` has of a few tiles, `STAGED` a point, to codes[16][block][in] and scales[16][block].
static void quantize_tiles(const uint16_t *transformed, int64_t count, int64_t in, int64_t block, uint8_t *codes,
                           float *scales) {
    for (int64_t point = 0; point < POINTS; point++)
        for (int64_t tile = 0; tile < count; tile++) {
            const uint16_t *row = transformed + (point * STAGED + tile) * in;
            // As integers, so that not-a-numbers are the largest.
            __m512i most = _mm512_setzero_si512();
            for (int64_t c = 0; c < in; c += 2 * LANES)
                most = _mm512_max_epu16(most, _mm512_and_si512(_mm512_loadu_si512(row + c), _mm512_set1_epi16(0x7fff)));
            const float largest = ckernels_int8_largest_of_bf16(most);
            const __m512 inverse = _mm512_set1_ps(ckernels_int8_inverse(largest));
            uint8_t *to = codes + (point * block + tile) * in;
            for (int64_t c = 0; c < in; c += 2 * LANES)
                _mm256_storeu_si256((__m256i *)(to + c),
                                    ckernels_int8_codes_of_bf16(_mm512_loadu_si512(row + c), inverse));
            scales[point * block + tile] = ckernels_int8_scale(largest);
        }
}

// products[tiles][64] = codes[tiles][in] times a panel. `tiles` is a multiple of ROWS.
static void multiply_codes(const uint8_t *codes, const float *tile_scales, const ckernels_int8_panel *panel,
                           int64_t tiles, int64_t in, float *products) {
    for (int64_t tile = 0; tile < tiles; tile += ROWS) {
        __m512i sums[ROWS][4];
        ckernels_int8_sums(codes + tile * in, (size_t)in, (size_t)in, panel, sums);
        for (int z = 0; z < 4; z++) {
            const __m512 scales = _mm512_loadu_ps(panel->scales + LANES * z);
            for (int r = 0; r < ROWS; r++) {
                const __m512 scale = _mm512_mul_ps(scales, _mm512_set1_ps(tile_scales[tile + r]));
                _mm512_store_ps(products + (tile + r) * PANEL + LANES * z,
                                _mm512_mul_ps(_mm512_cvtepi32_ps(sums[r][z]), scale));
            }
        }
    }
}

// Aᵀ m A, A = [1 0; 1 1; 1 −1; 0 −1], plus bias (and what y holds), for one tile and 64 channels from `channel` on.
static inline void finish_tile(const ckernels_convolution_shape *s, const float *products, int64_t block, uint16_t *y,
                               bool below, bool beside, const float *bias) {
    const int64_t out = s->out_channels, point = block * PANEL;
    for (int z = 0; z < 4; z++) {
        __m512 upper[4], lower[4];
        for (int k = 0; k < 4; k++) {
            const float *m = products + k * point + LANES * z;
            const __m512 m0 = _mm512_load_ps(m), m1 = _mm512_load_ps(m + 4 * point), m2 = _mm512_load_ps(m + 8 * point),
                         m3 = _mm512_load_ps(m + 12 * point);
            upper[k] = _mm512_add_ps(m0, _mm512_add_ps(m1, m2));
            lower[k] = _mm512_sub_ps(_mm512_sub_ps(m1, m2), m3);
        }
        const __m512 shift = bias ? _mm512_loadu_ps(bias + LANES * z) : _mm512_setzero_ps();
        const __m512 results[4] = {
            _mm512_add_ps(_mm512_add_ps(upper[0], shift), _mm512_add_ps(upper[1], upper[2])),
            _mm512_add_ps(_mm512_sub_ps(_mm512_sub_ps(upper[1], upper[2]), upper[3]), shift),
            _mm512_add_ps(_mm512_add_ps(lower[0], shift), _mm512_add_ps(lower[1], lower[2])),
            _mm512_add_ps(_mm512_sub_ps(_mm512_sub_ps(lower[1], lower[2]), lower[3]), shift),
        };
        for (int k = 0; k < 4; k++) {
            if ((k & 1 && !beside) || (k & 2 && !below)) continue;
            __m256i *to = (__m256i *)(y + (k & 1 ? out : 0) + (k & 2 ? s->width * out : 0) + LANES * z);
            __m512 value = results[k];
            if (s->accumulate)
                value = _mm512_add_ps(
                    value, _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256(to)), 16)));
            _mm256_storeu_si256(to, (__m256i)_mm512_cvtneps_pbh(value));
        }
    }
}

// The block of `count` tiles from `first` on, transformed to the start of `scratch`.
static void transform_block(const winograd_run *run, int64_t first, int64_t count, char *scratch) {
    const ckernels_convolution_shape *s = run->shape;
    const int64_t in = s->in_channels, block = run->block, columns = winograd_columns(s, RESULTS);
    const layout l = scratch_layout(s, block);
    for (int64_t done = 0; done < count;) {
        const winograd_place at = winograd_place_of(s, RESULTS, first + done);
        int64_t beside = columns - at.column < count - done ? columns - at.column : count - done;
        const uint16_t *picture = run->x + at.picture * s->height * s->width * in;
        if (s->quantized) {
            uint16_t *staged = (uint16_t *)(scratch + l.staged);
            if (beside > STAGED) beside = STAGED;
            transform_tiles(s, picture, at.row, at.column, beside, STAGED, staged);
            quantize_tiles(staged, beside, in, block, (uint8_t *)scratch + done * in,
                           (float *)(scratch + l.scales) + done);
        } else {
            transform_tiles(s, picture, at.row, at.column, beside, block, (uint16_t *)scratch + done * in);
        }
        done += beside;
    }
}

static void run_block(const winograd_run *run, const winograd_block *b, char *scratch) {
    const ckernels_convolution_shape *s = run->shape;
    const int64_t in = s->in_channels, out = s->out_channels, block = run->block;
    const layout l = scratch_layout(s, block);
    float *products = (float *)(scratch + l.products);

    transform_block(run, b->first, b->count, scratch);
    const int64_t rows = winograd_up(b->count, ROWS); // what follows `count` is computed and thrown away
    for (int64_t channel = b->channel; channel < b->channel_end; channel += PANEL) {
        const char *packed = run->packed + (size_t)(channel / PANEL * POINTS) * point_size(s);
        for (int point = 0; point < POINTS; point++) {
            float *to = products + point * block * PANEL;
            if (s->quantized) {
                const ckernels_int8_panel panel = point_weights(s, packed, point);
                multiply_codes((const uint8_t *)scratch + point * block * in,
                               (const float *)(scratch + l.scales) + point * block, &panel, rows, in, to);
            } else {
                multiply((const uint16_t *)scratch + point * block * in,
                         (const uint16_t *)(packed + (size_t)point * point_size(s)), rows, in, to);
            }
        }
        for (int64_t tile = 0; tile < b->count; tile++) {
            const winograd_place at = winograd_place_of(s, RESULTS, b->first + tile);
            const int64_t top = RESULTS * at.row, left = RESULTS * at.column;
            uint16_t *y = run->y + ((at.picture * s->height + top) * s->width + left) * out + channel;
            finish_tile(s, products + tile * PANEL, block, y, top + 1 < s->height, left + 1 < s->width,
                        run->bias ? run->bias + channel : NULL);
        }
    }
}

static void execute(const ckernels_convolution_shape *s, int threads, const void *x, const void *packed,
                    const float *bias, void *y, void *scratch) {
    const int64_t block = tiles_a_block(s, threads);
    winograd_run run = {s, x, packed, bias, y, scratch, block, RESULTS, scratch_layout(s, block).size, run_block, 0, 0};
    winograd_execute(&run, threads);
}

const ckernels_form ckernels_winograd_bf16 = {"winograd:avx512_bf16", suits_bf16, weights_size,
                                              scratch_size,           pack,       execute};
const ckernels_form ckernels_winograd_int8 = {"winograd:avx512_vnni", suits_int8, weights_size,
                                              scratch_size,           pack,       execute};

#pragma clang attribute pop

#else // other CPUs: no shape suits, so the rest is never called

static bool suits(const ckernels_convolution_shape *s) { return (void)s, false; }

const ckernels_form ckernels_winograd_bf16 = {"winograd:avx512_bf16", suits, 0, 0, 0, 0};
const ckernels_form ckernels_winograd_int8 = {"winograd:avx512_vnni", suits, 0, 0, 0, 0};

#endif
