// Convolutions and matrix products as oneDNN primitives, but for the convolutions that our own kernel is faster at.

#include "CKernels.h"
#include "CParallel.h"
#include "form.h"
#include "onednn_compat.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static dnnl_engine_t engine;
static dnnl_stream_t stream;
static int engine_status;
static pthread_once_t engine_once = PTHREAD_ONCE_INIT;

// Holds oneDNN to the instruction set that EDITOR_MAX_ISA allows our own kernels. It knows nothing below SSE 4.1.
static void cap_library(void) {
    if (!getenv("EDITOR_MAX_ISA")) return;
    switch (ckernels_current_isa()) {
    case CKERNELS_SCALAR: onednn.set_max_cpu_isa(dnnl_cpu_isa_sse41); break;
    case CKERNELS_AVX2: onednn.set_max_cpu_isa(dnnl_cpu_isa_avx2); break;
    case CKERNELS_AVX512: onednn.set_max_cpu_isa(dnnl_cpu_isa_avx512_core_vnni); break;
    default: break;
    }
}

// Who keeps products keeps count of their bytes; oneDNN's own cache, which counts primitives, would keep up to 1024 of
// those that were let go. A few are left to it for the reorders of layers of one shape that are packed in turn.
enum { CACHE_CAPACITY = 16 };

static void make_engine(void) {
    engine_status = onednn_load();
    if (engine_status) return;
    cap_library();
    onednn.set_primitive_cache_capacity(CACHE_CAPACITY);
    engine_status = onednn.engine_create(&engine, dnnl_cpu, 0);
    if (!engine_status) engine_status = onednn.stream_create(&stream, engine, dnnl_stream_in_order);
}

struct ckernels_product {
    const ckernels_form *form; // where it is our own; then `shape` and `threads` are all that follows
    ckernels_convolution_shape shape;
    int threads; // as they were when it was made
    dnnl_primitive_desc_t pd;
    dnnl_primitive_t primitive;
    compat_desc plain_weights; // as the caller gives them
    dnnl_memory_t x, y, bias, scratch;
};

struct ckernels_weights {
    dnnl_memory_t memory; // NULL where packed for a form of our own
    const void *packed;
    uint64_t layout; // then
};

static dnnl_data_type_t data_type(ckernels_type type) { return type == CKERNELS_BF16 ? dnnl_bf16 : dnnl_f32; }

static compat_desc_ref query(const ckernels_product *p, dnnl_query_t what) {
    return onednn.primitive_desc_query_md(p->pd, what, 0);
}

static dnnl_status_t make_attr(dnnl_primitive_attr_t *attr, bool accumulate, ckernels_activation activation) {
    dnnl_post_ops_t ops = NULL;
    dnnl_status_t status = onednn.primitive_attr_create(attr);
    if (!status) status = onednn.primitive_attr_set_scratchpad_mode(*attr, dnnl_scratchpad_mode_user);
    if (!status) status = onednn.post_ops_create(&ops);
    if (!status && accumulate) status = compat_append_sum(ops);
    if (!status) switch (activation) {
        case CKERNELS_NONE: break;
        case CKERNELS_SILU: status = compat_append_eltwise(ops, dnnl_eltwise_swish, 1.0f); break;
        case CKERNELS_QUICK_GELU: status = compat_append_eltwise(ops, dnnl_eltwise_swish, 1.702f); break;
        case CKERNELS_GELU: status = compat_append_eltwise(ops, dnnl_eltwise_gelu_erf, 0.0f); break;
        case CKERNELS_RELU: status = compat_append_eltwise(ops, dnnl_eltwise_relu, 0.0f); break;
        }
    if (!status) status = onednn.primitive_attr_set_post_ops(*attr, ops);
    if (ops) onednn.post_ops_destroy(ops);
    return status;
}

// The primitive and its memories, once p->pd is there. The data handles are set at execution.
static dnnl_status_t finish(ckernels_product *p, bool bias) {
    dnnl_status_t status = onednn.primitive_create(&p->primitive, p->pd);
    if (!status) status = onednn.memory_create(&p->x, query(p, dnnl_query_src_md), engine, DNNL_MEMORY_NONE);
    if (!status) status = onednn.memory_create(&p->y, query(p, dnnl_query_dst_md), engine, DNNL_MEMORY_NONE);
    if (!status && bias)
        status = onednn.memory_create(&p->bias, onednn.primitive_desc_query_md(p->pd, dnnl_query_weights_md, 1), engine,
                                      DNNL_MEMORY_NONE);
    if (!status)
        status = onednn.memory_create(&p->scratch, query(p, dnnl_query_scratchpad_md), engine, DNNL_MEMORY_NONE);
    return status;
}

