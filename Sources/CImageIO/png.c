#include "internal.h"

#include <CParallel.h>
#include <png.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/// How zlib looks for repetitions.
struct effort {
    int level;
    int strategy;
};

/// Photographs hardly repeat beyond runs: there, looking for runs alone is ten times faster and no larger.
static const struct effort for_photographs = {1, Z_RLE};
static const struct effort for_graphics = {6, Z_DEFAULT_STRATEGY};

/// What libpng reads from: memory, with the failure recorded where the caller looks.
struct source {
    const uint8_t *data;
    size_t count;
    size_t offset;
    cimageio_result *result;
};

/// What libpng writes to.
struct sink {
    cimageio_buffer *out;
    cimageio_result *result;
};

/// Where failures go, and whether one was for a lack of memory, which libpng calls an error like any other.
struct failures {
    cimageio_result *result;
    bool ran_out;
};

static void on_error(png_structp png, png_const_charp message) {
    struct failures *failures = png_get_error_ptr(png);
    cimageio_fail(failures->result, failures->ran_out ? CIMAGEIO_NO_MEMORY : CIMAGEIO_CORRUPT, message);
    png_longjmp(png, 1);
}

static png_voidp allocate(png_structp png, png_alloc_size_t size) {
    struct failures *failures = png_get_mem_ptr(png);
    void *memory = malloc(size);
    if (!memory) failures->ran_out = true;
    return memory;
}

static void release(png_structp png, png_voidp memory) {
    (void)png;
    free(memory);
}

static void on_warning(png_structp png, png_const_charp message) {
    (void)png;
    (void)message;
}

static void read_bytes(png_structp png, png_bytep out, size_t count) {
    struct source *source = png_get_io_ptr(png);
    if (count > source->count - source->offset) {
        cimageio_fail(source->result, CIMAGEIO_TRUNCATED, "the data ends before the picture does");
        png_error(png, "truncated");
    }
    memcpy(out, source->data + source->offset, count);
    source->offset += count;
}

static void write_bytes(png_structp png, png_bytep data, size_t count) {
    struct sink *sink = png_get_io_ptr(png);
    if (!cimageio_append(sink->out, data, count)) {
        cimageio_fail(sink->result, CIMAGEIO_NO_MEMORY, "out of memory for the encoded file");
        png_error(png, "out of memory");
    }
}

static void flush_bytes(png_structp png) { (void)png; }

/// Before each row: ends what was cancelled.
static void check_cancelled(png_structp png, cimageio_result *result) {
    if (!parallel_is_cancelled()) return;
    cimageio_fail(result, CIMAGEIO_CANCELLED, "cancelled");
    png_error(png, "cancelled");
}

/// Reads everything before the first IDAT. Runs under the caller's setjmp.
static void read_info(png_structp png, png_infop info, struct source *source) {
    png_set_read_fn(png, source, read_bytes);
    // Ancillary chunks are read by the Swift side, so a damaged one never costs the pixels; only tRNS matters here.
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
    // The limit on pixels is ours; libpng's own of a million a side would refuse long panoramas.
    png_set_user_limits(png, 0x7fffffff, 0x7fffffff);
    png_read_info(png, info);
}

bool cimageio_png_header(const uint8_t *data, size_t count, uint64_t max_pixels, cimageio_png_info *out,
                         cimageio_result *result) {
    struct source source = {data, count, 0, result};
    *result = (cimageio_result){0};
    *out = (cimageio_png_info){0};
    png_infop info = NULL;
    struct failures failures = {result, false};
    png_structp png =
        png_create_read_struct_2(PNG_LIBPNG_VER_STRING, &failures, on_error, on_warning, &failures, allocate, release);
    if (png) info = png_create_info_struct(png);
    if (!info) {
        png_destroy_read_struct(&png, NULL, NULL);
        cimageio_fail(result, CIMAGEIO_NO_MEMORY, "out of memory");
        return false;
    }
    if (setjmp(png_jmpbuf(png))) {
        png_destroy_read_struct(&png, &info, NULL);
        return false;
    }
    read_info(png, info, &source);
    out->width = png_get_image_width(png, info);
    out->height = png_get_image_height(png, info);
    out->stored_depth = png_get_bit_depth(png, info);
    out->stored_color_type = png_get_color_type(png, info);
    out->interlaced = png_get_interlace_type(png, info) != PNG_INTERLACE_NONE;
    out->has_transparency = png_get_valid(png, info, PNG_INFO_tRNS) != 0;
    png_destroy_read_struct(&png, &info, NULL);

    bool color = (out->stored_color_type & PNG_COLOR_MASK_COLOR) != 0;
    bool alpha = (out->stored_color_type & PNG_COLOR_MASK_ALPHA) != 0 || out->has_transparency;
    out->channels = (color ? 3 : 1) + (alpha ? 1 : 0);
    out->depth = out->stored_depth == 16 ? 16 : 8;
    if ((uint64_t)out->width * out->height > max_pixels) {
        cimageio_fail(result, CIMAGEIO_TOO_LARGE, "more pixels than the limit");
        return false;
    }
    return true;
}

