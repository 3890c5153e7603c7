import CKernels
import CParallel
import Foundation

/// Times every kernel alone, on the shapes of Stable Diffusion 1.5 at 512×512: `swift run -c release kernel-benchmarks`.
///
/// Products are held against the machine's peak, which is taken to be what a plain product of 2048×2048 matrices reaches
/// in that arithmetic; what only passes over memory is held against a copy of as many bytes. Operations count as the
/// definitions have them, so Winograd's form can exceed 100 %.
@main struct Kernels {
    static func main() {
        let threads = ProcessInfo.processInfo.environment["THREADS"].flatMap { Int32($0) } ?? parallel_threads()
        parallel_set_threads(threads)
        print("\(String(cString: ckernels_isa_name(ckernels_current_isa()))), \(parallel_threads()) threads\n")
        let hasBFloat16 = ckernels_has_native_bf16()
        var arithmetics = [Arithmetic.float32]
        if hasBFloat16 { arithmetics.append(.bfloat16) }
        arithmetics.append(.int8)
        print("| product | shape | GFLOP/s | of the peak | by |\n|---|---|---|---|---|")
        for arithmetic in arithmetics { products(arithmetic) }
        print("\n| pass over memory | shape | GB/s | of a copy |\n|---|---|---|---|")
        for type in hasBFloat16 ? [CKERNELS_BF16, CKERNELS_F32] : [CKERNELS_F32] { passes(type) }
    }

    enum Arithmetic: String {
        case float32 = "f32"
        case bfloat16 = "bf16"
        case int8

        /// Of pictures and sequences.
        var type: ckernels_type { self == .float32 || !ckernels_has_native_bf16() ? CKERNELS_F32 : CKERNELS_BF16 }
    }

    // MARK: Products

    static func products(_ arithmetic: Arithmetic) {
        func linear(_ rows: Int64, _ inChannels: Int64, _ outChannels: Int64) -> (gigaflops: Double, name: String) {
            var shape = ckernels_linear_shape(
                rows: rows, in_channels: inChannels, out_channels: outChannels, type: arithmetic.type, bias: true,
                accumulate: false, quantized: arithmetic == .int8, activation: CKERNELS_NONE)
            var product: OpaquePointer?
            precondition(ckernels_linear_create(&shape, &product) == 0, "refused")
            return time(
                product!, x: rows * inChannels, weights: inChannels * outChannels, y: rows * outChannels,
                bias: outChannels, operations: 2 * rows * inChannels * outChannels, type: arithmetic.type)
        }
        func convolution(
            _ side: Int64, _ inChannels: Int64, _ outChannels: Int64, stride: Int64 = 1
        ) -> (gigaflops: Double, name: String) {
            var shape = ckernels_convolution_shape(
                batch: 2, height: side, width: side, in_channels: inChannels, out_channels: outChannels, kernel: 3,
                stride: stride, pad_begin: 1, pad_end: 1, type: arithmetic.type, bias: true, accumulate: false,
                quantized: arithmetic == .int8)
            var product: OpaquePointer?
            precondition(ckernels_convolution_create(&shape, &product) == 0, "refused")
            let pixels = 2 * (side / stride) * (side / stride)
            return time(
                product!, x: 2 * side * side * inChannels, weights: 9 * inChannels * outChannels,
                y: pixels * outChannels, bias: outChannels, operations: 18 * pixels * inChannels * outChannels,
                type: arithmetic.type)
        }
        let peak = linear(2048, 2048, 2048).gigaflops
        func row(_ what: String, _ shape: String, _ result: (gigaflops: Double, name: String)) {
            let share = Int((100 * result.gigaflops / peak).rounded())
            print(
                "| \(arithmetic.rawValue) \(what) | \(shape) | \(Int(result.gigaflops)) | \(share) % | \(result.name) |"
            )
        }
        row("linear", "2048² to 2048", (peak, "the peak"))
        for (rows, inChannels, outChannels) in [
            (8192, 320, 320), (8192, 320, 2560), (8192, 1280, 320), (2048, 640, 5120), (2048, 2560, 640),
            (512, 1280, 10240), (512, 5120, 1280), (128, 1280, 10240),
        ] as [(Int64, Int64, Int64)] {
            row("linear", "\(rows)×\(inChannels) to \(outChannels)", linear(rows, inChannels, outChannels))
        }
        for (side, inChannels, outChannels) in [
            (64, 320, 320), (64, 960, 320), (32, 640, 640), (32, 1920, 640), (16, 1280, 1280), (8, 1280, 1280),
        ] as [(Int64, Int64, Int64)] {
            row("3×3", "2×\(side)² \(inChannels) to \(outChannels)", convolution(side, inChannels, outChannels))
        }
        row("3×3, stride 2", "2×64² 320 to 320", convolution(64, 320, 320, stride: 2))
        guard arithmetic != .int8 else { return }
        for (tokens, keys, dimension) in [(4096, 4096, 40), (1024, 1024, 80), (256, 256, 160), (4096, 77, 40)] {
            row(
                "attention", "16 heads, \(tokens) to \(keys), \(dimension) channels",
                attention(heads: 16, tokens: tokens, keys: keys, dimension: dimension, type: arithmetic.type))
        }
    }

