#include "internal.h"

#include <CParallel.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <lcms2.h>
#include <lcms2_plugin.h>

/// Differences below half a step of 8 bits are no other colour.
static const float srgb_tolerance = 0.5F / 255;

/// Pixels that are converted at a time: the scratch stays in cache.
enum { piece_pixels = 4096 };

/// The fewest pixels that are worth a thread, some milliseconds.
enum { part_pixels = 1 << 16 };

const char *cimageio_profile_name(const cimageio_profile_info *info) { return info->name; }

static void say_nothing(cmsContext context, cmsUInt32Number code, const char *message) {
    (void)context;
    (void)code;
    (void)message;
}

/// Whether memory ran out since the call began, which lcms calls a profile that cannot be read or used. Only the thread
/// that opens a transform allocates for it.
static _Thread_local bool ran_out;

/// No profile needs more at once; lcms's own limit.
static const cmsUInt32Number largest_block = 512 << 20;

static void *allocate(cmsContext context, cmsUInt32Number size) {
    (void)context;
    if (size > largest_block) return NULL;
    void *memory = malloc(size);
    if (!memory) ran_out = true;
    return memory;
}

static void *reallocate(cmsContext context, void *memory, cmsUInt32Number size) {
    (void)context;
    if (size > largest_block) return NULL;
    void *grown = realloc(memory, size);
    if (!grown && size > 0) ran_out = true;
    return grown;
}

static void release(cmsContext context, void *memory) {
    (void)context;
    free(memory);
}

static cmsContext new_context(void) {
    // What is not given is made of these. Those of 2.6 are the first that know contexts.
    static cmsPluginMemHandler handler = {.base = {cmsPluginMagicNumber, 2060, cmsPluginMemHandlerSig, NULL},
                                          .MallocPtr = allocate,
                                          .FreePtr = release,
                                          .ReallocPtr = reallocate};
    cmsContext context = cmsCreateContext(&handler, NULL);
    if (context) cmsSetLogErrorHandlerTHR(context, say_nothing);
    else ran_out = true;
    return context;
}

/// Records a failure, which is one of memory where that ran out.
static void fail(cimageio_result *result, int32_t code, const char *message) {
    cimageio_fail(result, ran_out ? CIMAGEIO_NO_MEMORY : code, message);
}

/// The primaries and white of sRGB with no curve, so that nothing on the way clips. ITU-R BT.709-6, 1.3 and 1.4.
static cmsHPROFILE linear_srgb(cmsContext context) {
    const cmsCIExyY white = {0.3127, 0.3290, 1};
    const cmsCIExyYTRIPLE primaries = {{0.64, 0.33, 1}, {0.30, 0.60, 1}, {0.15, 0.06, 1}};
    cmsToneCurve *line = cmsBuildGamma(context, 1);
    if (!line) return NULL;
    cmsToneCurve *const curves[3] = {line, line, line};
    cmsHPROFILE profile = cmsCreateRGBProfileTHR(context, &white, &primaries, curves);
    cmsFreeToneCurve(line);
    return profile;
}

/// IEC 61966-2-1, 5.2; odd about 0.
static float srgb_encoded(float light) {
    float size = fabsf(light);
    float value = size <= 0.0031308F ? 12.92F * size : 1.055F * powf(size, 1 / 2.4F) - 0.055F;
    return copysignf(value, light);
}

static float srgb_light(float value) {
    float size = fabsf(value);
    float light = size <= 0.04045F ? size / 12.92F : powf((size + 0.055F) / 1.055F, 2.4F);
    return copysignf(light, value);
}

/// An opened profile and the way from or to linear sRGB.
struct conversion {
    cmsContext context;
    cmsHPROFILE profile;
    cmsHPROFILE linear;
    cmsHTRANSFORM transform;
    uint8_t channels;
};

static void close_conversion(struct conversion *conversion) {
    if (conversion->transform) cmsDeleteTransform(conversion->transform);
    if (conversion->linear) cmsCloseProfile(conversion->linear);
    if (conversion->profile) cmsCloseProfile(conversion->profile);
    if (conversion->context) cmsDeleteContext(conversion->context);
    *conversion = (struct conversion){0};
}

