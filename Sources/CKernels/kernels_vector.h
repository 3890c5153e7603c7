// The vector form of every kernel, for any width: the including file defines WIDTH (floats in a register) and TABLE, and
// sets the target around the inclusion. Written with the compiler's vector extension so that one text serves AVX2,
// AVX-512 and NEON. Definitions: kernels_ref.c.

#include "tables.h"

#include <float.h>
#include <math.h>
#include <string.h>

typedef float vf __attribute__((ext_vector_type(WIDTH)));
typedef int32_t vi __attribute__((ext_vector_type(WIDTH)));
typedef uint32_t vu __attribute__((ext_vector_type(WIDTH)));
typedef uint16_t vh __attribute__((ext_vector_type(WIDTH)));
typedef _Float16 vhf __attribute__((ext_vector_type(WIDTH)));

#define INLINE static inline __attribute__((always_inline))

INLINE size_t element_size(ckernels_type type) { return type == CKERNELS_F32 ? 4 : 2; }

INLINE vf select(vi condition, vf yes, vf no) { return (vf)((condition & (vi)yes) | (~condition & (vi)no)); }

// `count` values from element i on, the rest of the register zero.
INLINE vf load(const void *x, ckernels_type type, size_t i, size_t count) {
    const char *from = (const char *)x + i * element_size(type);
    if (type == CKERNELS_F32) {
        vf value = 0;
        if (count == WIDTH) memcpy(&value, from, sizeof value);
        else memcpy(&value, from, count * 4);
        return value;
    }
    vh bits = 0;
    if (count == WIDTH) memcpy(&bits, from, sizeof bits);
    else memcpy(&bits, from, count * 2);
    if (type == CKERNELS_F16) return __builtin_convertvector((vhf)bits, vf);
    return (vf)(__builtin_convertvector(bits, vu) << 16);
}

INLINE void store(void *y, ckernels_type type, size_t i, size_t count, vf value) {
    char *to = (char *)y + i * element_size(type);
    if (type == CKERNELS_F32) {
        if (count == WIDTH) memcpy(to, &value, sizeof value);
        else memcpy(to, &value, count * 4);
        return;
    }
    const vu bits = (vu)value;
    const vu rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
    const vi nan = value != value;
    const vu kept = ((bits >> 16) | 0x40);
    const vh half = __builtin_convertvector((rounded & ~(vu)nan) | (kept & (vu)nan), vh);
    if (count == WIDTH) memcpy(to, &half, sizeof half);
    else memcpy(to, &half, count * 2);
}

#define FOR_VECTORS(i, n, total)                                                                                       \
    for (size_t i = 0, n; i < (total) && (n = (total) - i < WIDTH ? (total) - i : WIDTH, true); i += WIDTH)

// eˣ to 2 ulp for −87.3 ≤ x ≤ 88.3, clamped outside (Cody and Waite's reduction, Taylor's series to degree 7).
INLINE vf exp_vector(vf x) {
    // A NaN must stay one: select() keeps x where the comparison is false.
    x = select(x > 88.3f, (vf)88.3f, x);
    x = select(x < -87.3f, (vf)-87.3f, x);
    const vf magic = 12582912.0f; // 1.5 · 2²³: adding it rounds to an integer in the low bits
    const vf shifted = x * 1.44269504f + magic;
    const vf n = shifted - magic;
    vf r = x - n * 0.693359375f;
    r = r - n * -2.12194440e-4f;
    vf p = 1.0f / 5040;
    p = p * r + 1.0f / 720;
    p = p * r + 1.0f / 120;
    p = p * r + 1.0f / 24;
    p = p * r + 1.0f / 6;
    p = p * r + 0.5f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    const vi power = ((vi)shifted - (vi)magic + 127) << 23;
    return p * (vf)power;
}

INLINE vf sigmoid_vector(vf x) { return 1.0f / (1.0f + exp_vector(-x)); }

