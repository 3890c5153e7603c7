#include "internal.h"

#include <CParallel.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tiffio.h>

/// No strip or tile may be larger than this before it is decoded.
static const tmsize_t largest_piece = (tmsize_t)1 << 30;

/// A file in memory, read or written. libtiff seeks while it writes.
struct memory_file {
    const uint8_t *data; // read
    size_t count;
    cimageio_buffer *out; // written
    size_t offset;
    bool passed_end; // something beyond the data was asked for
    bool ran_out;    // of memory for `out`
    char message[200];
};

// libtiff 4.5 has handlers for each file, but TIFFOpenOptions are younger than some of the systems we build on; the
// global handlers are silenced instead, once for the whole program, and the first error is kept by thread.
static _Thread_local struct memory_file *speaker;

static void on_error(const char *module, const char *format, va_list arguments) {
    (void)module;
    if (speaker && !speaker->message[0]) vsnprintf(speaker->message, sizeof speaker->message, format, arguments);
}

static tmsize_t read_bytes(thandle_t handle, void *out, tmsize_t count) {
    struct memory_file *file = handle;
    size_t all = file->out ? file->out->count : file->count;
    const uint8_t *data = file->out ? file->out->bytes : file->data;
    size_t left = file->offset < all ? all - file->offset : 0;
    size_t taken = (size_t)count < left ? (size_t)count : left;
    if (taken < (size_t)count) file->passed_end = true;
    if (taken) memcpy(out, data + file->offset, taken);
    file->offset += taken;
    return (tmsize_t)taken;
}

static tmsize_t write_bytes(thandle_t handle, void *data, tmsize_t count) {
    struct memory_file *file = handle;
    if (!file->out || count < 0) return -1;
    size_t end;
    if (__builtin_add_overflow(file->offset, (size_t)count, &end)) return -1;
    static const uint8_t zeros[256];
    while (file->out->count < end) {
        size_t gap = end - file->out->count;
        if (!cimageio_append(file->out, zeros, gap < sizeof zeros ? gap : sizeof zeros)) {
            file->ran_out = true;
            return -1;
        }
    }
    memcpy(file->out->bytes + file->offset, data, (size_t)count);
    file->offset = end;
    return count;
}

static toff_t seek(thandle_t handle, toff_t offset, int whence) {
    struct memory_file *file = handle;
    size_t all = file->out ? file->out->count : file->count;
    switch (whence) {
    case SEEK_SET: file->offset = offset; break;
    case SEEK_CUR: file->offset += offset; break;
    case SEEK_END: file->offset = all + offset; break;
    default: break;
    }
    return file->offset;
}

static int close_nothing(thandle_t handle) {
    (void)handle;
    return 0;
}

static toff_t size_of(thandle_t handle) {
    struct memory_file *file = handle;
    return file->out ? file->out->count : file->count;
}

static int map_nothing(thandle_t handle, void **base, toff_t *size) {
    (void)handle;
    (void)base;
    (void)size;
    return 0;
}

static void unmap_nothing(thandle_t handle, void *base, toff_t size) {
    (void)handle;
    (void)base;
    (void)size;
}

static void take_over_messages(void) {
    TIFFSetErrorHandler(on_error);
    TIFFSetWarningHandler(NULL);
}

/// How numbers stand in a file: TIFF 6.0, section 2; in a BigTIFF counts and offsets have 8 bytes.
struct numbers {
    const uint8_t *data;
    uint64_t count;
    bool is_big, big_endian;
};

/// A number of `size` bytes; 0 where it does not lie inside.
static uint64_t number_at(const struct numbers *file, uint64_t offset, unsigned size) {
    uint64_t value = 0;
    if (size > file->count || offset > file->count - size) return 0;
    for (unsigned index = 0; index < size; index++)
        value = value << 8 | file->data[offset + (file->big_endian ? index : size - 1 - index)];
    return value;
}

static struct numbers numbers_of(const uint8_t *data, size_t count) {
    struct numbers file = {data, count, false, count > 0 && data[0] == 'M'};
    file.is_big = number_at(&file, 2, 2) == 43;
    return file;
}

static uint64_t first_directory(const struct numbers *file) {
    return number_at(file, file->is_big ? 8 : 4, file->is_big ? 8 : 4);
}

/// Whether the values of a directory, together, are not many times as large as the file: libtiff takes memory for each
/// of them, so that entries which lie on each other could ask for the file thousands of times.
static bool directory_fits(const struct numbers *file, uint64_t place) {
    // Bytes of a value by its type (TIFF 6.0, section 2; BigTIFF adds 16 to 18).
    static const uint8_t sizes[] = {0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8};
    unsigned word = file->is_big ? 8 : 4;
    uint64_t count = number_at(file, place, file->is_big ? 8 : 2);
    uint64_t room = file->count * 8 + 65536;
    if (place >= file->count) return true;
    place += file->is_big ? 8 : 2;
    for (; count > 0 && place < file->count; count--, place += 4 + 2 * word) {
        uint64_t type = number_at(file, place + 2, 2), values = number_at(file, place + 4, word), length;
        if (type >= sizeof sizes || __builtin_mul_overflow(values, (uint64_t)sizes[type], &length)) continue;
        uint64_t start = number_at(file, place + 4 + word, word);
        if (length <= word || start >= file->count) continue;
        // Of a value that reaches beyond the end as much is read as is there.
        if (length > file->count - start) length = file->count - start;
        if (length > room) return false;
        room -= length;
    }
    return true;
}

