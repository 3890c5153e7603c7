#include "CTypeface.h"

#include <ft2build.h>
#include FT_FREETYPE_H
#include FT_OUTLINE_H

#include <stdlib.h>

typedef struct {
    ctypeface_outlines *result;
    size_t capacity;
    double scale; // font units to ems
    double pen;   // ems
} writer;

static int add(writer *w, ctypeface_kind kind, const FT_Vector *const points[], int count) {
    if (w->result->count == w->capacity) {
        size_t capacity = w->capacity ? 2 * w->capacity : 256;
        ctypeface_piece *pieces = realloc(w->result->pieces, capacity * sizeof *pieces);
        if (!pieces) {
            w->result->status = CTYPEFACE_NO_MEMORY;
            return 1;
        }
        w->result->pieces = pieces;
        w->capacity = capacity;
    }
    ctypeface_piece *piece = &w->result->pieces[w->result->count++];
    *piece = (ctypeface_piece){.kind = kind};
    for (int i = 0; i < count; i++) {
        piece->x[i] = (double)points[i]->x * w->scale + w->pen;
        piece->y[i] = (double)points[i]->y * w->scale;
    }
    return 0;
}

static int move_to(const FT_Vector *to, void *user) {
    return add(user, CTYPEFACE_MOVE, (const FT_Vector *const[]){to}, 1);
}

static int line_to(const FT_Vector *to, void *user) {
    return add(user, CTYPEFACE_LINE, (const FT_Vector *const[]){to}, 1);
}

static int conic_to(const FT_Vector *control, const FT_Vector *to, void *user) {
    return add(user, CTYPEFACE_CONIC, (const FT_Vector *const[]){control, to}, 2);
}

static int cubic_to(const FT_Vector *first, const FT_Vector *second, const FT_Vector *to, void *user) {
    return add(user, CTYPEFACE_CUBIC, (const FT_Vector *const[]){first, second, to}, 3);
}

static void set(FT_Face face, const uint32_t *text, size_t count, ctypeface_outlines *result) {
    if (!FT_IS_SCALABLE(face) || face->units_per_EM == 0) {
        result->status = CTYPEFACE_NO_OUTLINES;
        return;
    }
    writer w = {.result = result, .scale = 1.0 / face->units_per_EM};
    result->line_height = face->height * w.scale;
    const FT_Outline_Funcs functions = {
        .move_to = move_to, .line_to = line_to, .conic_to = conic_to, .cubic_to = cubic_to};
    FT_UInt previous = 0;
    for (size_t i = 0; i < count; i++) {
        FT_UInt glyph = FT_Get_Char_Index(face, text[i]);
        if (!glyph) result->missing++;
        FT_Vector kerning;
        if (previous && glyph && FT_HAS_KERNING(face) &&
            !FT_Get_Kerning(face, previous, glyph, FT_KERNING_UNSCALED, &kerning)) {
            w.pen += (double)kerning.x * w.scale;
        }
        previous = glyph;
        if (FT_Load_Glyph(face, glyph, FT_LOAD_NO_SCALE | FT_LOAD_NO_BITMAP)) continue;
        if (face->glyph->format == FT_GLYPH_FORMAT_OUTLINE &&
            FT_Outline_Decompose(&face->glyph->outline, &functions, &w) && result->status == CTYPEFACE_NO_MEMORY) {
            return;
        }
        w.pen += (double)face->glyph->metrics.horiAdvance * w.scale;
    }
}

ctypeface_outlines ctypeface_outline_text(const char *path, const uint32_t *text, size_t count) {
    ctypeface_outlines result = {.status = CTYPEFACE_OK};
    FT_Library library;
    if (FT_Init_FreeType(&library)) {
        result.status = CTYPEFACE_NO_LIBRARY;
        return result;
    }
    FT_Face face;
    if (FT_New_Face(library, path, 0, &face)) {
        result.status = CTYPEFACE_NO_FONT;
    } else {
        set(face, text, count, &result);
        FT_Done_Face(face);
    }
    FT_Done_FreeType(library);
    if (result.status != CTYPEFACE_OK) ctypeface_free_outlines(&result);
    return result;
}

void ctypeface_free_outlines(ctypeface_outlines *outlines) {
    free(outlines->pieces);
    outlines->pieces = NULL;
    outlines->count = 0;
}
