// The vector form of every kernel, for any width: the including file defines WIDTH (floats in a register) and TABLE, and
// sets the target around the inclusion. Written with the compiler's vector extension so that one text serves AVX2,
// AVX-512 and NEON. NATIVE_BF16, if defined, says that the target has AVX-512 BF16. Definitions: kernels_ref.c.

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

INLINE vf choose(vi condition, vf yes, vf no) { return (vf)((condition & (vi)yes) | (~condition & (vi)no)); }

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

// The same where subnormal numbers may become zero, which is what the instruction does.
INLINE void store_result(void *y, ckernels_type type, size_t i, size_t count, vf value) {
#ifdef NATIVE_BF16
    if (type == CKERNELS_BF16) {
        const __m256i half = (__m256i)_mm512_cvtneps_pbh((__m512)value);
        // Apart, as a length that is not known is a call.
        if (count == WIDTH) memcpy((char *)y + 2 * i, &half, sizeof half);
        else memcpy((char *)y + 2 * i, &half, 2 * count);
        return;
    }
#endif
    store(y, type, i, count, value);
}

// 1 / x, as exact as a result of that type needs.
INLINE vf reciprocal(vf x, ckernels_type type) {
#ifdef NATIVE_BF16
    if (type == CKERNELS_BF16) return (vf)_mm512_rcp14_ps((__m512)x);
#endif
    (void)type;
    return 1.0f / x;
}

#define FOR_VECTORS(i, n, total)                                                                                       \
    for (size_t i = 0, n; i < (total) && (n = (total) - i < WIDTH ? (total) - i : WIDTH, true); i += WIDTH)