static const char overlapping[] = "the values of its directory lie on each other";

static TIFF *open_file(struct memory_file *file, const char *mode) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, take_over_messages);
    speaker = file;
    if (!file->out) {
        struct numbers numbers = numbers_of(file->data, file->count);
        if (!directory_fits(&numbers, first_directory(&numbers))) {
            snprintf(file->message, sizeof file->message, "%s", overlapping);
            return NULL;
        }
    }
    // "m": no mapping; "h": directories are read here, so that a broken one fails here.
    return TIFFClientOpen("memory", mode, file, read_bytes, write_bytes, seek, close_nothing, size_of, map_nothing,
                          unmap_nothing);
}

/// Makes the directory at that offset the current one.
static bool go_to(TIFF *tiff, struct memory_file *file, uint64_t directory) {
    if (directory == TIFFCurrentDirOffset(tiff)) return true;
    struct numbers numbers = numbers_of(file->data, file->count);
    if (directory_fits(&numbers, directory)) return TIFFSetSubDirectory(tiff, directory);
    snprintf(file->message, sizeof file->message, "%s", overlapping);
    return false;
}

static void close_file(TIFF *tiff) {
    if (tiff) TIFFClose(tiff);
    speaker = NULL;
}

/// Whether libtiff's words are of memory, and some may have run out.
static bool speaks_of_memory(const struct memory_file *file) {
    static const char *const words[] = {"emory", "alloc", "No space", "tif_map_dir"};
    for (size_t index = 0; index < sizeof words / sizeof *words && cimageio_may_have_run_out(); index++)
        if (strstr(file->message, words[index])) return true;
    return false;
}

/// Whether a failure is one of memory. Of some of zlib's libtiff says nothing.
static bool ran_out(const struct memory_file *file) {
    if (file->ran_out || speaks_of_memory(file)) return true;
    return !file->message[0] && cimageio_may_have_run_out() && !cimageio_can_allocate(2 << 20);
}

static void fail(const struct memory_file *file, cimageio_result *result, int32_t code, const char *message) {
    if (file->passed_end && code == CIMAGEIO_CORRUPT) code = CIMAGEIO_TRUNCATED;
    if (ran_out(file)) code = CIMAGEIO_NO_MEMORY;
    cimageio_fail(result, code, file->message[0] ? file->message : message);
}

/// Directories of a file that are looked at to find the picture: smaller versions that come first are few.
enum { most_directories = 64, most_below = 16, most_kept = 5 };

/// What decides how samples are read.
struct layout {
    uint16_t bits, per_pixel, planar, format, photometric, extra_count, extra;
    uint16_t kept[most_kept]; // which samples of a pixel are used: all colours, then alpha
    uint16_t kept_count;
    bool is_tiled, through_rgba; // through libtiff's own conversion to 8-bit RGBA
};

static bool read_layout(TIFF *tiff, struct layout *layout) {
    *layout = (struct layout){0};
    uint16_t *extra = NULL;
    TIFFGetFieldDefaulted(tiff, TIFFTAG_BITSPERSAMPLE, &layout->bits);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLESPERPIXEL, &layout->per_pixel);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_PLANARCONFIG, &layout->planar);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLEFORMAT, &layout->format);
    if (!TIFFGetField(tiff, TIFFTAG_PHOTOMETRIC, &layout->photometric)) return false;
    TIFFGetFieldDefaulted(tiff, TIFFTAG_EXTRASAMPLES, &layout->extra_count, &extra);
    if (!extra || layout->extra_count > layout->per_pixel) layout->extra_count = 0;
    unsigned colors = (unsigned)layout->per_pixel - layout->extra_count;
    // The extra sample that is alpha need not be the first. A single one that says nothing of itself is alpha, too:
    // Photoshop writes it so.
    for (unsigned index = 0; index < layout->extra_count && layout->kept_count == 0; index++) {
        bool is_alpha = extra[index] == EXTRASAMPLE_ASSOCALPHA || extra[index] == EXTRASAMPLE_UNASSALPHA;
        if (!is_alpha && !(layout->extra_count == 1 && extra[index] == EXTRASAMPLE_UNSPECIFIED)) continue;
        layout->extra = extra[index];
        layout->kept[0] = (uint16_t)(colors + index);
        layout->kept_count = 1;
    }
    layout->is_tiled = TIFFIsTiled(tiff);
    return true;
}