    static func time(
        _ product: OpaquePointer, x: Int64, weights: Int64, y: Int64, bias: Int64, operations: Int64,
        type: ckernels_type
    ) -> (gigaflops: Double, name: String) {
        defer { ckernels_product_destroy(product) }
        let x = Memory(randomCount: Int(x), type)
        let plain = Memory(randomCount: Int(weights), type)
        let y = Memory(bytes: Int(y) * type.size)
        let bias = Memory(bytes: Int(bias) * 4)
        let packed = Memory(bytes: ckernels_product_weights_size(product))
        let scratch = Memory(bytes: ckernels_product_scratch_size(product))
        var prepared: OpaquePointer?
        precondition(ckernels_weights_pack(product, plain.pointer, packed.pointer) == 0)
        precondition(ckernels_weights_create(product, packed.pointer, &prepared) == 0)
        defer { ckernels_weights_destroy(prepared) }
        let seconds = medianSeconds {
            let biases = bias.pointer.assumingMemoryBound(to: Float.self)
            precondition(
                ckernels_product_execute(product, x.pointer, prepared, biases, y.pointer, scratch.pointer) == 0)
        }
        return (Double(operations) / seconds / 1e9, String(cString: ckernels_product_implementation(product)))
    }

    static func attention(
        heads: Int, tokens: Int, keys: Int, dimension: Int, type: ckernels_type
    ) -> (gigaflops: Double, name: String) {
        let stride = heads * dimension
        let (q, k, v) = (
            Memory(randomCount: tokens * stride, type), Memory(randomCount: keys * stride, type),
            Memory(randomCount: keys * stride, type)
        )
        let y = Memory(bytes: tokens * stride * type.size)
        let shape = ckernels_attention_shape(
            queries: Int64(tokens), keys: Int64(keys), head_dim: Int64(dimension), q_stride: Int64(stride),
            k_stride: Int64(stride), v_stride: Int64(stride), y_stride: Int64(stride),
            scale: 1 / Float(dimension).squareRoot(), causal: false, type: type)
        var copy = shape
        let size = ckernels_attention_scratch_size(&copy)
        let scratch = Memory(bytes: heads * size)
        let seconds = medianSeconds {
            inParallel(heads) { head in
                var shape = shape
                let offset = head * dimension * type.size
                ckernels_attention(
                    &shape, q.pointer + offset, k.pointer + offset, v.pointer + offset, y.pointer + offset, 0,
                    Int64(tokens), scratch.pointer + head * size)
            }
        }
        return (Double(4 * heads * tokens * keys * dimension) / seconds / 1e9, "our own")
    }

    // MARK: Passes over memory

    static func passes(_ type: ckernels_type) {
        let (rows, channels) = (8192, 1280)
        let count = rows * channels
        let parts = 32
        let table = ckernels_kernels()!.pointee
        let x = Memory(randomCount: 2 * count, type)
        let y = Memory(bytes: count * type.size)
        let factors = Memory(randomCount: channels, CKERNELS_F32)
        let sums = Memory(bytes: parts * 2 * channels * 8)
        let bytes = count * type.size
        func speed(_ bytes: Int, _ body: @escaping (_ part: Int) -> Void) -> Double {
            Double(bytes) / medianSeconds { inParallel(parts, body) } / 1e9
        }
        let step = rows / parts
        let stepBytes = step * channels * type.size
        let copy = speed(2 * bytes) {
            (y.pointer + $0 * stepBytes).copyMemory(from: x.pointer + $0 * stepBytes, byteCount: stepBytes)
        }
        func row(_ what: String, _ speed: Double) {
            let name = type == CKERNELS_F32 ? "f32" : "bf16"
            let rounded = Double(Int(speed * 10)) / 10
            print("| \(name) \(what) | \(rows)×\(channels) | \(rounded) | \(Int((100 * speed / copy).rounded())) % |")
        }
        row("copy", copy)
        row(
            "GroupNorm's sums",
            speed(bytes) {
                let sum = sums.pointer.assumingMemoryBound(to: Double.self) + $0 * 2 * channels
                table.channel_sums(x.pointer + $0 * stepBytes, type, step, channels, sum, sum + channels)
            })
        row(
            "scale, shift, SiLU",
            speed(2 * bytes) {
                table.scale_shift(
                    x.pointer + $0 * stepBytes, y.pointer + $0 * stepBytes, type, step, channels, factors.floats,
                    factors.floats, true)
            })
        row(
            "LayerNorm",
            speed(2 * bytes) {
                table.layer_norm(
                    x.pointer + $0 * stepBytes, y.pointer + $0 * stepBytes, type, step, channels, factors.floats,
                    factors.floats, 1e-5)
            })
        row(
            "GEGLU",
            speed(3 * bytes) {
                table.geglu(x.pointer + 2 * $0 * stepBytes, y.pointer + $0 * stepBytes, type, step, channels)
            })
        row(
            "GELU",
            speed(2 * bytes) {
                table.activate(
                    x.pointer + $0 * stepBytes, y.pointer + $0 * stepBytes, type, step * channels, CKERNELS_GELU)
            })
        if type == CKERNELS_F32 {
            row(
                "softmax",
                speed(2 * bytes) {
                    for index in 0 ..< step { table.softmax(y.floats + ($0 * step + index) * channels, channels) }
                })
            let halves = Memory(bytes: count * 2)
            row(
                "to bf16",
                speed(bytes + bytes / 2) {
                    table.convert(
                        x.pointer + $0 * stepBytes, CKERNELS_F32, halves.pointer + $0 * stepBytes / 2, CKERNELS_BF16,
                        step * channels)
                })
        }
        let int8 = ckernels_int8_kernels(ckernels_current_isa())!.pointee
        let codes = Memory(bytes: count)
        row(
            "rows to 8 bits",
            speed(bytes + count) {
                for index in 0 ..< step {
                    let row = $0 * step + index
                    let start: [UnsafeRawPointer?] = [UnsafeRawPointer(x.pointer + row * channels * type.size)]
                    let bytes = codes.pointer.assumingMemoryBound(to: UInt8.self) + row * channels
                    _ = int8.quantize(start, 1, channels, type, bytes)
                }
            })
    }
}
