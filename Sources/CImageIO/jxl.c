#include "still.h"

// JPEG XL, through libjxl, where the headers were there at build time and the library is when the program runs.
#if __has_include(<jxl/decode.h>)

#include <dlfcn.h>
#include <jxl/decode.h>
#include <jxl/version.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define FUNCTIONS(_)                                                                                                   \
    _(JxlDecoderCreate)                                                                                                \
    _(JxlDecoderDestroy)                                                                                               \
    _(JxlDecoderSubscribeEvents)                                                                                       \
    _(JxlDecoderSetInput)                                                                                              \
    _(JxlDecoderCloseInput)                                                                                            \
    _(JxlDecoderSetDecompressBoxes)                                                                                    \
    _(JxlDecoderProcessInput)                                                                                          \
    _(JxlDecoderGetBasicInfo)                                                                                          \
    _(JxlDecoderGetColorAsEncodedProfile)                                                                              \
    _(JxlDecoderGetICCProfileSize)                                                                                     \
    _(JxlDecoderGetColorAsICCProfile)                                                                                  \
    _(JxlDecoderGetBoxType)                                                                                            \
    _(JxlDecoderSetBoxBuffer)                                                                                          \
    _(JxlDecoderReleaseBoxBuffer)                                                                                      \
    _(JxlDecoderImageOutBufferSize)                                                                                    \
    _(JxlDecoderSetImageOutBuffer)

#define DECLARE(name) __typeof__(name) *name;
static struct {
    FUNCTIONS(DECLARE)
} jxl;
static bool is_loaded, lacks_memory;

#define TEXT(number) #number
// Before 1.0 a minor version may change the calls.
#if JPEGXL_MAJOR_VERSION == 0
#define VERSION(major, minor) TEXT(major) "." TEXT(minor)
#else
#define VERSION(major, minor) TEXT(major)
#endif

static void load(void) {
    static const char version[] = VERSION(JPEGXL_MAJOR_VERSION, JPEGXL_MINOR_VERSION);
    char name[32];
#ifdef __APPLE__
    const char *parts[] = {"libjxl.", version, ".dylib"};
#else
    const char *parts[] = {"libjxl.so.", version, ""};
#endif
    name[0] = 0;
    for (int part = 0; part < 3; part++) strncat(name, parts[part], sizeof name - strlen(name) - 1);
    void *library = cimageio_open_library(name, RTLD_NOW | RTLD_LOCAL, &lacks_memory);
    if (!library) return;
    is_loaded = true;
#define FIND(name) is_loaded = (jxl.name = (__typeof__(jxl.name))dlsym(library, #name)) && is_loaded;
    FUNCTIONS(FIND)
}

bool cimageio_jxl_is_available(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, load);
    return is_loaded;
}

bool cimageio_jxl_lacks_memory(void) { return !cimageio_jxl_is_available() && lacks_memory; }

// Version 0.8 dropped an argument that nothing used.
#if JPEGXL_NUMERIC_VERSION < JPEGXL_COMPUTE_NUMERIC_VERSION(0, 8, 0)
#define UNUSED_FORMAT NULL,
#else
#define UNUSED_FORMAT
#endif

static void *allocate(void *ran_out, size_t size) {
    void *memory = malloc(size);
    if (!memory) *(bool *)ran_out = true;
    return memory;
}

static void release(void *ran_out, void *memory) {
    (void)ran_out;
    free(memory);
}

/// `ran_out`, which must live as long as the decoder, is set where memory runs out: libjxl calls that damage.
static JxlDecoder *open_file(const uint8_t *data, size_t count, int events, bool *ran_out, cimageio_result *result) {
    const JxlMemoryManager manager = {ran_out, allocate, release};
    *ran_out = false;
    JxlDecoder *decoder = jxl.JxlDecoderCreate(&manager);
    if (!decoder || jxl.JxlDecoderSubscribeEvents(decoder, events) != JXL_DEC_SUCCESS ||
        jxl.JxlDecoderSetInput(decoder, data, count) != JXL_DEC_SUCCESS) {
        cimageio_fail(result, CIMAGEIO_NO_MEMORY, "libjxl could not be started");
        if (decoder) jxl.JxlDecoderDestroy(decoder);
        return NULL;
    }
    // Without Brotli in the library compressed boxes stay unread.
    jxl.JxlDecoderSetDecompressBoxes(decoder, JXL_TRUE);
    return decoder;
}