/// What a directory says of its place among others.
struct place_of_directory {
    bool is_full_resolution; // a picture, no smaller version of another, no transparency mask
    uint64_t next;
    uint64_t below[most_below]; // SubIFDs
    unsigned below_count;
};

/// Reads a directory's tags 254, 255 and 330 without taking memory for its values. False where it lies outside or is
/// empty.
static bool find_place(const struct numbers *file, uint64_t offset, struct place_of_directory *out) {
    unsigned word = file->is_big ? 8 : 4, entry_size = 4 + 2 * word;
    *out = (struct place_of_directory){.is_full_resolution = true};
    if (offset == 0 || offset >= file->count) return false;
    uint64_t entry_count = number_at(file, offset, file->is_big ? 8 : 2);
    uint64_t start = offset + (file->is_big ? 8 : 2);
    if (start >= file->count || entry_count == 0 || entry_count > (file->count - start) / entry_size) return false;
    bool has_width = false, has_height = false;
    for (uint64_t index = 0; index < entry_count; index++) {
        uint64_t entry = start + index * entry_size, value = entry + 4 + word;
        uint64_t tag = number_at(file, entry, 2), type = number_at(file, entry + 2, 2);
        uint64_t values = number_at(file, entry + 4, word);
        has_width = has_width || tag == TIFFTAG_IMAGEWIDTH;
        has_height = has_height || tag == TIFFTAG_IMAGELENGTH;
        unsigned size = type == TIFF_SHORT ? 2 : type == TIFF_LONG || type == TIFF_IFD ? 4 : 0;
        if (file->is_big && (type == TIFF_LONG8 || type == TIFF_IFD8)) size = 8;
        if (size == 0 || values == 0) continue;
        if (tag == TIFFTAG_SUBFILETYPE)
            out->is_full_resolution = (number_at(file, value, size) & (FILETYPE_REDUCEDIMAGE | FILETYPE_MASK)) == 0;
        else if (tag == TIFFTAG_OSUBFILETYPE && number_at(file, value, size) == OFILETYPE_REDUCEDIMAGE)
            out->is_full_resolution = false;
        if (tag != TIFFTAG_SUBIFD) continue;
        out->below_count = values < most_below ? (unsigned)values : most_below;
        uint64_t list = values > word / size ? number_at(file, value, word) : value;
        for (unsigned item = 0; item < out->below_count; item++)
            out->below[item] = list < file->count ? number_at(file, list + item * size, size) : 0;
    }
    // What has no size is no picture.
    if (!has_width || !has_height) out->is_full_resolution = false;
    out->next = number_at(file, start + entry_count * entry_size, word);
    return true;
}

/// Makes the first full-resolution picture the current directory and says in `info` which that is: in the chain of
/// pages, else among the directories below the first, where some cameras put it. The first directory where there is
/// none.
static bool choose_directory(TIFF *tiff, struct memory_file *file, cimageio_tiff_info *info) {
    struct numbers numbers = numbers_of(file->data, file->count);
    uint64_t offset = first_directory(&numbers), chosen = 0;
    struct place_of_directory place, first = {0};
    info->first_directory = offset;
    for (uint32_t page = 1; page <= most_directories && chosen == 0 && find_place(&numbers, offset, &place); page++) {
        if (page == 1) first = place;
        if (place.is_full_resolution) {
            chosen = offset;
            info->page = page;
        }
        offset = place.next;
    }
    for (unsigned index = 0; index < first.below_count && chosen == 0; index++)
        if (find_place(&numbers, first.below[index], &place) && place.is_full_resolution) chosen = first.below[index];
    // A directory that names itself, or nothing that can be read, as the next one has no page behind it.
    info->other_pages = first.next != info->first_directory && find_place(&numbers, first.next, &place);
    info->is_reduced = chosen == 0;
    if (chosen == 0) info->page = 1;
    info->directory = chosen ? chosen : info->first_directory;
    return go_to(tiff, file, info->directory);
}

