#pragma once

#include "internal.h"

/// A block of metadata larger than this is left out.
enum { STILL_METADATA_LIMIT = 1 << 24 };

/// Colours multiplied by alpha made straight, in RGBA or grey with alpha of 8 or 16 bits.
static inline void still_divide_by_alpha(void *pixels, const cimageio_still_info *info) {
    size_t count = (size_t)info->width * info->height, channels = info->channels;
    uint32_t most = info->depth == 8 ? 255 : 65535;
    for (size_t pixel = 0; pixel < count; pixel++) {
        uint8_t *eight = (uint8_t *)pixels + pixel * channels;
        uint16_t *sixteen = (uint16_t *)pixels + pixel * channels;
        uint32_t alpha = info->depth == 8 ? eight[channels - 1] : sixteen[channels - 1];
        if (alpha == 0 || alpha == most) continue;
        for (size_t channel = 0; channel + 1 < channels; channel++) {
            uint32_t value = info->depth == 8 ? eight[channel] : sixteen[channel];
            uint64_t straight = ((uint64_t)value * most + alpha / 2) / alpha;
            if (straight > most) straight = most;
            if (info->depth == 8) eight[channel] = (uint8_t)straight;
            else sixteen[channel] = (uint16_t)straight;
        }
    }
}
