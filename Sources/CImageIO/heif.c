#include "still.h"

// AVIF and HEIC, through libheif, where the headers were there at build time and the library is when the program runs.
#if __has_include(<libheif/heif.h>)

#include <dlfcn.h>
#include <libheif/heif.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define FUNCTIONS(_)                                                                                                   \
    _(heif_context_alloc)                                                                                              \
    _(heif_context_free)                                                                                               \
    _(heif_context_read_from_memory_without_copy)                                                                      \
    _(heif_context_get_number_of_top_level_images)                                                                     \
    _(heif_context_get_primary_image_handle)                                                                           \
    _(heif_image_handle_release)                                                                                       \
    _(heif_image_handle_get_width)                                                                                     \
    _(heif_image_handle_get_height)                                                                                    \
    _(heif_image_handle_has_alpha_channel)                                                                             \
    _(heif_image_handle_is_premultiplied_alpha)                                                                        \
    _(heif_image_handle_get_luma_bits_per_pixel)                                                                       \
    _(heif_image_handle_get_raw_color_profile_size)                                                                    \
    _(heif_image_handle_get_raw_color_profile)                                                                         \
    _(heif_image_handle_get_nclx_color_profile)                                                                        \
    _(heif_nclx_color_profile_free)                                                                                    \
    _(heif_image_handle_get_list_of_metadata_block_IDs)                                                                \
    _(heif_image_handle_get_metadata_size)                                                                             \
    _(heif_image_handle_get_metadata_content_type)                                                                     \
    _(heif_image_handle_get_metadata)                                                                                  \
    _(heif_decode_image)                                                                                               \
    _(heif_image_release)                                                                                              \
    _(heif_image_get_width)                                                                                            \
    _(heif_image_get_height)                                                                                           \
    _(heif_image_get_bits_per_pixel_range)                                                                             \
    _(heif_image_get_plane_readonly)

#define DECLARE(name) __typeof__(name) *name;
static struct {
    FUNCTIONS(DECLARE)
} heif;
static bool is_loaded, lacks_memory;

static void load(void) {
#ifdef __APPLE__
    void *library = cimageio_open_library("libheif.1.dylib", RTLD_NOW | RTLD_LOCAL, &lacks_memory);
#else
    void *library = cimageio_open_library("libheif.so.1", RTLD_NOW | RTLD_LOCAL, &lacks_memory);
#endif
    if (!library) return;
    is_loaded = true;
#define FIND(name) is_loaded = (heif.name = (__typeof__(heif.name))dlsym(library, #name)) && is_loaded;
    FUNCTIONS(FIND)
}

bool cimageio_heif_is_available(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, load);
    return is_loaded;
}

bool cimageio_heif_lacks_memory(void) { return !cimageio_heif_is_available() && lacks_memory; }

static bool failed(struct heif_error error, cimageio_result *result) {
    if (error.code == heif_error_Ok) return false;
    int32_t code = CIMAGEIO_CORRUPT;
    if (error.code == heif_error_Memory_allocation_error) code = CIMAGEIO_NO_MEMORY;
    if (error.code == heif_error_Unsupported_feature || error.code == heif_error_Unsupported_filetype)
        code = CIMAGEIO_UNSUPPORTED;
    if (error.subcode == heif_suberror_End_of_data) code = CIMAGEIO_TRUNCATED;
    if (error.subcode == heif_suberror_Security_limit_exceeded) code = CIMAGEIO_TOO_LARGE;
    cimageio_fail(result, code, error.message && error.message[0] ? error.message : "libheif refused it");
    return true;
}

static bool open_primary(const uint8_t *data, size_t count, struct heif_context **context,
                         struct heif_image_handle **handle, cimageio_result *result) {
    *handle = NULL;
    *context = heif.heif_context_alloc();
    if (!*context) {
        cimageio_fail(result, CIMAGEIO_NO_MEMORY, "out of memory");
        return false;
    }
    if (failed(heif.heif_context_read_from_memory_without_copy(*context, data, count, NULL), result)) return false;
    return !failed(heif.heif_context_get_primary_image_handle(*context, handle), result);
}

static void close_primary(struct heif_context *context, struct heif_image_handle *handle) {
    if (handle) heif.heif_image_handle_release(handle);
    if (context) heif.heif_context_free(context);
}

