import TestSupport
import Testing

@testable import Tensors

/// Operations on tensors against their definitions, written out.
@Suite(.onEngine) struct OperationTests {
    /// Sums of some hundred products in another order.
    static let float32Tolerance: Float = 2e-5
    /// Operands rounded to bf16 (2⁻⁹ each) and the result too.
    static let bfloat16Tolerance: Float = 0.02

    /// Relative root mean square of a whole convolution: 0.29 % from rounding operands and result to bf16, the rest from
    /// rounding both transforms to bf16, or to 16-bit integers (docs/decisions/winograd.md).
    static let winogradError: Float = 0.0055
    static let winograd4Error: Float = 0.004

    static let types = [ElementType.float32, .bfloat16].filter { Compute.canMultiply($0) }

    private func tensor(_ name: String, _ shape: [Int], seed: UInt64) -> WeightTensor {
        tensor(name, shape, RandomValues.normal(shape.reduce(1, *), seed: seed, deviation: 0.3))
    }

    private func tensor(_ name: String, _ shape: [Int], _ values: [Float]) -> WeightTensor {
        let values = Box(values)
        return WeightTensor(name: name, shape: shape, elementType: .float32, bytes: values.bytes, owner: values)
    }

    /// Floats that stay where they are.
    private final class Box {
        let storage: UnsafeMutableBufferPointer<Float>
        init(_ values: [Float]) {
            storage = .allocate(capacity: values.count)
            _ = storage.initialize(from: values)
        }
        var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(storage) }
        deinit { storage.deallocate() }
    }

    /// Both operands rounded to 127 steps of a row's largest value, a third of which is usual: 1 % of the results' size, and
    /// for the largest of some thousand results four times that.
    static let int8Tolerance: Float = 0.02

    private func expectClose(_ found: [Float], _ expected: [Float], _ type: ElementType, _ what: String) {
        #expect(found.count == expected.count, "\(what)")
        let scale = expected.reduce(0) { max($0, abs($1)) }
        let tolerance = type == .float32 ? Self.float32Tolerance : Self.bfloat16Tolerance
        let worst = zip(found, expected).reduce(0) { max($0, abs($1.0 - $1.1)) }
        #expect(worst <= tolerance * scale, "\(what) \(type)")
    }

    @Test(arguments: types, [(3, 1, 1, 1), (3, 2, 1, 1), (3, 2, 0, 1), (1, 1, 0, 0)])
    func convolution(type: ElementType, geometry: (kernel: Int, stride: Int, begin: Int, end: Int)) throws {
        let compute = Compute(type: type)
        let (batch, height, width, inChannels, outChannels) = (2, 6, 9, 5, 7)
        let (kernel, stride, begin, end) = geometry
        let weights = tensor("w", [outChannels, inChannels, kernel, kernel], seed: 1)
        let bias = tensor("b", [outChannels], seed: 2)
        let layer = Convolution(weights: weights, bias: bias, stride: stride, padding: (begin, end))
        let x = RandomValues.normal(batch * height * width * inChannels, seed: 3)
        let shift = RandomValues.normal(outChannels, seed: 4)
        let outHeight = (height + begin + end - kernel) / stride + 1
        let outWidth = (width + begin + end - kernel) / stride + 1
        let residual = RandomValues.normal(batch * outHeight * outWidth * outChannels, seed: 5)

        var expected = residual
        let (w, b) = (weights.floats(), bias.floats())
        for n in 0 ..< batch {
            for oy in 0 ..< outHeight {
                for ox in 0 ..< outWidth {
                    for o in 0 ..< outChannels {
                        var sum = b[o] + shift[o]
                        for ky in 0 ..< kernel {
                            for kx in 0 ..< kernel {
                                let (y, x0) = (oy * stride + ky - begin, ox * stride + kx - begin)
                                guard y >= 0, y < height, x0 >= 0, x0 < width else { continue }
                                for i in 0 ..< inChannels {
                                    sum +=
                                        x[((n * height + y) * width + x0) * inChannels + i]
                                        * w[((o * inChannels + i) * kernel + ky) * kernel + kx]
                                }
                            }
                        }
                        expected[((n * outHeight + oy) * outWidth + ox) * outChannels + o] += sum
                    }
                }
            }
        }
        let found = try compute.convolution(
            compute.tensor(x, shape: [batch, height, width, inChannels]), layer, channelShift: shift,
            adding: compute.tensor(residual, shape: [batch, outHeight, outWidth, outChannels]))
        expectClose(compute.floats(found), expected, type, "convolution \(geometry)")
    }

    /// Winograd's form, where this CPU has it, against the same convolution in f32: odd sides, blocks of tiles that end
    /// within a row, more than one panel of out channels.
    @Test(
        .enabled(if: Compute.canMultiply(.bfloat16)),
        arguments: [
            (1, 20, 20, 32, 64, "winograd:"), (2, 17, 33, 96, 128, "winograd4:"), (3, 26, 9, 224, 64, "winograd:"),
            (1, 31, 34, 64, 192, "winograd4:"), (3, 18, 43, 640, 64, "winograd4:"), (2, 8, 8, 160, 192, "winograd:"),
            (1, 11, 12, 64, 64, "winograd:"),
        ])
    func winogradConvolution(
        batch: Int, height: Int, width: Int, inChannels: Int, outChannels: Int, form: String
    ) throws {
        let weights = tensor("w", [outChannels, inChannels, 3, 3], seed: 1)
        let bias = tensor("b", [outChannels], seed: 2)
        let x = RandomValues.normal(batch * height * width * inChannels, seed: 3)
        let residual = RandomValues.normal(batch * height * width * outChannels, seed: 4)
        let forms = [
            (ElementType.float32, ProductArithmetic.likeTensors), (.bfloat16, .likeTensors), (.bfloat16, .int8),
        ]
        let results = try forms.map { type, arithmetic in
            let compute = Compute(type: type)
            let layer = Convolution(weights: weights, bias: bias, padding: (1, 1), arithmetic: arithmetic)
            return try [nil, residual].map { residual in
                compute.floats(
                    try compute.convolution(
                        compute.tensor(x, shape: [batch, height, width, inChannels]), layer,
                        adding: residual.map { try compute.tensor($0, shape: [batch, height, width, outChannels]) }))
            }
        }
        expectClose(results[1][0], results[0][0], .bfloat16, "plain")
        expectClose(results[1][1], results[0][1], .bfloat16, "added")
        expectClose(results[2][0], results[0][0], .bfloat16, "plain, 8 bits")
        expectClose(results[2][1], results[0][1], .bfloat16, "added, 8 bits")
        let difference = zip(results[1][0], results[0][0]).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
        let relative = (difference / results[0][0].reduce(0) { $0 + $1 * $1 }).squareRoot()
        #expect(relative <= (form == "winograd4:" ? Self.winograd4Error : Self.winogradError))
        for quantized in [false, true] {
            let product = try Product(
                .convolution(
                    batch: batch, height: height, width: width, inChannels: inChannels, outChannels: outChannels,
                    kernel: 3, stride: 1, padBegin: 1, padEnd: 1, type: .bfloat16, accumulate: false,
                    quantized: quantized))
            #expect(product.implementation.hasPrefix(quantized ? "winograd:" : form) == Compute.hasNativeBFloat16)
        }
    }

    /// Where all products have one sign and the largest size, sums come closest to the ends of 32 bits; and what is not a
    /// number must not become one.
    @Test(.enabled(if: Compute.hasNativeBFloat16), arguments: [64, 1280])
    func winogradExtremes(channels: Int) throws {
        let (side, outChannels) = (36, 64)
        let compute = Compute(type: .bfloat16)
        let shape = [outChannels, channels, 3, 3]
        let weights = tensor("w", shape, [Float](repeating: -3, count: shape.reduce(1, *)))
        let layer = Convolution(weights: weights, bias: nil, padding: (1, 1))
        var x = [Float](repeating: 1000, count: side * side * channels)
        let result = compute.floats(
            try compute.convolution(compute.tensor(x, shape: [1, side, side, channels]), layer))
        for (row, column, taps) in [(0, 0, 4), (0, 17, 6), (17, 17, 9), (35, 20, 6)] {
            let expected = Float(-3000 * taps * channels)
            #expect(abs(result[(row * side + column) * outChannels] / expected - 1) < Self.bfloat16Tolerance)
        }
        for value in [Float.nan, .infinity] {
            x[(17 * side + 17) * channels + 5] = value
            let result = compute.floats(
                try compute.convolution(compute.tensor(x, shape: [1, side, side, channels]), layer))
            #expect(!result[(17 * side + 17) * outChannels].isFinite)
            #expect(result[0].isFinite)
        }
    }

    @Test(arguments: types) func stackedLinear(type: ElementType) throws {
        let compute = Compute(type: type)
        let (rows, inChannels) = (11, 19)
        let parts = [
            (tensor("a", [6, inChannels], seed: 1), tensor("c", [6], seed: 2)),
            (tensor("b", [9, inChannels], seed: 3), nil),
        ]
        let layer = Linear(parts.map { (weights: $0.0, bias: $0.1) })
        let x = RandomValues.normal(rows * inChannels, seed: 4)
        let w = parts.flatMap { $0.0.floats() }
        let b = parts[0].1!.floats() + [Float](repeating: 0, count: 9)
        var expected: [Float] = []
        for r in 0 ..< rows {
            for o in 0 ..< 15 {
                var sum = b[o]
                for i in 0 ..< inChannels { sum += x[r * inChannels + i] * w[o * inChannels + i] }
                expected.append(sum)
            }
        }
        expectClose(
            compute.floats(try compute.linear(compute.tensor(x, shape: [rows, inChannels]), layer)), expected, type,
            "linear")
    }

    /// Convolutions and linear layers in 8 bits, for channels that fill no panel or register, against f32.
    @Test(arguments: [ElementType.float32, .bfloat16], [(3, 1), (3, 2), (1, 1)])
    func quantizedConvolution(type: ElementType, geometry: (kernel: Int, stride: Int)) throws {
        let (kernel, stride) = geometry
        for (inChannels, outChannels, side) in [(5, 7, 9), (33, 70, 4), (64, 128, 12), (160, 64, 30)] {
            let weights = tensor("w", [outChannels, inChannels, kernel, kernel], seed: 1)
            let bias = tensor("b", [outChannels], seed: 2)
            let x = RandomValues.normal(2 * side * side * inChannels, seed: 3)
            let extent = kernel / 2 * 2
            let outSide = (side + extent - kernel) / stride + 1
            let residual = RandomValues.normal(2 * outSide * outSide * outChannels, seed: 4)
            let results = try [(ElementType.float32, ProductArithmetic.likeTensors), (type, .int8)].map {
                type, arithmetic in
                let compute = Compute(type: type)
                let layer = Convolution(
                    weights: weights, bias: bias, stride: stride, padding: (kernel / 2, kernel / 2),
                    arithmetic: arithmetic)
                return compute.floats(
                    try compute.convolution(
                        compute.tensor(x, shape: [2, side, side, inChannels]), layer,
                        adding: compute.tensor(residual, shape: [2, outSide, outSide, outChannels])))
            }
            let scale = results[0].reduce(0) { max($0, abs($1)) }
            let worst = zip(results[0], results[1]).reduce(0) { max($0, abs($1.0 - $1.1)) }
            #expect(worst <= Self.int8Tolerance * scale, "\(inChannels) to \(outChannels), \(geometry), \(type)")
        }
    }

    /// A linear layer without bias, with more rows than are quantised at once, and a row of zeros.
    @Test(arguments: [ElementType.float32, .bfloat16]) func quantizedLinear(type: ElementType) throws {
        let (rows, inChannels) = (2000, 96)
        let parts = [
            (weights: tensor("a", [60, inChannels], seed: 1), bias: WeightTensor?.none),
            (weights: tensor("b", [30, inChannels], seed: 3), bias: nil),
        ]
        var x = RandomValues.normal(rows * inChannels, seed: 4)
        for index in 0 ..< inChannels { x[index] = 0 }
        let results = try [(ElementType.float32, ProductArithmetic.likeTensors), (type, .int8)].map {
            type, arithmetic in
            let compute = Compute(type: type)
            let layer = Linear(parts, arithmetic: arithmetic)
            return compute.floats(try compute.linear(compute.tensor(x, shape: [rows, inChannels]), layer))
        }
        let scale = results[0].reduce(0) { max($0, abs($1)) }
        let worst = zip(results[0], results[1]).reduce(0) { max($0, abs($1.0 - $1.1)) }
        #expect(worst <= Self.int8Tolerance * scale)
        #expect(results[1][..<90].allSatisfy { $0 == 0 })
    }

    /// What is not a number stays one: a failed network must not pass for a picture.
    @Test func quantizedNotANumber() throws {
        let compute = Compute(type: .bfloat16)
        let layer = Linear([(tensor("w", [64, 64], seed: 1), nil)], arithmetic: .int8)
        var x = RandomValues.normal(2 * 64, seed: 2)
        x[70] = .nan
        let y = compute.floats(try compute.linear(compute.tensor(x, shape: [2, 64]), layer))
        #expect(y[..<64].allSatisfy { $0.isFinite })
        #expect(y[64...].allSatisfy { $0.isNaN })
    }

    /// Attention in every form, for sizes around the blocks of the fused kernel.
    @Test(arguments: [ElementType.float32, .bfloat16], [false, true]) func attention(type: ElementType, causal: Bool)
        throws
    {
        let compute = Compute(type: type)
        for (queries, keys, heads, d) in [
            (1, 1, 1, 2), (5, 40, 1, 24), (7, 77, 2, 40), (130, 65, 3, 8), (70, 600, 1, 18), (65, 65, 1, 160),
        ] {
            let batch = 2
            let channels = heads * d
            let q = RandomValues.normal(batch * queries * channels, seed: 1)
            let k = RandomValues.normal(batch * keys * channels, seed: 2)
            let v = RandomValues.normal(batch * keys * channels, seed: 3)
            let scale = 1 / Float(d).squareRoot()
            var expected = [Float](repeating: 0, count: batch * queries * channels)
            for n in 0 ..< batch {
                for h in 0 ..< heads {
                    for i in 0 ..< queries {
                        let seen = causal ? min(i + 1, keys) : keys
                        let row = (n * queries + i) * channels + h * d
                        var scores: [Double] = []
                        for j in 0 ..< seen {
                            let key = (n * keys + j) * channels + h * d
                            var sum: Float = 0
                            for c in 0 ..< d { sum += q[row + c] * k[key + c] }
                            scores.append(Double(sum * scale))
                        }
                        let top = scores.max()!
                        let weights = scores.map { exponential($0 - top) }
                        let total = weights.reduce(0, +)
                        for c in 0 ..< d {
                            var sum = 0.0
                            for j in 0 ..< seen {
                                sum += weights[j] / total * Double(v[(n * keys + j) * channels + h * d + c])
                            }
                            expected[row + c] = Float(sum)
                        }
                    }
                }
            }
            let found = try compute.attention(
                queries: AttentionOperand(compute.tensor(q, shape: [batch, queries, channels])),
                keys: AttentionOperand(compute.tensor(k, shape: [batch, keys, channels])),
                values: AttentionOperand(compute.tensor(v, shape: [batch, keys, channels])), heads: heads,
                headDimension: d, scale: scale, causal: causal)
            expectClose(compute.floats(found), expected, type, "attention \(queries)×\(keys)×\(d)")
        }
    }

    /// Scores that rise from key to key by far more than a float's exponents hold, within a block of keys and beyond.
    @Test func attentionToRisingScores() throws {
        let (queries, keys, d) = (9, 1300, 8)
        // Whole numbers below 256, which bf16 holds exactly.
        let k = (0 ..< keys * d).map { Float($0 / d / 6) }
        let q = (0 ..< queries * d).map { Float(1 + $0 / d % 3) }
        let v = RandomValues.normal(keys * d, seed: 3)
        let results = try [ElementType.float32, .bfloat16].map { type in
            let compute = Compute(type: type)
            return compute.floats(
                try compute.attention(
                    queries: AttentionOperand(compute.tensor(q, shape: [1, queries, d])),
                    keys: AttentionOperand(compute.tensor(k, shape: [1, keys, d])),
                    values: AttentionOperand(compute.tensor(v, shape: [1, keys, d])), heads: 1, headDimension: d,
                    scale: 0.4))
        }
        expectClose(results[1], results[0], .bfloat16, "rising scores")
    }

    /// e^x by its series after halving; the platform's own would need an import.
    private func exponential(_ x: Double) -> Double {
        let y = x / 1024
        var power = 1 + y + y * y / 2 + y * y * y / 6 + y * y * y * y / 24
        for _ in 0 ..< 10 { power *= power }
        return power
    }

    @Test func groupNormOfManyPixels() throws {
        // A mean much larger than the deviation: E[x²] − E[x]² must not lose it.
        let compute = Compute(type: .float32)
        let (pixels, channels, groups) = (40 * 30, 8, 4)
        let x = RandomValues.normal(pixels * channels, seed: 1).map { $0 * 0.1 + 30 }
        let ones = tensor("scale", [channels], seed: 2)
        let zeros = tensor("shift", [channels], seed: 3)
        let norm = Normalization(scale: ones, shift: zeros, epsilon: 1e-5)
        let found = compute.floats(
            try compute.groupNorm(compute.tensor(x, shape: [1, 40, 30, channels]), norm, groups: groups, silu: false))
        for group in 0 ..< groups {
            var members: [Double] = []
            for p in 0 ..< pixels {
                for c in group * 2 ..< group * 2 + 2 { members.append(Double(x[p * channels + c])) }
            }
            let mean = members.reduce(0, +) / Double(members.count)
            let variance = members.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(members.count)
            let deviation = (variance + 1e-5).squareRoot()
            for c in group * 2 ..< group * 2 + 2 {
                let normed = (Double(x[c]) - mean) / deviation
                let expected = normed * Double(norm.scale[c]) + Double(norm.shift[c])
                #expect(abs(Double(found[c]) - expected) < 2e-3)
            }
        }
    }

    @Test func nearestResizeAndConcatenation() throws {
        let compute = Compute(type: .float32)
        let x = try compute.tensor((0 ..< 12).map { Float($0) }, shape: [1, 2, 3, 2])
        let y = compute.floats(try compute.resizeNearest(x, height: 4, width: 5))
        // Columns ⌊x · 3 / 5⌋ = 0 0 1 1 2; rows 0 0 1 1.
        #expect(Array(y[0 ..< 10]) == [0, 1, 0, 1, 2, 3, 2, 3, 4, 5])
        #expect(Array(y[10 ..< 20]) == Array(y[0 ..< 10]))
        #expect(y[20] == 6)
        let both = compute.floats(
            try compute.concatenate([x.reshaped([6, 2]), compute.tensor([-1, -2, -3, -4, -5, -6], shape: [6, 1])]))
        #expect(Array(both[0 ..< 6]) == [0, 1, -1, 2, 3, -2])
    }
}