static bool describe(TIFF *tiff, struct memory_file *file, uint64_t max_pixels, struct layout *layout,
                     cimageio_tiff_info *info, cimageio_result *result) {
    if (!read_layout(tiff, layout) || !TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &info->width) ||
        !TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &info->height) || info->width == 0 || info->height == 0) {
        fail(file, result, CIMAGEIO_CORRUPT, "its directory lacks the size or the kind of its pixels");
        return false;
    }
    if (info->width > INT32_MAX || info->height > INT32_MAX || (uint64_t)info->width * info->height > max_pixels) {
        cimageio_fail(result, CIMAGEIO_TOO_LARGE, "more pixels than the limit");
        return false;
    }
    uint16_t orientation = 1, unit = 0;
    TIFFGetFieldDefaulted(tiff, TIFFTAG_ORIENTATION, &orientation);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_COMPRESSION, &info->compression);
    info->orientation = orientation >= 1 && orientation <= 8 ? (uint8_t)orientation : 1;
    if (TIFFGetField(tiff, TIFFTAG_XRESOLUTION, &info->density_x) &&
        TIFFGetField(tiff, TIFFTAG_YRESOLUTION, &info->density_y)) {
        TIFFGetFieldDefaulted(tiff, TIFFTAG_RESOLUTIONUNIT, &unit);
        info->density_unit = unit >= 1 && unit <= 3 ? (uint8_t)unit : 0;
    }
    info->photometric = layout->photometric;
    info->stored_depth = (uint8_t)(layout->bits > 255 ? 255 : layout->bits);
    char message[120];
    if (layout->format != SAMPLEFORMAT_UINT && layout->format != SAMPLEFORMAT_VOID) {
        snprintf(message, sizeof message, "%u-bit samples that are no unsigned integers", layout->bits);
        cimageio_fail(result, CIMAGEIO_UNSUPPORTED, message);
        return false;
    }
    if (layout->bits != 16 && layout->bits > 8) {
        snprintf(message, sizeof message, "%u bits a sample", layout->bits);
        cimageio_fail(result, CIMAGEIO_UNSUPPORTED, message);
        return false;
    }
    if (!TIFFIsCODECConfigured(info->compression)) {
        snprintf(message, sizeof message, "compression %u", info->compression);
        cimageio_fail(result, CIMAGEIO_UNSUPPORTED, message);
        return false;
    }
    info->depth = layout->bits == 16 ? 16 : 8;
    bool whole = layout->bits == 8 || layout->bits == 16;
    bool has_alpha = layout->kept_count == 1;
    unsigned colors = 0;
    switch (layout->photometric) {
    case PHOTOMETRIC_MINISBLACK:
    case PHOTOMETRIC_MINISWHITE: colors = 1; break;
    case PHOTOMETRIC_RGB: colors = 3; break;
    case PHOTOMETRIC_SEPARATED: colors = 4; break;
    default: break;
    }
    if (layout->photometric == PHOTOMETRIC_SEPARATED) {
        uint16_t set = INKSET_CMYK, count = 4;
        TIFFGetFieldDefaulted(tiff, TIFFTAG_INKSET, &set);
        bool is_counted = TIFFGetField(tiff, TIFFTAG_NUMBEROFINKS, &count) != 0;
        if (set != INKSET_CMYK && ((is_counted && count != 4) || layout->per_pixel - layout->extra_count != 4)) {
            cimageio_fail(result, CIMAGEIO_UNSUPPORTED, "inks other than cyan, magenta, yellow and black");
            return false;
        }
    }
    if (colors && whole && layout->per_pixel >= colors) {
        uint16_t alpha = layout->kept[0];
        has_alpha = has_alpha && alpha >= colors && alpha < layout->per_pixel;
        for (uint16_t sample = 0; sample < colors; sample++) layout->kept[sample] = sample;
        layout->kept[colors] = alpha;
        layout->kept_count = (uint16_t)(colors + (has_alpha ? 1 : 0));
        info->channels = (uint8_t)((colors == 4 ? 3 : colors) + (has_alpha ? 1 : 0));
        info->inks = colors == 4;
        info->alpha_associated = has_alpha && layout->extra == EXTRASAMPLE_ASSOCALPHA;
        info->alpha_unspecified = has_alpha && layout->extra == EXTRASAMPLE_UNSPECIFIED;
        info->dropped_samples = (uint16_t)(layout->per_pixel - layout->kept_count);
        return true;
    }
    // Palettes, YCbCr, CIELab, and grey of less than 8 bits: libtiff knows how.
    char reason[1024] = "";
    if (!TIFFRGBAImageOK(tiff, reason)) {
        cimageio_fail(result, CIMAGEIO_UNSUPPORTED, reason[0] ? reason : "this kind of pixels");
        return false;
    }
    layout->through_rgba = true;
    info->depth = 8;
    info->channels = colors == 1 ? 1 : 3;
    info->dropped_samples = layout->extra_count;
    return true;
}

bool cimageio_tiff_header(const uint8_t *data, size_t count, uint64_t max_pixels, cimageio_tiff_info *info,
                          cimageio_result *result) {
    struct memory_file file = {.data = data, .count = count};
    struct layout layout;
    *info = (cimageio_tiff_info){0};
    cimageio_begin(result);
    TIFF *tiff = open_file(&file, "rm");
    if (tiff && choose_directory(tiff, &file, info)) describe(tiff, &file, max_pixels, &layout, info, result);
    else fail(&file, result, CIMAGEIO_CORRUPT, "its directory cannot be read");
    close_file(tiff);
    return result->code == CIMAGEIO_OK;
}

/// Where the samples of a strip or tile go.
struct target {
    const struct layout *layout;
    const cimageio_tiff_info *info;
    uint8_t *pixels; // rows of the kept samples
};

