// The direct form of convolutions and matrix products in 8 bits, for any CPU: what is common, and the scalar kernels. A
// convolution with a larger kernel gathers the pixels under it to one row (Chellapilla et al. 2006).

#include "int8.h"
#include "form.h"
#include "tables.h"

#include <math.h>
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
        offsets[k] = 128 * sum;
    }
}

static void pack(const ckernels_convolution_shape *s, const void *plain, void *packed) {
    packing job = {s, plain, packed};
    ckernels_parallel_for(panel_count(s), pack_panel, &job);
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
    size_t rows;
    size_t block;        // rows that one item multiplies
    size_t panel_groups; // parts that the panels are split into
} product;

enum { QUANTIZED_AT_ONCE = 32 };

static size_t codes_size(const ckernels_convolution_shape *s) { return up(up(row_count(s), ROWS) * depth(s), 64); }

static size_t scratch_size(const ckernels_convolution_shape *s, int threads) {
    (void)threads;
    return codes_size(s) + up(row_count(s), ROWS) * sizeof(float);
}

static void quantize_rows(void *context, size_t item) {
    const product *job = context;
    const ckernels_convolution_shape *s = job->shape;
    const size_t in = (size_t)s->in_channels, kernel = (size_t)s->kernel, height = out_height(s), width = out_width(s);
    const size_t element_size = s->type == CKERNELS_F32 ? 4 : 2;
    const size_t end = (item + 1) * QUANTIZED_AT_ONCE < job->rows ? (item + 1) * QUANTIZED_AT_ONCE : job->rows;
    for (size_t row = item * QUANTIZED_AT_ONCE; row < end; row++) {
        const size_t picture = row / (height * width), top = row / width % height, left = row % width;
        const void *pieces[LARGEST_TAPS];
        for (size_t tap = 0; tap < kernel * kernel; tap++) {
            const int64_t y = (int64_t)(top * (size_t)s->stride + tap / kernel) - s->pad_begin;
            const int64_t x = (int64_t)(left * (size_t)s->stride + tap % kernel) - s->pad_begin;
            const bool inside = y >= 0 && y < s->height && x >= 0 && x < s->width;
            const size_t pixel = (picture * (size_t)s->height + (size_t)y) * (size_t)s->width + (size_t)x;
            pieces[tap] = inside ? (const char *)job->x + pixel * in * element_size : NULL;
        }
        job->scales[row] = job->table->quantize(pieces, kernel * kernel, in, s->type, job->codes + row * depth(s));
    }
}

static void multiply_block(void *context, size_t item) {
    const product *job = context;
    const ckernels_convolution_shape *s = job->shape;
    const size_t out = (size_t)s->out_channels, panels = panel_count(s);
    const size_t group = item % job->panel_groups, first = item / job->panel_groups * job->block;
    const size_t rows = job->rows - first < job->block ? job->rows - first : job->block;
    const size_t element_size = s->type == CKERNELS_F32 ? 4 : 2;
    for (size_t index = panels * group / job->panel_groups; index < panels * (group + 1) / job->panel_groups; index++) {
        const ckernels_int8_panel panel = panel_at(s, job->packed, index);
        const size_t column = index * PANEL;
        job->table->multiply(job->codes + first * depth(s), job->scales + first, rows, depth(s), &panel,
                             job->bias ? job->bias + column : NULL,
                             (char *)job->y + (first * out + column) * element_size, s->type,
                             out - column < PANEL ? out - column : PANEL, out, s->accumulate);
    }
}

static const ckernels_int8_table *table(void) {
#if defined(__x86_64__)
    if (ckernels_has_vnni()) return &ckernels_int8_avx512;
#endif
    return &ckernels_int8_ref;
}

static void execute(const ckernels_convolution_shape *s, int threads, const void *x, const void *packed,
                    const float *bias, void *y, void *scratch) {
    enum { BLOCK_BYTES = 192 << 10, MOST_ROWS = 192, ITEMS_A_THREAD = 4 };
    const size_t rows = row_count(s), panels = panel_count(s), fitting = BLOCK_BYTES / depth(s) / ROWS * ROWS;
    product job = {s, table(), x, packed, bias, y, scratch, (float *)((char *)scratch + codes_size(s)), rows};
    job.block = fitting < ROWS ? ROWS : fitting > MOST_ROWS ? MOST_ROWS : fitting;
    const size_t blocks = (rows + job.block - 1) / job.block, wanted = ITEMS_A_THREAD * (size_t)threads;
    job.panel_groups = (wanted + blocks - 1) / blocks;
    if (job.panel_groups > panels) job.panel_groups = panels;
    // What lies past the last row is multiplied too, and thrown away.
    memset(job.codes + rows * depth(s), 128, (up(rows, ROWS) - rows) * depth(s));
    ckernels_parallel_for((rows + QUANTIZED_AT_ONCE - 1) / QUANTIZED_AT_ONCE, quantize_rows, &job);
    ckernels_parallel_for(blocks * job.panel_groups, multiply_block, &job);
}

const ckernels_form ckernels_direct_int8 = {"direct:int8", suits, weights_size, scratch_size, pack, execute};

// --- Scalar kernels --------------------------------------------------------------------------------------------------

static float quantize(const void *const *pieces, size_t count, size_t length, ckernels_type type, uint8_t *codes) {
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

static void multiply(const uint8_t *codes, const float *row_scales, size_t rows, size_t depth,
                     const ckernels_int8_panel *panel, const float *bias, void *y, ckernels_type type, size_t columns,
                     size_t y_stride, bool accumulate) {
    const ckernels_table *kernels = &ckernels_table_ref;
    for (size_t row = 0; row < rows; row++, codes += depth) {
        int32_t sums[PANEL] = {0};
        for (size_t quad = 0; quad < depth / 4; quad++)
            for (size_t k = 0; k < PANEL; k++) {
                const int8_t *weights = panel->codes + (quad * PANEL + k) * 4;
                for (size_t i = 0; i < 4; i++) sums[k] += codes[4 * quad + i] * weights[i];
            }
        float values[PANEL];
        for (size_t k = 0; k < columns; k++) {
            const size_t at = row * y_stride + k;
            values[k] = (float)(sums[k] - panel->offsets[k]) * (row_scales[row] * panel->scales[k]);
            if (bias) values[k] += bias[k];
            if (accumulate) values[k] += element(y, type, at);
        }
        char *to = (char *)y + row * y_stride * (type == CKERNELS_F32 ? 4 : 2);
        kernels->convert(values, CKERNELS_F32, to, type, columns);
    }
}

const ckernels_int8_table ckernels_int8_ref = {quantize, multiply};
