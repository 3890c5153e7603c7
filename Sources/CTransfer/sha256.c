#include "CTransfer.h"

#include <string.h>

static const uint32_t constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t turned(uint32_t x, int by) { return x >> by | x << (32 - by); }

// The definition, block by block of 64 bytes.
static void plain_blocks(uint32_t state[8], const uint8_t *bytes, size_t count) {
    for (; count > 0; --count, bytes += 64) {
        uint32_t w[64];
        for (int t = 0; t < 16; ++t) {
            const uint8_t *b = bytes + 4 * t;
            w[t] = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
        }
        for (int t = 16; t < 64; ++t) {
            const uint32_t s0 = turned(w[t - 15], 7) ^ turned(w[t - 15], 18) ^ w[t - 15] >> 3;
            const uint32_t s1 = turned(w[t - 2], 17) ^ turned(w[t - 2], 19) ^ w[t - 2] >> 10;
            w[t] = w[t - 16] + s0 + w[t - 7] + s1;
        }
        uint32_t v[8];
        memcpy(v, state, sizeof v);
        // The names move on a place each round, the values stay: a is v[−t mod 8].
        for (int round = 0; round < 64; round += 8) {
#pragma clang loop unroll(full)
            for (int i = 0; i < 8; ++i) {
                const int t = round + i;
                uint32_t *const a = v + (8 - i) % 8, *const d = v + (11 - i) % 8, *const h = v + (15 - i) % 8;
                const uint32_t b = v[(9 - i) % 8], c = v[(10 - i) % 8], e = v[(12 - i) % 8];
                const uint32_t f = v[(13 - i) % 8], g = v[(14 - i) % 8];
                const uint32_t s1 = turned(e, 6) ^ turned(e, 11) ^ turned(e, 25);
                const uint32_t first = *h + s1 + ((e & f) ^ (~e & g)) + constants[t] + w[t];
                const uint32_t s0 = turned(*a, 2) ^ turned(*a, 13) ^ turned(*a, 22);
                *d += first;
                *h = first + s0 + ((*a & b) ^ (*a & c) ^ (b & c));
            }
        }
        for (int i = 0; i < 8; ++i) state[i] += v[i];
    }
}

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>

static bool has_own_instructions(void) {
    unsigned a, b, c, d;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(b & (1u << 29))) return false;
    return __get_cpuid(1, &a, &b, &c, &d) && (c & (1u << 19)) && (c & (1u << 9)); // SSE4.1 and SSSE3
}

// The same with the processor's SHA instructions, which keep the state as two halves, a b e f and c d g h.
__attribute__((target("sha,sse4.1,ssse3"))) static void own_blocks(uint32_t state[8], const uint8_t *bytes,
                                                                   size_t count) {
    const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
    const __m128i cdab = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)state), 0xB1);
    const __m128i efgh = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(state + 4)), 0x1B);
    __m128i abef = _mm_alignr_epi8(cdab, efgh, 8);
    __m128i cdgh = _mm_blend_epi16(efgh, cdab, 0xF0);
    for (; count > 0; --count, bytes += 64) {
        const __m128i old_abef = abef, old_cdgh = cdgh;
        __m128i w[16];
        for (int i = 0; i < 4; ++i) {
            w[i] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(bytes + 16 * i)), big_endian);
        }
#pragma clang loop unroll(full)
        for (int i = 0; i < 16; ++i) {
            if (i >= 4) {
                const __m128i sum =
                    _mm_add_epi32(_mm_sha256msg1_epu32(w[i - 4], w[i - 3]), _mm_alignr_epi8(w[i - 1], w[i - 2], 4));
                w[i] = _mm_sha256msg2_epu32(sum, w[i - 1]);
            }
            const __m128i wk = _mm_add_epi32(w[i], _mm_loadu_si128((const __m128i *)(constants + 4 * i)));
            cdgh = _mm_sha256rnds2_epu32(cdgh, abef, wk);
            abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(wk, 0x0E));
        }
        abef = _mm_add_epi32(abef, old_abef);
        cdgh = _mm_add_epi32(cdgh, old_cdgh);
    }
    const __m128i feba = _mm_shuffle_epi32(abef, 0x1B), dchg = _mm_shuffle_epi32(cdgh, 0xB1);
    _mm_storeu_si128((__m128i *)state, _mm_blend_epi16(feba, dchg, 0xF0));
    _mm_storeu_si128((__m128i *)(state + 4), _mm_alignr_epi8(dchg, feba, 8));
}
#else
static bool has_own_instructions(void) { return false; }
static void own_blocks(uint32_t state[8], const uint8_t *bytes, size_t count) { plain_blocks(state, bytes, count); }
#endif

static void blocks(ctransfer_sha256 *hash, const uint8_t *bytes, size_t count) {
    if (!hash->is_plain && has_own_instructions()) own_blocks(hash->state, bytes, count);
    else plain_blocks(hash->state, bytes, count);
}

void ctransfer_sha256_begin(ctransfer_sha256 *hash) {
    static const uint32_t start[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    memset(hash, 0, sizeof *hash);
    memcpy(hash->state, start, sizeof start);
}

void ctransfer_sha256_add(ctransfer_sha256 *hash, const void *bytes, size_t count) {
    const uint8_t *next = bytes;
    const size_t held = hash->length % 64;
    if (count == 0) return;
    hash->length += count;
    if (held > 0) {
        const size_t taken = count < 64 - held ? count : 64 - held;
        memcpy(hash->rest + held, next, taken);
        next += taken;
        count -= taken;
        if (held + taken < 64) return;
        blocks(hash, hash->rest, 1);
    }
    if (count >= 64) blocks(hash, next, count / 64);
    memcpy(hash->rest, next + count / 64 * 64, count % 64);
}

void ctransfer_sha256_end(ctransfer_sha256 *hash, uint8_t digest[32]) {
    const uint64_t bits = hash->length * 8;
    uint8_t tail[72] = {0x80};
    const size_t held = hash->length % 64;
    const size_t padding = held < 56 ? 56 - held : 120 - held;
    for (int i = 0; i < 8; ++i) tail[padding + (size_t)i] = (uint8_t)(bits >> (56 - 8 * i));
    ctransfer_sha256_add(hash, tail, padding + 8);
    for (int i = 0; i < 32; ++i) digest[i] = (uint8_t)(hash->state[i / 4] >> (24 - i % 4 * 8));
}
