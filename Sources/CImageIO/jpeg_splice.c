#include "jpeg_internal.h"

#include <CParallel.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

enum { components_at_most = 3 };

/// Everything a splice holds, so that one place can free it after any failure.
struct splice {
    struct jpeg_error_mgr error;
    struct jpeg_progress_mgr progress;
    jmp_buf escape;
    cimageio_result *result;

    struct jpeg_decompress_struct compared; // the source, decoded to find what changed
    struct jpeg_decompress_struct source;   // the source's coefficients
    struct jpeg_compress_struct fresh;      // the changed part, encoded anew
    struct jpeg_decompress_struct patch;    // its coefficients
    struct jpeg_compress_struct target;     // the result
    struct cimageio_jpeg_sink fresh_sink, target_sink;
    cimageio_buffer fresh_file;
    uint8_t *row;
    uint8_t *changed[components_at_most]; // a flag for each block of a component
    uint32_t columns[components_at_most]; // blocks a row
    uint32_t rows[components_at_most];
};

static void on_error(j_common_ptr info) {
    struct splice *splice = info->client_data;
    char message[JMSG_LENGTH_MAX];
    info->err->format_message(info, message);
    bool memory = info->err->msg_code == JERR_OUT_OF_MEMORY;
    cimageio_fail(splice->result, memory ? CIMAGEIO_NO_MEMORY : CIMAGEIO_CANNOT_ENCODE, message);
    longjmp(splice->escape, 1);
}

/// Damage was found and said when the source was read.
static void say_nothing(j_common_ptr info, int level) {
    (void)info;
    (void)level;
}

static void print_nothing(j_common_ptr info) { (void)info; }

static void fail(struct splice *splice, int32_t code, const char *message) {
    cimageio_fail(splice->result, code, message);
    longjmp(splice->escape, 1);
}

/// Called with every row of blocks.
static void on_progress(j_common_ptr info) {
    if (parallel_is_cancelled()) fail(info->client_data, CIMAGEIO_CANCELLED, "cancelled");
}

static void open_source(struct splice *splice, j_decompress_ptr info, const uint8_t *data, size_t count) {
    jpeg_create_decompress(info);
    info->client_data = splice;
    info->progress = &splice->progress;
    jpeg_mem_src(info, data, count);
    jpeg_read_header(info, TRUE);
    if (info->data_precision != 8) fail(splice, CIMAGEIO_CANNOT_ENCODE, "only 8 bits a sample can be spliced");
}

/// A rectangle of pixels; empty where nothing changed.
struct rectangle {
    uint32_t left, top, right, bottom;
};

/// Decodes the source as `cimageio_jpeg_decode` does and marks the blocks of every component that a changed pixel
/// lies in. Returns the bounds of the changed pixels.
static struct rectangle find_changes(struct splice *splice, const uint8_t *pixels, uint32_t channels) {
    j_decompress_ptr info = &splice->compared;
    info->out_color_space = channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    info->dct_method = JDCT_ISLOW;
    info->do_fancy_upsampling = TRUE;
    jpeg_start_decompress(info);
    size_t row_bytes = (size_t)info->output_width * channels;
    splice->row = malloc(row_bytes);
    if (!splice->row) fail(splice, CIMAGEIO_NO_MEMORY, "out of memory");
    for (int index = 0; index < info->num_components; index++) {
        const jpeg_component_info *component = &info->comp_info[index];
        splice->columns[index] = component->width_in_blocks;
        splice->rows[index] = component->height_in_blocks;
        splice->changed[index] = calloc(component->width_in_blocks, component->height_in_blocks);
        if (!splice->changed[index]) fail(splice, CIMAGEIO_NO_MEMORY, "out of memory");
    }
    struct rectangle bounds = {UINT32_MAX, UINT32_MAX, 0, 0};
    while (info->output_scanline < info->output_height) {
        uint32_t y = info->output_scanline;
        if (parallel_is_cancelled()) fail(splice, CIMAGEIO_CANCELLED, "cancelled");
        const uint8_t *wanted = pixels + row_bytes * y;
        JSAMPROW row = splice->row;
        jpeg_read_scanlines(info, &row, 1);
        if (memcmp(splice->row, wanted, row_bytes) == 0) continue;
        for (uint32_t x = 0; x < info->output_width; x++) {
            if (memcmp(splice->row + (size_t)x * channels, wanted + (size_t)x * channels, channels) == 0) continue;
            if (x < bounds.left) bounds.left = x;
            if (x + 1 > bounds.right) bounds.right = x + 1;
            if (y < bounds.top) bounds.top = y;
            bounds.bottom = y + 1;
            for (int index = 0; index < info->num_components; index++) {
                const jpeg_component_info *component = &info->comp_info[index];
                uint32_t column = x * (uint32_t)component->h_samp_factor / (uint32_t)info->max_h_samp_factor / DCTSIZE;
                uint32_t line = y * (uint32_t)component->v_samp_factor / (uint32_t)info->max_v_samp_factor / DCTSIZE;
                splice->changed[index][(size_t)line * splice->columns[index] + column] = 1;
            }
        }
    }
    jpeg_finish_decompress(info);
    return bounds;
}

