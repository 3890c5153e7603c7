#pragma once
#include "CKernels.h"

extern const ckernels_table ckernels_table_ref;
#if defined(__x86_64__)
extern const ckernels_table ckernels_table_avx2;
extern const ckernels_table ckernels_table_avx512;
extern const ckernels_table ckernels_table_avx512_bf16;
#elif defined(__aarch64__)
extern const ckernels_table ckernels_table_neon;
#endif
