// The direct form of convolutions and matrix products in 8 bits, for any CPU: what is common, and the scalar kernels. A
// convolution with a larger kernel gathers the pixels under it to one row (Chellapilla et al. 2006).

#include "int8.h"
#include "CParallel.h"
#include "form.h"
#include "tables.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

enum { PANEL = CKERNELS_INT8_PANEL, ROWS = CKERNELS_INT8_ROWS, LARGEST_TAPS = 64 };

static size_t up(size_t value, size_t multiple) { return (value + multiple - 1) / multiple * multiple; }
static size_t out_height(const ckernels_convolution_shape *s) {
    return (size_t)((s->height + s->pad_begin + s->pad_end - s->kernel) / s->stride + 1);
}
static size_t out_width(const ckernels_convolution_shape *s) {
    return (size_t)((s->width + s->pad_begin + s->pad_end - s->kernel) / s->stride + 1);
}
static size_t row_count(const ckernels_convolution_shape *s) { return (size_t)s->batch * out_height(s) * out_width(s); }
static size_t depth(const ckernels_convolution_shape *s) {
    return up((size_t)(s->kernel * s->kernel * s->in_channels), 4);
}
static size_t panel_count(const ckernels_convolution_shape *s) { return up((size_t)s->out_channels, PANEL) / PANEL; }
static size_t panel_size(const ckernels_convolution_shape *s) { return depth(s) * PANEL + PANEL * 8; }

static ckernels_int8_panel panel_at(const ckernels_convolution_shape *s, const void *packed, size_t index) {
    const char *start = (const char *)packed + index * panel_size(s);
    const float *scales = (const float *)(start + depth(s) * PANEL);
    return (ckernels_int8_panel){(const int8_t *)start, scales, (const int32_t *)(scales + PANEL)};
}

static bool suits(const ckernels_convolution_shape *s) { return s->quantized && s->kernel * s->kernel <= LARGEST_TAPS; }

static size_t weights_size(const ckernels_convolution_shape *s) { return panel_count(s) * panel_size(s); }

// --- Weights ---------------------------------------------------------------------------------------------------------

typedef struct {
    const ckernels_convolution_shape *shape;
    const void *plain;
    char *packed;
} packing;

static float element(const void *x, ckernels_type type, size_t index) {
    if (type == CKERNELS_F32) return ((const float *)x)[index];
    const uint32_t bits = (uint32_t)((const uint16_t *)x)[index] << 16;
    float value;
    memcpy(&value, &bits, 4);
    return value;
}

static void pack_panel(void *context, size_t index) {
    const packing *job = context;
    const ckernels_convolution_shape *s = job->shape;
    const size_t taps = (size_t)(s->kernel * s->kernel), in = (size_t)s->in_channels, out = (size_t)s->out_channels;
    char *start = job->packed + index * panel_size(s);
    int8_t *codes = (int8_t *)start;
    float *scales = (float *)(start + depth(s) * PANEL);
    int32_t *offsets = (int32_t *)(scales + PANEL);
    memset(start, 0, panel_size(s));
    for (size_t k = 0; k < PANEL && index * PANEL + k < out; k++) {
        const size_t filter = (index * PANEL + k) * in * taps;
        float largest = 0;
        for (size_t i = 0; i < in * taps; i++) {
            const float size = fabsf(element(job->plain, s->type, filter + i));
            if (!(size <= largest)) largest = size;
            if (isnan(largest)) break;
        }
        const float inverse = ckernels_int8_inverse(largest);
        int32_t sum = 0;
        for (size_t tap = 0; tap < taps; tap++)
            for (size_t i = 0; i < in; i++) {
                const float scaled = element(job->plain, s->type, filter + i * taps + tap) * inverse;
                const int8_t code = isfinite(scaled) ? (int8_t)lrintf(scaled) : 0;
                const size_t row = tap * in + i;
                codes[(row / 4 * PANEL + k) * 4 + row % 4] = code;
                sum += code;
            }
        scales[k] = ckernels_int8_scale(largest);
        offsets[k] = -128 * sum;
    }
}

static void pack(const ckernels_convolution_shape *s, const void *plain, void *packed) {
    packing job = {s, plain, packed};
    parallel_for(panel_count(s), pack_panel, &job);
}

// --- Execution -------------------------------------------------------------------------------------------------------

typedef struct {
    const ckernels_convolution_shape *shape;
    const ckernels_int8_table *table;
    const void *x, *packed;
    const float *bias;
    void *y;
    uint8_t *codes;
    float *scales;
    size_t block; // rows that are multiplied at a time
    size_t parts; // that the out channels are split into, where there are few rows
    size_t blocks;
    atomic_size_t next; // block to be taken
} product;

