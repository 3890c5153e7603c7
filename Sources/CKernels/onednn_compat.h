#pragma once
// oneDNN's C API changed between 2.x (Debian 12, Ubuntu 22.04) and 3.x (Debian 13, Homebrew): memory descriptors became
// opaque, and operation descriptors went away. This header gives product.c one vocabulary for both.

#include "onednn.h"

#include <string.h>

#if DNNL_VERSION_MAJOR >= 3

typedef dnnl_memory_desc_t compat_desc; // owned

static inline dnnl_status_t compat_desc_tag(compat_desc *desc, int ndims, const dnnl_dims_t dims, dnnl_data_type_t type,
                                            dnnl_format_tag_t tag) {
    return onednn.memory_desc_create_with_tag(desc, ndims, dims, type, tag);
}
static inline dnnl_status_t compat_desc_strides(compat_desc *desc, int ndims, const dnnl_dims_t dims,
                                                dnnl_data_type_t type, const dnnl_dims_t strides) {
    return onednn.memory_desc_create_with_strides(desc, ndims, dims, type, strides);
}
static inline void compat_desc_free(compat_desc *desc) {
    if (*desc) onednn.memory_desc_destroy(*desc);
    *desc = NULL;
}
static inline const_dnnl_memory_desc_t compat_ref(const compat_desc *desc) { return *desc; }
typedef const_dnnl_memory_desc_t compat_desc_ref;

// The bytes that tell one layout from another: up to `capacity` of them, to `bytes`. Returns how many there are.
static inline size_t compat_desc_bytes(compat_desc_ref desc, void *bytes, size_t capacity) {
    size_t size = 0;
    if (onednn.memory_desc_get_blob(NULL, &size, desc) || size > capacity) return 0;
    return onednn.memory_desc_get_blob(bytes, &size, desc) ? 0 : size;
}

#else

typedef dnnl_memory_desc_t compat_desc;
typedef const dnnl_memory_desc_t *compat_desc_ref;

static inline dnnl_status_t compat_desc_tag(compat_desc *desc, int ndims, const dnnl_dims_t dims, dnnl_data_type_t type,
                                            dnnl_format_tag_t tag) {
    return onednn.memory_desc_init_by_tag(desc, ndims, dims, type, tag);
}
static inline dnnl_status_t compat_desc_strides(compat_desc *desc, int ndims, const dnnl_dims_t dims,
                                                dnnl_data_type_t type, const dnnl_dims_t strides) {
    return onednn.memory_desc_init_by_strides(desc, ndims, dims, type, strides);
}
static inline void compat_desc_free(compat_desc *desc) { (void)desc; }
static inline compat_desc_ref compat_ref(const compat_desc *desc) { return desc; }
static inline size_t compat_desc_bytes(compat_desc_ref desc, void *bytes, size_t capacity) {
    if (sizeof *desc > capacity) return 0;
    memcpy(bytes, desc, sizeof *desc);
    return sizeof *desc;
}

#endif

// The convolution of `src` with `weights` into `dst`, as a primitive descriptor.
static inline dnnl_status_t compat_convolution(dnnl_primitive_desc_t *pd, dnnl_engine_t engine, const compat_desc *src,
                                               const compat_desc *weights, const compat_desc *bias,
                                               const compat_desc *dst, const dnnl_dims_t strides,
                                               const dnnl_dims_t pad_begin, const dnnl_dims_t pad_end,
                                               const_dnnl_primitive_attr_t attr) {
#if DNNL_VERSION_MAJOR >= 3
    static const dnnl_dims_t dilates = {0, 0};
    return onednn.convolution_forward_primitive_desc_create(
        pd, engine, dnnl_forward_inference, dnnl_convolution_direct, compat_ref(src), compat_ref(weights),
        bias ? compat_ref(bias) : NULL, compat_ref(dst), strides, dilates, pad_begin, pad_end, attr);
#else
    dnnl_convolution_desc_t desc;
    dnnl_status_t status = onednn.convolution_forward_desc_init(&desc, dnnl_forward_inference, dnnl_convolution_direct,
                                                                src, weights, bias, dst, strides, pad_begin, pad_end);
    return status ? status : onednn.primitive_desc_create(pd, &desc, attr, engine, NULL);
#endif
}

static inline dnnl_status_t compat_matmul(dnnl_primitive_desc_t *pd, dnnl_engine_t engine, const compat_desc *src,
                                          const compat_desc *weights, const compat_desc *bias, const compat_desc *dst,
                                          const_dnnl_primitive_attr_t attr) {
#if DNNL_VERSION_MAJOR >= 3
    return onednn.matmul_primitive_desc_create(pd, engine, compat_ref(src), compat_ref(weights),
                                               bias ? compat_ref(bias) : NULL, compat_ref(dst), attr);
#else
    dnnl_matmul_desc_t desc;
    dnnl_status_t status = onednn.matmul_desc_init(&desc, src, weights, bias, dst);
    return status ? status : onednn.primitive_desc_create(pd, &desc, attr, engine, NULL);
#endif
}

static inline dnnl_status_t compat_append_sum(dnnl_post_ops_t ops) {
#if DNNL_VERSION_MAJOR >= 3
    return onednn.post_ops_append_sum(ops, 1.0f, 0, dnnl_data_type_undef);
#else
    return onednn.post_ops_append_sum(ops, 1.0f);
#endif
}

static inline dnnl_status_t compat_append_eltwise(dnnl_post_ops_t ops, dnnl_alg_kind_t kind, float alpha) {
#if DNNL_VERSION_MAJOR >= 3
    return onednn.post_ops_append_eltwise(ops, kind, alpha, 0.0f);
#else
    return onednn.post_ops_append_eltwise(ops, 1.0f, kind, alpha, 0.0f);
#endif
}