// x · Φ(x) with erf by Abramowitz and Stegun 7.1.26 (absolute error below 1.5e-7).
INLINE vf gelu_vector(vf x) {
    const vf z = x * 0.70710678f;
    const vf a = select(z < 0.0f, -z, z);
    const vf t = 1.0f / (1.0f + 0.3275911f * a);
    vf p = 1.061405429f;
    p = p * t - 1.453152027f;
    p = p * t + 1.421413741f;
    p = p * t - 0.284496736f;
    p = p * t + 0.254829592f;
    const vf tail = p * t * exp_vector(-a * a); // 1 − erf(a)
    return 0.5f * x * select(z < 0.0f, tail, 2.0f - tail);
}

INLINE vf activate_vector(vf x, ckernels_activation activation) {
    switch (activation) {
    case CKERNELS_NONE: return x;
    case CKERNELS_SILU: return x * sigmoid_vector(x);
    case CKERNELS_QUICK_GELU: return x * sigmoid_vector(1.702f * x);
    case CKERNELS_GELU: return gelu_vector(x);
    }
    return x;
}

INLINE float total(vf x) {
    float sum = 0;
    for (int i = 0; i < WIDTH; i++) sum += x[i];
    return sum;
}

INLINE float largest(vf x) {
    float most = x[0];
    for (int i = 1; i < WIDTH; i++) most = x[i] > most ? x[i] : most;
    return most;
}

INLINE void convert_body(const void *x, ckernels_type x_type, void *y, ckernels_type y_type, size_t count) {
    FOR_VECTORS(i, n, count) store(y, y_type, i, n, load(x, x_type, i, n));
}

static void convert(const void *x, ckernels_type x_type, void *y, ckernels_type y_type, size_t count) {
    if (x_type == y_type) memcpy(y, x, count * element_size(x_type));
    else if (y_type == CKERNELS_F32 && x_type == CKERNELS_F16) convert_body(x, CKERNELS_F16, y, CKERNELS_F32, count);
    else if (y_type == CKERNELS_F32) convert_body(x, CKERNELS_BF16, y, CKERNELS_F32, count);
    else if (x_type == CKERNELS_F16) convert_body(x, CKERNELS_F16, y, CKERNELS_BF16, count);
    else convert_body(x, CKERNELS_F32, y, CKERNELS_BF16, count);
}

// Sums in f32 over at most 32 pixels, then in double, so that the variance of a large picture keeps its digits.
INLINE void channel_sums_body(const void *x, ckernels_type type, size_t pixels, size_t channels, double *sum,
                              double *square_sum) {
    for (size_t first = 0; first < pixels; first += 32) {
        const size_t end = first + 32 < pixels ? first + 32 : pixels;
        FOR_VECTORS(c, n, channels) {
            vf s = 0, q = 0;
            for (size_t p = first; p < end; p++) {
                const vf value = load(x, type, p * channels + c, n);
                s += value;
                q += value * value;
            }
            for (size_t k = 0; k < n; k++) {
                sum[c + k] += s[k];
                square_sum[c + k] += q[k];
            }
        }
    }
}

static void channel_sums(const void *x, ckernels_type type, size_t pixels, size_t channels, double *sum,
                         double *square_sum) {
    if (type == CKERNELS_BF16) channel_sums_body(x, CKERNELS_BF16, pixels, channels, sum, square_sum);
    else channel_sums_body(x, CKERNELS_F32, pixels, channels, sum, square_sum);
}

INLINE void scale_shift_body(const void *x, void *y, ckernels_type type, size_t pixels, size_t channels,
                             const float *scale, const float *shift, bool silu) {
    for (size_t p = 0; p < pixels; p++) FOR_VECTORS(c, n, channels) {
            vf value = load(x, type, p * channels + c, n);
            value = value * load(scale, CKERNELS_F32, c, n) + load(shift, CKERNELS_F32, c, n);
            if (silu) value *= sigmoid_vector(value);
            store(y, type, p * channels + c, n, value);
        }
}

static void scale_shift(const void *x, void *y, ckernels_type type, size_t pixels, size_t channels, const float *scale,
                        const float *shift, bool silu) {
    if (type == CKERNELS_BF16) {
        if (silu) scale_shift_body(x, y, CKERNELS_BF16, pixels, channels, scale, shift, true);
        else scale_shift_body(x, y, CKERNELS_BF16, pixels, channels, scale, shift, false);
    } else {
        if (silu) scale_shift_body(x, y, CKERNELS_F32, pixels, channels, scale, shift, true);
        else scale_shift_body(x, y, CKERNELS_F32, pixels, channels, scale, shift, false);
    }
}