/// Decodes every row. Runs under the caller's setjmp.
static void read_rows(png_structp png, png_infop info, const cimageio_png_info *expected, uint8_t *pixels,
                      size_t capacity, volatile bool *all_read, cimageio_result *result) {
    png_set_expand(png);
    if (expected->depth == 16 && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__) png_set_swap(png);
    int passes = png_set_interlace_handling(png);
    png_read_update_info(png, info);
    size_t row_bytes = png_get_rowbytes(png, info);
    size_t needed;
    if (__builtin_mul_overflow(row_bytes, (size_t)expected->height, &needed) || needed != capacity ||
        png_get_image_height(png, info) != expected->height || png_get_channels(png, info) != expected->channels)
        png_error(png, "the header changed while it was read");
    for (int pass = 0; pass < passes; pass++)
        for (uint32_t y = 0; y < expected->height; y++) {
            check_cancelled(png, result);
            png_read_row(png, pixels + row_bytes * y, NULL);
        }
    *all_read = true;
    png_read_end(png, NULL);
}

bool cimageio_png_decode(const uint8_t *data, size_t count, const cimageio_png_info *expected, uint8_t *pixels,
                         size_t capacity, bool *lacks_end, cimageio_result *result) {
    struct source source = {data, count, 0, result};
    volatile bool all_read = false;
    *lacks_end = false;
    *result = (cimageio_result){0};
    png_infop info = NULL;
    struct failures failures = {result, false};
    png_structp png =
        png_create_read_struct_2(PNG_LIBPNG_VER_STRING, &failures, on_error, on_warning, &failures, allocate, release);
    if (png) info = png_create_info_struct(png);
    if (!info) {
        png_destroy_read_struct(&png, NULL, NULL);
        cimageio_fail(result, CIMAGEIO_NO_MEMORY, "out of memory");
        return false;
    }
    if (setjmp(png_jmpbuf(png))) {
        png_destroy_read_struct(&png, &info, NULL);
        // What is missing behind the pixels costs none of them.
        if (!all_read || result->code != CIMAGEIO_TRUNCATED) return false;
        *result = (cimageio_result){0};
        *lacks_end = true;
        return true;
    }
    read_info(png, info, &source);
    read_rows(png, info, expected, pixels, capacity, &all_read, result);
    png_destroy_read_struct(&png, &info, NULL);
    return true;
}

/// The deflated size of `count` bytes, or SIZE_MAX when it could not be found.
static size_t deflated_size(const uint8_t *data, size_t count, struct effort effort) {
    z_stream stream = {0};
    if (deflateInit2(&stream, effort.level, Z_DEFLATED, 15, 8, effort.strategy) != Z_OK) return SIZE_MAX;
    uint8_t piece[16384];
    stream.next_in = (Bytef *)data;
    stream.avail_in = (uInt)count;
    int status = Z_OK;
    while (status == Z_OK) {
        stream.next_out = piece;
        stream.avail_out = sizeof piece;
        status = deflate(&stream, Z_FINISH);
    }
    size_t size = stream.total_out;
    deflateEnd(&stream);
    return status == Z_STREAM_END ? size : SIZE_MAX;
}

/// Tries both efforts on three bands of the picture, filtered by Sub, and takes the slow one where it saves an eighth.
static struct effort choose_effort(const uint8_t *pixels, size_t row_bytes, uint32_t height, size_t pixel_bytes) {
    enum { bands = 3, band_bytes = 98304 };
    size_t total = row_bytes * height;
    uint8_t *sample = malloc(bands * band_bytes);
    if (!sample) return for_photographs;
    size_t count = 0;
    for (size_t band = 0; band < bands; band++) {
        size_t start = total < bands * band_bytes ? band * band_bytes : (total - band_bytes) / (bands - 1) * band;
        for (size_t index = start; index < total && index < start + band_bytes; index++)
            sample[count++] =
                index < pixel_bytes ? pixels[index] : (uint8_t)(pixels[index] - pixels[index - pixel_bytes]);
    }
    size_t slow = deflated_size(sample, count, for_graphics);
    size_t fast = deflated_size(sample, count, for_photographs);
    free(sample);
    return slow < fast - fast / 8 ? for_graphics : for_photographs;
}

