#ifndef CBUNDLEDMODEL_H
#define CBUNDLEDMODEL_H

#include <stddef.h>

/// One file of the model inside the binary.
typedef struct {
    /// The path inside the model's folder, for example "unet/config.json".
    const char *path;
    /// `size` bytes, alive as long as the program, aligned to 64 bytes.
    const unsigned char *bytes;
    size_t size;
} cbundledmodel_file;

/// The files of the embedded model: a folder in the diffusers layout.
/// `cbundledmodel_file_count` entries, sorted by path.
extern const cbundledmodel_file cbundledmodel_files[];
extern const size_t cbundledmodel_file_count;

/// The same table as a pointer, for Swift, which cannot see an array of unknown length.
static inline const cbundledmodel_file *cbundledmodel_list(void) { return cbundledmodel_files; }

#endif
