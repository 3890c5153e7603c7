#include "internal.h"
#include "jpeg_library.h"

#include <CParallel.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

/// More scans than any encoder writes; each costs a pass over the whole picture, so a hostile file could ask for hours.
static const int max_scans = 500;

enum { end_of_image = 0xD9, largest_12_bits = 4095 };

/// Everything a decode holds. The libjpeg structs are found again from the pointers that libjpeg hands to callbacks.
struct decoder {
    struct jpeg_decompress_struct info;
    struct jpeg_error_mgr error;
    struct jpeg_source_mgr source;
    struct jpeg_progress_mgr progress;
    jmp_buf escape;
    const struct jpeg_library *library;
    void *row;                  // samples that are not yet what the caller wants
    struct cimageio_inks *inks; // null where no profile says what the inks look like
    cimageio_result *result;
    cimageio_jpeg_warnings *warnings;
    bool ended;     // the data ran out
    bool cut_short; // entropy-coded data ended before its samples did
};

static struct decoder *decoder_of(j_common_ptr info) { return info->client_data; }

static void on_error(j_common_ptr info) {
    struct decoder *decoder = decoder_of(info);
    char message[JMSG_LENGTH_MAX];
    info->err->format_message(info, message);
    int32_t code = CIMAGEIO_CORRUPT;
    switch (info->err->msg_code) {
    case JERR_OUT_OF_MEMORY: code = CIMAGEIO_NO_MEMORY; break;
    case JERR_SOF_UNSUPPORTED:
    case JERR_BAD_PRECISION:
    case JERR_CONVERSION_NOTIMPL:
    case JERR_FRACT_SAMPLE_NOTIMPL:
    case JERR_CCIR601_NOTIMPL:
    case JERR_ARITH_NOTIMPL:
    case JERR_NOT_COMPILED: code = CIMAGEIO_UNSUPPORTED; break;
    default:
        if (decoder->ended) code = CIMAGEIO_TRUNCATED;
        break;
    }
    cimageio_fail(decoder->result, code, message);
    longjmp(decoder->escape, 1);
}

static void on_message(j_common_ptr info, int level) {
    if (level >= 0) return; // trace output
    struct decoder *decoder = decoder_of(info);
    cimageio_jpeg_warnings *warnings = decoder->warnings;
    if (!warnings) return;
    switch (info->err->msg_code) {
    case JWRN_HIT_MARKER:
        if (((j_decompress_ptr)info)->unread_marker == end_of_image) decoder->cut_short = true;
        warnings->damaged++;
        break;
    case JWRN_EXTRANEOUS_DATA:
    case JWRN_JPEG_EOF:
    case JWRN_JFIF_MAJOR:
    case JWRN_ADOBE_XFORM:
    case JWRN_BOGUS_PROGRESSION: warnings->other++; break;
    default: warnings->damaged++; break;
    }
    if (!warnings->first[0]) {
        char message[JMSG_LENGTH_MAX];
        info->err->format_message(info, message);
        memcpy(warnings->first, message, sizeof warnings->first - 1);
    }
}

static void print_nothing(j_common_ptr info) { (void)info; }

static void source_nothing(j_decompress_ptr info) { (void)info; }

static boolean refill(j_decompress_ptr info) {
    // An end marker lets libjpeg finish what it has; whether that is everything is judged after.
    static const JOCTET end[2] = {0xFF, end_of_image};
    decoder_of((j_common_ptr)info)->ended = true;
    info->src->next_input_byte = end;
    info->src->bytes_in_buffer = 2;
    return TRUE;
}

static void skip(j_decompress_ptr info, long count) {
    struct jpeg_source_mgr *source = info->src;
    if (count <= 0) return;
    if ((size_t)count > source->bytes_in_buffer) {
        refill(info);
    } else {
        source->next_input_byte += count;
        source->bytes_in_buffer -= (size_t)count;
    }
}

static void on_progress(j_common_ptr info) {
    struct decoder *decoder = decoder_of(info);
    if (info->is_decompressor && ((j_decompress_ptr)info)->input_scan_number > max_scans) {
        cimageio_fail(decoder->result, CIMAGEIO_CORRUPT, "more than 500 scans");
        longjmp(decoder->escape, 1);
    }
    if (parallel_is_cancelled()) {
        cimageio_fail(decoder->result, CIMAGEIO_CANCELLED, "cancelled");
        longjmp(decoder->escape, 1);
    }
}

