#pragma once

// Thin shims over libpng, libjpeg-turbo, libwebp, libtiff, lcms2 and zlib for the file stage.
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
    CIMAGEIO_CANCELLED,     // the work was cancelled (parallel_is_cancelled)
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

/// Ends the process for a lack of memory where no caller could be told, as Swift's runtime does for an array.
_Noreturn void cimageio_abort_for_memory(void);

// zlib -----------------------------------------------------------------------------------------------------------

/// Inflates a zlib stream of at most `limit` bytes. False, with `out` empty, when the stream is bad or longer.
bool cimageio_inflate(const uint8_t *data, size_t count, size_t limit, cimageio_buffer *out, cimageio_result *result);

/// Deflates to a zlib stream. False, with `out` empty, when memory fails.
bool cimageio_deflate(const uint8_t *data, size_t count, cimageio_buffer *out);

/// The CRC-32 that PNG chunks carry.
uint32_t cimageio_crc32(const uint8_t *data, size_t count);

// Orientation ----------------------------------------------------------------------------------------------------

/// Writes to `upright` the pixels of `stored` (`width` × `height`, `pixel_bytes` each) turned as EXIF orientation
/// 1…8 asks. Both hold `width · height · pixel_bytes` bytes and do not overlap; 5…8 swap width and height.
void cimageio_orient(const uint8_t *restrict stored, uint8_t *restrict upright, size_t width, size_t height,
                     size_t pixel_bytes, int32_t orientation);

// Colour ---------------------------------------------------------------------------------------------------------

/// What an ICC profile is.
typedef struct {
    uint8_t channels; // of the device: 1 grey, 3 RGB, 4 CMYK; 0 for any other
    bool is_srgb;     // what it means differs from sRGB (or sRGB's curve) by less than half a step of 8 bits
    char name[128];   // its description, ASCII
} cimageio_profile_info;

/// The description in `info`, as a C string that lives as long as `info`.
const char *cimageio_profile_name(const cimageio_profile_info *info);

/// Reads a profile and tries it out. Fails where it is damaged, of a class that describes no picture, or (grey and
/// RGB) cannot be converted both from and to sRGB.
bool cimageio_profile_describe(const uint8_t *profile, size_t count, cimageio_profile_info *info,
                               cimageio_result *result);

enum cimageio_curve {
    CIMAGEIO_CURVE_SRGB,
    CIMAGEIO_CURVE_REC709,
    CIMAGEIO_CURVE_GAMMA, // light = value ^ gamma
};

/// A colour space in the terms of PNG's chunks: CIE xy of the white and the primaries, and a curve.
typedef struct {
    double white[2];
    double red[2];
    double green[2];
    double blue[2];
    int32_t curve; // cimageio_curve
    double gamma;  // of CIMAGEIO_CURVE_GAMMA
    bool is_gray;  // only white and curve count
} cimageio_color_space;

/// Writes the ICC profile (version 4) of `space`, described by the ASCII `name`. Fails for primaries that span nothing.
bool cimageio_profile_make(const cimageio_color_space *space, const char *name, cimageio_buffer *out,
                           cimageio_result *result);

/// Converts `pixels` × 3 values from the profile's space to sRGB, relative colorimetric; of a grey profile the first of
/// each three values counts and the result is repeated. Nothing is clipped: colours outside sRGB come out below 0 or
/// above 1, the sRGB curve continued as an odd function. `in` and `out` may be the same.
bool cimageio_profile_to_srgb(const uint8_t *profile, size_t count, const float *in, float *out, size_t pixels,
                              cimageio_result *result);

/// The reverse of `cimageio_profile_to_srgb`; for a grey profile the three values of a pixel should be equal.
bool cimageio_profile_from_srgb(const uint8_t *profile, size_t count, const float *in, float *out, size_t pixels,
                                cimageio_result *result);

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
/// `capacity` bytes in all. Palettes and depths under 8 are expanded, tRNS becomes alpha. Data that ends before
/// the pixels do fails; where only what follows them is cut short, `lacks_end` is set.
bool cimageio_png_decode(const uint8_t *data, size_t count, const cimageio_png_info *info, uint8_t *pixels,
                         size_t capacity, bool *lacks_end, cimageio_result *result);

