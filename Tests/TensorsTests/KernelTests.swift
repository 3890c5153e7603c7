import CKernels
import TestSupport
import Testing

/// Every vector form that this CPU has against the scalar reference.
@Suite struct KernelTests {
    /// Sums in another order, a polynomial for exp and erf: a few units in the last place of f32.
    static let float32Tolerance: Float = 4e-6
    /// One rounding to bf16 may fall the other way: 2⁻⁸ of the value.
    static let bfloat16Tolerance: Float = 0.008

    static let sets = [CKERNELS_AVX2, CKERNELS_AVX512, CKERNELS_AVX512_BF16, CKERNELS_NEON].filter {
        ckernels_kernels_for($0) != nil
    }
    /// The scalar products in 8 bits first.
    static let int8Sets = [CKERNELS_SCALAR, CKERNELS_AVX2, CKERNELS_AVX512]
    static let lengths = [0, 1, 7, 8, 9, 15, 16, 17, 31, 33, 64, 100]
    static let types = [CKERNELS_F32, CKERNELS_BF16]

    /// An operand in memory of its own, off by one element so that nothing is aligned.
    private struct Operand {
        var bytes: [UInt8]
        let type: ckernels_type
        var size: Int { type == CKERNELS_F32 ? 4 : 2 }

        init(_ values: [Float], _ type: ckernels_type) {
            self.type = type
            let size = type == CKERNELS_F32 ? 4 : 2
            bytes = [UInt8](repeating: 0, count: (values.count + 2) * size)
            let table = ckernels_kernels_for(CKERNELS_SCALAR)!
            bytes.withUnsafeMutableBytes { buffer in
                table.pointee.convert(values, CKERNELS_F32, buffer.baseAddress! + size, type, values.count)
            }
        }

        init(count: Int, _ type: ckernels_type) { self.init([Float](repeating: 0, count: count), type) }

        var floats: [Float] {
            let count = bytes.count / size - 2
            var result = [Float](repeating: 0, count: count)
            bytes.withUnsafeBytes { buffer in
                ckernels_kernels_for(CKERNELS_SCALAR)!.pointee.convert(
                    buffer.baseAddress! + size, type, &result, CKERNELS_F32, count)
            }
            return result
        }

        mutating func with<R>(_ body: (UnsafeMutableRawPointer) -> R) -> R {
            let size = size
            return bytes.withUnsafeMutableBytes { body($0.baseAddress! + size) }
        }
    }

