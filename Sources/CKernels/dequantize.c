// Elements of 8-bit floats, f64 and GGUF's quantised types, one by one: the layouts of the last are those of
// ggml-common.h (ggml, MIT), and the order of the arithmetic is that of the gguf package's `quants.py`, whose results
// these are to the last bit.

#include "CKernels.h"

#include <string.h>

// Products are rounded before they are added.
#pragma STDC FP_CONTRACT OFF

size_t ckernels_block_length(ckernels_block_format format) {
    return format >= CKERNELS_F8_E4M3 ? 1 : format >= CKERNELS_Q2_K ? 256 : 32;
}

size_t ckernels_block_size(ckernels_block_format format) {
    switch (format) {
    case CKERNELS_Q4_0: return 18;
    case CKERNELS_Q4_1: return 20;
    case CKERNELS_Q5_0: return 22;
    case CKERNELS_Q5_1: return 24;
    case CKERNELS_Q8_0: return 34;
    case CKERNELS_Q2_K: return 84;
    case CKERNELS_Q3_K: return 110;
    case CKERNELS_Q4_K: return 144;
    case CKERNELS_Q5_K: return 176;
    case CKERNELS_Q6_K: return 210;
    case CKERNELS_F8_E4M3:
    case CKERNELS_F8_E5M2: return 1;
    case CKERNELS_F64: return 8;
    }
    return 0;
}

static float half_at(const uint8_t *bytes) {
    const uint32_t bits = bytes[0] | (uint32_t)bytes[1] << 8;
    const uint32_t sign = (bits & 0x8000) << 16, exponent = (bits >> 10) & 31, mantissa = bits & 1023;
    if (exponent == 0) {
        const float magnitude = (float)mantissa * 0x1p-24f;
        return sign ? -magnitude : magnitude;
    }
    const uint32_t wide = sign | (exponent == 31 ? 0xFF : exponent + 112) << 23 | mantissa << 13;
    float value;
    memcpy(&value, &wide, sizeof value);
    return value;
}