/// Writes PLTE, and tRNS where a colour is not opaque. Runs under the caller's setjmp, before the header is written.
static void set_palette(png_structp png, png_infop info, const cimageio_png_palette *palette) {
    png_color colors[256];
    png_byte alpha[256];
    int transparent = 0;
    for (int index = 0; index < palette->count; index++) {
        const uint8_t *color = palette->colors + index * 4;
        colors[index] = (png_color){color[0], color[1], color[2]};
        alpha[index] = color[3];
        if (color[3] != 255) transparent = index + 1;
    }
    png_set_PLTE(png, info, colors, palette->count);
    if (transparent) png_set_tRNS(png, info, alpha, transparent, NULL);
}

bool cimageio_png_encode(const uint8_t *pixels, uint32_t width, uint32_t height, int32_t channels, int32_t depth,
                         const cimageio_png_palette *palette, const cimageio_png_chunk *chunks, size_t chunk_count,
                         cimageio_buffer *out, cimageio_result *result) {
    static const int color_types[] = {0, PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_GRAY_ALPHA, PNG_COLOR_TYPE_RGB,
                                      PNG_COLOR_TYPE_RGB_ALPHA};
    struct sink sink = {out, result};
    *result = (cimageio_result){0};
    *out = (cimageio_buffer){0};
    bool is_packed = channels == 1 && (depth == 1 || depth == 2 || depth == 4);
    bool is_palette = palette && channels == 1 && depth <= 8 && palette->count >= 1 && palette->count <= 256;
    if (channels < 1 || channels > 4 || (!is_packed && depth != 8 && depth != 16) || (palette && !is_palette)) {
        cimageio_fail(result, CIMAGEIO_CANNOT_ENCODE, "no such PNG layout");
        return false;
    }
    size_t pixel_bytes = palette || is_packed ? 1 : (size_t)channels * (size_t)(depth / 8);
    size_t row_bytes = width * pixel_bytes;
    bool is_graphic = palette || is_packed;
    struct effort effort = is_graphic ? for_graphics : choose_effort(pixels, row_bytes, height, pixel_bytes);
    png_infop info = NULL;
    struct failures failures = {result, false};
    png_structp png =
        png_create_write_struct_2(PNG_LIBPNG_VER_STRING, &failures, on_error, on_warning, &failures, allocate, release);
    if (png) info = png_create_info_struct(png);
    if (!info) {
        png_destroy_write_struct(&png, NULL);
        cimageio_fail(result, CIMAGEIO_NO_MEMORY, "out of memory");
        return false;
    }
    if (setjmp(png_jmpbuf(png))) {
        png_destroy_write_struct(&png, &info);
        cimageio_free(out);
        return false;
    }
    png_set_write_fn(png, &sink, write_bytes, flush_bytes);
    png_set_user_limits(png, 0x7fffffff, 0x7fffffff);
    png_set_IHDR(png, info, width, height, depth, palette ? PNG_COLOR_TYPE_PALETTE : color_types[channels],
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    if (palette) set_palette(png, info, palette);
    png_set_compression_level(png, effort.level);
    png_set_compression_strategy(png, effort.strategy);
    // Neighbouring indices mean nothing to each other, and several in a byte even less.
    png_set_filter(png, PNG_FILTER_TYPE_BASE, is_graphic ? PNG_FILTER_NONE : PNG_FILTER_SUB | PNG_FILTER_UP);
    // Colour chunks stand before PLTE.
    png_write_info_before_PLTE(png, info);
    for (size_t index = 0; index < chunk_count; index++)
        png_write_chunk(png, (png_const_bytep)chunks[index].type, chunks[index].data, chunks[index].count);
    png_write_info(png, info);
    if (is_packed) png_set_packing(png);
    if (depth == 16 && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__) png_set_swap(png);
    for (uint32_t y = 0; y < height; y++) {
        check_cancelled(png, result);
        png_write_row(png, pixels + row_bytes * y);
    }
    png_write_end(png, NULL);
    png_destroy_write_struct(&png, &info);
    return true;
}
