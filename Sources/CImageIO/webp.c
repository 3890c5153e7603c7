#include "internal.h"

#include <CParallel.h>
#include <stdlib.h>
#include <string.h>

#include <webp/decode.h>
#include <webp/demux.h>
#include <webp/encode.h>
#include <webp/mux.h>

static int32_t code_of(VP8StatusCode status) {
    switch (status) {
    case VP8_STATUS_OUT_OF_MEMORY: return CIMAGEIO_NO_MEMORY;
    case VP8_STATUS_UNSUPPORTED_FEATURE: return CIMAGEIO_UNSUPPORTED;
    case VP8_STATUS_NOT_ENOUGH_DATA:
    case VP8_STATUS_SUSPENDED: return CIMAGEIO_TRUNCATED;
    default: return CIMAGEIO_CORRUPT;
    }
}

/// Opens the container and its first frame. Null, with the result set, where the file is not whole.
static WebPDemuxer *open_first(const uint8_t *data, size_t count, WebPIterator *frame, cimageio_result *result) {
    const WebPData file = {data, count};
    WebPDemuxState state = WEBP_DEMUX_PARSE_ERROR;
    WebPDemuxer *demuxer = WebPDemuxPartial(&file, &state);
    if (!demuxer || state != WEBP_DEMUX_DONE) {
        bool is_cut = state == WEBP_DEMUX_PARSING_HEADER || state == WEBP_DEMUX_PARSED_HEADER;
        // All that is allocated here is small.
        int32_t code = cimageio_may_have_run_out() ? CIMAGEIO_NO_MEMORY : CIMAGEIO_CORRUPT;
        cimageio_fail(result, is_cut ? CIMAGEIO_TRUNCATED : code,
                      is_cut ? "the data ends before the picture does" : "its chunks make no WebP");
        WebPDemuxDelete(demuxer);
        return NULL;
    }
    if (!WebPDemuxGetFrame(demuxer, 1, frame)) {
        cimageio_fail(result, CIMAGEIO_CORRUPT, "it holds no picture");
        WebPDemuxDelete(demuxer);
        return NULL;
    }
    return demuxer;
}

static void close_first(WebPDemuxer *demuxer, WebPIterator *frame) {
    WebPDemuxReleaseIterator(frame);
    WebPDemuxDelete(demuxer);
}

bool cimageio_webp_header(const uint8_t *data, size_t count, uint64_t max_pixels, cimageio_webp_info *info,
                          cimageio_result *result) {
    *info = (cimageio_webp_info){0};
    cimageio_begin(result);
    WebPIterator frame;
    WebPDemuxer *demuxer = open_first(data, count, &frame, result);
    if (!demuxer) return false;
    WebPBitstreamFeatures features;
    VP8StatusCode status = WebPGetFeatures(frame.fragment.bytes, frame.fragment.size, &features);
    info->width = WebPDemuxGetI(demuxer, WEBP_FF_CANVAS_WIDTH);
    info->height = WebPDemuxGetI(demuxer, WEBP_FF_CANVAS_HEIGHT);
    info->frames = WebPDemuxGetI(demuxer, WEBP_FF_FRAME_COUNT);
    if (status != VP8_STATUS_OK) {
        cimageio_fail(result, code_of(status), "its picture's header cannot be read");
    } else {
        bool covers = features.width == (int)info->width && features.height == (int)info->height;
        info->channels = features.has_alpha || !covers ? 4 : 3;
        info->is_lossless = features.format == 2;
        if (frame.x_offset < 0 || frame.y_offset < 0 || (uint32_t)(frame.x_offset + features.width) > info->width ||
            (uint32_t)(frame.y_offset + features.height) > info->height)
            cimageio_fail(result, CIMAGEIO_CORRUPT, "its first frame reaches beyond its canvas");
        if ((uint64_t)info->width * info->height > max_pixels)
            cimageio_fail(result, CIMAGEIO_TOO_LARGE, "more pixels than the limit");
    }
    close_first(demuxer, &frame);
    return result->code == CIMAGEIO_OK;
}

bool cimageio_webp_decode(const uint8_t *data, size_t count, const cimageio_webp_info *info, uint8_t *pixels,
                          size_t capacity, cimageio_result *result) {
    cimageio_begin(result);
    WebPIterator frame;
    WebPDemuxer *demuxer = open_first(data, count, &frame, result);
    if (!demuxer) return false;
    size_t stride = (size_t)info->width * info->channels;
    WebPDecoderConfig config;
    if (stride * info->height != capacity || !WebPInitDecoderConfig(&config)) {
        cimageio_fail(result, CIMAGEIO_CORRUPT, "the header changed while it was read");
    } else {
        memset(pixels, 0, capacity);
        size_t offset = (size_t)frame.y_offset * stride + (size_t)frame.x_offset * info->channels;
        config.output.colorspace = info->channels == 4 ? MODE_RGBA : MODE_RGB;
        config.output.is_external_memory = 1;
        config.output.u.RGBA.rgba = pixels + offset;
        config.output.u.RGBA.stride = (int)stride;
        config.output.u.RGBA.size = capacity - offset;
        VP8StatusCode status = WebPDecode(frame.fragment.bytes, frame.fragment.size, &config);
        // libwebp calls some lacks of memory damage: it is one where as much as the decoder takes is not to be had.
        size_t needed = (size_t)info->width * info->height * 8 + ((size_t)8 << 20);
        bool ran_out = cimageio_may_have_run_out() && !cimageio_can_allocate(needed);
        if (status != VP8_STATUS_OK)
            cimageio_fail(result, ran_out ? CIMAGEIO_NO_MEMORY : code_of(status),
                          "its compressed pixels cannot be read");
        WebPFreeDecBuffer(&config.output);
    }
    close_first(demuxer, &frame);
    return result->code == CIMAGEIO_OK;
}