/// Prepares `decoder` and reads the header. Runs under the caller's setjmp.
static void open_header(struct decoder *decoder, const uint8_t *data, size_t count) {
    j_decompress_ptr info = &decoder->info;
    decoder->library->create(info, JPEG_LIB_VERSION, sizeof *info);
    info->client_data = decoder;
    decoder->source = (struct jpeg_source_mgr){
        .next_input_byte = data,
        .bytes_in_buffer = count,
        .init_source = source_nothing,
        .fill_input_buffer = refill,
        .skip_input_data = skip,
        .resync_to_restart = decoder->library->resync,
        .term_source = source_nothing,
    };
    info->src = &decoder->source;
    decoder->progress.progress_monitor = on_progress;
    info->progress = &decoder->progress;
    decoder->library->read_header(info, TRUE);
    if (info->data_precision != 8 && info->data_precision != 12)
        ERREXIT1(info, JERR_BAD_PRECISION, info->data_precision);
    if (info->data_precision == 12 && !decoder->library->read_deep_rows)
        ERREXIT1(info, JERR_BAD_PRECISION, info->data_precision);
}

/// The precision that the first frame header states; 8 where there is none. ITU-T T.81, B.1.1.2 and B.2.2.
static int stated_precision(const uint8_t *data, size_t count) {
    size_t at = 2;
    while (at + 4 < count) {
        uint8_t marker = data[at + 1];
        if (data[at] != 0xFF || marker == 0xFF) {
            at++;
        } else if (marker <= 0x01 || (marker >= 0xD0 && marker <= 0xD8)) {
            at += 2;
        } else if (marker == end_of_image || marker == 0xDA) {
            return 8;
        } else if (marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC) {
            return data[at + 4];
        } else {
            at += 2 + ((size_t)data[at + 2] << 8 | data[at + 3]);
        }
    }
    return 8;
}

/// Zeroes `decoder`, chooses the library and installs the error handlers, so that `close_decoder` is safe from here on.
/// False where no library reads the file.
static bool prepare(struct decoder *decoder, const uint8_t *data, size_t count, cimageio_result *result,
                    cimageio_jpeg_warnings *warnings) {
    memset(decoder, 0, sizeof *decoder);
    *result = (cimageio_result){0};
    decoder->library = stated_precision(data, count) == 12 ? cimageio_jpeg_deep() : cimageio_jpeg_linked();
    if (!decoder->library) {
        cimageio_fail(result, cimageio_jpeg_lacks_memory() ? CIMAGEIO_NO_MEMORY : CIMAGEIO_UNSUPPORTED,
                      "12 bits a sample, which need libjpeg-turbo 3 (scripts/setup)");
        return false;
    }
    decoder->result = result;
    decoder->warnings = warnings;
    decoder->info.err = decoder->library->std_error(&decoder->error);
    decoder->info.client_data = decoder;
    decoder->error.error_exit = on_error;
    decoder->error.emit_message = on_message;
    decoder->error.output_message = print_nothing;
    return true;
}

static void close_decoder(struct decoder *decoder) {
    free(decoder->row);
    decoder->row = NULL;
    cimageio_close_inks(decoder->inks);
    decoder->inks = NULL;
    decoder->library->destroy(&decoder->info);
}

const char *cimageio_jpeg_first_warning(const cimageio_jpeg_warnings *warnings) { return warnings->first; }

static int32_t color_of(j_decompress_ptr info) {
    switch (info->jpeg_color_space) {
    case JCS_GRAYSCALE: return CIMAGEIO_JPEG_GRAY;
    case JCS_YCbCr: return CIMAGEIO_JPEG_YCBCR;
    case JCS_RGB: return CIMAGEIO_JPEG_RGB;
    case JCS_CMYK: return CIMAGEIO_JPEG_CMYK;
    case JCS_YCCK: return CIMAGEIO_JPEG_YCCK;
    default: return 0;
    }
}

