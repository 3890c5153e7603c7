// What this CPU can do, read once by the compiler's builtin (which also asks the operating system).

#include "CKernels.h"
#include "tables.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static ckernels_isa isa;
static pthread_once_t isa_once = PTHREAD_ONCE_INIT;

static ckernels_isa detect(void) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("f16c"))
        return __builtin_cpu_supports("avx512bf16") ? CKERNELS_AVX512_BF16 : CKERNELS_AVX512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c"))
        return CKERNELS_AVX2;
    return CKERNELS_SCALAR;
#elif defined(__aarch64__)
    return CKERNELS_NEON;
#else
    return CKERNELS_SCALAR;
#endif
}

static void read_isa(void) {
    isa = detect();
    const char *cap = getenv("EDITOR_MAX_ISA");
    if (!cap) return;
    ckernels_isa limit = isa;
    if (!strcmp(cap, "scalar")) limit = CKERNELS_SCALAR;
    else if (!strcmp(cap, "avx2")) limit = CKERNELS_AVX2;
    else if (!strcmp(cap, "avx512")) limit = CKERNELS_AVX512;
    if (limit < isa) isa = limit;
}

ckernels_isa ckernels_current_isa(void) {
    pthread_once(&isa_once, read_isa);
    return isa;
}

const char *ckernels_isa_name(ckernels_isa value) {
    switch (value) {
    case CKERNELS_SCALAR: return "scalar";
    case CKERNELS_NEON: return "neon";
    case CKERNELS_AVX2: return "avx2";
    case CKERNELS_AVX512: return "avx512";
    case CKERNELS_AVX512_BF16: return "avx512-bf16";
    }
    return "?";
}

bool ckernels_has_vnni(void) {
#if defined(__x86_64__)
    return ckernels_current_isa() >= CKERNELS_AVX512 && __builtin_cpu_supports("avx512vnni");
#else
    return false;
#endif
}

bool ckernels_is_address_sanitized(void) {
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
    return true;
#endif
#endif
    return false;
}

#if __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
void ckernels_poison(const void *memory, size_t count) { ASAN_POISON_MEMORY_REGION(memory, count); }
void ckernels_unpoison(const void *memory, size_t count) { ASAN_UNPOISON_MEMORY_REGION(memory, count); }
#else
void ckernels_poison(const void *memory, size_t count) { (void)memory, (void)count; }
void ckernels_unpoison(const void *memory, size_t count) { (void)memory, (void)count; }
#endif

int64_t ckernels_address_space(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_AS, &limit) || limit.rlim_cur > INT64_MAX) return INT64_MAX;
    return (int64_t)limit.rlim_cur;
}

bool ckernels_has_native_bf16(void) { return ckernels_current_isa() == CKERNELS_AVX512_BF16; }

const ckernels_table *ckernels_kernels_for(ckernels_isa wanted) {
    const ckernels_isa have = ckernels_current_isa();
    switch (wanted) {
    case CKERNELS_SCALAR: return &ckernels_table_ref;
#if defined(__x86_64__)
    case CKERNELS_AVX2: return have >= CKERNELS_AVX2 ? &ckernels_table_avx2 : NULL;
    case CKERNELS_AVX512: return have >= CKERNELS_AVX512 ? &ckernels_table_avx512 : NULL;
    case CKERNELS_AVX512_BF16: return have >= CKERNELS_AVX512_BF16 ? &ckernels_table_avx512_bf16 : NULL;
#elif defined(__aarch64__)
    case CKERNELS_NEON: return have == CKERNELS_NEON ? &ckernels_table_neon : NULL;
#endif
    default: return NULL;
    }
}

const ckernels_table *ckernels_kernels(void) {
    const ckernels_table *table = ckernels_kernels_for(ckernels_current_isa());
    return table ? table : &ckernels_table_ref;
}
