#pragma once
// The compute that networks are made of: convolutions and matrix products through oneDNN, and our own kernels for what
// lies between them. Activations are NHWC (or [rows, channels]), contiguous unless a stride is given.
//
// Contract of every kernel here: it allocates nothing, takes no lock, prints nothing, starts no thread unless its
// comment says so, takes any length and alignment, and never lets `y` overlap an input unless its comment allows it.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum { CKERNELS_F32 = 0, CKERNELS_BF16 = 1, CKERNELS_F16 = 2 } ckernels_type;

// --- CPU -------------------------------------------------------------------------------------------------------------

typedef enum {
    CKERNELS_SCALAR = 0,
    CKERNELS_NEON = 1,
    CKERNELS_AVX2 = 2,
    CKERNELS_AVX512 = 3,
    CKERNELS_AVX512_BF16 = 4
} ckernels_isa;

// The best instruction set of this CPU that the build has kernels for. EDITOR_MAX_ISA (scalar, avx2, avx512) lowers it,
// for oneDNN as well.
ckernels_isa ckernels_current_isa(void);
const char *ckernels_isa_name(ckernels_isa isa);
// Whether products in bf16 run natively here rather than by conversion.
bool ckernels_has_native_bf16(void);
// Whether products in 8 bits run natively (AVX-512 VNNI) rather than by plain C.
bool ckernels_has_vnni(void);
// Whether this was built with AddressSanitizer, which sees only memory that is asked for and freed one by one.
bool ckernels_is_address_sanitized(void);
// Tells AddressSanitizer that nobody may touch some memory, and that somebody may again; nothing without it.
void ckernels_poison(const void *memory, size_t count);
void ckernels_unpoison(const void *memory, size_t count);
// Bytes of address space that the process may use at most (ulimit -v); INT64_MAX where there is no limit.
int64_t ckernels_address_space(void);
// The version of oneDNN that was found at run time, such as 2, 6, 3; zeros where there is none.
void ckernels_onednn_version(int version[3]);
// Why oneDNN could not be loaded, after something returned CKERNELS_NO_LIBRARY.
const char *ckernels_library_error(void);

// --- Products (oneDNN) -----------------------------------------------------------------------------------------------

// Applied to a product's result.
typedef enum {
    CKERNELS_NONE = 0,
    CKERNELS_SILU = 1,       // x · sigmoid(x)
    CKERNELS_QUICK_GELU = 2, // x · sigmoid(1.702 x)
    CKERNELS_GELU = 3,       // x · Φ(x), by erf
    CKERNELS_RELU = 4,       // max(x, 0)
} ckernels_activation;

// A convolution of NHWC pictures; weights are given as OIHW.
typedef struct {
    int64_t batch, height, width, in_channels, out_channels;
    int64_t kernel, stride;
    int64_t pad_begin, pad_end; // rows and columns of zeros before and after
    ckernels_type type;         // of pictures and weights: F32 or BF16; the bias is f32
    bool bias;
    bool accumulate; // y += result instead of y = result
    bool quantized;  // multiply in 8 bits: x by its rows, weights by their out channels
} ckernels_convolution_shape;

// y[rows, out] = x[rows, in] · wᵀ (+ bias); weights are given as [out, in].
typedef struct {
    int64_t rows, in_channels, out_channels;
    ckernels_type type;
    bool bias;
    bool accumulate;
    bool quantized; // as above; there is no activation then
    ckernels_activation activation;
} ckernels_linear_shape;

// A prepared product. Not safe to execute from two threads at once: it runs on all of them itself.
typedef struct ckernels_product ckernels_product;
// Weights in the layout that a product asked for.
typedef struct ckernels_weights ckernels_weights;

enum { CKERNELS_NO_LIBRARY = -1 };
// 0 on success, else oneDNN's status (1: out of memory, 3: unimplemented) or CKERNELS_NO_LIBRARY.
int ckernels_convolution_create(const ckernels_convolution_shape *shape, ckernels_product **product);
int ckernels_linear_create(const ckernels_linear_shape *shape, ckernels_product **product);
void ckernels_product_destroy(ckernels_product *product);
// What runs it, such as "jit:avx512_core_bf16" or, where it is our own, "winograd:avx512_bf16" or "direct:int8".
const char *ckernels_product_implementation(const ckernels_product *product);
// Bytes that execute() needs as scratch, 64-byte aligned.
size_t ckernels_product_scratch_size(const ckernels_product *product);

// Bytes of the packed weights.
size_t ckernels_product_weights_size(const ckernels_product *product);
// Which layout the packed weights have: equal for products that take the same packed bytes, with this version of the
// library on this kind of CPU. 0 where it cannot be told.
uint64_t ckernels_product_weights_layout(const ckernels_product *product);
// Packs `plain` (the product's element type, OIHW or [out, in]) into `packed`, 64-byte aligned.
int ckernels_weights_pack(const ckernels_product *product, const void *plain, void *packed);
// Weights packed earlier, for a product of the same layout. `packed`, 64-byte aligned, is only read, and must stay alive
// and unmoved as long as the result.
int ckernels_weights_create(const ckernels_product *product, const void *packed, ckernels_weights **weights);
// Whether weights that were packed for another product fit this one as they are.
bool ckernels_weights_fit(const ckernels_weights *weights, const ckernels_product *product);
void ckernels_weights_destroy(ckernels_weights *weights);

// `bias` is f32 with out_channels values; it is not read where the shape has none.
int ckernels_product_execute(ckernels_product *product, const void *x, const ckernels_weights *weights,
                             const float *bias, void *y, void *scratch);

// --- Our own kernels -------------------------------------------------------------------------------------------------

