// Outlines of text by FreeType.
#ifndef CTYPEFACE_H
#define CTYPEFACE_H

#include <stddef.h>
#include <stdint.h>

typedef enum {
    CTYPEFACE_MOVE = 0,  // x[0], y[0]
    CTYPEFACE_LINE = 1,  // x[0], y[0]
    CTYPEFACE_CONIC = 2, // control x[0], y[0]; end x[1], y[1]
    CTYPEFACE_CUBIC = 3, // controls x[0], y[0] and x[1], y[1]; end x[2], y[2]
} ctypeface_kind;

typedef struct {
    ctypeface_kind kind;
    double x[3];
    double y[3];
} ctypeface_piece;

typedef enum {
    CTYPEFACE_OK = 0,
    CTYPEFACE_NO_LIBRARY,
    CTYPEFACE_NO_FONT,     // not a font, or not readable
    CTYPEFACE_NO_OUTLINES, // bitmaps only
    CTYPEFACE_NO_MEMORY,
} ctypeface_status;

// Outlines of one line of text. Units are ems; x to the right, y up from the baseline.
typedef struct {
    ctypeface_status status;
    ctypeface_piece *pieces; // ctypeface_free_outlines
    size_t count;
    // How many characters the font has no glyph for (those are drawn as its own sign for that).
    size_t missing;
    double line_height;
} ctypeface_outlines;

// Sets `count` Unicode scalars in the font file at `path`, side by side with the font's own advances and kerning.
ctypeface_outlines ctypeface_outline_text(const char *path, const uint32_t *text, size_t count);

void ctypeface_free_outlines(ctypeface_outlines *outlines);

#endif