/// Copies a piece's samples of one plane (or all, where planes are together) into place.
static void place(const struct target *target, const uint8_t *piece, size_t piece_row_bytes, uint32_t left,
                  uint32_t top, uint32_t width, uint32_t height, unsigned plane) {
    const struct layout *layout = target->layout;
    size_t bytes = target->info->depth / 8;
    bool together = layout->planar == PLANARCONFIG_CONTIG;
    size_t from_step = (together ? layout->per_pixel : 1) * bytes, to_step = layout->kept_count * bytes;
    unsigned last = layout->kept[layout->kept_count - 1];
    bool in_order = last + 1u == layout->kept_count;
    for (uint32_t y = 0; y < height && top + y < target->info->height; y++) {
        const uint8_t *from = piece + piece_row_bytes * y;
        uint8_t *to = target->pixels + ((size_t)(top + y) * target->info->width + left) * to_step + plane * bytes;
        for (uint32_t x = 0; x < width && left + x < target->info->width; x++, from += from_step, to += to_step) {
            if (!together) {
                memcpy(to, from, bytes);
            } else if (in_order) {
                memcpy(to, from, to_step);
            } else {
                for (unsigned sample = 0; sample < layout->kept_count; sample++)
                    memcpy(to + sample * bytes, from + layout->kept[sample] * bytes, bytes);
            }
        }
    }
}

static bool read_pieces(TIFF *tiff, struct memory_file *file, const struct target *target, cimageio_result *result) {
    const struct layout *layout = target->layout;
    tmsize_t size = layout->is_tiled ? TIFFTileSize(tiff) : TIFFStripSize(tiff);
    uint32_t piece_width = target->info->width, piece_height = 0;
    if (layout->is_tiled) {
        TIFFGetField(tiff, TIFFTAG_TILEWIDTH, &piece_width);
        TIFFGetField(tiff, TIFFTAG_TILELENGTH, &piece_height);
    } else {
        TIFFGetFieldDefaulted(tiff, TIFFTAG_ROWSPERSTRIP, &piece_height);
        if (piece_height > target->info->height) piece_height = target->info->height;
    }
    tmsize_t row_bytes = layout->is_tiled ? TIFFTileRowSize(tiff) : TIFFScanlineSize(tiff);
    uint64_t least = (uint64_t)piece_width * (layout->planar == PLANARCONFIG_CONTIG ? layout->per_pixel : 1) *
                     (target->info->depth / 8);
    if (size <= 0 || piece_width == 0 || piece_height == 0 || row_bytes <= 0 || (uint64_t)row_bytes < least ||
        (uint64_t)row_bytes * piece_height > (uint64_t)size) {
        fail(file, result, CIMAGEIO_CORRUPT, "its strips or tiles have no sensible size");
        return false;
    }
    if (size > largest_piece) {
        cimageio_fail(result, CIMAGEIO_TOO_LARGE, "a strip or tile of more than 1 GiB");
        return false;
    }
    uint8_t *piece = calloc(1, (size_t)size);
    if (!piece) {
        cimageio_fail(result, CIMAGEIO_NO_MEMORY, "out of memory");
        return false;
    }
    unsigned planes = layout->planar == PLANARCONFIG_CONTIG ? 1 : layout->kept_count;
    bool done = true;
    for (unsigned plane = 0; plane < planes && done; plane++)
        for (uint32_t top = 0; top < target->info->height && done; top += piece_height)
            for (uint32_t left = 0; left < target->info->width && done; left += piece_width) {
                uint32_t rows = target->info->height - top < piece_height ? target->info->height - top : piece_height;
                uint16_t sample = planes == 1 ? 0 : layout->kept[plane];
                tmsize_t got = layout->is_tiled
                                   ? TIFFReadEncodedTile(tiff, TIFFComputeTile(tiff, left, top, 0, sample), piece, size)
                                   : TIFFReadEncodedStrip(tiff, TIFFComputeStrip(tiff, top, sample), piece, size);
                done = got >= 0 && (uint64_t)got >= (uint64_t)row_bytes * rows && !parallel_is_cancelled();
                if (done) place(target, piece, (size_t)row_bytes, left, top, piece_width, rows, plane);
            }
    free(piece);
    if (!done) fail(file, result, CIMAGEIO_CORRUPT, "a strip or tile is shorter than its size says");
    return done;
}

#define FOR_ALL_SAMPLES(type, count, work)                                                                             \
    for (size_t index = 0; index < (count); index++) {                                                                 \
        type *sample = (type *)pixels + index;                                                                         \
        work;                                                                                                          \
    }