bool cimageio_webp_chunk(const uint8_t *data, size_t count, const char type[4], cimageio_buffer *out,
                         cimageio_result *result) {
    cimageio_begin(result);
    *out = (cimageio_buffer){0};
    const WebPData file = {data, count};
    WebPDemuxer *demuxer = WebPDemux(&file);
    WebPChunkIterator chunk;
    char name[5] = {type[0], type[1], type[2], type[3], 0};
    bool found = demuxer && WebPDemuxGetChunk(demuxer, name, 1, &chunk);
    // The file was understood before.
    bool ran_out = !demuxer && cimageio_may_have_run_out();
    if (found) {
        found = cimageio_append(out, chunk.chunk.bytes, chunk.chunk.size);
        ran_out = !found;
        WebPDemuxReleaseChunkIterator(&chunk);
    }
    if (ran_out) cimageio_fail(result, CIMAGEIO_NO_MEMORY, "out of memory");
    WebPDemuxDelete(demuxer);
    return found;
}

/// Asked by the encoder now and then: 0 ends it.
static int goes_on(int percent, const WebPPicture *picture) {
    (void)percent;
    (void)picture;
    return !parallel_is_cancelled();
}

/// The bare bitstream, without loss.
static bool encode_pixels(const uint8_t *pixels, uint32_t width, uint32_t height, int32_t channels,
                          WebPMemoryWriter *writer, cimageio_result *result) {
    WebPConfig config;
    WebPPicture picture;
    if (!WebPConfigInit(&config) || !WebPPictureInit(&picture) || !WebPConfigLosslessPreset(&config, 6)) {
        cimageio_fail(result, CIMAGEIO_CANNOT_ENCODE, "libwebp is of another version than it was built for");
        return false;
    }
    config.exact = 1;
    picture.use_argb = 1;
    picture.width = (int)width;
    picture.height = (int)height;
    picture.writer = WebPMemoryWrite;
    picture.custom_ptr = writer;
    picture.progress_hook = goes_on;
    size_t stride = (size_t)width * (size_t)channels;
    bool done = stride <= INT32_MAX && (channels == 4 ? WebPPictureImportRGBA(&picture, pixels, (int)stride)
                                                      : WebPPictureImportRGB(&picture, pixels, (int)stride));
    done = done && WebPEncode(&config, &picture);
    if (!done) {
        bool memory = picture.error_code == VP8_ENC_ERROR_OUT_OF_MEMORY ||
                      picture.error_code == VP8_ENC_ERROR_BITSTREAM_OUT_OF_MEMORY;
        cimageio_fail(result, memory ? CIMAGEIO_NO_MEMORY : CIMAGEIO_CANNOT_ENCODE,
                      memory ? "out of memory" : "libwebp refused it");
    }
    WebPPictureFree(&picture);
    return done;
}

bool cimageio_webp_encode(const uint8_t *pixels, uint32_t width, uint32_t height, int32_t channels,
                          const cimageio_webp_metadata *chunks, size_t chunk_count, cimageio_buffer *out,
                          cimageio_result *result) {
    *out = (cimageio_buffer){0};
    cimageio_begin(result);
    if (width > WEBP_MAX_DIMENSION || height > WEBP_MAX_DIMENSION || (channels != 3 && channels != 4)) {
        cimageio_fail(result, CIMAGEIO_CANNOT_ENCODE, "no such WebP layout");
        return false;
    }
    WebPMemoryWriter writer;
    WebPMemoryWriterInit(&writer);
    bool done = encode_pixels(pixels, width, height, channels, &writer, result);
    WebPMux *mux = done ? WebPMuxNew() : NULL;
    if (mux) {
        const WebPData bitstream = {writer.mem, writer.size};
        WebPMuxError status = WebPMuxSetImage(mux, &bitstream, 0);
        for (size_t index = 0; index < chunk_count && status == WEBP_MUX_OK; index++) {
            if (chunks[index].count == 0) continue;
            char name[5] = {0};
            memcpy(name, chunks[index].type, 4);
            const WebPData chunk = {chunks[index].data, chunks[index].count};
            status = WebPMuxSetChunk(mux, name, &chunk, 0);
        }
        WebPData file = {0};
        if (status == WEBP_MUX_OK) status = WebPMuxAssemble(mux, &file);
        done = status == WEBP_MUX_OK && cimageio_append(out, file.bytes, file.size);
        // Chunks and bitstream are our own, so nothing else can be wrong with them.
        if (!done && cimageio_may_have_run_out()) cimageio_fail(result, CIMAGEIO_NO_MEMORY, "out of memory");
        WebPDataClear(&file);
        WebPMuxDelete(mux);
    } else if (done) {
        cimageio_fail(result, CIMAGEIO_NO_MEMORY, "out of memory");
    }
    if (!mux || !done) {
        cimageio_fail(result, CIMAGEIO_CANNOT_ENCODE, "its chunks make no WebP");
        cimageio_free(out);
        done = false;
    }
    WebPMemoryWriterClear(&writer);
    return done;
}
