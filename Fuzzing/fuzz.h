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