    private func compare(
        _ type: ckernels_type, count: Int, _ what: String, _ run: (ckernels_table, UnsafeMutableRawPointer) -> Void
    ) {
        var expected = Operand(count: count, type)
        expected.with { run(ckernels_kernels_for(CKERNELS_SCALAR)!.pointee, $0) }
        for set in Self.sets {
            var found = Operand(count: count, type)
            found.with { run(ckernels_kernels_for(set)!.pointee, $0) }
            let tolerance = type == CKERNELS_F32 ? Self.float32Tolerance : Self.bfloat16Tolerance
            for (a, b) in zip(found.floats, expected.floats) where !(abs(a - b) <= tolerance * max(1, abs(b))) {
                Issue.record("\(what) \(String(cString: ckernels_isa_name(set))) of \(count): \(a), expected \(b)")
                return
            }
            #expect(
                found.bytes.prefix(found.size) == expected.bytes.prefix(found.size), "\(what) writes before its result")
            #expect(
                found.bytes.suffix(found.size) == expected.bytes.suffix(found.size), "\(what) writes behind its result")
        }
    }

    @Test func elementwise() {
        for type in Self.types {
            for count in Self.lengths {
                var x = Operand(RandomValues.normal(count, seed: 1, deviation: 4), type)
                for activation in [
                    CKERNELS_NONE, CKERNELS_SILU, CKERNELS_QUICK_GELU, CKERNELS_GELU, CKERNELS_RELU,
                ] {
                    x.with { x in
                        compare(type, count: count, "activate") { $0.activate(x, $1, type, count, activation) }
                    }
                }
            }
        }
    }

    @Test func normalisation() {
        for type in Self.types {
            for channels in Self.lengths.dropFirst() {
                let rows = 5
                var x = Operand(RandomValues.normal(rows * channels, seed: 3, deviation: 2), type)
                let scale = RandomValues.normal(channels, seed: 4)
                let shift = RandomValues.normal(channels, seed: 5)
                x.with { x in
                    for silu in [false, true] {
                        compare(type, count: rows * channels, "scale_shift") {
                            $0.scale_shift(x, $1, type, rows, channels, scale, shift, silu)
                        }
                    }
                    compare(type, count: rows * channels, "layer_norm") {
                        $0.layer_norm(x, $1, type, rows, channels, scale, shift, 1e-5)
                    }
                }
                var wide = Operand(RandomValues.normal(rows * 2 * channels, seed: 6, deviation: 2), type)
                wide.with { wide in
                    compare(type, count: rows * channels, "geglu") { $0.geglu(wide, $1, type, rows, channels) }
                }
            }
        }
    }

    @Test func channelSums() {
        for type in Self.types {
            for channels in Self.lengths.dropFirst() {
                for pixels in [1, 31, 32, 33, 70] {
                    var x = Operand(RandomValues.normal(pixels * channels, seed: 7), type)
                    var sums: [[Double]] = []
                    for set in [CKERNELS_SCALAR] + Self.sets {
                        var sum = [Double](repeating: 0.5, count: channels)
                        var squares = sum
                        x.with { x in
                            ckernels_kernels_for(set)!.pointee.channel_sums(x, type, pixels, channels, &sum, &squares)
                        }
                        sums.append(sum + squares)
                    }
                    for other in sums.dropFirst() {
                        #expect(zip(other, sums[0]).allSatisfy { abs($0 - $1) < 1e-4 }, "\(pixels) × \(channels)")
                    }
                }
            }
        }
    }

    /// Rows as codes of 8 bits: a code may fall to the other side of a half.
    @Test(arguments: [1, 3]) func int8Codes(pieces: Int) {
        for type in Self.types {
            for length in Self.lengths.dropFirst() {
                let depth = (length * pieces + 3) / 4 * 4
                var x = Operand(RandomValues.normal(length * pieces, seed: 9, deviation: 3), type)
                for hasGap in [false, true] {
                    var results: [(codes: [UInt8], scale: Float)] = []
                    for set in Self.int8Sets {
                        var codes = [UInt8](repeating: 0, count: depth + 1)
                        var scale: Float = 0
                        let size = x.size
                        x.with { x in
                            var starts: [UnsafeRawPointer?] = (0 ..< pieces).map {
                                UnsafeRawPointer(x) + $0 * length * size
                            }
                            if hasGap { starts[pieces / 2] = nil }
                            scale = ckernels_int8_kernels(set)!.pointee.quantize(
                                starts, pieces, length, type, &codes)
                        }
                        results.append((codes, scale))
                    }
                    for result in results.dropFirst() {
                        #expect(zip(result.codes, results[0].codes).allSatisfy { abs(Int($0) - Int($1)) <= 1 })
                        #expect(result.scale == results[0].scale)
                    }
                    #expect(results.allSatisfy { $0.codes[length * pieces ..< depth].allSatisfy { $0 == 128 } })
                    #expect(results.allSatisfy { $0.codes[depth] == 0 }, "writes behind its result")
                }
            }
        }
    }

    /// Products of codes: the same sums, to which the scales are applied in one rounding less.
    @Test(arguments: [4, 64, 100], [5, 16, 64]) func int8Products(depth: Int, columns: Int) {
        let rows = 7
        let codes = (0 ..< 12 * depth).map { UInt8(truncatingIfNeeded: $0 &* 73 % 256) }
        let weights = (0 ..< depth * 64).map { Int8(truncatingIfNeeded: $0 &* 37 % 251 - 125) }
        let offsets = (0 ..< 64).map { column in
            var sum: Int32 = 0
            for row in 0 ..< depth { sum += Int32(weights[(row / 4 * 64 + column) * 4 + row % 4]) }
            return -128 * sum
        }
        let scales = RandomValues.uniform(12, seed: 9)
        let factors = RandomValues.uniform(64, seed: 10)
        let bias = RandomValues.normal(64, seed: 11)
        for type in Self.types {
            for accumulate in [false, true] {
                var results: [[Float]] = []
                for set in Self.int8Sets {
                    var y = Operand(RandomValues.normal(rows * columns, seed: 12, deviation: 100), type)
                    weights.withUnsafeBufferPointer { weights in
                        factors.withUnsafeBufferPointer { factors in
                            offsets.withUnsafeBufferPointer { offsets in
                                var panel = ckernels_int8_panel(
                                    codes: weights.baseAddress, scales: factors.baseAddress,
                                    offsets: offsets.baseAddress)
                                y.with { y in
                                    ckernels_int8_kernels(set)!.pointee.multiply(
                                        codes, scales, rows, depth, &panel, bias, y, type, columns, columns,
                                        accumulate)
                                }
                            }
                        }
                    }
                    results.append(y.floats)
                }
                let tolerance = type == CKERNELS_F32 ? Self.float32Tolerance : Self.bfloat16Tolerance
                let largest = results[0].reduce(Float(1)) { max($0, abs($1)) }
                for result in results.dropFirst() {
                    #expect(zip(result, results[0]).allSatisfy { abs($0 - $1) <= tolerance * largest })
                }
            }
        }
    }

    @Test func softmax() {
        for count in Self.lengths.dropFirst() {
            let x = RandomValues.normal(count, seed: 8, deviation: 10)
            var expected = x
            ckernels_kernels_for(CKERNELS_SCALAR)!.pointee.softmax(&expected, count)
            for set in Self.sets {
                var found = x
                ckernels_kernels_for(set)!.pointee.softmax(&found, count)
                #expect(zip(found, expected).allSatisfy { abs($0 - $1) < 1e-6 }, "\(count)")
            }
        }
    }

    /// Conversions are exact: the same bits from every form, for every one of the 65,536 halves and for what rounds.
    @Test func conversion() {
        let halves = (0 ... 65535).map { UInt16($0) }
        var reference = [Float](repeating: 0, count: halves.count)
        let scalar = ckernels_kernels_for(CKERNELS_SCALAR)!
        let tricky: [Float] = [
            0, -0.0, 1, 1.00390625, 1.0078125, 1.01171875, 3.4e38, .infinity, -.infinity, .nan,
            .leastNormalMagnitude / 2, -.leastNonzeroMagnitude, 65504, 0.1,
        ]
        for set in Self.sets {
            let table = ckernels_kernels_for(set)!
            for type in [CKERNELS_F16, CKERNELS_BF16] {
                var found = reference
                scalar.pointee.convert(halves, type, &reference, CKERNELS_F32, halves.count)
                table.pointee.convert(halves, type, &found, CKERNELS_F32, halves.count)
                #expect(zip(found, reference).allSatisfy { $0.bitPattern == $1.bitPattern || $0.isNaN && $1.isNaN })
            }
            var expected = [UInt16](repeating: 0, count: tricky.count)
            var found = expected
            scalar.pointee.convert(tricky, CKERNELS_F32, &expected, CKERNELS_BF16, tricky.count)
            table.pointee.convert(tricky, CKERNELS_F32, &found, CKERNELS_BF16, tricky.count)
            #expect(found == expected)
        }
    }
}