bool cimageio_jpeg_header(const uint8_t *data, size_t count, uint64_t max_pixels, cimageio_jpeg_info *out,
                          cimageio_result *result) {
    struct decoder decoder;
    *out = (cimageio_jpeg_info){0};
    if (!prepare(&decoder, data, count, result, NULL)) return false;
    if (setjmp(decoder.escape)) {
        close_decoder(&decoder);
        return false;
    }
    open_header(&decoder, data, count);
    j_decompress_ptr info = &decoder.info;
    out->width = info->image_width;
    out->height = info->image_height;
    out->color = color_of(info);
    out->channels = out->color == CIMAGEIO_JPEG_GRAY ? 1 : 3;
    out->stored_depth = (uint8_t)info->data_precision;
    out->depth = out->stored_depth > 8 ? 16 : 8;
    out->progressive = info->progressive_mode;
    out->arithmetic = info->arith_code;
    if (out->color == 0) {
        char message[80];
        snprintf(message, sizeof message, "%d components of no known colour space", info->num_components);
        cimageio_fail(result, CIMAGEIO_UNSUPPORTED, message);
    }
    out->component_count = info->num_components > 4 ? 4 : (uint8_t)info->num_components;
    for (int index = 0; index < out->component_count; index++) {
        const jpeg_component_info *component = &info->comp_info[index];
        out->horizontal[index] = (uint8_t)component->h_samp_factor;
        out->vertical[index] = (uint8_t)component->v_samp_factor;
        out->component_table[index] = (uint8_t)(component->quant_tbl_no & 3);
    }
    for (int index = 0; index < 4; index++) {
        const JQUANT_TBL *table = info->quant_tbl_ptrs[index];
        out->has_table[index] = table != NULL;
        if (table) memcpy(out->tables[index], table->quantval, sizeof out->tables[index]);
    }
    close_decoder(&decoder);
    if ((uint64_t)out->width * out->height > max_pixels)
        cimageio_fail(result, CIMAGEIO_TOO_LARGE, "more pixels than the limit");
    return result->code == CIMAGEIO_OK;
}

/// Multiplies the light that each ink lets through: R = (1 − C)(1 − K). JPEGs of inks store light, as Adobe's do; a
/// file without Adobe's marker is read the same way, as browsers, Pillow and ImageMagick do.
static void inks_to_rgb(const void *inks, void *rgb, uint32_t width, int depth) {
    const uint8_t *from = inks;
    const uint16_t *deep_from = inks;
    uint8_t *to = rgb;
    uint16_t *deep_to = rgb;
    for (size_t x = 0; x < width; x++)
        for (size_t channel = 0; channel < 3; channel++)
            if (depth == 8) to[x * 3 + channel] = (uint8_t)((from[x * 4 + channel] * from[x * 4 + 3] + 127) / 255);
            else
                deep_to[x * 3 + channel] =
                    (uint16_t)(((uint64_t)deep_from[x * 4 + channel] * deep_from[x * 4 + 3] + 32767) / 65535);
}

/// Turns every sample of 8 or 16 bits over: light to ink.
static void invert(void *samples, size_t count, int depth) {
    uint8_t *bytes = samples;
    for (size_t index = 0; index < count * (size_t)depth / 8; index++) bytes[index] ^= 255;
}

/// Reads the next row into `target`, 12 bits spread over 16.
static void read_row(const struct decoder *decoder, j_decompress_ptr info, int depth, void *target) {
    if (depth == 8) {
        JSAMPROW row = target;
        decoder->library->read_rows(info, &row, 1);
        return;
    }
    short *row = target;
    decoder->library->read_deep_rows(info, &row, 1);
    uint16_t *spread = target;
    for (size_t index = 0; index < (size_t)info->output_width * (size_t)info->output_components; index++) {
        uint32_t value = row[index] < 0 ? 0 : (uint32_t)row[index];
        if (value > largest_12_bits) value = largest_12_bits;
        spread[index] = (uint16_t)((value * 65535 + largest_12_bits / 2) / largest_12_bits);
    }
}