/// The first block of metadata of a type and, where it is given, a content type. Fails only for a lack of memory.
static void read_block(const struct heif_image_handle *handle, const char *type, const char *content,
                       cimageio_buffer *out, cimageio_result *result) {
    heif_item_id ids[16];
    int found = heif.heif_image_handle_get_list_of_metadata_block_IDs(handle, type, ids, 16);
    for (int index = 0; index < found && index < 16; index++) {
        if (content) {
            const char *kind = heif.heif_image_handle_get_metadata_content_type(handle, ids[index]);
            if (!kind || strcmp(kind, content) != 0) continue;
        }
        size_t size = heif.heif_image_handle_get_metadata_size(handle, ids[index]);
        if (size == 0 || size > STILL_METADATA_LIMIT) continue;
        if (!cimageio_reserve(out, size)) {
            cimageio_fail(result, CIMAGEIO_NO_MEMORY, "out of memory");
            return;
        }
        if (heif.heif_image_handle_get_metadata(handle, ids[index], out->bytes).code != heif_error_Ok) continue;
        out->count = size;
        return;
    }
}

bool cimageio_heif_header(const uint8_t *data, size_t count, uint64_t max_pixels, cimageio_still_info *info,
                          cimageio_result *result) {
    *info = (cimageio_still_info){0};
    bool is_available = cimageio_heif_is_available();
    *result = (cimageio_result){0};
    if (!is_available) {
        cimageio_fail(result, lacks_memory ? CIMAGEIO_NO_MEMORY : CIMAGEIO_UNSUPPORTED, "there is no libheif");
        return false;
    }
    struct heif_context *context;
    struct heif_image_handle *handle;
    if (open_primary(data, count, &context, &handle, result)) {
        int width = heif.heif_image_handle_get_width(handle), height = heif.heif_image_handle_get_height(handle);
        int bits = heif.heif_image_handle_get_luma_bits_per_pixel(handle);
        if (width < 1 || height < 1) cimageio_fail(result, CIMAGEIO_CORRUPT, "it has no size");
        if (bits < 1 || bits > 16) cimageio_fail(result, CIMAGEIO_UNSUPPORTED, "its samples have no known depth");
        if (width > 0 && height > 0) {
            info->width = (uint32_t)width;
            info->height = (uint32_t)height;
            if ((uint64_t)width * (uint64_t)height > max_pixels)
                cimageio_fail(result, CIMAGEIO_TOO_LARGE, "more pixels than the limit");
        }
        info->channels = heif.heif_image_handle_has_alpha_channel(handle) ? 4 : 3;
        info->stored_depth = (uint8_t)bits;
        info->depth = bits > 8 ? 16 : 8;
        info->alpha_associated = info->channels == 4 && heif.heif_image_handle_is_premultiplied_alpha(handle);
        info->other_pictures = heif.heif_context_get_number_of_top_level_images(context) > 1;
        size_t size = heif.heif_image_handle_get_raw_color_profile_size(handle);
        if (size > 0 && size <= STILL_METADATA_LIMIT) {
            if (!cimageio_reserve(&info->profile, size)) cimageio_fail(result, CIMAGEIO_NO_MEMORY, "out of memory");
            else if (heif.heif_image_handle_get_raw_color_profile(handle, info->profile.bytes).code == heif_error_Ok)
                info->profile.count = size;
        }
        struct heif_color_profile_nclx *codes = NULL;
        enum heif_error_code coded = heif.heif_image_handle_get_nclx_color_profile(handle, &codes).code;
        if (coded == heif_error_Memory_allocation_error) {
            cimageio_fail(result, CIMAGEIO_NO_MEMORY, "out of memory");
        } else if (coded == heif_error_Ok && codes) {
            info->color_primaries = (uint8_t)codes->color_primaries;
            info->transfer_characteristics = (uint8_t)codes->transfer_characteristics;
            heif.heif_nclx_color_profile_free(codes);
        }
        read_block(handle, "Exif", NULL, &info->exif, result);
        read_block(handle, "mime", "application/rdf+xml", &info->xmp, result);
    }
    close_primary(context, handle);
    return result->code == CIMAGEIO_OK;
}