// oneDNN calls it unimplemented where it lacks the memory to look at an implementation. Each allocation that fails
// leaves ENOMEM behind; `errno` must have been 0 before.
static dnnl_status_t cause(dnnl_status_t status) { return status && errno == ENOMEM ? dnnl_out_of_memory : status; }

// Gives the product to the caller, or frees it where making it failed.
static int hand_over(ckernels_product *p, dnnl_status_t status, ckernels_product **product) {
    status = cause(status);
    if (status) {
        ckernels_product_destroy(p);
        return status;
    }
    *product = p;
    return 0;
}

static const ckernels_form *own_form(const ckernels_convolution_shape *shape) {
    static const ckernels_form *const forms[] = {&ckernels_winograd4_bf16, &ckernels_winograd_bf16,
                                                 &ckernels_winograd_int8, &ckernels_direct_int8};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        if (forms[i]->suits(shape)) return forms[i];
    return NULL;
}

int ckernels_convolution_create(const ckernels_convolution_shape *s, ckernels_product **product) {
    errno = 0;
    pthread_once(&engine_once, make_engine);
    if (engine_status) return cause(engine_status);
    ckernels_product *p = calloc(1, sizeof *p);
    if (!p) return dnnl_out_of_memory;
    if ((p->form = own_form(s))) {
        p->shape = *s;
        p->threads = parallel_threads();
        return hand_over(p, 0, product);
    }
    if (s->quantized) return hand_over(p, dnnl_unimplemented, product);

    const int64_t out_height = (s->height + s->pad_begin + s->pad_end - s->kernel) / s->stride + 1;
    const int64_t out_width = (s->width + s->pad_begin + s->pad_end - s->kernel) / s->stride + 1;
    const dnnl_dims_t x_dims = {s->batch, s->in_channels, s->height, s->width};
    const dnnl_dims_t y_dims = {s->batch, s->out_channels, out_height, out_width};
    const dnnl_dims_t w_dims = {s->out_channels, s->in_channels, s->kernel, s->kernel};
    const dnnl_dims_t b_dims = {s->out_channels};
    const dnnl_dims_t strides = {s->stride, s->stride};
    const dnnl_dims_t pad_begin = {s->pad_begin, s->pad_begin}, pad_end = {s->pad_end, s->pad_end};
    const dnnl_data_type_t type = data_type(s->type);

    compat_desc x = {0}, y = {0}, w = {0}, b = {0};
    dnnl_primitive_attr_t attr = NULL;
    dnnl_status_t status = compat_desc_tag(&x, 4, x_dims, type, dnnl_nhwc);
    if (!status) status = compat_desc_tag(&y, 4, y_dims, type, dnnl_nhwc);
    if (!status) status = compat_desc_tag(&w, 4, w_dims, type, dnnl_format_tag_any);
    if (!status) status = compat_desc_tag(&b, 1, b_dims, dnnl_f32, dnnl_x);
    if (!status) status = compat_desc_tag(&p->plain_weights, 4, w_dims, type, dnnl_oihw);
    if (!status) status = make_attr(&attr, s->accumulate, CKERNELS_NONE);
    if (!status)
        status = compat_convolution(&p->pd, engine, &x, &w, s->bias ? &b : NULL, &y, strides, pad_begin, pad_end, attr);
    if (!status) status = finish(p, s->bias);
    if (attr) onednn.primitive_attr_destroy(attr);
    compat_desc_free(&x), compat_desc_free(&y), compat_desc_free(&w), compat_desc_free(&b);
    return hand_over(p, status, product);
}