static void invert(void *pixels, size_t pixel_count, unsigned channels, unsigned depth) {
    // Alpha, the second sample of two, stays.
    size_t count = pixel_count * channels;
    if (depth == 16) {
        FOR_ALL_SAMPLES(uint16_t, count, if (channels == 1 || index % 2 == 0) *sample = (uint16_t)~*sample)
    } else {
        FOR_ALL_SAMPLES(uint8_t, count, if (channels == 1 || index % 2 == 0) *sample = (uint8_t)~*sample)
    }
}

static uint32_t sample_at(const void *pixels, size_t index, unsigned depth) {
    return depth == 16 ? ((const uint16_t *)pixels)[index] : ((const uint8_t *)pixels)[index];
}

static void set_sample(void *pixels, size_t index, unsigned depth, uint32_t value) {
    if (depth == 16) ((uint16_t *)pixels)[index] = (uint16_t)value;
    else ((uint8_t *)pixels)[index] = (uint8_t)value;
}

/// Divides colours by alpha, or multiplies them: rounded, the second undoes the first exactly, unless a colour is
/// larger than its alpha.
static void scale_by_alpha(const void *from, void *to, size_t pixel_count, unsigned channels, unsigned depth,
                           bool multiply) {
    uint64_t maximum = depth == 16 ? 65535 : 255;
    for (size_t pixel = 0; pixel < pixel_count; pixel++) {
        size_t base = pixel * channels;
        uint64_t alpha = sample_at(from, base + channels - 1, depth);
        for (unsigned channel = 0; channel + 1 < channels; channel++) {
            uint64_t value = sample_at(from, base + channel, depth);
            uint64_t scaled = multiply ? (value * alpha + maximum / 2) / maximum
                              : alpha  ? (value * maximum + alpha / 2) / alpha
                                       : 0;
            set_sample(to, base + channel, depth, (uint32_t)(scaled > maximum ? maximum : scaled));
        }
        set_sample(to, base + channels - 1, depth, (uint32_t)alpha);
    }
}

bool cimageio_exceeds_alpha(const void *pixels, size_t pixel_count, unsigned channels, unsigned depth) {
    for (size_t pixel = 0; pixel < pixel_count; pixel++) {
        size_t base = pixel * channels;
        uint32_t alpha = sample_at(pixels, base + channels - 1, depth);
        for (unsigned channel = 0; channel + 1 < channels; channel++)
            if (sample_at(pixels, base + channel, depth) > alpha) return true;
    }
    return false;
}

void cimageio_divide_by_alpha(void *pixels, size_t pixel_count, unsigned channels, unsigned depth) {
    scale_by_alpha(pixels, pixels, pixel_count, channels, depth, false);
}

/// Takes the source's own samples into a row of the picture wherever its straight samples equal theirs. `straight` is
/// the row before it was multiplied by alpha.
static void take_associated(const cimageio_tiff_request *request, uint32_t y, const uint8_t *straight, uint8_t *row) {
    if (!request->associated || y < request->associated_y || y - request->associated_y >= request->associated_height)
        return;
    size_t pixel_bytes = (size_t)request->channels * (request->depth / 8);
    const uint8_t *from =
        (const uint8_t *)request->associated + (y - request->associated_y) * pixel_bytes * request->associated_width;
    for (uint32_t x = 0; x < request->associated_width && request->associated_x + x < request->width; x++) {
        uint8_t found[8];
        size_t place = (request->associated_x + (size_t)x) * pixel_bytes;
        scale_by_alpha(from + x * pixel_bytes, found, 1, request->channels, request->depth, false);
        if (memcmp(found, straight + place, pixel_bytes) == 0) memcpy(row + place, from + x * pixel_bytes, pixel_bytes);
    }
}

/// Splits `count` pixels of four inks and alpha: the inks move together to the front of `samples`, alpha goes to
/// `alpha`.
static void split_alpha(void *samples, void *alpha, size_t count, unsigned depth) {
    size_t bytes = depth / 8;
    for (size_t pixel = 0; pixel < count; pixel++) {
        memcpy((uint8_t *)alpha + pixel * bytes, (uint8_t *)samples + (pixel * 5 + 4) * bytes, bytes);
        memmove((uint8_t *)samples + pixel * 4 * bytes, (uint8_t *)samples + pixel * 5 * bytes, 4 * bytes);
    }
}

/// The reverse for three colours: `pixels` holds `count` of them, and room for alpha behind.
static void join_alpha(void *pixels, const void *alpha, size_t count, unsigned depth) {
    size_t bytes = depth / 8;
    for (size_t pixel = count; pixel-- > 0;) {
        memmove((uint8_t *)pixels + pixel * 4 * bytes, (uint8_t *)pixels + pixel * 3 * bytes, 3 * bytes);
        memcpy((uint8_t *)pixels + (pixel * 4 + 3) * bytes, (const uint8_t *)alpha + pixel * bytes, bytes);
    }
}

