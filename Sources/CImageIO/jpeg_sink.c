#include "jpeg_internal.h"

static struct cimageio_jpeg_sink *sink_of(j_compress_ptr info) { return (struct cimageio_jpeg_sink *)info->dest; }

static void point_at_free_space(struct cimageio_jpeg_sink *sink) {
    sink->manager.next_output_byte = sink->out->bytes + sink->out->count;
    sink->manager.free_in_buffer = sink->out->capacity - sink->out->count;
}

static void begin(j_compress_ptr info) {
    struct cimageio_jpeg_sink *sink = sink_of(info);
    if (!cimageio_reserve(sink->out, 65536)) ERREXIT1(info, JERR_OUT_OF_MEMORY, 1);
    point_at_free_space(sink);
}

static boolean grow(j_compress_ptr info) {
    struct cimageio_jpeg_sink *sink = sink_of(info);
    sink->out->count = sink->out->capacity;
    size_t capacity;
    if (__builtin_mul_overflow(sink->out->capacity, (size_t)2, &capacity) || !cimageio_reserve(sink->out, capacity))
        ERREXIT1(info, JERR_OUT_OF_MEMORY, 1);
    point_at_free_space(sink);
    return TRUE;
}

static void finish(j_compress_ptr info) {
    struct cimageio_jpeg_sink *sink = sink_of(info);
    sink->out->count = sink->out->capacity - sink->manager.free_in_buffer;
}

void cimageio_jpeg_write_to(j_compress_ptr info, struct cimageio_jpeg_sink *sink, cimageio_buffer *out) {
    *sink = (struct cimageio_jpeg_sink){
        .manager = {.init_destination = begin, .empty_output_buffer = grow, .term_destination = finish}, .out = out};
    info->dest = &sink->manager;
}