static void read_basic(JxlDecoder *decoder, uint64_t max_pixels, cimageio_still_info *info, cimageio_result *result) {
    JxlBasicInfo basic;
    if (jxl.JxlDecoderGetBasicInfo(decoder, &basic) != JXL_DEC_SUCCESS) {
        cimageio_fail(result, CIMAGEIO_CORRUPT, "its header cannot be read");
        return;
    }
    info->width = basic.xsize;
    info->height = basic.ysize;
    info->channels = (uint8_t)(basic.num_color_channels + (basic.alpha_bits > 0));
    info->stored_depth = (uint8_t)(basic.bits_per_sample < 255 ? basic.bits_per_sample : 255);
    info->depth = basic.bits_per_sample > 8 ? 16 : 8;
    // The decoder hands alpha on as it is stored.
    info->alpha_associated = basic.alpha_bits > 0 && basic.alpha_premultiplied;
    info->other_pictures = basic.have_animation;
    if (basic.exponent_bits_per_sample > 0)
        cimageio_fail(result, CIMAGEIO_UNSUPPORTED, "its samples are floating-point numbers");
    if (basic.num_color_channels != 1 && basic.num_color_channels != 3)
        cimageio_fail(result, CIMAGEIO_UNSUPPORTED, "it is neither grey nor RGB");
    if ((uint64_t)basic.xsize * basic.ysize > max_pixels)
        cimageio_fail(result, CIMAGEIO_TOO_LARGE, "more pixels than the limit");
}

static void read_color(JxlDecoder *decoder, cimageio_still_info *info, cimageio_result *result) {
    JxlColorEncoding color;
    const JxlColorProfileTarget target = JXL_COLOR_PROFILE_TARGET_DATA;
    if (jxl.JxlDecoderGetColorAsEncodedProfile(decoder, UNUSED_FORMAT target, &color) == JXL_DEC_SUCCESS &&
        color.transfer_function == JXL_TRANSFER_FUNCTION_SRGB && color.white_point == JXL_WHITE_POINT_D65 &&
        (color.color_space == JXL_COLOR_SPACE_GRAY || color.primaries == JXL_PRIMARIES_SRGB)) {
        info->color_primaries = 1;
        info->transfer_characteristics = 13;
        return;
    }
    size_t size = 0;
    if (jxl.JxlDecoderGetICCProfileSize(decoder, UNUSED_FORMAT target, &size) != JXL_DEC_SUCCESS) return;
    if (size == 0 || size > STILL_METADATA_LIMIT) return;
    if (!cimageio_reserve(&info->profile, size)) {
        cimageio_fail(result, CIMAGEIO_NO_MEMORY, "out of memory");
        return;
    }
    if (jxl.JxlDecoderGetColorAsICCProfile(decoder, UNUSED_FORMAT target, info->profile.bytes, size) == JXL_DEC_SUCCESS)
        info->profile.count = size;
}

/// What fills with the box at hand; null for one of no interest, and where memory ran out.
static cimageio_buffer *box_buffer(JxlDecoder *decoder, cimageio_still_info *info, cimageio_result *result) {
    JxlBoxType type;
    if (jxl.JxlDecoderGetBoxType(decoder, type, JXL_TRUE) != JXL_DEC_SUCCESS) return NULL;
    cimageio_buffer *box = NULL;
    if (memcmp(type, "Exif", 4) == 0) box = &info->exif;
    if (memcmp(type, "xml ", 4) == 0) box = &info->xmp;
    if (!box || box->count > 0) return NULL;
    if (cimageio_reserve(box, 65536)) return box;
    cimageio_fail(result, CIMAGEIO_NO_MEMORY, "out of memory");
    return NULL;
}

