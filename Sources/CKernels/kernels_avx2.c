#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#define WIDTH 8
#define TABLE ckernels_table_avx2
#include "kernels_vector.h"
#pragma clang attribute pop
#endif
