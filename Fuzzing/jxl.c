#include "fuzz.h"

/// JPEG XL: reads all there is beside the pixels, then the pixels.
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t count) {
    cimageio_still_info info;
    cimageio_result result;
    if (cimageio_jxl_header(data, count, fuzz_pixels, &info, &result)) {
        size_t capacity = (size_t)info.width * info.height * info.channels * (info.depth / 8);
        void *pixels = malloc(capacity);
        if (pixels) cimageio_jxl_decode(data, count, &info, pixels, capacity, &result);
        free(pixels);
    }
    cimageio_free(&info.profile);
    cimageio_free(&info.exif);
    cimageio_free(&info.xmp);
    return 0;
}
