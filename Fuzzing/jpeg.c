#include "fuzz.h"

/// Decodes, and splices a changed corner into the file: what was spliced must decode.
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t count) {
    cimageio_jpeg_info info;
    cimageio_result result;
    cimageio_jpeg_warnings warnings;
    if (!cimageio_jpeg_header(data, count, fuzz_pixels, &info, &result)) return 0;
    size_t capacity = (size_t)info.width * info.height * info.channels * info.depth / 8;
    uint8_t *pixels = malloc(capacity);
    bool decoded =
        pixels && cimageio_jpeg_decode(data, count, &info, pixels, capacity, data, count / 2, &warnings, &result);
    if (decoded && info.component_count != 4 && info.depth == 8) {
        for (size_t index = 0; index < info.channels; index++) pixels[index] ^= 0x55;
        cimageio_jpeg_request request = {
            .width = info.width, .height = info.height, .channels = info.channels, .progressive = info.progressive};
        cimageio_buffer file;
        cimageio_jpeg_splice_report report;
        if (cimageio_jpeg_splice(data, count, pixels, &request, NULL, 0, &file, &report, &result)) {
            cimageio_jpeg_info second;
            if (report.changed > report.blocks ||
                !cimageio_jpeg_header(file.bytes, file.count, fuzz_pixels, &second, &result) ||
                second.width != info.width || second.height != info.height ||
                !cimageio_jpeg_decode(file.bytes, file.count, &second, pixels, capacity, NULL, 0, &warnings, &result))
                abort();
            cimageio_free(&file);
        }
    }
    free(pixels);
    return 0;
}
