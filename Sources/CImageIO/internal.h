#pragma once

#include "CImageIO.h"

/// Records the first failure of a call.
void cimageio_fail(cimageio_result *result, int32_t code, const char *message);

/// Appends, growing by doubling. False when memory fails.
bool cimageio_append(cimageio_buffer *buffer, const void *data, size_t count);

/// Makes room for `capacity` bytes in all. False when memory fails.
bool cimageio_reserve(cimageio_buffer *buffer, size_t capacity);