int ckernels_linear_create(const ckernels_linear_shape *s, ckernels_product **product) {
    if (s->quantized) {
        if (s->activation != CKERNELS_NONE) return dnnl_unimplemented;
        const ckernels_convolution_shape same = {.batch = s->rows,
                                                 .height = 1,
                                                 .width = 1,
                                                 .in_channels = s->in_channels,
                                                 .out_channels = s->out_channels,
                                                 .kernel = 1,
                                                 .stride = 1,
                                                 .type = s->type,
                                                 .bias = s->bias,
                                                 .accumulate = s->accumulate,
                                                 .quantized = true};
        return ckernels_convolution_create(&same, product);
    }
    errno = 0;
    pthread_once(&engine_once, make_engine);
    if (engine_status) return cause(engine_status);
    ckernels_product *p = calloc(1, sizeof *p);
    if (!p) return dnnl_out_of_memory;

    const dnnl_dims_t x_dims = {s->rows, s->in_channels}, y_dims = {s->rows, s->out_channels};
    const dnnl_dims_t w_dims = {s->in_channels, s->out_channels}, b_dims = {1, s->out_channels};
    const dnnl_dims_t transposed = {1, s->in_channels};
    const dnnl_data_type_t type = data_type(s->type);

    compat_desc x = {0}, y = {0}, w = {0}, b = {0};
    dnnl_primitive_attr_t attr = NULL;
    dnnl_status_t status = compat_desc_tag(&x, 2, x_dims, type, dnnl_ab);
    if (!status) status = compat_desc_tag(&y, 2, y_dims, type, dnnl_ab);
    if (!status) status = compat_desc_tag(&w, 2, w_dims, type, dnnl_format_tag_any);
    if (!status) status = compat_desc_tag(&b, 2, b_dims, dnnl_f32, dnnl_ab);
    if (!status) status = compat_desc_strides(&p->plain_weights, 2, w_dims, type, transposed);
    if (!status) status = make_attr(&attr, s->accumulate, s->activation);
    if (!status) status = compat_matmul(&p->pd, engine, &x, &w, s->bias ? &b : NULL, &y, attr);
    if (!status) status = finish(p, s->bias);
    if (attr) onednn.primitive_attr_destroy(attr);
    compat_desc_free(&x), compat_desc_free(&y), compat_desc_free(&w), compat_desc_free(&b);
    return hand_over(p, status, product);
}

void ckernels_product_destroy(ckernels_product *p) {
    if (!p) return;
    if (p->x) onednn.memory_destroy(p->x);
    if (p->y) onednn.memory_destroy(p->y);
    if (p->bias) onednn.memory_destroy(p->bias);
    if (p->scratch) onednn.memory_destroy(p->scratch);
    if (p->primitive) onednn.primitive_destroy(p->primitive);
    if (p->pd) onednn.primitive_desc_destroy(p->pd);
    compat_desc_free(&p->plain_weights);
    free(p);
}

const char *ckernels_product_implementation(const ckernels_product *p) {
    if (p->form) return p->form->name;
    const char *name = "";
    onednn.primitive_desc_query(p->pd, dnnl_query_impl_info_str, 0, &name);
    return name;
}

size_t ckernels_product_scratch_size(const ckernels_product *p) {
    if (p->form) return p->form->scratch_size(&p->shape, p->threads);
    return onednn.memory_desc_get_size(query(p, dnnl_query_scratchpad_md));
}

size_t ckernels_product_weights_size(const ckernels_product *p) {
    if (p->form) return p->form->weights_size(&p->shape);
    return onednn.memory_desc_get_size(query(p, dnnl_query_weights_md));
}

// FNV-1a (Fowler, Noll and Vo), 64 bits.
static uint64_t hash(const void *bytes, size_t count) {
    uint64_t value = 0xcbf29ce484222325;
    for (size_t i = 0; i < count; i++) value = (value ^ ((const uint8_t *)bytes)[i]) * 0x100000001b3;
    return value;
}

uint64_t ckernels_product_weights_layout(const ckernels_product *p) {
    if (p->form) {
        const int64_t facts[] = {p->shape.in_channels, p->shape.out_channels, p->shape.kernel};
        return hash(p->form->name, strlen(p->form->name)) ^ hash(facts, sizeof facts);
    }
    char bytes[8192];
    const size_t size = compat_desc_bytes(query(p, dnnl_query_weights_md), bytes, sizeof bytes);
    return size ? hash(bytes, size) : 0;
}