/// Inks to RGB of the same depth.
static void convert_inks(const uint8_t *inks, cimageio_tiff_info *info, void *pixels, const struct cimageio_inks *way) {
    size_t count = (size_t)info->width * info->height;
    if (way) {
        size_t row_pixels = (size_t)info->width * (info->depth / 8);
        for (size_t row = 0; row < info->height; row++)
            cimageio_inks_to_srgb(way, inks + row * row_pixels * 4, (uint8_t *)pixels + row * row_pixels * 3,
                                  info->width);
        info->used_ink_profile = true;
        return;
    }
    uint64_t maximum = info->depth == 16 ? 65535 : 255;
    for (size_t pixel = 0; pixel < count; pixel++)
        for (unsigned channel = 0; channel < 3; channel++) {
            uint64_t light = maximum - sample_at(inks, pixel * 4 + channel, info->depth);
            uint64_t black = maximum - sample_at(inks, pixel * 4 + 3, info->depth);
            set_sample(pixels, pixel * 3 + channel, info->depth, (uint32_t)((light * black + maximum / 2) / maximum));
        }
}

static bool read_through_rgba(TIFF *tiff, struct memory_file *file, const cimageio_tiff_info *info, uint8_t *pixels,
                              cimageio_result *result) {
    size_t count = (size_t)info->width * info->height;
    uint32_t *raster = malloc(count * sizeof(uint32_t));
    if (!raster) {
        cimageio_fail(result, CIMAGEIO_NO_MEMORY, "out of memory");
        return false;
    }
    // In the orientation that is stored: it is applied later, to every kind alike.
    TIFFSetField(tiff, TIFFTAG_ORIENTATION, ORIENTATION_TOPLEFT);
    bool done = TIFFReadRGBAImageOriented(tiff, info->width, info->height, raster, ORIENTATION_TOPLEFT, 1);
    if (!done) fail(file, result, CIMAGEIO_CORRUPT, "its pixels cannot be read");
    for (size_t pixel = 0; done && pixel < count; pixel++) {
        pixels[pixel * info->channels] = TIFFGetR(raster[pixel]);
        if (info->channels == 3) {
            pixels[pixel * 3 + 1] = TIFFGetG(raster[pixel]);
            pixels[pixel * 3 + 2] = TIFFGetB(raster[pixel]);
        }
    }
    free(raster);
    return done;
}

bool cimageio_tiff_decode(const uint8_t *data, size_t count, cimageio_tiff_info *info, void *pixels, size_t capacity,
                          cimageio_result *result) {
    struct memory_file file = {.data = data, .count = count};
    struct layout layout;
    cimageio_tiff_info found = {0};
    cimageio_begin(result);
    TIFF *tiff = open_file(&file, "rm");
    size_t pixel_count = (size_t)info->width * info->height;
    size_t needed = pixel_count * info->channels * (info->depth / 8);
    uint8_t *inks = NULL, *alpha = NULL;
    struct cimageio_inks *way = NULL;
    bool done =
        tiff && go_to(tiff, &file, info->directory) && describe(tiff, &file, UINT64_MAX, &layout, &found, result);
    if (done && (found.width != info->width || found.height != info->height || found.channels != info->channels ||
                 found.depth != info->depth || needed != capacity)) {
        cimageio_fail(result, CIMAGEIO_CORRUPT, "the header changed while it was read");
        done = false;
    }
    if (done && layout.through_rgba) {
        done = read_through_rgba(tiff, &file, info, pixels, result);
    } else if (done) {
        if (info->inks) {
            inks = malloc(pixel_count * layout.kept_count * (info->depth / 8));
            if (layout.kept_count == 5) alpha = malloc(pixel_count * (info->depth / 8));
            if (!inks || (layout.kept_count == 5 && !alpha)) cimageio_fail(result, CIMAGEIO_NO_MEMORY, "out of memory");
            uint32_t profile_count = 0;
            void *profile = NULL;
            if (TIFFGetField(tiff, TIFFTAG_ICCPROFILE, &profile_count, &profile))
                way = cimageio_open_inks(profile, profile_count, info->depth, result);
        }
        const struct target target = {&layout, info, info->inks ? inks : pixels};
        done = result->code == CIMAGEIO_OK && read_pieces(tiff, &file, &target, result);
        // Inks are multiplied by alpha as light is.
        if (done && info->inks && info->alpha_associated)
            scale_by_alpha(inks, inks, pixel_count, layout.kept_count, info->depth, false);
        if (done && alpha) split_alpha(inks, alpha, pixel_count, info->depth);
        if (done && info->inks) convert_inks(inks, info, pixels, way);
        if (done && alpha) join_alpha(pixels, alpha, pixel_count, info->depth);
        if (done && layout.photometric == PHOTOMETRIC_MINISWHITE)
            invert(pixels, pixel_count, info->channels, info->depth);
    }
    if (!done) fail(&file, result, CIMAGEIO_CORRUPT, "its directory cannot be read");
    cimageio_close_inks(way);
    free(inks);
    free(alpha);
    close_file(tiff);
    return done;
}

