// The reference of every kernel: written to be read, never optimised. The vector forms are tested against it.

#include "tables.h"

#include <math.h>
#include <string.h>

static float bf16_to_float(uint16_t bits) {
    uint32_t wide = (uint32_t)bits << 16;
    float value;
    memcpy(&value, &wide, sizeof value);
    return value;
}

// Round to nearest even; a NaN stays a (quiet) NaN.
static uint16_t float_to_bf16(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    if ((bits & 0x7fffffff) > 0x7f800000) return (uint16_t)((bits >> 16) | 0x40);
    return (uint16_t)((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

static float half_to_float(uint16_t bits) {
    const uint32_t sign = (uint32_t)(bits & 0x8000) << 16;
    const int exponent = (bits >> 10) & 31;
    const int mantissa = bits & 1023;
    float magnitude;
    if (exponent == 31) magnitude = mantissa ? NAN : INFINITY;
    else if (exponent == 0) magnitude = ldexpf((float)mantissa, -24);
    else magnitude = ldexpf((float)(mantissa + 1024), exponent - 25);
    return sign ? -magnitude : magnitude;
}

static float get(const void *x, ckernels_type type, size_t i) {
    switch (type) {
    case CKERNELS_BF16: return bf16_to_float(((const uint16_t *)x)[i]);
    case CKERNELS_F16: return half_to_float(((const uint16_t *)x)[i]);
    case CKERNELS_F32: break;
    }
    return ((const float *)x)[i];
}

static void put(void *y, ckernels_type type, size_t i, float value) {
    if (type == CKERNELS_BF16) ((uint16_t *)y)[i] = float_to_bf16(value);
    else ((float *)y)[i] = value;
}

static float sigmoid(float x) { return 1.0f / (1.0f + expf(-x)); }
static float gelu(float x) { return 0.5f * x * (1.0f + erff(x * 0.70710678f)); }

static void convert(const void *x, ckernels_type x_type, void *y, ckernels_type y_type, size_t count) {
    for (size_t i = 0; i < count; i++) put(y, y_type, i, get(x, x_type, i));
}

static void channel_sums(const void *x, ckernels_type type, size_t pixels, size_t channels, double *sum,
                         double *square_sum) {
    for (size_t p = 0; p < pixels; p++)
        for (size_t c = 0; c < channels; c++) {
            const double value = get(x, type, p * channels + c);
            sum[c] += value;
            square_sum[c] += value * value;
        }
}

static void scale_shift(const void *x, void *y, ckernels_type type, size_t pixels, size_t channels, const float *scale,
                        const float *shift, bool silu) {
    for (size_t p = 0; p < pixels; p++)
        for (size_t c = 0; c < channels; c++) {
            float value = get(x, type, p * channels + c) * scale[c] + shift[c];
            if (silu) value *= sigmoid(value);
            put(y, type, p * channels + c, value);
        }
}

static void layer_norm(const void *x, void *y, ckernels_type type, size_t rows, size_t channels, const float *gamma,
                       const float *beta, float epsilon) {
    for (size_t r = 0; r < rows; r++) {
        double sum = 0, square_sum = 0;
        for (size_t c = 0; c < channels; c++) sum += get(x, type, r * channels + c);
        const double mean = sum / (double)channels;
        for (size_t c = 0; c < channels; c++) {
            const double d = get(x, type, r * channels + c) - mean;
            square_sum += d * d;
        }
        const double inverse = 1.0 / sqrt(square_sum / (double)channels + epsilon);
        for (size_t c = 0; c < channels; c++) {
            const double value = (get(x, type, r * channels + c) - mean) * inverse;
            put(y, type, r * channels + c, (float)value * gamma[c] + beta[c]);
        }
    }
}

static void geglu(const void *x, void *y, ckernels_type type, size_t rows, size_t channels) {
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < channels; c++) {
            const float value = get(x, type, r * 2 * channels + c);
            const float gate = get(x, type, r * 2 * channels + channels + c);
            put(y, type, r * channels + c, value * gelu(gate));
        }
}

static void activate(const void *x, void *y, ckernels_type type, size_t count, ckernels_activation activation) {
    for (size_t i = 0; i < count; i++) {
        float value = get(x, type, i);
        switch (activation) {
        case CKERNELS_NONE: break;
        case CKERNELS_SILU: value *= sigmoid(value); break;
        case CKERNELS_QUICK_GELU: value *= sigmoid(1.702f * value); break;
        case CKERNELS_GELU: value = gelu(value); break;
        case CKERNELS_RELU: value = value < 0 ? 0 : value; break;
        }
        put(y, type, i, value);
    }
}

static void softmax(float *x, size_t count) {
    float maximum = -INFINITY;
    for (size_t i = 0; i < count; i++) maximum = fmaxf(maximum, x[i]);
    double sum = 0;
    for (size_t i = 0; i < count; i++) sum += x[i] = expf(x[i] - maximum);
    for (size_t i = 0; i < count; i++) x[i] = (float)(x[i] / sum);
}

const ckernels_table ckernels_table_ref = {convert, channel_sums, scale_shift, layer_norm, geglu, activate, softmax};