/// A chunk to write as it is, between IHDR and IDAT.
typedef struct {
    char type[4];
    const uint8_t *data;
    size_t count;
} cimageio_png_chunk;

/// The colours of an indexed PNG: red, green, blue and alpha of each.
typedef struct {
    const uint8_t *colors;
    int32_t count; // 1…256
} cimageio_png_palette;

/// Encodes `height` rows of `width · channels` samples of `depth` bits (8 or 16, native endian). Of one channel `depth`
/// may be 1, 2 or 4: then each sample stands in a byte of its own, 0 … 2^depth − 1. With a palette samples are indices.
bool cimageio_png_encode(const uint8_t *pixels, uint32_t width, uint32_t height, int32_t channels, int32_t depth,
                         const cimageio_png_palette *palette, const cimageio_png_chunk *chunks, size_t chunk_count,
                         cimageio_buffer *out, cimageio_result *result);

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
    uint8_t depth;    // of the decoded pixels: 8, or 16 where the file has 12
    uint8_t stored_depth;
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
    int32_t damaged;       // warnings that some samples are not what was stored
    int32_t other;         // warnings that cost no samples
    bool missing_end;      // every sample was there, the end-of-image marker was not
    bool used_ink_profile; // the inks were converted by the profile that was given
    char first[200];       // the library's words for the first warning
} cimageio_jpeg_warnings;

/// The first warning, as a C string that lives as long as `warnings`.
const char *cimageio_jpeg_first_warning(const cimageio_jpeg_warnings *warnings);

/// Reads the header. Fails with `CIMAGEIO_TOO_LARGE` (and the size in `info`) when `width · height > max_pixels`.
bool cimageio_jpeg_header(const uint8_t *data, size_t count, uint64_t max_pixels, cimageio_jpeg_info *info,
                          cimageio_result *result);

/// Whether a library is there that reads 12 bits a sample; without one such files are unsupported.
bool cimageio_jpeg_reads_12_bits(void);

/// Decodes grey or RGB of `info->depth` bits (native endian; 12 bits spread exactly over 16) into `pixels` (`capacity`
/// bytes in all) with the accurate integer DCT and smooth chroma upsampling. CMYK and YCCK are converted to sRGB by
/// `ink_profile`, or to RGB by the ink product where that is empty or no CMYK profile. Data that ends early fails.
bool cimageio_jpeg_decode(const uint8_t *data, size_t count, const cimageio_jpeg_info *info, void *pixels,
                          size_t capacity, const uint8_t *ink_profile, size_t ink_profile_count,
                          cimageio_jpeg_warnings *warnings, cimageio_result *result);

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

/// Blocks of 8 × 8 coefficients, all components together.
typedef struct {
    uint64_t blocks;
    uint64_t changed; // those that were encoded anew
} cimageio_jpeg_splice_report;

/// Writes the JPEG `data` with other pixels: blocks in which no pixel differs keep their coefficients, the others are
/// encoded from `pixels` with the source's own tables and sampling. Of `request` the size, the channels, `progressive`
/// and the density count. Fails where the source is of another size, CMYK, or coded in a way that cannot be written.
bool cimageio_jpeg_splice(const uint8_t *data, size_t count, const uint8_t *pixels,
                          const cimageio_jpeg_request *request, const cimageio_jpeg_segment *segments,
                          size_t segment_count, cimageio_buffer *out, cimageio_jpeg_splice_report *report,
                          cimageio_result *result);

/// The quantised coefficients of one component, `int16_t` in native order: 64 for each block in natural order, blocks
/// by rows, `ceil(component width / 8)` of them in each.
bool cimageio_jpeg_coefficients(const uint8_t *data, size_t count, int32_t component, cimageio_buffer *out,
                                cimageio_result *result);