static bool open_profile(struct conversion *conversion, const uint8_t *profile, size_t count, cimageio_result *result) {
    *conversion = (struct conversion){0};
    *result = (cimageio_result){0};
    ran_out = false;
    conversion->context = new_context();
    if (!conversion->context) {
        fail(result, CIMAGEIO_NO_MEMORY, "out of memory");
        return false;
    }
    if (count <= UINT32_MAX)
        conversion->profile = cmsOpenProfileFromMemTHR(conversion->context, profile, (cmsUInt32Number)count);
    if (!conversion->profile) {
        fail(result, CIMAGEIO_CORRUPT, "it is no ICC profile");
        return false;
    }
    switch (cmsGetDeviceClass(conversion->profile)) {
    case cmsSigInputClass:
    case cmsSigDisplayClass:
    case cmsSigOutputClass:
    case cmsSigColorSpaceClass: break;
    default: cimageio_fail(result, CIMAGEIO_UNSUPPORTED, "it describes no picture"); return false;
    }
    switch (cmsGetColorSpace(conversion->profile)) {
    case cmsSigGrayData: conversion->channels = 1; break;
    case cmsSigRgbData: conversion->channels = 3; break;
    case cmsSigCmykData: conversion->channels = 4; break;
    default: conversion->channels = 0; break;
    }
    return true;
}

/// Opens the way to linear sRGB, or back.
static bool open_transform(struct conversion *conversion, bool back, cimageio_result *result) {
    static const cmsUInt32Number formats[] = {0, TYPE_GRAY_FLT, 0, TYPE_RGB_FLT, TYPE_CMYK_FLT};
    cmsUInt32Number device = formats[conversion->channels];
    if (!conversion->linear) conversion->linear = linear_srgb(conversion->context);
    if (conversion->transform) cmsDeleteTransform(conversion->transform);
    conversion->transform = NULL;
    if (conversion->linear && device)
        conversion->transform =
            back ? cmsCreateTransformTHR(conversion->context, conversion->linear, TYPE_RGB_FLT, conversion->profile,
                                         device, INTENT_RELATIVE_COLORIMETRIC, cmsFLAGS_NOCACHE)
                 : cmsCreateTransformTHR(conversion->context, conversion->profile, device, conversion->linear,
                                         TYPE_RGB_FLT, INTENT_RELATIVE_COLORIMETRIC, cmsFLAGS_NOCACHE);
    if (!conversion->transform)
        fail(result, CIMAGEIO_UNSUPPORTED,
             back ? "colours cannot be converted to it" : "colours cannot be converted from it");
    return conversion->transform != NULL;
}

static void run_to_srgb(const struct conversion *conversion, const float *in, float *out, size_t pixels) {
    float device[piece_pixels * 3];
    for (size_t start = 0; start < pixels; start += piece_pixels) {
        size_t count = pixels - start < piece_pixels ? pixels - start : piece_pixels;
        const float *from = in + start * 3;
        float *to = out + start * 3;
        if (conversion->channels == 1)
            for (size_t pixel = 0; pixel < count; pixel++) device[pixel] = from[pixel * 3];
        else memcpy(device, from, count * 3 * sizeof(float));
        cmsDoTransform(conversion->transform, device, to, (cmsUInt32Number)count);
        for (size_t value = 0; value < count * 3; value++) to[value] = srgb_encoded(to[value]);
        // The white points of the two profiles agree to some digits only; grey is grey.
        if (conversion->channels == 1)
            for (size_t pixel = 0; pixel < count; pixel++) to[pixel * 3] = to[pixel * 3 + 2] = to[pixel * 3 + 1];
    }
}

static void run_from_srgb(const struct conversion *conversion, const float *in, float *out, size_t pixels) {
    float light[piece_pixels * 3];
    float gray[piece_pixels];
    for (size_t start = 0; start < pixels; start += piece_pixels) {
        size_t count = pixels - start < piece_pixels ? pixels - start : piece_pixels;
        for (size_t value = 0; value < count * 3; value++) light[value] = srgb_light(in[start * 3 + value]);
        if (conversion->channels == 3) {
            cmsDoTransform(conversion->transform, light, out + start * 3, (cmsUInt32Number)count);
            continue;
        }
        cmsDoTransform(conversion->transform, light, gray, (cmsUInt32Number)count);
        for (size_t pixel = 0; pixel < count; pixel++) {
            float *to = out + (start + pixel) * 3;
            to[0] = to[1] = to[2] = gray[pixel];
        }
    }
}

