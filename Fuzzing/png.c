#include "fuzz.h"

/// Decodes, and what decodes is encoded and must decode to the same samples.
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t count) {
    cimageio_png_info info;
    cimageio_result result;
    bool lacks_end;
    if (!cimageio_png_header(data, count, fuzz_pixels, &info, &result)) return 0;
    size_t capacity = (size_t)info.width * info.height * info.channels * (info.depth / 8);
    uint8_t *pixels = malloc(capacity), *again = malloc(capacity);
    if (pixels && again && cimageio_png_decode(data, count, &info, pixels, capacity, &lacks_end, &result)) {
        cimageio_buffer file;
        cimageio_png_info second;
        if (!cimageio_png_encode(pixels, info.width, info.height, info.channels, info.depth, NULL, NULL, 0, &file,
                                 &result) ||
            !cimageio_png_header(file.bytes, file.count, fuzz_pixels, &second, &result) ||
            !cimageio_png_decode(file.bytes, file.count, &second, again, capacity, &lacks_end, &result) || lacks_end ||
            memcmp(pixels, again, capacity) != 0)
            abort();
        cimageio_free(&file);
    }
    free(pixels);
    free(again);
    return 0;
}