// WebP -----------------------------------------------------------------------------------------------------------

typedef struct {
    uint32_t width;
    uint32_t height;
    uint8_t channels; // of the decoded pixels: 3 or 4
    bool is_lossless;
    uint32_t frames; // more than 1 of an animation
} cimageio_webp_info;

/// Reads the header. Fails with `CIMAGEIO_TOO_LARGE` (and the size in `info`) when `width · height > max_pixels`.
bool cimageio_webp_header(const uint8_t *data, size_t count, uint64_t max_pixels, cimageio_webp_info *info,
                          cimageio_result *result);

/// Decodes the first frame into `pixels` (8-bit RGB or straight RGBA, `capacity` bytes in all). Of an animation whose
/// first frame is smaller than the canvas the rest is transparent.
bool cimageio_webp_decode(const uint8_t *data, size_t count, const cimageio_webp_info *info, uint8_t *pixels,
                          size_t capacity, cimageio_result *result);

/// A copy of a chunk's payload: "ICCP", "EXIF" or "XMP ". False, with `out` empty, where there is none; fails only for
/// a lack of memory.
bool cimageio_webp_chunk(const uint8_t *data, size_t count, const char type[4], cimageio_buffer *out,
                         cimageio_result *result);

/// A chunk of an extended WebP; left out where `count` is 0.
typedef struct {
    char type[4];
    const uint8_t *data;
    size_t count;
} cimageio_webp_metadata;

/// Encodes 8-bit RGB (3) or straight RGBA (4) without loss, colours under full transparency included.
bool cimageio_webp_encode(const uint8_t *pixels, uint32_t width, uint32_t height, int32_t channels,
                          const cimageio_webp_metadata *chunks, size_t chunk_count, cimageio_buffer *out,
                          cimageio_result *result);

// TIFF -----------------------------------------------------------------------------------------------------------

typedef struct {
    uint32_t width; // as stored
    uint32_t height;
    uint8_t channels; // of the decoded pixels: 1…4
    uint8_t depth;    // of the decoded pixels: 8 or 16
    uint8_t stored_depth;
    uint16_t photometric;
    uint16_t compression;
    uint8_t orientation;      // 1…8
    bool alpha_associated;    // colours were stored multiplied by alpha, and are straight when decoded
    bool alpha_unspecified;   // the extra sample taken as alpha does not say what it is
    uint16_t dropped_samples; // of each pixel: spot colours, masks, a second alpha
    bool inks;                // CMYK, which becomes sRGB or RGB
    bool used_ink_profile;
    bool other_pages;
    uint32_t page;            // the first of full resolution, counted from 1; 0 where it is below the first
    bool is_reduced;          // none is of full resolution
    uint64_t directory;       // where that directory begins
    uint64_t first_directory; // where the file's first begins
    uint8_t density_unit;     // 0 unstated, 1 none, 2 per inch, 3 per centimetre
    float density_x;
    float density_y;
} cimageio_tiff_info;

/// Reads the directory of the first picture of full resolution. Fails with `CIMAGEIO_TOO_LARGE` (and the size in
/// `info`) beyond `max_pixels`, with `CIMAGEIO_UNSUPPORTED` for samples that are neither 1…8 nor 16-bit unsigned
/// integers.
bool cimageio_tiff_header(const uint8_t *data, size_t count, uint64_t max_pixels, cimageio_tiff_info *info,
                          cimageio_result *result);

/// Decodes into `pixels`: rows as stored, `channels` samples of `depth` bits, native endian, of `capacity` bytes in
/// all. Where `alpha_associated` is set and `inks` is not, colours are still multiplied by alpha.
bool cimageio_tiff_decode(const uint8_t *data, size_t count, cimageio_tiff_info *info, void *pixels, size_t capacity,
                          cimageio_result *result);

