#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <zlib.h>

/// Changes PNGs as libFuzzer changes anything, and then makes their checksums right, so that what was changed is read
/// and not thrown out at once. Half of the changes are made to the body of one chunk, whose length then is mended too,
/// and to what is deflated in it as it is inflated. Bytes before the signature choose how some targets read the file.

size_t LLVMFuzzerMutate(uint8_t *data, size_t count, size_t capacity);

enum { longest_head = 8, longest_body = 1 << 20 };

static const uint8_t signature[8] = {0x89, 'P', 'N', 'G', 0x0D, 0x0A, 0x1A, 0x0A};

static uint32_t read32(const uint8_t *data) {
    return (uint32_t)data[0] << 24 | (uint32_t)data[1] << 16 | (uint32_t)data[2] << 8 | data[3];
}

static void write32(uint8_t *data, uint32_t value) {
    for (int index = 0; index < 4; index++) data[index] = (uint8_t)(value >> (24 - 8 * index));
}

/// Where the chunks begin; 0 where there are none.
static size_t first_chunk(const uint8_t *data, size_t count) {
    for (size_t head = 0; head <= longest_head && head + sizeof signature <= count; head++)
        if (memcmp(data + head, signature, sizeof signature) == 0) return head + sizeof signature;
    return 0;
}

/// The length of the chunk at `offset` with its frame; 0 where it is not whole.
static size_t chunk_length(const uint8_t *data, size_t count, size_t offset) {
    if (count < 12 || offset > count - 12) return 0;
    size_t length = read32(data + offset);
    return length <= count - offset - 12 ? length + 12 : 0;
}

static void mend(uint8_t *data, size_t count, size_t start) {
    size_t length;
    for (size_t offset = start; (length = chunk_length(data, count, offset)) != 0; offset += length)
        write32(data + offset + length - 4, (uint32_t)crc32(0, data + offset + 4, (uInt)(length - 8)));
}

/// Where a chunk's deflated bytes begin in its body; its end where it has none.
static size_t deflated_start(const uint8_t *type, const uint8_t *body, size_t count) {
    if (memcmp(type, "IDAT", 4) == 0) return 0;
    bool has_keyword = memcmp(type, "zTXt", 4) == 0 || memcmp(type, "iCCP", 4) == 0;
    bool is_text = memcmp(type, "iTXt", 4) == 0;
    const uint8_t *zero = has_keyword || is_text ? memchr(body, 0, count) : NULL;
    if (!zero) return count;
    size_t start = (size_t)(zero - body) + 2;
    if (has_keyword) return start < count ? start : count;
    if (start > count || body[start - 1] != 1) return count;
    start++; // the method
    for (int field = 0; field < 2; field++) {
        const uint8_t *end = start < count ? memchr(body + start, 0, count - start) : NULL;
        if (!end) return count;
        start = (size_t)(end - body) + 1;
    }
    return start;
}

/// Changes what is deflated at the end of a body; the body's new length.
static size_t mutate_deflated(uint8_t *body, size_t start, size_t count, size_t capacity) {
    static uint8_t plain[longest_body], packed[longest_body + 4096];
    uLongf length = sizeof plain;
    if (uncompress(plain, &length, body + start, count - start) != Z_OK) return LLVMFuzzerMutate(body, count, capacity);
    length = LLVMFuzzerMutate(plain, length, sizeof plain);
    uLongf packed_length = sizeof packed;
    if (compress2(packed, &packed_length, plain, length, 1) != Z_OK || packed_length > capacity - start) return count;
    memcpy(body + start, packed, packed_length);
    return start + packed_length;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t count, size_t capacity, unsigned seed) {
    size_t start = first_chunk(data, count), chunks = 0, offset, length;
    if (start == 0) return LLVMFuzzerMutate(data, count, capacity);
    for (offset = start; (length = chunk_length(data, count, offset)) != 0; offset += length) chunks++;
    if (chunks == 0 || seed % 2 == 0) {
        count = LLVMFuzzerMutate(data, count, capacity);
        start = first_chunk(data, count);
        if (start != 0) mend(data, count, start);
        return count;
    }
    size_t chosen = seed / 2 % chunks;
    for (offset = start; chosen > 0; chosen--) offset += chunk_length(data, count, offset);
    length = chunk_length(data, count, offset) - 12;
    static uint8_t body[longest_body];
    size_t room = capacity - (count - length);
    if (room > sizeof body) room = sizeof body;
    if (length > room) return LLVMFuzzerMutate(data, count, capacity);
    memcpy(body, data + offset + 8, length);
    size_t deflated = deflated_start(data + offset + 4, body, length);
    bool inside = deflated < length && seed / 64 % 2 == 0;
    size_t made = inside ? mutate_deflated(body, deflated, length, room) : LLVMFuzzerMutate(body, length, room);
    size_t rest = count - (offset + 8 + length);
    memmove(data + offset + 8 + made, data + offset + 8 + length, rest);
    memcpy(data + offset + 8, body, made);
    write32(data + offset, (uint32_t)made);
    count = count - length + made;
    mend(data, count, start);
    return count;
}