bool cimageio_jxl_header(const uint8_t *data, size_t count, uint64_t max_pixels, cimageio_still_info *info,
                         cimageio_result *result) {
    *info = (cimageio_still_info){0};
    bool is_available = cimageio_jxl_is_available();
    *result = (cimageio_result){0};
    if (!is_available) {
        cimageio_fail(result, lacks_memory ? CIMAGEIO_NO_MEMORY : CIMAGEIO_UNSUPPORTED, "there is no libjxl");
        return false;
    }
    bool ran_out;
    JxlDecoder *decoder =
        open_file(data, count, JXL_DEC_BASIC_INFO | JXL_DEC_COLOR_ENCODING | JXL_DEC_BOX, &ran_out, result);
    if (!decoder) return false;
    cimageio_buffer *box = NULL;
    bool goes_on = true, is_at_end = false;
    while (goes_on && result->code == CIMAGEIO_OK) {
        JxlDecoderStatus status = jxl.JxlDecoderProcessInput(decoder);
        if (box && status != JXL_DEC_BOX_NEED_MORE_OUTPUT) {
            box->count = box->capacity - jxl.JxlDecoderReleaseBoxBuffer(decoder);
            box = NULL;
        }
        switch (status) {
        case JXL_DEC_BASIC_INFO: read_basic(decoder, max_pixels, info, result); break;
        case JXL_DEC_COLOR_ENCODING: read_color(decoder, info, result); break;
        case JXL_DEC_BOX:
            box = box_buffer(decoder, info, result);
            if (box) jxl.JxlDecoderSetBoxBuffer(decoder, box->bytes, box->capacity);
            break;
        case JXL_DEC_BOX_NEED_MORE_OUTPUT: {
            if (!box) {
                goes_on = false;
                break;
            }
            size_t used = box->capacity - jxl.JxlDecoderReleaseBoxBuffer(decoder);
            bool is_long = box->capacity >= STILL_METADATA_LIMIT;
            if (is_long || !cimageio_reserve(box, box->capacity * 2)) {
                if (!is_long) cimageio_fail(result, CIMAGEIO_NO_MEMORY, "out of memory");
                cimageio_free(box);
                box = NULL;
                goes_on = false;
                break;
            }
            jxl.JxlDecoderSetBoxBuffer(decoder, box->bytes + used, box->capacity - used);
            break;
        }
        case JXL_DEC_NEED_MORE_INPUT:
            // A whole file ends here too: the decoder does not know yet that there are no further boxes.
            if (is_at_end) cimageio_fail(result, CIMAGEIO_TRUNCATED, "the data ends before the picture does");
            jxl.JxlDecoderCloseInput(decoder);
            is_at_end = true;
            break;
        case JXL_DEC_ERROR:
            if (ran_out) cimageio_fail(result, CIMAGEIO_NO_MEMORY, "out of memory");
            cimageio_fail(result, is_at_end ? CIMAGEIO_TRUNCATED : CIMAGEIO_CORRUPT, "its data make no JPEG XL");
            break;
        default: goes_on = false; break;
        }
    }
    jxl.JxlDecoderDestroy(decoder);
    if (info->width == 0) cimageio_fail(result, CIMAGEIO_CORRUPT, "it holds no picture");
    return result->code == CIMAGEIO_OK;
}

bool cimageio_jxl_decode(const uint8_t *data, size_t count, const cimageio_still_info *info, void *pixels,
                         size_t capacity, cimageio_result *result) {
    *result = (cimageio_result){0};
    bool ran_out;
    JxlDecoder *decoder = open_file(data, count, JXL_DEC_FULL_IMAGE, &ran_out, result);
    if (!decoder) return false;
    const JxlPixelFormat format = {info->channels, info->depth == 8 ? JXL_TYPE_UINT8 : JXL_TYPE_UINT16,
                                   JXL_NATIVE_ENDIAN, 0};
    bool goes_on = true;
    while (goes_on && result->code == CIMAGEIO_OK) {
        size_t size = 0;
        switch (jxl.JxlDecoderProcessInput(decoder)) {
        case JXL_DEC_NEED_IMAGE_OUT_BUFFER:
            if (jxl.JxlDecoderImageOutBufferSize(decoder, &format, &size) != JXL_DEC_SUCCESS || size != capacity ||
                jxl.JxlDecoderSetImageOutBuffer(decoder, &format, pixels, capacity) != JXL_DEC_SUCCESS)
                cimageio_fail(result, CIMAGEIO_CORRUPT, "its picture is not of the size that its header says");
            break;
        case JXL_DEC_FULL_IMAGE: // Of an animation the first.
            if (info->alpha_associated) still_divide_by_alpha(pixels, info);
            goes_on = false;
            break;
        case JXL_DEC_NEED_MORE_INPUT:
            cimageio_fail(result, CIMAGEIO_TRUNCATED, "the data ends before the picture does");
            break;
        default:
            cimageio_fail(result, ran_out ? CIMAGEIO_NO_MEMORY : CIMAGEIO_CORRUPT, "its data make no JPEG XL");
            break;
        }
    }
    jxl.JxlDecoderDestroy(decoder);
    return result->code == CIMAGEIO_OK;
}

#else

bool cimageio_jxl_is_available(void) { return false; }

bool cimageio_jxl_lacks_memory(void) { return false; }

bool cimageio_jxl_header(const uint8_t *data, size_t count, uint64_t max_pixels, cimageio_still_info *info,
                         cimageio_result *result) {
    (void)data, (void)count, (void)max_pixels;
    *info = (cimageio_still_info){0};
    *result = (cimageio_result){0};
    cimageio_fail(result, CIMAGEIO_UNSUPPORTED, "this build has no libjxl");
    return false;
}

bool cimageio_jxl_decode(const uint8_t *data, size_t count, const cimageio_still_info *info, void *pixels,
                         size_t capacity, cimageio_result *result) {
    (void)data, (void)count, (void)info, (void)pixels, (void)capacity;
    *result = (cimageio_result){0};
    cimageio_fail(result, CIMAGEIO_UNSUPPORTED, "this build has no libjxl");
    return false;
}

#endif