// One struct of function pointers an instruction set; each function is documented once, here. `type` is F32 or BF16;
// arithmetic is in f32.
typedef struct {
    // y[i] = x[i] in another element type, round to nearest even. Any of F32, BF16, F16 in; F32, BF16 out.
    void (*convert)(const void *x, ckernels_type x_type, void *y, ckernels_type y_type, size_t count);

    // Adds Σx and Σx² of each channel over `pixels` to sum[channels] and square_sum[channels].
    void (*channel_sums)(const void *x, ckernels_type type, size_t pixels, size_t channels, double *sum,
                         double *square_sum);

    // y = x · scale[c] + shift[c], then SiLU if asked. y may be x.
    void (*scale_shift)(const void *x, void *y, ckernels_type type, size_t pixels, size_t channels, const float *scale,
                        const float *shift, bool silu);

    // Each row to mean 0 and variance 1, times gamma plus beta (Ba et al. 2016). y may be x.
    void (*layer_norm)(const void *x, void *y, ckernels_type type, size_t rows, size_t channels, const float *gamma,
                       const float *beta, float epsilon);

    // y[r, c] = x[r, c] · gelu(x[r, channels + c]) for rows of 2 · channels (Shazeer 2020).
    void (*geglu)(const void *x, void *y, ckernels_type type, size_t rows, size_t channels);

    // y = activation(x). y may be x.
    void (*activate)(const void *x, void *y, ckernels_type type, size_t count, ckernels_activation activation);

    // In place: x[0..<count] = exp(x − max x) / Σ, f32.
    void (*softmax)(float *x, size_t count);
} ckernels_table;

// The table of the current instruction set, or of a given one for tests (NULL where CPU or build lacks it).
const ckernels_table *ckernels_kernels(void);
const ckernels_table *ckernels_kernels_for(ckernels_isa isa);

// --- Products in 8 bits ----------------------------------------------------------------------------------------------

enum { CKERNELS_INT8_PANEL = 64, CKERNELS_INT8_ROWS = 6 };

// Weights of 64 out channels.
typedef struct {
    const int8_t *codes;    // [depth / 4][64][4]
    const float *scales;    // [64]
    const int32_t *offsets; // [64], −128 · Σ codes: what the 128s in x's codes add, taken away
} ckernels_int8_panel;

// The parts that differ between instruction sets.
typedef struct {
    // Quantises the row that `count` pieces of `length` elements make (NULL is a piece of zeros) to codes[up4(count ·
    // length)], filled up with 128s. Returns its scale. Not-a-numbers make the scale one.
    float (*quantize)(const void *const *pieces, size_t count, size_t length, ckernels_type type, uint8_t *codes);
    // y[rows][columns] (+)= the product of rows of `depth` codes (a multiple of 4) with a panel, plus bias, `columns` ≤ 64
    // of it. Rows of y are `y_stride` elements apart. Reads codes up to the next multiple of CKERNELS_INT8_ROWS rows.
    void (*multiply)(const uint8_t *codes, const float *row_scales, size_t rows, size_t depth,
                     const ckernels_int8_panel *panel, const float *bias, void *y, ckernels_type type, size_t columns,
                     size_t y_stride, bool accumulate);
} ckernels_int8_table;

// The best kernels of this CPU that need no more than `most`.
const ckernels_int8_table *ckernels_int8_kernels(ckernels_isa most);

// --- Attention -------------------------------------------------------------------------------------------------------

// softmax(scale · q kᵀ) v for one batch entry and a range of heads. Row r of head h of q starts at
// q + r · q_stride + h · head_dim (elements); k, v and y alike.
typedef struct {
    int64_t queries, keys, head_dim;
    int64_t q_stride, k_stride, v_stride, y_stride;
    float scale;
    bool causal; // query i sees keys 0...i
    ckernels_type type;
} ckernels_attention_shape;

// Bytes of scratch that ckernels_attention needs, 64-byte aligned.
size_t ckernels_attention_scratch_size(const ckernels_attention_shape *shape);
// One head, queries first_query ..< first_query + query_count. q, k, v, y point at the head's first element of row 0.
// Never holds more than a block of rows of the score matrix (Dao et al. 2022). Starts no thread; call it from several,
// each with its own scratch.
// 0 on success, else oneDNN's status.
int ckernels_attention(const ckernels_attention_shape *shape, const void *q, const void *k, const void *v, void *y,
                       int64_t first_query, int64_t query_count, void *scratch);

// --- Weights as files have them --------------------------------------------------------------------------------------

// The quantised types of GGUF, blocks of elements with scales of their own (ggml-common.h, ggml-quants.c), and types
// whose elements are blocks of one.
typedef enum {
    CKERNELS_Q4_0,
    CKERNELS_Q4_1,
    CKERNELS_Q5_0,
    CKERNELS_Q5_1,
    CKERNELS_Q8_0,
    CKERNELS_Q2_K,
    CKERNELS_Q3_K,
    CKERNELS_Q4_K,
    CKERNELS_Q5_K,
    CKERNELS_Q6_K,
    CKERNELS_F8_E4M3, // the OCP's E4M3 (arXiv 2209.05433, table 1): no infinity, NaN where all bits but the sign are 1
    CKERNELS_F8_E5M2, // the upper byte of an IEEE half
    CKERNELS_F64,     // rounded to f32
} ckernels_block_format;

// Elements of a block, and its bytes.
size_t ckernels_block_length(ckernels_block_format format);
size_t ckernels_block_size(ckernels_block_format format);

// y[0 ..< count · length] = the elements of `count` blocks, each product rounded by itself, as the reference computes them.
// `blocks` may lie at any address.
void ckernels_dequantize(ckernels_block_format format, const void *blocks, float *y, size_t count);