/// Encodes a rectangle of `pixels` with the sampling and tables of the source, and opens its coefficients. A rectangle
/// that begins on a whole MCU, and ends on one or with the picture, gives the very blocks that the whole picture would.
static jvirt_barray_ptr *encode_part(struct splice *splice, const uint8_t *pixels, uint32_t channels,
                                     struct rectangle part) {
    j_compress_ptr info = &splice->fresh;
    const struct jpeg_decompress_struct *source = &splice->source;
    jpeg_create_compress(info);
    info->client_data = splice;
    cimageio_jpeg_write_to(info, &splice->fresh_sink, &splice->fresh_file);
    info->image_width = part.right - part.left;
    info->image_height = part.bottom - part.top;
    info->input_components = (int)channels;
    info->in_color_space = channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_set_defaults(info);
    jpeg_set_colorspace(info, source->jpeg_color_space);
    for (int index = 0; index < source->num_components; index++) {
        const jpeg_component_info *from = &source->comp_info[index];
        if (!from->quant_table) fail(splice, CIMAGEIO_CANNOT_ENCODE, "a component has no samples");
        unsigned int table[DCTSIZE2];
        for (int entry = 0; entry < DCTSIZE2; entry++) table[entry] = from->quant_table->quantval[entry];
        jpeg_add_quant_table(info, index, table, 100, FALSE);
        info->comp_info[index].quant_tbl_no = index;
        info->comp_info[index].h_samp_factor = from->h_samp_factor;
        info->comp_info[index].v_samp_factor = from->v_samp_factor;
    }
    info->dct_method = JDCT_ISLOW;
    jpeg_start_compress(info, TRUE);
    for (uint32_t y = part.top; y < part.bottom; y++) {
        JSAMPROW row = (JSAMPROW)(pixels + ((size_t)y * source->image_width + part.left) * channels);
        jpeg_write_scanlines(info, &row, 1);
    }
    jpeg_finish_compress(info);
    open_source(splice, &splice->patch, splice->fresh_file.bytes, splice->fresh_file.count);
    return jpeg_read_coefficients(&splice->patch);
}

/// Copies the marked blocks of one component over the source's.
static void replace_blocks(struct splice *splice, int index, jvirt_barray_ptr *target, jvirt_barray_ptr *patch,
                           struct rectangle part) {
    j_decompress_ptr source = &splice->source;
    const jpeg_component_info *component = &source->comp_info[index];
    uint32_t left = part.left * (uint32_t)component->h_samp_factor / (uint32_t)source->max_h_samp_factor / DCTSIZE;
    uint32_t top = part.top * (uint32_t)component->v_samp_factor / (uint32_t)source->max_v_samp_factor / DCTSIZE;
    const jpeg_component_info *fresh = &splice->patch.comp_info[index];
    for (uint32_t line = 0; line < fresh->height_in_blocks && top + line < splice->rows[index]; line++) {
        const uint8_t *marks = splice->changed[index] + (size_t)(top + line) * splice->columns[index];
        JBLOCKARRAY to = source->mem->access_virt_barray((j_common_ptr)source, target[index], top + line, 1, TRUE);
        JBLOCKARRAY from =
            splice->patch.mem->access_virt_barray((j_common_ptr)&splice->patch, patch[index], line, 1, FALSE);
        for (uint32_t column = 0; column < fresh->width_in_blocks && left + column < splice->columns[index]; column++)
            if (marks[left + column]) memcpy(to[0][left + column], from[0][column], sizeof(JBLOCK));
    }
}

