#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,fma,f16c"))),                   \
                             apply_to = function)
#define WIDTH 16
#define TABLE ckernels_table_avx512
#include "kernels_vector.h"
#pragma clang attribute pop
#endif