// eˣ for −87.3 ≤ x ≤ 88.3, clamped outside (Cody and Waite's reduction, Taylor's series): to degree 7, which is exact to 2
// ulp, or 4, to 5e-5, for results in bf16.
INLINE vf exp_vector(vf x, ckernels_type type) {
#ifdef NATIVE_BF16
    if (type == CKERNELS_BF16) { // 2^(x / ln 2) to 1e-4, by the minimax polynomial of 2^f on |f| ≤ ½; not clamped
        const __m512 scaled = (__m512)(x * 1.44269504f);
        const __m512 n = _mm512_roundscale_ps(scaled, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
        const vf f = (vf)scaled - (vf)n;
        vf p = 5.517167e-2f;
        p = p * f + 2.4261113e-1f;
        p = p * f + 6.9326099e-1f;
        p = p * f + 9.9992807e-1f;
        return (vf)_mm512_scalef_ps((__m512)p, n);
    }
#endif
    // A NaN must stay one: choose() keeps x where the comparison is false.
    x = choose(x > 88.3f, (vf)88.3f, x);
    x = choose(x < -87.3f, (vf)-87.3f, x);
    const vf magic = 12582912.0f; // 1.5 · 2²³: adding it rounds to an integer in the low bits
    const vf shifted = x * 1.44269504f + magic;
    const vf n = shifted - magic;
    vf r = x - n * 0.693359375f;
    r = r - n * -2.12194440e-4f;
    vf p = 1.0f / 24;
    if (type == CKERNELS_F32) {
        p = 1.0f / 5040;
        p = p * r + 1.0f / 720;
        p = p * r + 1.0f / 120;
        p = p * r + 1.0f / 24;
    }
    p = p * r + 1.0f / 6;
    p = p * r + 0.5f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    const vi power = ((vi)shifted - (vi)magic + 127) << 23;
    return p * (vf)power;
}

INLINE vf sigmoid_vector(vf x, ckernels_type type) { return reciprocal(1.0f + exp_vector(-x, type), type); }

// x · Φ(x) with erf by Abramowitz and Stegun: 7.1.26 (absolute error below 1.5e-7), or 7.1.25 (2.5e-5) for results in bf16.
INLINE vf gelu_vector(vf x, ckernels_type type) {
    const vf z = x * 0.70710678f;
    const vf a = choose(z < 0.0f, -z, z);
    vf p, t;
    if (type == CKERNELS_F32) {
        t = reciprocal(1.0f + 0.3275911f * a, type);
        p = 1.061405429f;
        p = p * t - 1.453152027f;
        p = p * t + 1.421413741f;
        p = p * t - 0.284496736f;
        p = p * t + 0.254829592f;
    } else {
        t = reciprocal(1.0f + 0.47047f * a, type);
        p = 0.7478556f;
        p = p * t - 0.0958798f;
        p = p * t + 0.3480242f;
    }
    const vf tail = p * t * exp_vector(-a * a, type); // 1 − erf(a)
    return 0.5f * x * choose(z < 0.0f, tail, 2.0f - tail);
}

INLINE vf activate_vector(vf x, ckernels_activation activation, ckernels_type type) {
    switch (activation) {
    case CKERNELS_NONE: return x;
    case CKERNELS_SILU: return x * sigmoid_vector(x, type);
    case CKERNELS_QUICK_GELU: return x * sigmoid_vector(1.702f * x, type);
    case CKERNELS_GELU: return gelu_vector(x, type);
    case CKERNELS_RELU: return choose(x < 0.0f, (vf)0.0f, x);
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

// Sums in f32 over a stretch of pixels, then in double, so that the variance of a large picture keeps its digits.
INLINE void channel_sums_body(const void *x, ckernels_type type, size_t pixels, size_t channels, double *sum,
                              double *square_sum) {
    enum { AT_ONCE = 4 }; // registers of channels, so that whole cache lines are read
    const size_t stretch = type == CKERNELS_F32 ? 32 : 128;
    for (size_t first = 0; first < pixels; first += stretch) {
        const size_t end = first + stretch < pixels ? first + stretch : pixels;
        size_t c = 0;
        for (; c + AT_ONCE * WIDTH <= channels; c += AT_ONCE * WIDTH) {
            vf s[AT_ONCE] = {0}, q[AT_ONCE] = {0};
            for (size_t p = first; p < end; p++)
                for (size_t z = 0; z < AT_ONCE; z++) {
                    const vf value = load(x, type, p * channels + c + z * WIDTH, WIDTH);
                    s[z] += value;
                    q[z] += value * value;
                }
            for (size_t k = 0; k < AT_ONCE * WIDTH; k++) {
                sum[c + k] += ((const float *)s)[k];
                square_sum[c + k] += ((const float *)q)[k];
            }
        }
        for (size_t n; c < channels; c += n) {
            n = channels - c < WIDTH ? channels - c : WIDTH;
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
            if (silu) value *= sigmoid_vector(value, type);
            store_result(y, type, p * channels + c, n, value);
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
            store_result(y, type, row + c, n, value * load(gamma, CKERNELS_F32, c, n) + load(beta, CKERNELS_F32, c, n));
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
            store_result(y, type, r * channels + c, n, value * gelu_vector(gate, type));
        }
}

static void geglu(const void *x, void *y, ckernels_type type, size_t rows, size_t channels) {
    if (type == CKERNELS_BF16) geglu_body(x, y, CKERNELS_BF16, rows, channels);
    else geglu_body(x, y, CKERNELS_F32, rows, channels);
}

INLINE void activate_body(const void *x, void *y, ckernels_type type, size_t count, ckernels_activation activation) {
    FOR_VECTORS(i, n, count) store_result(y, type, i, n, activate_vector(load(x, type, i, n), activation, type));
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
        most = choose(value > most, value, most);
    }
    float maximum = largest(most);
    for (size_t i = whole; i < count; i++) maximum = x[i] > maximum ? x[i] : maximum;
    vf sums = 0;
    FOR_VECTORS(i, n, count) {
        vf value = exp_vector(load(x, CKERNELS_F32, i, n) - maximum, CKERNELS_F32);
        if (n < WIDTH)
            for (size_t k = n; k < WIDTH; k++) value[k] = 0;
        sums += value;
        store(x, CKERNELS_F32, i, n, value);
    }
    const float inverse = 1.0f / total(sums);
    FOR_VECTORS(i, n, count) store(x, CKERNELS_F32, i, n, load(x, CKERNELS_F32, i, n) * inverse);
}

const ckernels_table TABLE = {convert, channel_sums, scale_shift, layer_norm, geglu, activate, softmax};
