// Finds oneDNN's functions.

#include "onednn.h"

#include "CKernels.h"
#include "CParallel.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#if defined(__APPLE__)

onednn_functions onednn = {
#define ADDRESS(name) .name = dnnl_##name,
    ONEDNN_FUNCTIONS(ADDRESS)
#undef ADDRESS
};

int onednn_load(void) { return 0; }

const char *ckernels_library_error(void) { return ""; }

#else

#include <dlfcn.h>

#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)

onednn_functions onednn;
static char error[512];
static int status;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void load(void) {
    parallel_library();
    // The version that it was built for: others have other functions.
    void *library = dlopen("libdnnl.so." TEXT(DNNL_VERSION_MAJOR), RTLD_NOW | RTLD_LOCAL);
#define FIND(name)                                                                                                     \
    if (library && !(onednn.name = (__typeof__(onednn.name))dlsym(library, "dnnl_" #name))) library = NULL;
    ONEDNN_FUNCTIONS(FIND)
#undef FIND
    if (library) return;
    const char *reason = dlerror();
    if (!reason) reason = "it lacks a function";
    snprintf(error, sizeof error, "%s", reason);
    // As the loader says it where address space is limited.
    const bool is_short = strstr(reason, "map segment") || strstr(reason, "allocate memory");
    status = is_short ? dnnl_out_of_memory : CKERNELS_NO_LIBRARY;
}

int onednn_load(void) {
    pthread_once(&once, load);
    return status;
}

const char *ckernels_library_error(void) { return error; }

#endif