/// Whether a progressive picture's scans stopped before they refined what they began: coefficients that were sent
/// without their lowest bits and never again. Encoders always send those; a file cut between scans lacks them.
static bool lacks_refinement(j_decompress_ptr info) {
    if (!info->progressive_mode || !info->coef_bits) return false;
    for (int component = 0; component < info->num_components; component++)
        for (int coefficient = 0; coefficient < DCTSIZE2; coefficient++)
            if (info->coef_bits[component][coefficient] > 0) return true;
    return false;
}

/// Decodes every row. Runs under the caller's setjmp.
static void read_rows(struct decoder *decoder, const cimageio_jpeg_info *expected, uint8_t *pixels, size_t capacity) {
    j_decompress_ptr info = &decoder->info;
    bool ink = info->num_components == 4;
    int depth = expected->depth;
    if ((depth == 16) != (info->data_precision > 8)) ERREXIT1(info, JERR_BAD_PRECISION, info->data_precision);
    info->out_color_space = expected->channels == 1 ? JCS_GRAYSCALE : ink ? JCS_CMYK : JCS_RGB;
    info->dct_method = JDCT_ISLOW;
    info->do_fancy_upsampling = TRUE;
    decoder->library->start(info);
    size_t row_bytes = (size_t)info->output_width * expected->channels * (size_t)depth / 8;
    size_t needed;
    if (__builtin_mul_overflow(row_bytes, (size_t)info->output_height, &needed) || needed != capacity)
        ERREXIT(info, JERR_BAD_LENGTH);
    size_t ink_count = (size_t)info->output_width * 4;
    if (ink) {
        decoder->row = malloc(ink_count * (size_t)depth / 8);
        if (!decoder->row) ERREXIT1(info, JERR_OUT_OF_MEMORY, 0);
    }
    while (info->output_scanline < info->output_height) {
        uint8_t *row = pixels + row_bytes * info->output_scanline;
        read_row(decoder, info, depth, ink ? decoder->row : row);
        if (ink && decoder->inks) {
            invert(decoder->row, ink_count, depth);
            cimageio_inks_to_srgb(decoder->inks, decoder->row, row, info->output_width);
        } else if (ink) {
            inks_to_rgb(decoder->row, row, info->output_width, depth);
        }
        if (decoder->cut_short) break;
    }
    if (lacks_refinement(info)) {
        // Valid by the letter of the standard, so no error; but likely not all that was once there.
        decoder->warnings->damaged++;
        if (!decoder->warnings->first[0]) strcpy(decoder->warnings->first, "its last progressive scans are missing");
    }
    if (!decoder->cut_short) decoder->library->finish(info);
}

bool cimageio_jpeg_decode(const uint8_t *data, size_t count, const cimageio_jpeg_info *expected, void *pixels,
                          size_t capacity, const uint8_t *ink_profile, size_t ink_profile_count,
                          cimageio_jpeg_warnings *warnings, cimageio_result *result) {
    struct decoder decoder;
    *warnings = (cimageio_jpeg_warnings){0};
    if (!prepare(&decoder, data, count, result, warnings)) return false;
    if (ink_profile_count > 0)
        decoder.inks = cimageio_open_inks(ink_profile, ink_profile_count, expected->depth, result);
    warnings->used_ink_profile = decoder.inks != NULL;
    if (result->code != CIMAGEIO_OK) {
        close_decoder(&decoder);
        return false;
    }
    if (setjmp(decoder.escape)) {
        close_decoder(&decoder);
        return false;
    }
    open_header(&decoder, data, count);
    // One scan that ran to its last sample is whole without its end marker; of several, later ones may be missing, and an
    // arithmetic decoder makes samples of nothing at all.
    bool one_scan = !decoder.info.arith_code && !decoder.info.progressive_mode &&
                    decoder.info.comps_in_scan == decoder.info.num_components;
    read_rows(&decoder, expected, pixels, capacity);
    if (decoder.cut_short || (decoder.ended && (!one_scan || warnings->damaged > 0)))
        cimageio_fail(result, CIMAGEIO_TRUNCATED, "the data ends before the picture does");
    warnings->missing_end = decoder.ended;
    close_decoder(&decoder);
    return result->code == CIMAGEIO_OK;
}
