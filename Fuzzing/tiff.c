#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t count) {
    cimageio_tiff_info info;
    cimageio_result result;
    cimageio_buffer value;
    static const uint32_t tags[] = {700, 34377, 34675};
    if (!cimageio_tiff_header(data, count, fuzz_pixels, &info, &result)) return 0;
    for (size_t index = 0; index < 3; index++)
        if (cimageio_tiff_tag(data, count, info.directory, tags[index], &value, &result)) cimageio_free(&value);
    size_t capacity = (size_t)info.width * info.height * info.channels * (info.depth / 8);
    uint8_t *pixels = malloc(capacity);
    if (pixels && cimageio_tiff_decode(data, count, &info, pixels, capacity, &result) && info.alpha_associated)
        cimageio_divide_by_alpha(pixels, (size_t)info.width * info.height, info.channels, info.depth);
    free(pixels);
    return 0;
}