INLINE void layer_norm_body(const void *x, void *y, ckernels_type type, size_t rows, size_t channels,
                            const float *gamma, const float *beta, float epsilon) {
    for (size_t r = 0; r < rows; r++) {
        const size_t row = r * channels;
        vf s = 0;
        FOR_VECTORS(c, n, channels) s += load(x, type, row + c, n);
        const float mean = total(s) / (float)channels;
        vf q = 0;
        FOR_VECTORS(c, n, channels) {
            vf d = load(x, type, row + c, n) - mean;
            if (n < WIDTH)
                for (size_t k = n; k < WIDTH; k++) d[k] = 0;
            q += d * d;
        }
        const float inverse = 1.0f / sqrtf(total(q) / (float)channels + epsilon);
        FOR_VECTORS(c, n, channels) {
            const vf value = (load(x, type, row + c, n) - mean) * inverse;
            store(y, type, row + c, n, value * load(gamma, CKERNELS_F32, c, n) + load(beta, CKERNELS_F32, c, n));
        }
    }
}

static void layer_norm(const void *x, void *y, ckernels_type type, size_t rows, size_t channels, const float *gamma,
                       const float *beta, float epsilon) {
    if (type == CKERNELS_BF16) layer_norm_body(x, y, CKERNELS_BF16, rows, channels, gamma, beta, epsilon);
    else layer_norm_body(x, y, CKERNELS_F32, rows, channels, gamma, beta, epsilon);
}

INLINE void geglu_body(const void *x, void *y, ckernels_type type, size_t rows, size_t channels) {
    for (size_t r = 0; r < rows; r++) FOR_VECTORS(c, n, channels) {
            const vf value = load(x, type, r * 2 * channels + c, n);
            const vf gate = load(x, type, r * 2 * channels + channels + c, n);
            store(y, type, r * channels + c, n, value * gelu_vector(gate));
        }
}

static void geglu(const void *x, void *y, ckernels_type type, size_t rows, size_t channels) {
    if (type == CKERNELS_BF16) geglu_body(x, y, CKERNELS_BF16, rows, channels);
    else geglu_body(x, y, CKERNELS_F32, rows, channels);
}

INLINE void activate_body(const void *x, void *y, ckernels_type type, size_t count, ckernels_activation activation) {
    FOR_VECTORS(i, n, count) store(y, type, i, n, activate_vector(load(x, type, i, n), activation));
}

static void activate(const void *x, void *y, ckernels_type type, size_t count, ckernels_activation activation) {
    if (type == CKERNELS_BF16) activate_body(x, y, CKERNELS_BF16, count, activation);
    else activate_body(x, y, CKERNELS_F32, count, activation);
}

static void softmax(float *x, size_t count) {
    vf most = -FLT_MAX;
    size_t whole = count - count % WIDTH;
    for (size_t i = 0; i < whole; i += WIDTH) {
        const vf value = load(x, CKERNELS_F32, i, WIDTH);
        most = select(value > most, value, most);
    }
    float maximum = largest(most);
    for (size_t i = whole; i < count; i++) maximum = x[i] > maximum ? x[i] : maximum;
    vf sums = 0;
    FOR_VECTORS(i, n, count) {
        vf value = exp_vector(load(x, CKERNELS_F32, i, n) - maximum);
        if (n < WIDTH)
            for (size_t k = n; k < WIDTH; k++) value[k] = 0;
        sums += value;
        store(x, CKERNELS_F32, i, n, value);
    }
    const float inverse = 1.0f / total(sums);
    FOR_VECTORS(i, n, count) store(x, CKERNELS_F32, i, n, load(x, CKERNELS_F32, i, n) * inverse);
}

const ckernels_table TABLE = {convert, channel_sums, scale_shift, layer_norm, geglu, activate, softmax};