static uint32_t word_at(const uint8_t *bytes) {
    return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

// Code i of 32 in 16 bytes: the lower halves are the first 16.
static int nibble(const uint8_t *codes, int i) { return i < 16 ? codes[i] & 15 : codes[i - 16] >> 4; }

static void q4_0(const uint8_t *b, float *y) {
    const float d = half_at(b);
    for (int i = 0; i < 32; ++i) y[i] = d * (float)(nibble(b + 2, i) - 8);
}

static void q4_1(const uint8_t *b, float *y) {
    const float d = half_at(b), m = half_at(b + 2);
    for (int i = 0; i < 32; ++i) {
        const float product = d * (float)nibble(b + 4, i);
        y[i] = product + m;
    }
}

static void q5_0(const uint8_t *b, float *y) {
    const float d = half_at(b);
    const uint32_t high = word_at(b + 2);
    for (int i = 0; i < 32; ++i) y[i] = d * (float)((nibble(b + 6, i) | (int)(high >> i & 1) << 4) - 16);
}

static void q5_1(const uint8_t *b, float *y) {
    const float d = half_at(b), m = half_at(b + 2);
    const uint32_t high = word_at(b + 4);
    for (int i = 0; i < 32; ++i) {
        const float product = d * (float)(nibble(b + 8, i) | (int)(high >> i & 1) << 4);
        y[i] = product + m;
    }
}

static void q8_0(const uint8_t *b, float *y) {
    const float d = half_at(b);
    for (int i = 0; i < 32; ++i) y[i] = (float)(int8_t)b[2 + i] * d;
}

static void q2_k(const uint8_t *b, float *y) {
    const uint8_t *scales = b, *codes = b + 16;
    const float d = half_at(b + 80), m = half_at(b + 82);
    for (int i = 0; i < 256; ++i) {
        // Runs of 128 share 32 bytes, four codes of two bits a byte.
        const int code = codes[i / 128 * 32 + i % 32] >> (i / 32 % 4 * 2) & 3;
        const int scale = scales[i / 16];
        const float step = d * (float)(scale & 15), offset = m * (float)(scale >> 4);
        const float product = step * (float)code;
        y[i] = product - offset;
    }
}

static void q3_k(const uint8_t *b, float *y) {
    const uint8_t *high = b, *codes = b + 32, *scales = b + 96;
    const float d = half_at(b + 108);
    for (int i = 0; i < 256; ++i) {
        const int part = i / 16;
        const int low = part < 8 ? scales[part] & 15 : scales[part - 8] >> 4;
        const int scale = (low | (scales[8 + part % 4] >> (part / 4 * 2) & 3) << 4) - 32;
        const int code = codes[i / 128 * 32 + i % 32] >> (i / 32 % 4 * 2) & 3;
        // A bit that is not set takes four away.
        const int isHigh = high[i % 32] >> (i / 32) & 1;
        const float step = d * (float)scale;
        y[i] = step * (float)(code - (isHigh ? 0 : 4));
    }
}

// The scale and the minimum of part 0 … 7, six bits each in 12 bytes.
static void six_bits(const uint8_t *s, int part, int *scale, int *minimum) {
    if (part < 4) {
        *scale = s[part] & 63;
        *minimum = s[part + 4] & 63;
    } else {
        *scale = (s[part + 4] & 15) | (s[part - 4] >> 2 & 48);
        *minimum = s[part + 4] >> 4 | (s[part] >> 2 & 48);
    }
}

static void q4_k(const uint8_t *b, float *y) {
    const float d = half_at(b), m = half_at(b + 2);
    for (int part = 0; part < 8; ++part) {
        int scale, minimum;
        six_bits(b + 4, part, &scale, &minimum);
        const float step = d * (float)scale, offset = m * (float)minimum;
        for (int i = 0; i < 32; ++i) {
            const int code = b[16 + part / 2 * 32 + i] >> (part % 2 * 4) & 15;
            const float product = step * (float)code;
            y[part * 32 + i] = product - offset;
        }
    }
}

static void q5_k(const uint8_t *b, float *y) {
    const float d = half_at(b), m = half_at(b + 2);
    for (int part = 0; part < 8; ++part) {
        int scale, minimum;
        six_bits(b + 4, part, &scale, &minimum);
        const float step = d * (float)scale, offset = m * (float)minimum;
        for (int i = 0; i < 32; ++i) {
            const int low = b[48 + part / 2 * 32 + i] >> (part % 2 * 4) & 15;
            const float product = step * (float)(low | (b[16 + i] >> part & 1) << 4);
            y[part * 32 + i] = product - offset;
        }
    }
}

static void q6_k(const uint8_t *b, float *y) {
    const uint8_t *low = b, *high = b + 128, *scales = b + 192;
    const float d = half_at(b + 208);
    for (int i = 0; i < 256; ++i) {
        // Runs of 128: 64 bytes of lower halves, of which the first and second 32 elements take the lower four bits.
        const int run = i / 128, within = i % 128;
        const int nibbles = low[run * 64 + within % 64] >> (within / 64 * 4) & 15;
        const int bits = high[run * 32 + within % 32] >> (within / 32 * 2) & 3;
        const float step = d * (float)(int8_t)scales[i / 16];
        y[i] = step * (float)((nibbles | bits << 4) - 32);
    }
}

static void f8_e4m3(const uint8_t *b, float *y, size_t count) {
    for (size_t i = 0; i < count; ++i) {
        const uint32_t sign = (uint32_t)(b[i] & 0x80) << 24, exponent = b[i] >> 3 & 15, mantissa = b[i] & 7;
        const float small = (float)mantissa * 0x1p-9f;
        uint32_t bits;
        memcpy(&bits, &small, sizeof bits);
        if (exponent != 0) bits = (exponent + 120) << 23 | mantissa << 20;
        if ((b[i] & 0x7F) == 0x7F) bits = 0x7FC00000;
        bits |= sign;
        memcpy(&y[i], &bits, sizeof bits);
    }
}

static void f8_e5m2(const uint8_t *b, float *y, size_t count) {
    for (size_t i = 0; i < count; ++i) {
        const uint8_t half[2] = {0, b[i]};
        y[i] = half_at(half);
    }
}

static void f64(const uint8_t *b, float *y, size_t count) {
    for (size_t i = 0; i < count; ++i) {
        double value;
        memcpy(&value, b + 8 * i, sizeof value);
        y[i] = (float)value;
    }
}

void ckernels_dequantize(ckernels_block_format format, const void *blocks, float *y, size_t count) {
    switch (format) {
    case CKERNELS_F8_E4M3: f8_e4m3(blocks, y, count); return;
    case CKERNELS_F8_E5M2: f8_e5m2(blocks, y, count); return;
    case CKERNELS_F64: f64(blocks, y, count); return;
    default: break;
    }
    static void (*const formats[])(const uint8_t *, float *) = {q4_0, q4_1, q5_0, q5_1, q8_0,
                                                                q2_k, q3_k, q4_k, q5_k, q6_k};
    const size_t size = ckernels_block_size(format), length = ckernels_block_length(format);
    for (size_t block = 0; block < count; ++block) {
        formats[format]((const uint8_t *)blocks + block * size, y + block * length);
    }
}
