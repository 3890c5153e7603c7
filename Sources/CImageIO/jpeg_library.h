#pragma once

#include <stddef.h>
#include <stdio.h>

#include <jerror.h>
#include <jpeglib.h>

/// The functions of one libjpeg that decode. Those of two are never mixed: what they keep beside the public structs
/// differs.
struct jpeg_library {
    __typeof__(&jpeg_std_error) std_error;
    __typeof__(&jpeg_CreateDecompress) create;
    __typeof__(&jpeg_read_header) read_header;
    __typeof__(&jpeg_start_decompress) start;
    __typeof__(&jpeg_read_scanlines) read_rows;
    /// Samples of 12 bits; null where the library has no such function. The headers may not know it.
    JDIMENSION (*read_deep_rows)(j_decompress_ptr info, short **rows, JDIMENSION count);
    __typeof__(&jpeg_finish_decompress) finish;
    __typeof__(&jpeg_destroy_decompress) destroy;
    __typeof__(&jpeg_resync_to_restart) resync;
};

/// The one that the program is linked with.
const struct jpeg_library *cimageio_jpeg_linked(void);

/// One that reads 12 bits: the linked one from libjpeg-turbo 3 on, else libjpeg-turbo 3 in the user's data folder.
/// Null where there is neither.
const struct jpeg_library *cimageio_jpeg_deep(void);

/// Whether it could not be loaded for a lack of memory.
bool cimageio_jpeg_lacks_memory(void);
