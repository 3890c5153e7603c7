#pragma once

#include "CImageIO.h"

/// Records the first failure of a call.
void cimageio_fail(cimageio_result *result, int32_t code, const char *message);

/// Appends, growing by doubling. False when memory fails.
bool cimageio_append(cimageio_buffer *buffer, const void *data, size_t count);

/// Makes room for `capacity` bytes in all. False when memory fails.
bool cimageio_reserve(cimageio_buffer *buffer, size_t capacity);

/// The way from a CMYK profile's inks to sRGB, relative colorimetric with black points matched.
struct cimageio_inks;

/// For samples of `depth` (8 or 16) bits. Null where the profile is damaged or not of CMYK.
struct cimageio_inks *cimageio_open_inks(const uint8_t *profile, size_t count, int depth);

/// Converts inks (the largest sample is full) to RGB of the same depth.
void cimageio_inks_to_srgb(const struct cimageio_inks *inks, const void *cmyk, void *rgb, uint32_t pixels);

/// Null is fine.
void cimageio_close_inks(struct cimageio_inks *inks);
