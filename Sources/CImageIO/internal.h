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

/// Null where the profile is damaged or not of CMYK.
struct cimageio_inks *cimageio_open_inks(const uint8_t *profile, size_t count);

/// Converts 8-bit inks (255 is full).
void cimageio_inks_to_srgb(const struct cimageio_inks *inks, const uint8_t *cmyk, uint8_t *rgb, uint32_t pixels);

/// Null is fine.
void cimageio_close_inks(struct cimageio_inks *inks);
