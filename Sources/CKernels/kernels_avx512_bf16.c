#if defined(__x86_64__)
#include <immintrin.h>
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,fma,f16c"))),        \
                             apply_to = function)
#define WIDTH 16
#define NATIVE_BF16
#define TABLE ckernels_table_avx512_bf16
#include "kernels_vector.h"
#pragma clang attribute pop
#endif
