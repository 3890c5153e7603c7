#include "CTypeface.h"

#include <ft2build.h>
#include FT_FREETYPE_H
#include FT_OUTLINE_H

#include <fribidi.h>
#include <hb.h>
#include <raqm.h>

#include <stdlib.h>
#include <string.h>

// Positions come in 64ths of a pixel: with this many pixels an em they are finer than any picture shows.
enum { PIXELS_PER_EM = 2048 };

typedef struct {
    ctypeface_outlines *result;
    size_t capacity;
    double scale; // font units to ems
    double x, y;  // of the glyph's origin, in ems
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
        piece->x[i] = (double)points[i]->x * w->scale + w->x;
        piece->y[i] = (double)points[i]->y * w->scale + w->y;
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

static ctypeface_status open_face(FT_Library library, const char *path, FT_Face *face) {
    if (FT_New_Face(library, path, 0, face)) return CTYPEFACE_NO_FONT;
    if (FT_IS_SCALABLE(*face) && (*face)->units_per_EM > 0 &&
        !FT_Set_Pixel_Sizes(*face, PIXELS_PER_EM, PIXELS_PER_EM)) {
        return CTYPEFACE_OK;
    }
    FT_Done_Face(*face);
    *face = NULL;
    return CTYPEFACE_NO_OUTLINES;
}

// Combining marks, joiners and variation selectors belong to the character before them.
static bool continues_cluster(uint32_t character) {
    switch (hb_unicode_general_category(hb_unicode_funcs_get_default(), character)) {
    case HB_UNICODE_GENERAL_CATEGORY_NON_SPACING_MARK:
    case HB_UNICODE_GENERAL_CATEGORY_SPACING_MARK:
    case HB_UNICODE_GENERAL_CATEGORY_ENCLOSING_MARK: return true;
    default: return character == 0x200C || character == 0x200D;
    }
}

// Characters that are never drawn: HarfBuzz makes them invisible where the font has no glyph.
static bool is_ignorable(uint32_t character) {
    return character == 0xAD || character == 0x034F || character == 0x061C || character == 0x115F ||
           character == 0x1160 || character == 0x17B4 || character == 0x17B5 ||
           (character >= 0x180B && character <= 0x180F) || (character >= 0x200B && character <= 0x200F) ||
           (character >= 0x202A && character <= 0x202E) || (character >= 0x2060 && character <= 0x206F) ||
           (character >= 0xFE00 && character <= 0xFE0F) || character == 0xFEFF ||
           (character >= 0xE0000 && character <= 0xE0FFF);
}

static bool has_glyph(FT_Face face, uint32_t character) {
    return is_ignorable(character) || FT_Get_Char_Index(face, character) != 0;
}

// Whether a font has a mark by itself, or can do without: precomposed with its base.
static bool has_mark(FT_Face face, uint32_t base, uint32_t mark) {
    hb_codepoint_t composed;
    return has_glyph(face, mark) || (hb_unicode_compose(hb_unicode_funcs_get_default(), base, mark, &composed) &&
                                     FT_Get_Char_Index(face, composed) != 0);
}

// Which font sets the cluster of `length` characters; `previous` set the one before.
static size_t font_of_cluster(const FT_Face *faces, size_t face_count, size_t previous, const uint32_t *cluster,
                              size_t length) {
    // A space does not change the font.
    if (cluster[0] == ' ' && has_glyph(faces[previous], ' ')) return previous;
    size_t best = 0;
    bool has_base = false;
    for (size_t face = 0; face < face_count; face++) {
        if (!has_glyph(faces[face], cluster[0])) continue;
        bool has_all = true;
        for (size_t i = 1; i < length && has_all; i++) has_all = has_mark(faces[face], cluster[0], cluster[i]);
        if (has_all) return face;
        if (!has_base) best = face;
        has_base = true;
    }
    return best;
}

static bool is_right_to_left(const uint32_t *text, size_t count) {
    for (size_t i = 0; i < count; i++) {
        FriBidiCharType type = fribidi_get_bidi_type(text[i]);
        if (FRIBIDI_IS_STRONG(type)) return FRIBIDI_IS_RTL(type) != 0;
    }
    return false;
}

static ctypeface_status draw(const raqm_glyph_t *glyphs, size_t count, ctypeface_outlines *result, bool *missing) {
    const FT_Outline_Funcs functions = {
        .move_to = move_to, .line_to = line_to, .conic_to = conic_to, .cubic_to = cubic_to};
    const double unit = 1.0 / (64.0 * PIXELS_PER_EM);
    writer w = {.result = result};
    double x = 0, y = 0;
    for (size_t i = 0; i < count; i++) {
        const raqm_glyph_t *glyph = &glyphs[i];
        FT_Face face = glyph->ftface;
        if (!glyph->index && missing) missing[glyph->cluster] = true;
        w.scale = 1.0 / face->units_per_EM;
        w.x = x + glyph->x_offset * unit;
        w.y = y + glyph->y_offset * unit;
        if (!FT_Load_Glyph(face, glyph->index, FT_LOAD_NO_SCALE | FT_LOAD_NO_BITMAP) &&
            face->glyph->format == FT_GLYPH_FORMAT_OUTLINE &&
            FT_Outline_Decompose(&face->glyph->outline, &functions, &w) && result->status == CTYPEFACE_NO_MEMORY) {
            return CTYPEFACE_NO_MEMORY;
        }
        x += glyph->x_advance * unit;
        y += glyph->y_advance * unit;
    }
    return CTYPEFACE_OK;
}

static ctypeface_status set(const FT_Face *faces, size_t face_count, const uint32_t *text, size_t count,
                            ctypeface_outlines *result, bool *missing) {
    result->line_height = (double)faces[0]->height / faces[0]->units_per_EM;
    result->right_to_left = is_right_to_left(text, count);
    if (missing) {
        for (size_t i = 0; i < count; i++) missing[i] = false;
    }
    if (count == 0) return CTYPEFACE_OK;
    raqm_t *line = raqm_create();
    if (!line) return CTYPEFACE_NO_MEMORY;
    bool is_set = raqm_set_text(line, text, count) &&
                  raqm_set_par_direction(line, result->right_to_left ? RAQM_DIRECTION_RTL : RAQM_DIRECTION_LTR) &&
                  raqm_set_freetype_load_flags(line, FT_LOAD_NO_HINTING | FT_LOAD_NO_BITMAP);
    size_t previous = 0;
    for (size_t start = 0, end; start < count && is_set; start = end) {
        for (end = start + 1; end < count && (continues_cluster(text[end]) || is_ignorable(text[end])); end++) {
        }
        previous = font_of_cluster(faces, face_count, previous, text + start, end - start);
        FT_Face face = faces[previous];
        double height = (double)face->height / face->units_per_EM;
        if (height > result->line_height) result->line_height = height;
        is_set = raqm_set_freetype_face_range(line, face, start, end - start);
    }
    ctypeface_status status = CTYPEFACE_NO_MEMORY;
    if (is_set && raqm_layout(line)) {
        size_t glyph_count = 0;
        const raqm_glyph_t *glyphs = raqm_get_glyphs(line, &glyph_count);
        if (glyphs) status = draw(glyphs, glyph_count, result, missing);
    }
    raqm_destroy(line);
    return status;
}

ctypeface_outlines ctypeface_outline_text(const char *paths, size_t path_count, const uint32_t *text, size_t count,
                                          bool *missing) {
    ctypeface_outlines result = {.status = CTYPEFACE_OK};
    FT_Library library;
    if (FT_Init_FreeType(&library)) {
        result.status = CTYPEFACE_NO_LIBRARY;
        return result;
    }
    FT_Face *faces = calloc(path_count, sizeof *faces);
    if (!faces) result.status = CTYPEFACE_NO_MEMORY;
    for (size_t i = 0; i < path_count && result.status == CTYPEFACE_OK; i++) {
        result.status = open_face(library, paths, &faces[i]);
        result.font = i;
        paths += strlen(paths) + 1;
    }
    if (result.status == CTYPEFACE_OK) result.status = set(faces, path_count, text, count, &result, missing);
    for (size_t i = 0; i < path_count && faces; i++) {
        if (faces[i]) FT_Done_Face(faces[i]);
    }
    free(faces);
    FT_Done_FreeType(library);
    if (result.status != CTYPEFACE_OK) ctypeface_free_outlines(&result);
    return result;
}

void ctypeface_free_outlines(ctypeface_outlines *outlines) {
    free(outlines->pieces);
    outlines->pieces = NULL;
    outlines->count = 0;
}

ctypeface_status ctypeface_find_glyphs(const char *path, const uint32_t *text, size_t count, bool *missing) {
    FT_Library library;
    if (FT_Init_FreeType(&library)) return CTYPEFACE_NO_LIBRARY;
    FT_Face face;
    ctypeface_status status = open_face(library, path, &face);
    if (status == CTYPEFACE_OK) {
        uint32_t base = 0;
        for (size_t i = 0; i < count; i++) {
            bool is_mark = continues_cluster(text[i]);
            if (!is_mark) base = text[i];
            if (is_mark ? has_mark(face, base, text[i]) : has_glyph(face, text[i])) missing[i] = false;
        }
        FT_Done_Face(face);
    }
    FT_Done_FreeType(library);
    return status;
}

static void copy_name(char *to, size_t room, const char *name) {
    size_t count = name ? strlen(name) : 0;
    if (count >= room) count = room - 1;
    if (count) memcpy(to, name, count);
    to[count] = 0;
}

ctypeface_status ctypeface_read_names(const char *path, ctypeface_names *names) {
    *names = (ctypeface_names){0};
    FT_Library library;
    if (FT_Init_FreeType(&library)) return CTYPEFACE_NO_LIBRARY;
    FT_Face face;
    ctypeface_status status = open_face(library, path, &face);
    if (status == CTYPEFACE_OK) {
        copy_name(names->family, sizeof names->family, face->family_name);
        copy_name(names->style, sizeof names->style, face->style_name);
        copy_name(names->postscript, sizeof names->postscript, FT_Get_Postscript_Name(face));
        names->is_bold = (face->style_flags & FT_STYLE_FLAG_BOLD) != 0;
        names->is_italic = (face->style_flags & FT_STYLE_FLAG_ITALIC) != 0;
        FT_Done_Face(face);
    }
    FT_Done_FreeType(library);
    return status;
}
