#include "jpeg_internal.h"

#include <CParallel.h>
#include <setjmp.h>
#include <string.h>

struct encoder {
    struct jpeg_compress_struct info;
    struct jpeg_error_mgr error;
    struct jpeg_progress_mgr progress;
    struct cimageio_jpeg_sink sink;
    jmp_buf escape;
    cimageio_result *result;
};

static struct encoder *encoder_of(j_common_ptr info) { return info->client_data; }

static void on_error(j_common_ptr info) {
    struct encoder *encoder = encoder_of(info);
    char message[JMSG_LENGTH_MAX];
    info->err->format_message(info, message);
    bool memory = info->err->msg_code == JERR_OUT_OF_MEMORY;
    cimageio_fail(encoder->result, memory ? CIMAGEIO_NO_MEMORY : CIMAGEIO_CANNOT_ENCODE, message);
    longjmp(encoder->escape, 1);
}

static void say_nothing(j_common_ptr info, int level) {
    (void)info;
    (void)level;
}

static void print_nothing(j_common_ptr info) { (void)info; }

/// Called with every row of blocks, also of the passes that follow the last scanline.
static void on_progress(j_common_ptr info) {
    struct encoder *encoder = encoder_of(info);
    if (!parallel_is_cancelled()) return;
    cimageio_fail(encoder->result, CIMAGEIO_CANCELLED, "cancelled");
    longjmp(encoder->escape, 1);
}

/// Runs under the caller's setjmp.
static void encode(struct encoder *encoder, const uint8_t *pixels, const cimageio_jpeg_request *request,
                   const cimageio_jpeg_segment *segments, size_t segment_count, cimageio_buffer *out) {
    j_compress_ptr info = &encoder->info;
    jpeg_create_compress(info);
    info->client_data = encoder;
    encoder->progress.progress_monitor = on_progress;
    info->progress = &encoder->progress;
    cimageio_jpeg_write_to(info, &encoder->sink, out);
    info->image_width = request->width;
    info->image_height = request->height;
    info->input_components = request->channels;
    info->in_color_space = request->channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_set_defaults(info);
    if (request->channels == 3 && request->keep_rgb) jpeg_set_colorspace(info, JCS_RGB);
    if (request->table_count > 0) {
        for (int index = 0; index < request->table_count && index < 4; index++) {
            unsigned int table[64];
            for (int entry = 0; entry < 64; entry++) table[entry] = request->tables[index][entry];
            jpeg_add_quant_table(info, index, table, 100, FALSE);
        }
    } else {
        jpeg_set_quality(info, request->quality, TRUE);
    }
    for (int index = 0; index < info->num_components; index++) {
        jpeg_component_info *component = &info->comp_info[index];
        component->h_samp_factor = request->channels == 1 ? 1 : request->horizontal[index];
        component->v_samp_factor = request->channels == 1 ? 1 : request->vertical[index];
        if (request->table_count > 0) component->quant_tbl_no = request->component_table[index];
    }
    info->dct_method = JDCT_ISLOW;
    info->optimize_coding = TRUE;
    if (request->progressive) jpeg_simple_progression(info);
    info->density_unit = request->density_unit;
    info->X_density = request->density_x;
    info->Y_density = request->density_y;
    jpeg_start_compress(info, TRUE);
    for (size_t index = 0; index < segment_count; index++)
        jpeg_write_marker(info, segments[index].marker, segments[index].data, (unsigned int)segments[index].count);
    size_t row_bytes = (size_t)request->width * (size_t)request->channels;
    while (info->next_scanline < info->image_height) {
        JSAMPROW row = (JSAMPROW)(pixels + row_bytes * info->next_scanline);
        jpeg_write_scanlines(info, &row, 1);
    }
    jpeg_finish_compress(info);
}

bool cimageio_jpeg_encode(const uint8_t *pixels, const cimageio_jpeg_request *request,
                          const cimageio_jpeg_segment *segments, size_t segment_count, cimageio_buffer *out,
                          cimageio_result *result) {
    struct encoder encoder;
    memset(&encoder, 0, sizeof encoder);
    *result = (cimageio_result){0};
    *out = (cimageio_buffer){0};
    encoder.result = result;
    encoder.info.err = jpeg_std_error(&encoder.error);
    encoder.info.client_data = &encoder;
    encoder.error.error_exit = on_error;
    encoder.error.emit_message = say_nothing;
    encoder.error.output_message = print_nothing;
    if (setjmp(encoder.escape)) {
        jpeg_destroy_compress(&encoder.info);
        cimageio_free(out);
        return false;
    }
    encode(&encoder, pixels, request, segments, segment_count, out);
    jpeg_destroy_compress(&encoder.info);
    return true;
}

void cimageio_jpeg_standard_table(bool chroma, int32_t quality, uint16_t table[64]) {
    // ITU-T T.81, tables K.1 and K.2, scaled as libjpeg's jpeg_quality_scaling does.
    static const uint8_t luma_base[64] = {16, 11, 10, 16, 24,  40,  51,  61,  12, 12, 14, 19, 26,  58,  60,  55,
                                          14, 13, 16, 24, 40,  57,  69,  56,  14, 17, 22, 29, 51,  87,  80,  62,
                                          18, 22, 37, 56, 68,  109, 103, 77,  24, 35, 55, 64, 81,  104, 113, 92,
                                          49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99};
    static const uint8_t chroma_base[64] = {17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99,
                                            24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99, 99, 99, 99, 99, 99,
                                            99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
                                            99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99};
    int32_t clamped = quality < 1 ? 1 : quality > 100 ? 100 : quality;
    int32_t scale = clamped < 50 ? 5000 / clamped : 200 - clamped * 2;
    for (int entry = 0; entry < 64; entry++) {
        int32_t value = ((chroma ? chroma_base : luma_base)[entry] * scale + 50) / 100;
        table[entry] = (uint16_t)(value < 1 ? 1 : value > 255 ? 255 : value);
    }
}
