#pragma once
// oneDNN's functions, by their names without the prefix. On Linux the library is loaded when a product is first made, after
// GNU's OpenMP, so that its threads wait as parallel.c has them wait, and so that commands without networks do not load it.

#include <oneapi/dnnl/dnnl.h>

// clang-format off
#define ONEDNN_FUNCTIONS_OF_ALL(F)                                                                                     \
    F(engine_create)                                                                                                   \
    F(stream_create)                                                                                                   \
    F(stream_wait) F(memory_create) F(memory_destroy) F(memory_get_memory_desc) F(memory_set_data_handle)              \
        F(memory_desc_equal) F(memory_desc_get_size) F(post_ops_create) F(post_ops_destroy) F(post_ops_append_eltwise) \
            F(post_ops_append_sum) F(primitive_attr_create) F(primitive_attr_destroy) F(primitive_attr_set_post_ops)   \
                F(primitive_attr_set_scratchpad_mode) F(primitive_create) F(primitive_destroy) F(primitive_execute)    \
                    F(primitive_desc_destroy) F(primitive_desc_query) F(primitive_desc_query_md)                       \
                        F(reorder_primitive_desc_create) F(set_max_cpu_isa)                                  \
                        F(set_primitive_cache_capacity) F(sgemm) F(version)

#if DNNL_VERSION_MAJOR >= 3
#define ONEDNN_FUNCTIONS_OF_VERSION(F)                                                                                 \
    F(convolution_forward_primitive_desc_create)                                                                       \
    F(matmul_primitive_desc_create)                                                                                    \
    F(memory_desc_create_with_strides) F(memory_desc_create_with_tag) F(memory_desc_destroy) F(memory_desc_get_blob)
#else
#define ONEDNN_FUNCTIONS_OF_VERSION(F)                                                                                 \
    F(convolution_forward_desc_init)                                                                                   \
    F(matmul_desc_init) F(memory_desc_init_by_strides) F(memory_desc_init_by_tag) F(primitive_desc_create)
#endif
// clang-format on

#define ONEDNN_FUNCTIONS(F) ONEDNN_FUNCTIONS_OF_ALL(F) ONEDNN_FUNCTIONS_OF_VERSION(F)

typedef struct {
#define FIELD(name) __typeof__(&dnnl_##name) name;
    ONEDNN_FUNCTIONS(FIELD)
#undef FIELD
} onednn_functions;

extern onednn_functions onednn;

// Fills `onednn`. 0, or CKERNELS_NO_LIBRARY. Any thread may call it.
int onednn_load(void);
