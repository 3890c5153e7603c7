#include "internal.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

const char *cimageio_message(const cimageio_result *result) { return result->message; }

void cimageio_fail(cimageio_result *result, int32_t code, const char *message) {
    if (result->code != CIMAGEIO_OK) return;
    result->code = code;
    strncpy(result->message, message, sizeof(result->message) - 1);
    result->message[sizeof(result->message) - 1] = 0;
}

void cimageio_free(cimageio_buffer *buffer) {
    free(buffer->bytes);
    *buffer = (cimageio_buffer){0};
}

bool cimageio_can_allocate(size_t count) {
    // Through a volatile pointer: a compiler may remove an allocation that is only freed.
    void *volatile probe = malloc(count);
    bool can = probe != NULL;
    free(probe);
    return can;
}

void *cimageio_open_library(const char *name, int flags, bool *lacks_memory) {
    errno = 0;
    void *library = dlopen(name, flags);
    if (library) return library;
    // The loader may have come to another error since; its words end with the first one's.
    const char *words = dlerror();
    *lacks_memory = cimageio_may_have_run_out() || (words && strstr(words, strerror(ENOMEM)));
    return NULL;
}

_Noreturn void cimageio_abort_for_memory(void) {
    errno = ENOMEM;
    abort();
}

bool cimageio_reserve(cimageio_buffer *buffer, size_t capacity) {
    if (capacity <= buffer->capacity) return true;
    uint8_t *grown = realloc(buffer->bytes, capacity);
    if (!grown) return false;
    buffer->bytes = grown;
    buffer->capacity = capacity;
    return true;
}

bool cimageio_append(cimageio_buffer *buffer, const void *data, size_t count) {
    size_t needed;
    if (__builtin_add_overflow(buffer->count, count, &needed)) return false;
    if (needed > buffer->capacity) {
        size_t capacity = buffer->capacity < 65536 ? 65536 : buffer->capacity;
        while (capacity < needed)
            if (__builtin_mul_overflow(capacity, (size_t)2, &capacity)) return false;
        if (!cimageio_reserve(buffer, capacity)) return false;
    }
    if (count) memcpy(buffer->bytes + buffer->count, data, count);
    buffer->count = needed;
    return true;
}

bool cimageio_inflate(const uint8_t *data, size_t count, size_t limit, cimageio_buffer *out, cimageio_result *result) {
    *out = (cimageio_buffer){0};
    *result = (cimageio_result){0};
    z_stream stream = {0};
    int status = count > UINT32_MAX ? Z_DATA_ERROR : inflateInit(&stream);
    if (status != Z_OK) {
        cimageio_fail(result, status == Z_MEM_ERROR ? CIMAGEIO_NO_MEMORY : CIMAGEIO_CORRUPT, "zlib cannot read it");
        return false;
    }
    stream.next_in = (Bytef *)data;
    stream.avail_in = (uInt)count;
    uint8_t piece[16384];
    while (status == Z_OK) {
        stream.next_out = piece;
        stream.avail_out = sizeof piece;
        status = inflate(&stream, Z_NO_FLUSH);
        size_t made = sizeof piece - stream.avail_out;
        if (out->count + made > limit) status = Z_DATA_ERROR;
        else if (!cimageio_append(out, piece, made)) status = Z_MEM_ERROR;
    }
    inflateEnd(&stream);
    if (status != Z_STREAM_END) {
        cimageio_fail(result, status == Z_MEM_ERROR ? CIMAGEIO_NO_MEMORY : CIMAGEIO_CORRUPT,
                      "its zlib stream is damaged or too long");
        cimageio_free(out);
        return false;
    }
    return true;
}

bool cimageio_deflate(const uint8_t *data, size_t count, cimageio_buffer *out) {
    *out = (cimageio_buffer){0};
    uLongf bound = compressBound(count);
    if (!cimageio_reserve(out, bound) || compress2(out->bytes, &bound, data, count, 9) != Z_OK) {
        cimageio_free(out);
        return false;
    }
    out->count = bound;
    return true;
}

uint32_t cimageio_crc32(const uint8_t *data, size_t count) { return (uint32_t)crc32_z(0, data, count); }
