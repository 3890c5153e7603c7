import Foundation
import Testing

@testable import Tensors

/// Element types that become f32 as they are read.
@Suite(.onEngine) struct FloatFormatTests {
    /// The codes without a sign, as the ml_dtypes package 0.6.0 has them (`float8_e4m3fn`).
    private static let e4m3: [Float] = [
        0, 0.001953125, 0.00390625, 0.005859375, 0.0078125, 0.009765625, 0.01171875, 0.013671875, 0.015625,
        0.017578125, 0.01953125, 0.021484375, 0.0234375, 0.025390625, 0.02734375, 0.029296875, 0.03125, 0.03515625,
        0.0390625, 0.04296875, 0.046875, 0.05078125, 0.0546875, 0.05859375, 0.0625, 0.0703125, 0.078125, 0.0859375,
        0.09375, 0.1015625, 0.109375, 0.1171875, 0.125, 0.140625, 0.15625, 0.171875, 0.1875, 0.203125, 0.21875,
        0.234375, 0.25, 0.28125, 0.3125, 0.34375, 0.375, 0.40625, 0.4375, 0.46875, 0.5, 0.5625, 0.625, 0.6875, 0.75,
        0.8125, 0.875, 0.9375, 1, 1.125, 1.25, 1.375, 1.5, 1.625, 1.75, 1.875, 2, 2.25, 2.5, 2.75, 3, 3.25, 3.5,
        3.75, 4, 4.5, 5, 5.5, 6, 6.5, 7, 7.5, 8, 9, 10, 11, 12, 13, 14, 15, 16, 18, 20, 22, 24, 26, 28, 30, 32, 36,
        40, 44, 48, 52, 56, 60, 64, 72, 80, 88, 96, 104, 112, 120, 128, 144, 160, 176, 192, 208, 224, 240, 256, 288,
        320, 352, 384, 416, 448, .nan,
    ]

    /// The same of `float8_e5m2`.
    private static let e5m2: [Float] = [
        0, 1.52587890625e-05, 3.0517578125e-05, 4.57763671875e-05, 6.103515625e-05, 7.62939453125e-05,
        9.1552734375e-05, 0.0001068115234375, 0.0001220703125, 0.000152587890625, 0.00018310546875,
        0.000213623046875, 0.000244140625, 0.00030517578125, 0.0003662109375, 0.00042724609375, 0.00048828125,
        0.0006103515625, 0.000732421875, 0.0008544921875, 0.0009765625, 0.001220703125, 0.00146484375,
        0.001708984375, 0.001953125, 0.00244140625, 0.0029296875, 0.00341796875, 0.00390625, 0.0048828125,
        0.005859375, 0.0068359375, 0.0078125, 0.009765625, 0.01171875, 0.013671875, 0.015625, 0.01953125, 0.0234375,
        0.02734375, 0.03125, 0.0390625, 0.046875, 0.0546875, 0.0625, 0.078125, 0.09375, 0.109375, 0.125, 0.15625,
        0.1875, 0.21875, 0.25, 0.3125, 0.375, 0.4375, 0.5, 0.625, 0.75, 0.875, 1, 1.25, 1.5, 1.75, 2, 2.5, 3, 3.5, 4,
        5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384,
        448, 512, 640, 768, 896, 1024, 1280, 1536, 1792, 2048, 2560, 3072, 3584, 4096, 5120, 6144, 7168, 8192, 10240,
        12288, 14336, 16384, 20480, 24576, 28672, 32768, 40960, 49152, 57344, .infinity, .nan, .nan, .nan,
    ]

    private final class Owner {
        let bytes: UnsafeMutableRawBufferPointer
        init(_ bytes: [UInt8]) {
            self.bytes = .allocate(byteCount: max(bytes.count, 1), alignment: 64)
            self.bytes.copyBytes(from: bytes)
        }
        deinit { bytes.deallocate() }
    }

    private func tensor(_ bytes: [UInt8], _ type: WeightTensor.ElementType, corrections: [any WeightCorrection] = [])
        -> WeightTensor
    {
        let owner = Owner(bytes)
        let tensor = WeightTensor(
            name: "x", shape: [bytes.count / type.size], elementType: type,
            bytes: UnsafeRawBufferPointer(rebasing: owner.bytes[..<bytes.count]), owner: owner)
        return corrections.reduce(tensor) { $0.corrected(by: $1) }
    }

