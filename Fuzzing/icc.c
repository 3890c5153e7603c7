#include "fuzz.h"

/// A profile that describes itself must convert both ways.
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t count) {
    cimageio_profile_info info;
    cimageio_result result;
    if (!cimageio_profile_describe(data, count, &info, &result)) return 0;
    if (info.channels != 1 && info.channels != 3) return 0;
    float values[12] = {0, 0, 0, 1, 1, 1, 0.2F, 0.4F, 0.6F, 1, 0, 0}, converted[12];
    if (!cimageio_profile_to_srgb(data, count, values, converted, 4, &result) ||
        !cimageio_profile_from_srgb(data, count, converted, values, 4, &result))
        abort();
    return 0;
}