/// Whether colours of the whole range mean what they mean in sRGB. The transform must be to sRGB.
static bool means_srgb(const struct conversion *conversion) {
    enum { levels = 9, greys = 65 };
    for (int step = 0; step < greys; step++) {
        float value = (float)step / (greys - 1), probe[3] = {value, value, value}, found[3];
        run_to_srgb(conversion, probe, found, 1);
        for (int channel = 0; channel < 3; channel++)
            if (!(fabsf(found[channel] - value) < srgb_tolerance)) return false;
    }
    if (conversion->channels == 1) return true;
    for (int index = 0; index < levels * levels * levels; index++) {
        float probe[3] = {(float)(index % levels) / (levels - 1), (float)(index / levels % levels) / (levels - 1),
                          (float)(index / levels / levels) / (levels - 1)};
        float found[3];
        run_to_srgb(conversion, probe, found, 1);
        for (int channel = 0; channel < 3; channel++)
            if (!(fabsf(found[channel] - probe[channel]) < srgb_tolerance)) return false;
    }
    return true;
}

bool cimageio_profile_describe(const uint8_t *profile, size_t count, cimageio_profile_info *info,
                               cimageio_result *result) {
    struct conversion conversion;
    *info = (cimageio_profile_info){0};
    bool done = open_profile(&conversion, profile, count, result);
    if (done) {
        info->channels = conversion.channels;
        cmsGetProfileInfoASCII(conversion.profile, cmsInfoDescription, "en", "US", info->name, sizeof info->name);
        info->name[sizeof info->name - 1] = 0;
        for (char *c = info->name; *c; c++)
            if (*c < 32 || *c > 126) *c = ' ';
        if (conversion.channels == 1 || conversion.channels == 3)
            done = open_transform(&conversion, true, result) && open_transform(&conversion, false, result);
        else if (conversion.channels == 4) done = open_transform(&conversion, false, result);
        if (done && conversion.channels != 4 && conversion.channels != 0) info->is_srgb = means_srgb(&conversion);
    }
    close_conversion(&conversion);
    return done;
}

/// A conversion in parts.
struct work {
    const struct conversion *conversion;
    bool back;
    const float *in;
    float *out;
    size_t pixels;
};

static void run_part(void *context, size_t index) {
    const struct work *work = context;
    size_t start = index * part_pixels;
    size_t count = work->pixels - start < part_pixels ? work->pixels - start : part_pixels;
    if (parallel_is_cancelled()) {
        memset(work->out + start * 3, 0, count * 3 * sizeof(float));
        return;
    }
    (work->back ? run_from_srgb : run_to_srgb)(work->conversion, work->in + start * 3, work->out + start * 3, count);
}

/// Converts on all threads. A transform may be used by several at once where it was made with cmsFLAGS_NOCACHE: its
/// one-pixel cache is all that a transform would write to.
static void run(const struct conversion *conversion, bool back, const float *in, float *out, size_t pixels) {
    struct work work = {conversion, back, in, out, pixels};
    parallel_for((pixels + part_pixels - 1) / part_pixels, run_part, &work);
}

static bool convert(bool back, const uint8_t *profile, size_t count, const float *in, float *out, size_t pixels,
                    cimageio_result *result) {
    struct conversion conversion;
    bool done = open_profile(&conversion, profile, count, result);
    if (done && conversion.channels != 1 && conversion.channels != 3) {
        cimageio_fail(result, CIMAGEIO_UNSUPPORTED, "it is neither grey nor RGB");
        done = false;
    }
    done = done && open_transform(&conversion, back, result);
    if (done) run(&conversion, back, in, out, pixels);
    close_conversion(&conversion);
    return done;
}

bool cimageio_profile_to_srgb(const uint8_t *profile, size_t count, const float *in, float *out, size_t pixels,
                              cimageio_result *result) {
    return convert(false, profile, count, in, out, pixels, result);
}

bool cimageio_profile_from_srgb(const uint8_t *profile, size_t count, const float *in, float *out, size_t pixels,
                                cimageio_result *result) {
    return convert(true, profile, count, in, out, pixels, result);
}

struct cimageio_inks {
    struct conversion conversion;
};