    @Test func `Every code of the 8-bit floats is the number that it stands for`() {
        for (type, table) in [(WeightTensor.ElementType.float8E4M3, Self.e4m3), (.float8E5M2, Self.e5m2)] {
            #expect(table.count == 128)
            let found = tensor((0 ... 255).map { UInt8($0) }, type).floats()
            #expect(found.count == 256)
            for code in 0 ..< 256 {
                let expected = code < 128 ? table[code] : -table[code - 128]
                if expected.isNaN {
                    #expect(found[code].isNaN, "\(type) \(code)")
                } else {
                    #expect(found[code].bitPattern == expected.bitPattern, "\(type) \(code): \(found[code])")
                }
            }
        }
    }

    @Test func `Doubles are rounded to the nearest`() {
        let values: [Double] = [
            0, -0.0, 1, 0.1, -1.0 / 3, 1 + 0x1p-24, 1 + 0x1p-24 + 0x1p-50, Double.leastNonzeroMagnitude, 3.4e38, 1e300,
            -.infinity,
        ]
        let bytes = values.flatMap { value in withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) } }
        let found = tensor(bytes, .float64).floats()
        #expect(found.map(\.bitPattern) == values.map { Float($0).bitPattern })
        #expect(tensor(bytes, .float64).floats(3 ..< 6) == Array(found[3 ..< 6]))
        #expect(!tensor(bytes, .float64).isFinite && tensor(Array(bytes.prefix(24)), .float64).isFinite)
    }

    /// Products take such weights as they take the same numbers in f32.
    @Test(arguments: [WeightTensor.ElementType.float8E4M3, .float8E5M2, .float64])
    func `A layer of such weights gives what one in f32 gives`(type: WeightTensor.ElementType) throws {
        let compute = Compute(type: .float32)
        let codes = (0 ..< 64 * 33).map { UInt8(truncatingIfNeeded: ($0 &* 37) & 0x3F | ($0 & 1) << 7) }
        let bytes =
            type == .float64
            ? codes.flatMap { code in
                withUnsafeBytes(of: (Double(code) / 77 - 1).bitPattern.littleEndian) { Array($0) }
            } : codes
        let owner = Owner(bytes)
        let weights = WeightTensor(
            name: "w", shape: [64, 33], elementType: type, bytes: UnsafeRawBufferPointer(owner.bytes), owner: owner)
        let values = weights.floats()
        let plainOwner = Owner(values.withUnsafeBytes { Array($0) })
        let plain = WeightTensor(
            name: "w", shape: [64, 33], elementType: .float32, bytes: UnsafeRawBufferPointer(plainOwner.bytes),
            owner: plainOwner)
        let x = try compute.tensor((0 ..< 5 * 33).map { Float($0 % 7) - 3 }, shape: [5, 33])
        let found = compute.floats(try compute.linear(x, Linear(weights: weights, bias: nil)))
        #expect(found == compute.floats(try compute.linear(x, Linear(weights: plain, bias: nil))))
        #expect(Set(found).count > 100)
    }

    private final class Doubling: WeightCorrection, @unchecked Sendable {
        // Sendable: one test, one thread.
        var calls = 0
        func apply(to values: inout [Float]) {
            calls += 1
            for index in values.indices { values[index] *= 2 }
        }
    }

    @Test func `A correction is applied once to a tensor that is read in pieces`() {
        let doubling = Doubling()
        let values = (0 ..< 1000).map { Float($0) }
        let corrected = tensor(values.withUnsafeBytes { Array($0) }, .float32, corrections: [doubling])
        var pieces: [[Float]] = []
        corrected.forEachPiece(of: 64) { pieces.append($0) }
        #expect(doubling.calls == 1)
        #expect(pieces.map(\.count) == [Int](repeating: 64, count: 15) + [40])
        #expect(Array(pieces.joined()) == values.map { 2 * $0 })
        #expect(corrected.isFinite && doubling.calls == 2)
        tensor([], .float32).forEachPiece(of: 64) { _ in Issue.record("a piece of nothing") }
    }
}
