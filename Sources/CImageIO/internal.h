#pragma once

#include "CImageIO.h"

#include <errno.h>

/// Begins a call after which it is asked whether memory may have run out.
static inline void cimageio_begin(cimageio_result *result) {
    *result = (cimageio_result){0};
    errno = 0;
}

/// Whether an allocation may have failed since the call began, that of a library included. Each that fails leaves ENOMEM
/// behind, and what succeeds leaves it there; but so may one that succeeds at a second place (glibc's arenas). So this
/// counts only beside another sign.
static inline bool cimageio_may_have_run_out(void) { return errno == ENOMEM; }

/// Loads a library (`dlopen`); null where it cannot be, with whether that was for a lack of memory.
void *cimageio_open_library(const char *name, int flags, bool *lacks_memory);

/// Records the first failure of a call.
void cimageio_fail(cimageio_result *result, int32_t code, const char *message);

/// Appends, growing by doubling. False when memory fails.
bool cimageio_append(cimageio_buffer *buffer, const void *data, size_t count);

/// Makes room for `capacity` bytes in all. False when memory fails.
bool cimageio_reserve(cimageio_buffer *buffer, size_t capacity);

/// The way from a CMYK profile's inks to sRGB, relative colorimetric with black points matched.
struct cimageio_inks;

/// For samples of `depth` (8 or 16) bits. Null where the profile is damaged or not of CMYK, and, with that in `result`,
/// where memory ran out.
struct cimageio_inks *cimageio_open_inks(const uint8_t *profile, size_t count, int depth, cimageio_result *result);

/// Converts inks (the largest sample is full) to RGB of the same depth.
void cimageio_inks_to_srgb(const struct cimageio_inks *inks, const void *cmyk, void *rgb, uint32_t pixels);

/// Null is fine.
void cimageio_close_inks(struct cimageio_inks *inks);