bool cimageio_tiff_tag(const uint8_t *data, size_t count, uint64_t directory, uint32_t tag, cimageio_buffer *out,
                       cimageio_result *result) {
    struct memory_file file = {.data = data, .count = count};
    cimageio_begin(result);
    *out = (cimageio_buffer){0};
    TIFF *tiff = open_file(&file, "rm");
    uint32_t length = 0;
    void *bytes = NULL;
    bool found = tiff && go_to(tiff, &file, directory) && TIFFGetField(tiff, tag, &length, &bytes) && length > 0;
    if (found && !cimageio_append(out, bytes, length)) file.ran_out = true;
    // A tag for whose value there was no memory is missing like one that is not there.
    if (file.ran_out || (!found && speaks_of_memory(&file))) cimageio_fail(result, CIMAGEIO_NO_MEMORY, "out of memory");
    close_file(tiff);
    return found && !file.ran_out;
}

/// Rows a strip: about this many bytes, as the specification advises for readers with little memory, but more.
static const size_t strip_bytes = 1 << 18;

bool cimageio_tiff_encode(const void *pixels, const cimageio_tiff_request *request, cimageio_buffer *out,
                          cimageio_result *result) {
    struct memory_file file = {.out = out};
    *out = (cimageio_buffer){0};
    cimageio_begin(result);
    size_t row_bytes = (size_t)request->width * request->channels * (request->depth / 8);
    // Beyond 4 GiB the offsets of a plain TIFF end.
    bool is_big = row_bytes * request->height > (size_t)4000 << 20;
    TIFF *tiff = open_file(&file, is_big ? "wlm8" : "wlm");
    if (!tiff) {
        fail(&file, result, CIMAGEIO_CANNOT_ENCODE, "libtiff could not be started");
        cimageio_free(out);
        return false;
    }
    bool has_alpha = request->channels == 2 || request->channels == 4;
    size_t rows = strip_bytes / (row_bytes ? row_bytes : 1);
    TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, request->width);
    TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, request->height);
    TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, request->depth);
    TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, request->channels);
    TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, request->channels <= 2 ? PHOTOMETRIC_MINISBLACK : PHOTOMETRIC_RGB);
    TIFFSetField(tiff, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
    TIFFSetField(tiff, TIFFTAG_ORIENTATION, ORIENTATION_TOPLEFT);
    TIFFSetField(tiff, TIFFTAG_COMPRESSION, COMPRESSION_ADOBE_DEFLATE);
    TIFFSetField(tiff, TIFFTAG_PREDICTOR, PREDICTOR_HORIZONTAL);
    TIFFSetField(tiff, TIFFTAG_ROWSPERSTRIP, (uint32_t)(rows < 1 ? 1 : rows));
    if (has_alpha) {
        const uint16_t kind = request->associate_alpha     ? EXTRASAMPLE_ASSOCALPHA
                              : request->unspecified_alpha ? EXTRASAMPLE_UNSPECIFIED
                                                           : EXTRASAMPLE_UNASSALPHA;
        TIFFSetField(tiff, TIFFTAG_EXTRASAMPLES, 1, &kind);
    }
    if (request->density_unit) {
        TIFFSetField(tiff, TIFFTAG_RESOLUTIONUNIT, request->density_unit);
        TIFFSetField(tiff, TIFFTAG_XRESOLUTION, (double)request->density_x);
        TIFFSetField(tiff, TIFFTAG_YRESOLUTION, (double)request->density_y);
    }
    if (request->profile_count)
        TIFFSetField(tiff, TIFFTAG_ICCPROFILE, (uint32_t)request->profile_count, request->profile);
    if (request->xmp_count) TIFFSetField(tiff, TIFFTAG_XMLPACKET, (uint32_t)request->xmp_count, request->xmp);
    if (request->photoshop_count)
        TIFFSetField(tiff, TIFFTAG_PHOTOSHOP, (uint32_t)request->photoshop_count, request->photoshop);

    // The predictor works in place, so a row is copied first.
    uint8_t *row = malloc(row_bytes);
    bool done = row != NULL;
    if (!row) file.ran_out = true;
    for (uint32_t y = 0; y < request->height && done; y++) {
        const uint8_t *from = (const uint8_t *)pixels + row_bytes * y;
        if (has_alpha && request->associate_alpha) {
            scale_by_alpha(from, row, request->width, request->channels, request->depth, true);
            take_associated(request, y, from, row);
        } else {
            memcpy(row, from, row_bytes);
        }
        done = TIFFWriteScanline(tiff, row, y, 0) >= 0 && !parallel_is_cancelled();
    }
    done = done && TIFFFlush(tiff);
    free(row);
    close_file(tiff);
    if (done) return true;
    fail(&file, result, CIMAGEIO_CANNOT_ENCODE, "libtiff refused it");
    cimageio_free(out);
    return false;
}