// Rows a block, a multiple of ROWS: their codes stay in the second-level cache beside a panel of weights.
static size_t rows_a_block(const ckernels_convolution_shape *s) {
    enum { BLOCK_BYTES = 192 << 10, MOST_ROWS = 192 };
    const size_t fitting = BLOCK_BYTES / depth(s) / ROWS * ROWS;
    return fitting < ROWS ? ROWS : fitting > MOST_ROWS ? MOST_ROWS : fitting;
}

static size_t block_count(const ckernels_convolution_shape *s) {
    return (row_count(s) + rows_a_block(s) - 1) / rows_a_block(s);
}

// Whether there are so many blocks that each thread can quantise its own.
static bool has_many_rows(const ckernels_convolution_shape *s, int threads) {
    return block_count(s) >= 4 * (size_t)threads;
}

// Rows whose codes are kept at once.
static size_t kept_rows(const ckernels_convolution_shape *s, int threads) {
    return has_many_rows(s, threads) ? rows_a_block(s) * (size_t)threads : up(row_count(s), ROWS);
}

static size_t scratch_size(const ckernels_convolution_shape *s, int threads) {
    return up(kept_rows(s, threads) * depth(s), 64) + kept_rows(s, threads) * sizeof(float);
}

static void quantize_rows(const product *job, size_t first, size_t end, uint8_t *codes, float *scales) {
    const ckernels_convolution_shape *s = job->shape;
    const size_t in = (size_t)s->in_channels, kernel = (size_t)s->kernel, height = out_height(s), width = out_width(s);
    const size_t element_size = s->type == CKERNELS_F32 ? 4 : 2;
    for (size_t row = first; row < end; row++) {
        const size_t picture = row / (height * width), top = row / width % height, left = row % width;
        const void *pieces[LARGEST_TAPS];
        for (size_t tap = 0; tap < kernel * kernel; tap++) {
            const int64_t y = (int64_t)(top * (size_t)s->stride + tap / kernel) - s->pad_begin;
            const int64_t x = (int64_t)(left * (size_t)s->stride + tap % kernel) - s->pad_begin;
            const bool inside = y >= 0 && y < s->height && x >= 0 && x < s->width;
            const size_t pixel = (picture * (size_t)s->height + (size_t)y) * (size_t)s->width + (size_t)x;
            pieces[tap] = inside ? (const char *)job->x + pixel * in * element_size : NULL;
        }
        scales[row - first] =
            job->table->quantize(pieces, kernel * kernel, in, s->type, codes + (row - first) * depth(s));
    }
}

// Rows from `first` on, times the panels of one part.
static void multiply_rows(const product *job, size_t first, size_t rows, size_t part, const uint8_t *codes,
                          const float *scales) {
    const ckernels_convolution_shape *s = job->shape;
    const size_t out = (size_t)s->out_channels, panels = panel_count(s);
    const size_t element_size = s->type == CKERNELS_F32 ? 4 : 2;
    for (size_t index = panels * part / job->parts; index < panels * (part + 1) / job->parts; index++) {
        const ckernels_int8_panel panel = panel_at(s, job->packed, index);
        const size_t column = index * PANEL;
        job->table->multiply(codes, scales, rows, depth(s), &panel, job->bias ? job->bias + column : NULL,
                             (char *)job->y + (first * out + column) * element_size, s->type,
                             out - column < PANEL ? out - column : PANEL, out, s->accumulate);
    }
}

static size_t rows_of_block(const product *job, size_t index) {
    const size_t left = row_count(job->shape) - index * job->block;
    return left < job->block ? left : job->block;
}

// Many rows: each thread quantises a block and multiplies it while it is in the cache.
static void take_blocks(void *context, size_t worker) {
    product *job = context;
    uint8_t *codes = job->codes + worker * job->block * depth(job->shape);
    float *scales = job->scales + worker * job->block;
    size_t index;
    while ((index = atomic_fetch_add_explicit(&job->next, 1, memory_order_relaxed)) < job->blocks) {
        const size_t first = index * job->block, rows = rows_of_block(job, index);
        quantize_rows(job, first, first + rows, codes, scales);
        multiply_rows(job, first, rows, 0, codes, scales);
    }
}

// Few rows: all are quantised first, then shared out by block and out channels.
enum { QUANTIZED_AT_ONCE = 32 };

static void quantize_some(void *context, size_t item) {
    const product *job = context;
    const size_t rows = row_count(job->shape), first = item * QUANTIZED_AT_ONCE;
    const size_t end = first + QUANTIZED_AT_ONCE < rows ? first + QUANTIZED_AT_ONCE : rows;
    quantize_rows(job, first, end, job->codes + first * depth(job->shape), job->scales + first);
}

