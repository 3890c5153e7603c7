#include "CTransfer.h"

#include <curl/curl.h>
#include <dlfcn.h>
#include <pthread.h>
#include <string.h>
#include <strings.h>

// What is used of libcurl, whose binary interface has not changed since soname 4 (2006).
static struct {
    CURL *(*init)(void);
    CURLcode (*setopt)(CURL *, CURLoption, ...);
    CURLcode (*perform)(CURL *);
    CURLcode (*getinfo)(CURL *, CURLINFO, ...);
    void (*cleanup)(CURL *);
    const char *(*describe)(CURLcode);
    struct curl_slist *(*append)(struct curl_slist *, const char *);
    void (*free_list)(struct curl_slist *);
    bool is_loaded;
} curl;

static void load(void) {
    static const char *const names[] = {"libcurl.so.4", "libcurl-gnutls.so.4", "libcurl.4.dylib",
                                        "/usr/lib/libcurl.4.dylib"};
    void *library = NULL;
    for (size_t i = 0; !library && i < sizeof names / sizeof *names; ++i) library = dlopen(names[i], RTLD_NOW);
    if (!library) return;
    CURLcode (*global_init)(long) = (CURLcode(*)(long))dlsym(library, "curl_global_init");
    curl.init = (CURL * (*)(void)) dlsym(library, "curl_easy_init");
    curl.setopt = (CURLcode(*)(CURL *, CURLoption, ...))dlsym(library, "curl_easy_setopt");
    curl.perform = (CURLcode(*)(CURL *))dlsym(library, "curl_easy_perform");
    curl.getinfo = (CURLcode(*)(CURL *, CURLINFO, ...))dlsym(library, "curl_easy_getinfo");
    curl.cleanup = (void (*)(CURL *))dlsym(library, "curl_easy_cleanup");
    curl.describe = (const char *(*)(CURLcode))dlsym(library, "curl_easy_strerror");
    curl.append = (struct curl_slist * (*)(struct curl_slist *, const char *)) dlsym(library, "curl_slist_append");
    curl.free_list = (void (*)(struct curl_slist *))dlsym(library, "curl_slist_free_all");
    curl.is_loaded = global_init && curl.init && curl.setopt && curl.perform && curl.getinfo && curl.cleanup &&
                     curl.describe && curl.append && curl.free_list && global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

static size_t on_header(char *line, size_t size, size_t count, void *user) {
    const ctransfer_callbacks *callbacks = user;
    size_t length = size * count;
    while (length > 0 && (line[length - 1] == '\r' || line[length - 1] == '\n')) --length;
    if (length > 0) callbacks->header(callbacks->context, line, length);
    return size * count;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *user) {
    const ctransfer_callbacks *callbacks = user;
    const size_t length = size * count;
    // Any other number than was given ends the transfer.
    return callbacks->body(callbacks->context, (const uint8_t *)bytes, length) ? length : length + 1;
}

static int on_progress(void *user, curl_off_t total, curl_off_t now, curl_off_t up_total, curl_off_t up_now) {
    (void)total, (void)now, (void)up_total, (void)up_now;
    const ctransfer_callbacks *callbacks = user;
    return callbacks->proceed(callbacks->context) ? 0 : 1;
}

static ctransfer_outcome outcome(CURLcode code) {
    switch (code) {
    case CURLE_OK: return CTRANSFER_DONE;
    case CURLE_WRITE_ERROR:
    case CURLE_ABORTED_BY_CALLBACK: return CTRANSFER_STOPPED;
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_OUT_OF_MEMORY: return CTRANSFER_REFUSED;
    default: return CTRANSFER_BROKEN;
    }
}

ctransfer_outcome ctransfer_request(const char *url, bool is_head, const char *const *headers, long stall_seconds,
                                    const ctransfer_callbacks *callbacks, ctransfer_response *response) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    memset(response, 0, sizeof *response);
    pthread_once(&once, load);
    CURL *handle = curl.is_loaded ? curl.init() : NULL;
    if (!handle) return CTRANSFER_UNAVAILABLE;
    struct curl_slist *list = NULL;
    for (; *headers; ++headers) list = curl.append(list, *headers);
    char message[CURL_ERROR_SIZE] = "";
    curl.setopt(handle, CURLOPT_URL, url);
    curl.setopt(handle, CURLOPT_HTTPHEADER, list);
    curl.setopt(handle, CURLOPT_NOBODY, is_head ? 1L : 0L);
    // The string form came with 7.85, the number will be kept.
    curl.setopt(handle, (CURLoption)(CURLOPTTYPE_LONG + 181), 3L); // CURLOPT_PROTOCOLS: HTTP and HTTPS
    curl.setopt(handle, CURLOPT_FOLLOWLOCATION, 0L);
    curl.setopt(handle, CURLOPT_NOSIGNAL, 1L);
    curl.setopt(handle, CURLOPT_CONNECTTIMEOUT, 30L);
    curl.setopt(handle, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl.setopt(handle, CURLOPT_LOW_SPEED_TIME, stall_seconds);
    curl.setopt(handle, CURLOPT_BUFFERSIZE, 256L * 1024);
    curl.setopt(handle, CURLOPT_ERRORBUFFER, message);
    curl.setopt(handle, CURLOPT_NOPROGRESS, 0L);
    curl.setopt(handle, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl.setopt(handle, CURLOPT_XFERINFODATA, callbacks);
    curl.setopt(handle, CURLOPT_HEADERFUNCTION, on_header);
    curl.setopt(handle, CURLOPT_HEADERDATA, callbacks);
    curl.setopt(handle, CURLOPT_WRITEFUNCTION, on_body);
    curl.setopt(handle, CURLOPT_WRITEDATA, callbacks);
    const CURLcode code = curl.perform(handle);
    char *location = NULL;
    curl.getinfo(handle, CURLINFO_RESPONSE_CODE, &response->status);
    if (curl.getinfo(handle, CURLINFO_REDIRECT_URL, &location) == CURLE_OK && location) {
        response->location = strdup(location);
    }
    if (code != CURLE_OK) {
        strncpy(response->message, message[0] ? message : curl.describe(code), sizeof response->message - 1);
    }
    curl.free_list(list);
    curl.cleanup(handle);
    return outcome(code);
}
