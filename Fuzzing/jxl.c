#include "fuzz.h"

/// JPEG XL.
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t count) {
    fuzz_still(data, count, cimageio_jxl_header, cimageio_jxl_decode);
    return 0;
}