int ckernels_weights_pack(const ckernels_product *p, const void *plain, void *packed) {
    if (p->form) {
        p->form->pack(&p->shape, plain, packed);
        return 0;
    }
    compat_desc_ref to = query(p, dnnl_query_weights_md);
    dnnl_memory_t from_memory = NULL, to_memory = NULL;
    dnnl_primitive_desc_t pd = NULL;
    dnnl_primitive_t primitive = NULL;
    errno = 0;
    dnnl_status_t status = onednn.memory_create(&to_memory, to, engine, packed);
    if (!status) status = onednn.memory_create(&from_memory, compat_ref(&p->plain_weights), engine, (void *)plain);
    if (!status)
        status = onednn.reorder_primitive_desc_create(&pd, compat_ref(&p->plain_weights), engine, to, engine, NULL);
    if (!status) status = onednn.primitive_create(&primitive, pd);
    if (!status) {
        const dnnl_exec_arg_t args[] = {{DNNL_ARG_FROM, from_memory}, {DNNL_ARG_TO, to_memory}};
        status = onednn.primitive_execute(primitive, stream, 2, args);
    }
    if (!status) status = onednn.stream_wait(stream);
    status = cause(status);
    if (primitive) onednn.primitive_destroy(primitive);
    if (pd) onednn.primitive_desc_destroy(pd);
    if (from_memory) onednn.memory_destroy(from_memory);
    if (to_memory) onednn.memory_destroy(to_memory);
    return status;
}

int ckernels_weights_create(const ckernels_product *p, const void *packed, ckernels_weights **weights) {
    ckernels_weights *w = calloc(1, sizeof *w);
    if (!w) return dnnl_out_of_memory;
    w->packed = packed;
    dnnl_status_t status = dnnl_success;
    if (p->form) {
        w->layout = ckernels_product_weights_layout(p);
    } else {
        status = onednn.memory_create(&w->memory, query(p, dnnl_query_weights_md), engine, (void *)packed);
    }
    if (status) {
        ckernels_weights_destroy(w);
        return status;
    }
    *weights = w;
    return 0;
}

bool ckernels_weights_fit(const ckernels_weights *w, const ckernels_product *p) {
    if (p->form) return !w->memory && w->layout == ckernels_product_weights_layout(p);
    if (!w->memory) return false;
#if DNNL_VERSION_MAJOR >= 3
    const_dnnl_memory_desc_t desc = NULL;
#else
    const dnnl_memory_desc_t *desc = NULL;
#endif
    if (onednn.memory_get_memory_desc(w->memory, &desc)) return false;
    return onednn.memory_desc_equal(desc, query(p, dnnl_query_weights_md)) != 0;
}

void ckernels_weights_destroy(ckernels_weights *w) {
    if (!w) return;
    if (w->memory) onednn.memory_destroy(w->memory);
    free(w);
}

int ckernels_product_execute(ckernels_product *p, const void *x, const ckernels_weights *weights, const float *bias,
                             void *y, void *scratch) {
    if (p->form) {
        p->form->execute(&p->shape, p->threads, x, weights->packed, p->shape.bias ? bias : NULL, y, scratch);
        return 0;
    }
    dnnl_status_t status = onednn.memory_set_data_handle(p->x, (void *)x);
    if (!status) status = onednn.memory_set_data_handle(p->y, y);
    if (!status) status = onednn.memory_set_data_handle(p->scratch, scratch);
    if (!status && p->bias) status = onednn.memory_set_data_handle(p->bias, (void *)bias);
    if (status) return status;
    dnnl_exec_arg_t args[5] = {{DNNL_ARG_SRC, p->x},
                               {DNNL_ARG_WEIGHTS, weights->memory},
                               {DNNL_ARG_DST, p->y},
                               {DNNL_ARG_SCRATCHPAD, p->scratch}};
    int count = 4;
    if (p->bias) args[count++] = (dnnl_exec_arg_t){DNNL_ARG_BIAS, p->bias};
    status = onednn.primitive_execute(p->primitive, stream, count, args);
    return status ? status : onednn.stream_wait(stream);
}

void ckernels_onednn_version(int version[3]) {
    version[0] = version[1] = version[2] = 0;
    if (onednn_load()) return;
    const dnnl_version_t *v = onednn.version();
    version[0] = v->major, version[1] = v->minor, version[2] = v->patch;
}