/// Runs under the caller's setjmp.
static void run(struct splice *splice, const uint8_t *data, size_t count, const uint8_t *pixels,
                const cimageio_jpeg_request *request, const cimageio_jpeg_segment *segments, size_t segment_count,
                cimageio_buffer *out, cimageio_jpeg_splice_report *report) {
    open_source(splice, &splice->compared, data, count);
    j_decompress_ptr compared = &splice->compared;
    bool fits = compared->image_width == request->width && compared->image_height == request->height &&
                ((request->channels == 1 && compared->jpeg_color_space == JCS_GRAYSCALE) ||
                 (request->channels == 3 &&
                  (compared->jpeg_color_space == JCS_YCbCr || compared->jpeg_color_space == JCS_RGB)));
    if (!fits) fail(splice, CIMAGEIO_CANNOT_ENCODE, "the picture is of another kind than its source");
    uint32_t channels = (uint32_t)request->channels;
    struct rectangle bounds = find_changes(splice, pixels, channels);

    j_decompress_ptr source = &splice->source;
    open_source(splice, source, data, count);
    jvirt_barray_ptr *coefficients = jpeg_read_coefficients(source);
    if (bounds.right > 0) {
        uint32_t wide = (uint32_t)source->max_h_samp_factor * DCTSIZE;
        uint32_t high = (uint32_t)source->max_v_samp_factor * DCTSIZE;
        struct rectangle part = {bounds.left / wide * wide, bounds.top / high * high,
                                 (bounds.right + wide - 1) / wide * wide, (bounds.bottom + high - 1) / high * high};
        if (part.right > request->width) part.right = request->width;
        if (part.bottom > request->height) part.bottom = request->height;
        jvirt_barray_ptr *patch = encode_part(splice, pixels, channels, part);
        for (int index = 0; index < source->num_components; index++)
            replace_blocks(splice, index, coefficients, patch, part);
    }

    j_compress_ptr target = &splice->target;
    jpeg_create_compress(target);
    target->client_data = splice;
    target->progress = &splice->progress;
    cimageio_jpeg_write_to(target, &splice->target_sink, out);
    jpeg_copy_critical_parameters(source, target);
    target->optimize_coding = TRUE;
    if (request->progressive) jpeg_simple_progression(target);
    target->density_unit = request->density_unit;
    target->X_density = request->density_x;
    target->Y_density = request->density_y;
    jpeg_write_coefficients(target, coefficients);
    for (size_t index = 0; index < segment_count; index++)
        jpeg_write_marker(target, segments[index].marker, segments[index].data, (unsigned int)segments[index].count);
    jpeg_finish_compress(target);

    for (int index = 0; index < source->num_components; index++) {
        size_t blocks = (size_t)splice->columns[index] * splice->rows[index];
        report->blocks += blocks;
        for (size_t block = 0; block < blocks; block++) report->changed += splice->changed[index][block];
    }
}

// One whose errors come to `result`; NULL, and that said, where there is no memory.
static struct splice *new_splice(cimageio_result *result) {
    struct splice *splice = calloc(1, sizeof *splice);
    if (!splice) {
        cimageio_fail(result, CIMAGEIO_NO_MEMORY, "out of memory");
        return NULL;
    }
    splice->result = result;
    splice->progress.progress_monitor = on_progress;
    jpeg_std_error(&splice->error);
    splice->error.error_exit = on_error;
    splice->error.emit_message = say_nothing;
    splice->error.output_message = print_nothing;
    return splice;
}

bool cimageio_jpeg_splice(const uint8_t *data, size_t count, const uint8_t *pixels,
                          const cimageio_jpeg_request *request, const cimageio_jpeg_segment *segments,
                          size_t segment_count, cimageio_buffer *out, cimageio_jpeg_splice_report *report,
                          cimageio_result *result) {
    *result = (cimageio_result){0};
    *out = (cimageio_buffer){0};
    *report = (cimageio_jpeg_splice_report){0};
    struct splice *splice = new_splice(result);
    if (!splice) return false;
    // A struct whose memory manager is null may be destroyed.
    j_common_ptr all[] = {(j_common_ptr)&splice->compared, (j_common_ptr)&splice->source, (j_common_ptr)&splice->fresh,
                          (j_common_ptr)&splice->patch, (j_common_ptr)&splice->target};
    for (size_t index = 0; index < sizeof all / sizeof *all; index++) {
        all[index]->err = &splice->error;
        all[index]->client_data = splice;
    }
    if (!setjmp(splice->escape)) run(splice, data, count, pixels, request, segments, segment_count, out, report);
    jpeg_destroy_compress(&splice->target);
    jpeg_destroy_compress(&splice->fresh);
    jpeg_destroy_decompress(&splice->patch);
    jpeg_destroy_decompress(&splice->source);
    jpeg_destroy_decompress(&splice->compared);
    for (int index = 0; index < components_at_most; index++) free(splice->changed[index]);
    free(splice->row);
    cimageio_free(&splice->fresh_file);
    free(splice);
    if (result->code == CIMAGEIO_OK) return true;
    cimageio_free(out);
    return false;
}

bool cimageio_jpeg_coefficients(const uint8_t *data, size_t count, int32_t component, cimageio_buffer *out,
                                cimageio_result *result) {
    *result = (cimageio_result){0};
    *out = (cimageio_buffer){0};
    struct splice *splice = new_splice(result);
    if (!splice) return false;
    j_decompress_ptr source = &splice->source;
    source->err = &splice->error;
    source->client_data = splice;
    if (!setjmp(splice->escape)) {
        open_source(splice, source, data, count);
        jvirt_barray_ptr *coefficients = jpeg_read_coefficients(source);
        if (component < 0 || component >= source->num_components) fail(splice, CIMAGEIO_CORRUPT, "no such component");
        const jpeg_component_info *info = &source->comp_info[component];
        for (uint32_t line = 0; line < info->height_in_blocks; line++) {
            JBLOCKARRAY row =
                source->mem->access_virt_barray((j_common_ptr)source, coefficients[component], line, 1, FALSE);
            if (!cimageio_append(out, row[0], (size_t)info->width_in_blocks * sizeof(JBLOCK)))
                fail(splice, CIMAGEIO_NO_MEMORY, "out of memory");
        }
    }
    jpeg_destroy_decompress(source);
    free(splice);
    if (result->code == CIMAGEIO_OK) return true;
    cimageio_free(out);
    return false;
}
