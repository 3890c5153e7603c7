// Files from elsewhere: getting them by HTTP, and knowing them by their SHA-256.

#ifndef CTRANSFER_H
#define CTRANSFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// --- HTTP ------------------------------------------------------------------------------------------------------------

typedef struct {
    void *context;
    // A line of the response's head, without its end; the first is the status line.
    void (*header)(void *context, const char *line, size_t length);
    // Some of the response's body. False ends the transfer.
    bool (*body)(void *context, const uint8_t *bytes, size_t count);
    // Called about every second at least. False ends the transfer.
    bool (*proceed)(void *context);
} ctransfer_callbacks;

typedef enum {
    CTRANSFER_DONE,        // there was a response, whatever its status
    CTRANSFER_STOPPED,     // a callback ended it
    CTRANSFER_BROKEN,      // no connection, or one that broke: trying again may help
    CTRANSFER_REFUSED,     // trying again will not help
    CTRANSFER_UNAVAILABLE, // there is no libcurl on this machine
} ctransfer_outcome;

typedef struct {
    long status;       // of HTTP; 0 where there was no response
    char *location;    // where a redirect leads, as a whole address; NULL where none was sent. To be freed.
    char message[256]; // what went wrong
} ctransfer_response;

// Sends one request, GET or HEAD, and follows no redirect. `headers` ends with NULL. libcurl is loaded at the first call,
// so that programs that transfer nothing do not pay for it. Proxies are those of the environment. A connection that gives
// less than a byte a second for `stall_seconds` counts as broken.
ctransfer_outcome ctransfer_request(const char *url, bool is_head, const char *const *headers, long stall_seconds,
                                    const ctransfer_callbacks *callbacks, ctransfer_response *response);

// --- SHA-256 (FIPS 180-4) --------------------------------------------------------------------------------------------

typedef struct {
    uint32_t state[8];
    uint64_t length; // bytes so far
    uint8_t rest[64];
    bool is_plain; // never uses the processor's own instructions, for tests
} ctransfer_sha256;

void ctransfer_sha256_begin(ctransfer_sha256 *hash);
void ctransfer_sha256_add(ctransfer_sha256 *hash, const void *bytes, size_t count);
void ctransfer_sha256_end(ctransfer_sha256 *hash, uint8_t digest[32]);

#endif
