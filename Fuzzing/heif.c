#include "fuzz.h"

/// AVIF and HEIC.
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t count) {
    fuzz_still(data, count, cimageio_heif_header, cimageio_heif_decode);
    return 0;
}
