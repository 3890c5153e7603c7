#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t count) {
    cimageio_webp_info info;
    cimageio_result result;
    cimageio_buffer chunk;
    for (size_t index = 0; index < 3; index++) {
        static const char names[3][4] = {{'I', 'C', 'C', 'P'}, {'E', 'X', 'I', 'F'}, {'X', 'M', 'P', ' '}};
        if (cimageio_webp_chunk(data, count, names[index], &chunk, &result)) cimageio_free(&chunk);
    }
    if (!cimageio_webp_header(data, count, fuzz_pixels, &info, &result)) return 0;
    size_t capacity = (size_t)info.width * info.height * info.channels;
    uint8_t *pixels = malloc(capacity);
    if (pixels) cimageio_webp_decode(data, count, &info, pixels, capacity, &result);
    free(pixels);
    return 0;
}