struct cimageio_inks *cimageio_open_inks(const uint8_t *profile, size_t count, int depth, cimageio_result *failure) {
    struct cimageio_inks *inks = calloc(1, sizeof *inks);
    if (!inks) {
        cimageio_fail(failure, CIMAGEIO_NO_MEMORY, "out of memory");
        return NULL;
    }
    struct conversion *conversion = &inks->conversion;
    cimageio_result result;
    bool opened = open_profile(conversion, profile, count, &result) && conversion->channels == 4;
    cmsHPROFILE srgb = opened ? cmsCreate_sRGBProfileTHR(conversion->context) : NULL;
    if (srgb) {
        conversion->transform = cmsCreateTransformTHR(
            conversion->context, conversion->profile, depth == 8 ? TYPE_CMYK_8 : TYPE_CMYK_16, srgb,
            depth == 8 ? TYPE_RGB_8 : TYPE_RGB_16, INTENT_RELATIVE_COLORIMETRIC, cmsFLAGS_BLACKPOINTCOMPENSATION);
        cmsCloseProfile(srgb);
    }
    if (conversion->transform) return inks;
    // What is wrong with the profile itself is no failure: the inks are then multiplied.
    if (ran_out) fail(failure, CIMAGEIO_NO_MEMORY, "out of memory");
    cimageio_close_inks(inks);
    return NULL;
}

void cimageio_inks_to_srgb(const struct cimageio_inks *inks, const void *cmyk, void *rgb, uint32_t pixels) {
    cmsDoTransform(inks->conversion.transform, cmyk, rgb, pixels);
}

void cimageio_close_inks(struct cimageio_inks *inks) {
    if (!inks) return;
    close_conversion(&inks->conversion);
    free(inks);
}

static cmsToneCurve *curve_of(cmsContext context, const cimageio_color_space *space) {
    // ICC.1:2022, table 68, function type 3: (a·x + b)^g where x ≥ d, c·x below.
    const cmsFloat64Number srgb[] = {2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045};
    const cmsFloat64Number rec709[] = {1 / 0.45, 1 / 1.099, 0.099 / 1.099, 1 / 4.5, 0.081};
    switch (space->curve) {
    case CIMAGEIO_CURVE_SRGB: return cmsBuildParametricToneCurve(context, 4, srgb);
    case CIMAGEIO_CURVE_REC709: return cmsBuildParametricToneCurve(context, 4, rec709);
    default: return cmsBuildGamma(context, space->gamma);
    }
}

bool cimageio_profile_make(const cimageio_color_space *space, const char *name, cimageio_buffer *out,
                           cimageio_result *result) {
    *out = (cimageio_buffer){0};
    *result = (cimageio_result){0};
    ran_out = false;
    cmsContext context = new_context();
    cmsToneCurve *curve = context ? curve_of(context, space) : NULL;
    cmsHPROFILE profile = NULL;
    if (curve) {
        const cmsCIExyY white = {space->white[0], space->white[1], 1};
        const cmsCIExyYTRIPLE primaries = {{space->red[0], space->red[1], 1},
                                           {space->green[0], space->green[1], 1},
                                           {space->blue[0], space->blue[1], 1}};
        cmsToneCurve *const curves[3] = {curve, curve, curve};
        if (space->is_gray) profile = cmsCreateGrayProfileTHR(context, &white, curve);
        else profile = cmsCreateRGBProfileTHR(context, &white, &primaries, curves);
    }
    bool done = false;
    if (profile) {
        cmsMLU *text = cmsMLUalloc(context, 1);
        done =
            text && cmsMLUsetASCII(text, "en", "US", name) && cmsWriteTag(profile, cmsSigProfileDescriptionTag, text);
        cmsMLUfree(text);
        cmsUInt32Number count = 0;
        done = done && cmsSaveProfileToMem(profile, NULL, &count);
        if (done && !cimageio_reserve(out, count)) ran_out = true;
        done = done && !ran_out && cmsSaveProfileToMem(profile, out->bytes, &count);
        if (done) {
            out->count = count;
            // The day it was made (ICC.1:2022, 7.2.10) would make every file of the same edit another.
            static const uint8_t day[12] = {0x07, 0xD0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0};
            memcpy(out->bytes + 24, day, sizeof day);
        }
        cmsCloseProfile(profile);
    }
    if (curve) cmsFreeToneCurve(curve);
    if (context) cmsDeleteContext(context);
    if (!done) {
        cimageio_free(out);
        fail(result, CIMAGEIO_UNSUPPORTED, "its colours span no space");
    }
    return done;
}
