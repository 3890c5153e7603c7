#include "internal.h"

#include <stddef.h>
#include <string.h>

void cimageio_orient(const uint8_t *restrict stored, uint8_t *restrict upright, size_t width, size_t height,
                     size_t pixel_bytes, int32_t orientation) {
    // Where stored pixel (0, 0) lands, and how far one step along a stored row or column moves in the upright
    // picture, all in pixels. EXIF 2.32, tag 0x0112: the value names which sides row 0 and column 0 show.
    ptrdiff_t w = (ptrdiff_t)width, h = (ptrdiff_t)height;
    ptrdiff_t origin = 0, along_row = 1, along_column = w;
    switch (orientation) {
    case 2: origin = w - 1, along_row = -1, along_column = w; break;
    case 3: origin = w * h - 1, along_row = -1, along_column = -w; break;
    case 4: origin = w * (h - 1), along_row = 1, along_column = -w; break;
    case 5: origin = 0, along_row = h, along_column = 1; break;
    case 6: origin = h - 1, along_row = h, along_column = -1; break;
    case 7: origin = w * h - 1, along_row = -h, along_column = -1; break;
    case 8: origin = h * (w - 1), along_row = -h, along_column = 1; break;
    default: break;
    }
    // Square blocks keep both sides of a transposition in cache.
    enum { block = 32 };
    for (ptrdiff_t top = 0; top < h; top += block)
        for (ptrdiff_t left = 0; left < w; left += block) {
            ptrdiff_t bottom = top + block < h ? top + block : h;
            ptrdiff_t right = left + block < w ? left + block : w;
            for (ptrdiff_t y = top; y < bottom; y++) {
                const uint8_t *from = stored + (size_t)(y * w + left) * pixel_bytes;
                for (ptrdiff_t x = left; x < right; x++, from += pixel_bytes)
                    memcpy(upright + (size_t)(origin + x * along_row + y * along_column) * pixel_bytes, from,
                           pixel_bytes);
            }
        }
}
