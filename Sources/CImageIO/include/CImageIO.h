#pragma once

// Thin shims over libpng, libjpeg-turbo and zlib for the file stage.
//
// Every function works on memory, catches the libraries' longjmp inside C and returns a status; no function prints,
// exits or keeps a pointer past its return. Sizes are checked against a limit before anything is allocated for them.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum cimageio_code {
    CIMAGEIO_OK = 0,
    CIMAGEIO_TRUNCATED,     // the data ended before the picture did
    CIMAGEIO_CORRUPT,       // the data contradicts its format
    CIMAGEIO_UNSUPPORTED,   // valid, but of a kind that the library does not decode
    CIMAGEIO_TOO_LARGE,     // more pixels than the limit
    CIMAGEIO_NO_MEMORY,     // an allocation failed
    CIMAGEIO_CANNOT_ENCODE, // the encoder refused the request
};

/// What a call has to say. `message` is the library's own words for the failure, empty on success.
typedef struct {
    int32_t code;
    char message[200];
} cimageio_result;

/// The message of `result`, as a C string that lives as long as `result`.
const char *cimageio_message(const cimageio_result *result);

/// Bytes that the library allocated; free them with `cimageio_free`.
typedef struct {
    uint8_t *bytes;
    size_t count;
    size_t capacity;
} cimageio_buffer;

void cimageio_free(cimageio_buffer *buffer);

/// Whether `count` bytes could be allocated at this moment. A Swift array that cannot grow traps, so sizes that come
/// from a file are asked about first.
bool cimageio_can_allocate(size_t count);

// zlib -----------------------------------------------------------------------------------------------------------

/// Inflates a zlib stream of at most `limit` bytes. False, with `out` empty, when the stream is bad or longer.
bool cimageio_inflate(const uint8_t *data, size_t count, size_t limit, cimageio_buffer *out);

/// Deflates to a zlib stream. False, with `out` empty, when memory fails.
bool cimageio_deflate(const uint8_t *data, size_t count, cimageio_buffer *out);

/// The CRC-32 that PNG chunks carry.
uint32_t cimageio_crc32(const uint8_t *data, size_t count);

// Orientation ----------------------------------------------------------------------------------------------------

/// Writes to `upright` the pixels of `stored` (`width` × `height`, `pixel_bytes` each) turned as EXIF orientation
/// 1…8 asks. Both hold `width · height · pixel_bytes` bytes and do not overlap; 5…8 swap width and height.
void cimageio_orient(const uint8_t *restrict stored, uint8_t *restrict upright, size_t width, size_t height,
                     size_t pixel_bytes, int32_t orientation);

// PNG ------------------------------------------------------------------------------------------------------------

typedef struct {
    uint32_t width;
    uint32_t height;
    uint8_t stored_depth;      // 1, 2, 4, 8, 16
    uint8_t stored_color_type; // as in IHDR: 0, 2, 3, 4, 6
    uint8_t channels;          // of the decoded pixels: 1…4
    uint8_t depth;             // of the decoded pixels: 8 or 16
    bool interlaced;
    bool has_transparency; // a tRNS chunk
} cimageio_png_info;

/// Reads the header. Fails with `CIMAGEIO_TOO_LARGE` (and `info` filled) when `width · height > max_pixels`.
bool cimageio_png_header(const uint8_t *data, size_t count, uint64_t max_pixels, cimageio_png_info *info,
                         cimageio_result *result);

/// Decodes into `pixels`: `height` rows of `width · channels` samples of `info->depth` bits, native endian, of
/// `capacity` bytes in all. Palettes and depths under 8 are expanded, tRNS becomes alpha. Data that ends early fails.
bool cimageio_png_decode(const uint8_t *data, size_t count, const cimageio_png_info *info, uint8_t *pixels,
                         size_t capacity, cimageio_result *result);

/// A chunk to write as it is, between IHDR and IDAT.
typedef struct {
    char type[4];
    const uint8_t *data;
    size_t count;
} cimageio_png_chunk;