/// Whether some colour of such a picture is larger than its pixel's alpha, as that of a glow is. Straight samples
/// cannot give it back.
bool cimageio_exceeds_alpha(const void *pixels, size_t pixel_count, unsigned channels, unsigned depth);

/// Divides colours by alpha, in place.
void cimageio_divide_by_alpha(void *pixels, size_t pixel_count, unsigned channels, unsigned depth);

/// A copy of the bytes of a tag of the directory at that offset: ICC profile 34675, XMP 700, Photoshop 34377. False,
/// with `out` empty, where there is none; fails only for a lack of memory.
bool cimageio_tiff_tag(const uint8_t *data, size_t count, uint64_t directory, uint32_t tag, cimageio_buffer *out,
                       cimageio_result *result);

typedef struct {
    uint32_t width;
    uint32_t height;
    uint8_t channels;
    uint8_t depth;
    bool associate_alpha;   // multiply colours by alpha
    bool unspecified_alpha; // do not say that the extra sample is alpha
    uint8_t density_unit;   // as in cimageio_tiff_info
    float density_x;
    float density_y;
    const void *associated; // of the source, colours multiplied by alpha; used where its straight samples are `pixels`
    uint32_t associated_width;
    uint32_t associated_height;
    uint32_t associated_x; // where it stands in the picture
    uint32_t associated_y;
    const uint8_t *profile;
    size_t profile_count;
    const uint8_t *xmp;
    size_t xmp_count;
    const uint8_t *photoshop;
    size_t photoshop_count;
} cimageio_tiff_request;

/// Encodes rows of `channels` samples of `depth` (8 or 16) bits, deflated, little endian, upright.
bool cimageio_tiff_encode(const void *pixels, const cimageio_tiff_request *request, cimageio_buffer *out,
                          cimageio_result *result);

// AVIF, HEIC and JPEG XL -------------------------------------------------------------------------------------------
//
// Their libraries are loaded when the first such file is read, and may be absent: then nothing but `…_is_available`
// is of use.

/// The first picture of a file and what stands beside it. Free the three buffers with `cimageio_free`, also on failure.
typedef struct {
    uint32_t width; // upright
    uint32_t height;
    uint8_t channels;      // grey, grey and alpha, RGB, RGBA
    uint8_t depth;         // 8, or 16 where the file has more than 8: the samples that decoding writes, native endian
    uint8_t stored_depth;  // of the file
    bool alpha_associated; // colours are stored multiplied by alpha; decoding makes them straight
    bool other_pictures;
    uint8_t color_primaries;          // ITU-T H.273; 0 or 2 where the file does not say
    uint8_t transfer_characteristics; // the same
    cimageio_buffer profile;
    cimageio_buffer exif; // four bytes that say where its TIFF header begins, then the block
    cimageio_buffer xmp;
} cimageio_still_info;

bool cimageio_heif_is_available(void);

/// Whether the library could not be loaded for a lack of memory.
bool cimageio_heif_lacks_memory(void);

/// Reads all but the pixels of an AVIF or HEIC.
bool cimageio_heif_header(const uint8_t *data, size_t count, uint64_t max_pixels, cimageio_still_info *info,
                          cimageio_result *result);

/// `capacity` is exactly width × height × channels × depth / 8.
bool cimageio_heif_decode(const uint8_t *data, size_t count, const cimageio_still_info *info, void *pixels,
                          size_t capacity, cimageio_result *result);

bool cimageio_jxl_is_available(void);
bool cimageio_jxl_lacks_memory(void);

/// The same for JPEG XL.
bool cimageio_jxl_header(const uint8_t *data, size_t count, uint64_t max_pixels, cimageio_still_info *info,
                         cimageio_result *result);

bool cimageio_jxl_decode(const uint8_t *data, size_t count, const cimageio_still_info *info, void *pixels,
                         size_t capacity, cimageio_result *result);

#ifdef __cplusplus
}
#endif