/// Rows of `bits` in 8 or 16 to full rows of 8 or 16.
static void copy_rows(const uint8_t *from, size_t from_stride, int bits, const cimageio_still_info *info,
                      void *pixels) {
    size_t samples = (size_t)info->width * info->channels;
    uint32_t most = (1u << bits) - 1;
    for (uint32_t y = 0; y < info->height; y++) {
        const uint8_t *row = from + y * from_stride;
        if (info->depth == 8) {
            memcpy((uint8_t *)pixels + y * samples, row, samples);
            continue;
        }
        uint16_t *target = (uint16_t *)pixels + y * samples;
        for (size_t index = 0; index < samples; index++) {
            uint32_t value = (uint32_t)row[2 * index] | (uint32_t)row[2 * index + 1] << 8;
            target[index] = (uint16_t)(((value < most ? value : most) * 65535u + most / 2) / most);
        }
    }
}

bool cimageio_heif_decode(const uint8_t *data, size_t count, const cimageio_still_info *info, void *pixels,
                          size_t capacity, cimageio_result *result) {
    *result = (cimageio_result){0};
    struct heif_context *context;
    struct heif_image_handle *handle;
    struct heif_image *image = NULL;
    if (open_primary(data, count, &context, &handle, result)) {
        enum heif_chroma eight = info->channels == 4 ? heif_chroma_interleaved_RGBA : heif_chroma_interleaved_RGB;
        enum heif_chroma more =
            info->channels == 4 ? heif_chroma_interleaved_RRGGBBAA_LE : heif_chroma_interleaved_RRGGBB_LE;
        struct heif_error error =
            heif.heif_decode_image(handle, &image, heif_colorspace_RGB, info->depth == 8 ? eight : more, NULL);
        // Its decoders call a lack of memory damage: it is one where as much as they take is not to be had.
        size_t needed = (size_t)info->width * info->height * 16 + ((size_t)8 << 20);
        if (error.code != heif_error_Ok && !cimageio_can_allocate(needed))
            cimageio_fail(result, CIMAGEIO_NO_MEMORY, "out of memory");
        bool decoded = !failed(error, result);
        if (decoded) {
            int stride = 0;
            const uint8_t *plane = heif.heif_image_get_plane_readonly(image, heif_channel_interleaved, &stride);
            int bits = heif.heif_image_get_bits_per_pixel_range(image, heif_channel_interleaved);
            size_t samples = (size_t)info->width * info->channels;
            bool fits = plane && stride > 0 && (size_t)stride >= samples * info->depth / 8 &&
                        heif.heif_image_get_width(image, heif_channel_interleaved) == (int)info->width &&
                        heif.heif_image_get_height(image, heif_channel_interleaved) == (int)info->height &&
                        (info->depth == 8 ? bits == 8 : bits > 8 && bits <= 16) &&
                        capacity == samples * info->height * (info->depth / 8);
            if (fits) {
                copy_rows(plane, (size_t)stride, bits, info, pixels);
                if (info->alpha_associated) still_divide_by_alpha(pixels, info);
            } else {
                cimageio_fail(result, CIMAGEIO_CORRUPT,
                              "its picture is not of the size and depth that its header says");
            }
        }
    }
    if (image) heif.heif_image_release(image);
    close_primary(context, handle);
    return result->code == CIMAGEIO_OK;
}

#else

bool cimageio_heif_is_available(void) { return false; }

bool cimageio_heif_lacks_memory(void) { return false; }

bool cimageio_heif_header(const uint8_t *data, size_t count, uint64_t max_pixels, cimageio_still_info *info,
                          cimageio_result *result) {
    (void)data, (void)count, (void)max_pixels;
    *info = (cimageio_still_info){0};
    *result = (cimageio_result){0};
    cimageio_fail(result, CIMAGEIO_UNSUPPORTED, "this build has no libheif");
    return false;
}

bool cimageio_heif_decode(const uint8_t *data, size_t count, const cimageio_still_info *info, void *pixels,
                          size_t capacity, cimageio_result *result) {
    (void)data, (void)count, (void)info, (void)pixels, (void)capacity;
    *result = (cimageio_result){0};
    cimageio_fail(result, CIMAGEIO_UNSUPPORTED, "this build has no libheif");
    return false;
}

#endif
