#pragma once

#include "internal.h"

#include <stdio.h>

#include <jerror.h>
#include <jpeglib.h>

/// Where an encoder writes: a buffer that grows. Found again from the manager that libjpeg hands to callbacks.
struct cimageio_jpeg_sink {
    struct jpeg_destination_mgr manager;
    cimageio_buffer *out;
};

/// Makes `info` write to `out`, which must be empty; `sink` lives as long as `info` writes.
void cimageio_jpeg_write_to(j_compress_ptr info, struct cimageio_jpeg_sink *sink, cimageio_buffer *out);