static void multiply_some(void *context, size_t item) {
    const product *job = context;
    const size_t index = item / job->parts, first = index * job->block;
    multiply_rows(job, first, rows_of_block(job, index), item % job->parts, job->codes + first * depth(job->shape),
                  job->scales + first);
}

const ckernels_int8_table *ckernels_int8_kernels(ckernels_isa most) {
#if defined(__x86_64__)
    if (most >= CKERNELS_AVX512 && ckernels_has_vnni()) return &ckernels_int8_avx512;
    if (most >= CKERNELS_AVX2 && ckernels_current_isa() >= CKERNELS_AVX2) return &ckernels_int8_avx2;
#endif
    (void)most;
    return &ckernels_int8_ref;
}

static void execute(const ckernels_convolution_shape *s, int threads, const void *x, const void *packed,
                    const float *bias, void *y, void *scratch) {
    enum { ITEMS_A_THREAD = 4 };
    float *scales = (float *)((char *)scratch + up(kept_rows(s, threads) * depth(s), 64));
    product job = {s,
                   ckernels_int8_kernels(ckernels_current_isa()),
                   x,
                   packed,
                   bias,
                   y,
                   scratch,
                   scales,
                   rows_a_block(s),
                   1,
                   block_count(s),
                   0};
    if (has_many_rows(s, threads)) {
        parallel_for((size_t)threads, take_blocks, &job);
        return;
    }
    job.parts = (ITEMS_A_THREAD * (size_t)threads + job.blocks - 1) / job.blocks;
    if (job.parts > panel_count(s)) job.parts = panel_count(s);
    parallel_for((row_count(s) + QUANTIZED_AT_ONCE - 1) / QUANTIZED_AT_ONCE, quantize_some, &job);
    parallel_for(job.blocks * job.parts, multiply_some, &job);
}

const ckernels_form ckernels_direct_int8 = {"direct:int8", suits, weights_size, scratch_size, pack, execute};

// --- Scalar kernels --------------------------------------------------------------------------------------------------

float ckernels_int8_quantize(const void *const *pieces, size_t count, size_t length, ckernels_type type,
                             uint8_t *codes) {
    float largest = 0;
    for (size_t piece = 0; piece < count; piece++)
        for (size_t i = 0; pieces[piece] && i < length; i++) {
            const float size = fabsf(element(pieces[piece], type, i));
            if (!(size <= largest)) largest = size;
            if (isnan(largest)) return largest;
        }
    const float inverse = ckernels_int8_inverse(largest);
    for (size_t piece = 0; piece < count; piece++)
        for (size_t i = 0; i < length; i++) {
            const float scaled = pieces[piece] ? element(pieces[piece], type, i) * inverse : 0;
            codes[piece * length + i] = (uint8_t)((isfinite(scaled) ? (int)lrintf(scaled) : 0) + 128);
        }
    for (size_t i = count * length; i % 4; i++) codes[i] = 128;
    return ckernels_int8_scale(largest);
}

void ckernels_int8_finish(const int32_t *sums, float row_scale, const float *scales, const float *bias, void *y,
                          ckernels_type type, size_t columns, bool accumulate) {
    float values[PANEL];
    for (size_t k = 0; k < columns; k++) {
        values[k] = (float)sums[k] * row_scale * scales[k];
        if (bias) values[k] += bias[k];
        if (accumulate) values[k] += element(y, type, k);
    }
    ckernels_table_ref.convert(values, CKERNELS_F32, y, type, columns);
}

static void multiply(const uint8_t *codes, const float *row_scales, size_t rows, size_t depth,
                     const ckernels_int8_panel *panel, const float *bias, void *y, ckernels_type type, size_t columns,
                     size_t y_stride, bool accumulate) {
    const size_t row_size = y_stride * (type == CKERNELS_F32 ? 4 : 2);
    for (size_t row = 0; row < rows; row++, codes += depth) {
        int32_t sums[PANEL];
        memcpy(sums, panel->offsets, sizeof sums);
        for (size_t quad = 0; quad < depth / 4; quad++)
            for (size_t k = 0; k < PANEL; k++) {
                const int8_t *weights = panel->codes + (quad * PANEL + k) * 4;
                for (size_t i = 0; i < 4; i++) sums[k] += codes[4 * quad + i] * weights[i];
            }
        ckernels_int8_finish(sums, row_scales[row], panel->scales, bias, (char *)y + row * row_size, type, columns,
                             accumulate);
    }
}

const ckernels_int8_table ckernels_int8_ref = {ckernels_int8_quantize, multiply};