/// Encodes `height` rows of `width · channels` samples of `depth` bits (8 or 16, native endian).
bool cimageio_png_encode(const uint8_t *pixels, uint32_t width, uint32_t height, int32_t channels, int32_t depth,
                         const cimageio_png_chunk *chunks, size_t chunk_count, cimageio_buffer *out,
                         cimageio_result *result);

// JPEG -----------------------------------------------------------------------------------------------------------

enum cimageio_jpeg_color {
    CIMAGEIO_JPEG_GRAY = 1,
    CIMAGEIO_JPEG_YCBCR,
    CIMAGEIO_JPEG_RGB,
    CIMAGEIO_JPEG_CMYK,
    CIMAGEIO_JPEG_YCCK,
};

typedef struct {
    uint32_t width;
    uint32_t height;
    int32_t color;    // cimageio_jpeg_color
    uint8_t channels; // of the decoded pixels: 1 or 3
    bool progressive;
    bool arithmetic;
    uint8_t component_count;
    uint8_t horizontal[4]; // sampling factors
    uint8_t vertical[4];
    uint8_t component_table[4]; // which quantisation table each component uses
    bool has_table[4];
    uint16_t tables[4][64]; // natural (not zigzag) order
} cimageio_jpeg_info;

/// What decoding met that was not fatal.
typedef struct {
    int32_t damaged;  // warnings that some samples are not what was stored
    int32_t other;    // warnings that cost no samples
    bool missing_end; // every sample was there, the end-of-image marker was not
    char first[200];  // the library's words for the first warning
} cimageio_jpeg_warnings;

/// The first warning, as a C string that lives as long as `warnings`.
const char *cimageio_jpeg_first_warning(const cimageio_jpeg_warnings *warnings);

/// Reads the header. Fails with `CIMAGEIO_TOO_LARGE` (and the size in `info`) when `width · height > max_pixels`.
bool cimageio_jpeg_header(const uint8_t *data, size_t count, uint64_t max_pixels, cimageio_jpeg_info *info,
                          cimageio_result *result);

/// Decodes 8-bit grey or RGB into `pixels` (`capacity` bytes in all) with the accurate integer DCT and smooth chroma
/// upsampling. CMYK and YCCK are converted to RGB by the ink product, without a profile. Data that ends early fails.
bool cimageio_jpeg_decode(const uint8_t *data, size_t count, const cimageio_jpeg_info *info, uint8_t *pixels,
                          size_t capacity, cimageio_jpeg_warnings *warnings, cimageio_result *result);

/// The table that the JPEG standard's example tables (K.1, K.2) give at `quality` 1…100, in natural order.
void cimageio_jpeg_standard_table(bool chroma, int32_t quality, uint16_t table[64]);

/// A marker segment to write after the JFIF header: `data` is its payload, at most 65533 bytes.
typedef struct {
    int32_t marker;
    const uint8_t *data;
    size_t count;
} cimageio_jpeg_segment;

typedef struct {
    uint32_t width;
    uint32_t height;
    int32_t channels;    // 1 or 3
    int32_t quality;     // 1…100; not used when `table_count` > 0
    int32_t table_count; // 0…4 tables of 64 in natural order
    uint16_t tables[4][64];
    uint8_t component_table[3];
    uint8_t horizontal[3];
    uint8_t vertical[3];
    bool keep_rgb; // store RGB rather than YCbCr
    bool progressive;
    uint8_t density_unit; // 0 aspect only, 1 per inch, 2 per centimetre
    uint16_t density_x;
    uint16_t density_y;
} cimageio_jpeg_request;

/// Encodes 8-bit grey or RGB rows with the accurate integer DCT and optimised Huffman tables.
bool cimageio_jpeg_encode(const uint8_t *pixels, const cimageio_jpeg_request *request,
                          const cimageio_jpeg_segment *segments, size_t segment_count, cimageio_buffer *out,
                          cimageio_result *result);

#ifdef __cplusplus
}
#endif
