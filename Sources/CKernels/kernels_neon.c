#if defined(__aarch64__) // untested: no such machine at hand
#define WIDTH 4
#define TABLE ckernels_table_neon
#include "kernels_vector.h"
#endif
