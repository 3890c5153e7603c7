// RTLD_DEFAULT and RTLD_DEEPBIND.
#define _GNU_SOURCE

#include "jpeg_library.h"
#include "internal.h"

#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>

static struct jpeg_library linked = {
    .std_error = jpeg_std_error,
    .create = jpeg_CreateDecompress,
    .read_header = jpeg_read_header,
    .start = jpeg_start_decompress,
    .read_rows = jpeg_read_scanlines,
    .finish = jpeg_finish_decompress,
    .destroy = jpeg_destroy_decompress,
    .resync = jpeg_resync_to_restart,
};
static struct jpeg_library loaded;
static const struct jpeg_library *deep;
static bool lacks_memory; // for the second library

// A second libjpeg must find its own functions before those of the first, which have the same names. On ELF that takes
// RTLD_DEEPBIND, which the sanitizers forbid. The one that scripts/setup gets has the interface of libjpeg 6.2; a system
// whose own has another (Ubuntu's has that of 8) cannot speak to it with the same structures.
#if defined(RTLD_DEEPBIND) && JPEG_LIB_VERSION == 62 && !__has_feature(address_sanitizer) &&                           \
    !__has_feature(thread_sanitizer)
#define SECOND_LIBRARY "/.local/share/editor/libjpeg.so.62"
#define SECOND_NAME "/libjpeg.so.62"
#define SECOND_FLAGS (RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND)
#endif

#ifdef SECOND_FLAGS
/// libjpeg in the folder that `scripts/setup` fills: `$XDG_DATA_HOME/editor`, or the system's place for such files.
static void *open_second(void) {
    char path[PATH_MAX];
    const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
    int length = -1;
    if (data && data[0] == '/') length = snprintf(path, sizeof path, "%s/editor" SECOND_NAME, data);
    else if (home && home[0] == '/') length = snprintf(path, sizeof path, "%s" SECOND_LIBRARY, home);
    return length > 0 && length < (int)sizeof path ? cimageio_open_library(path, SECOND_FLAGS, &lacks_memory) : NULL;
}
#endif

static bool is_in_one_library(void *a, void *b) {
    Dl_info of_a, of_b;
    return dladdr(a, &of_a) && dladdr(b, &of_b) && of_a.dli_fbase == of_b.dli_fbase;
}

static void find(void) {
    // Not that of another libjpeg, which some library may have brought along.
    void *found = dlsym(RTLD_DEFAULT, "jpeg12_read_scanlines");
    if (found && is_in_one_library(found, dlsym(RTLD_DEFAULT, "jpeg_read_scanlines"))) {
        linked.read_deep_rows = (__typeof__(linked.read_deep_rows))found;
        deep = &linked;
        return;
    }
#ifdef SECOND_FLAGS
    void *library = open_second();
    if (!library) return;
    bool is_whole = true;
#define FIND(field, name) is_whole = (loaded.field = (__typeof__(loaded.field))dlsym(library, name)) && is_whole;
    FIND(std_error, "jpeg_std_error")
    FIND(create, "jpeg_CreateDecompress")
    FIND(read_header, "jpeg_read_header")
    FIND(start, "jpeg_start_decompress")
    FIND(read_rows, "jpeg_read_scanlines")
    FIND(read_deep_rows, "jpeg12_read_scanlines")
    FIND(finish, "jpeg_finish_decompress")
    FIND(destroy, "jpeg_destroy_decompress")
    FIND(resync, "jpeg_resync_to_restart")
    if (is_whole) deep = &loaded;
#endif
}

const struct jpeg_library *cimageio_jpeg_linked(void) { return &linked; }

const struct jpeg_library *cimageio_jpeg_deep(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, find);
    return deep;
}

bool cimageio_jpeg_lacks_memory(void) { return !cimageio_jpeg_deep() && lacks_memory; }

bool cimageio_jpeg_reads_12_bits(void) { return cimageio_jpeg_deep() != NULL; }
