#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "CImageIO.h"

/// Larger pictures are refused, as a user's limit would, so that a run stays fast.
enum { fuzz_pixels = 1 << 18 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t count);

/// Reads all there is of a still beside the pixels, then the pixels.
static inline void
fuzz_still(const uint8_t *data, size_t count,
           bool (*header)(const uint8_t *, size_t, uint64_t, cimageio_still_info *, cimageio_result *),
           bool (*decode)(const uint8_t *, size_t, const cimageio_still_info *, void *, size_t, cimageio_result *)) {
    cimageio_still_info info;
    cimageio_result result;
    if (header(data, count, fuzz_pixels, &info, &result)) {
        size_t capacity = (size_t)info.width * info.height * info.channels * (info.depth / 8);
        void *pixels = malloc(capacity);
        if (pixels) decode(data, count, &info, pixels, capacity, &result);
        free(pixels);
    }
    cimageio_free(&info.profile);
    cimageio_free(&info.exif);
    cimageio_free(&info.xmp);
}
