// Outlines of text: FreeType reads fonts, Raqm lays a line out with FriBidi (directions) and HarfBuzz (shaping).
#ifndef CTYPEFACE_H
#define CTYPEFACE_H

#include <stdbool.h>
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
    // Which font a status other than OK is about.
    size_t font;
    ctypeface_piece *pieces; // ctypeface_free_outlines
    size_t count;
    double line_height;
    // Whether the line runs from right to left: its first letter does.
    bool right_to_left;
} ctypeface_outlines;

// Sets `count` Unicode scalars in the font files at `paths`: `path_count` (1 or more) NUL-terminated strings, one after
// the other. A cluster is set in the first font that has all of it, else in the first that has its base. Where
// `missing` is not NULL it has room for `count` flags, and tells which characters no font had a glyph for. Those are
// drawn as the font's own sign for a missing character.
ctypeface_outlines ctypeface_outline_text(const char *paths, size_t path_count, const uint32_t *text, size_t count,
                                          bool *missing);

void ctypeface_free_outlines(ctypeface_outlines *outlines);

// Clears the flags in `missing` of those of `count` Unicode scalars that the font file at `path` has a glyph for, or
// that need none.
ctypeface_status ctypeface_find_glyphs(const char *path, const uint32_t *text, size_t count, bool *missing);

// What a font is called by itself; empty where it does not say. Longer names are cut.
typedef struct {
    char family[256];
    char style[256];
    char postscript[256];
    bool is_bold;
    bool is_italic;
} ctypeface_names;

// Reads the names of the font file at `path`, which must have outlines.
ctypeface_status ctypeface_read_names(const char *path, ctypeface_names *names);

#endif
