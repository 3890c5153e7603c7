import CKernels
import CParallel
import Foundation

/// Memory of 64-byte alignment, as the kernels want it.
final class Memory {
    let pointer: UnsafeMutableRawPointer

    /// Zeros.
    init(bytes: Int) {
        pointer = .allocate(byteCount: max(64, bytes), alignment: 64)
        memset(pointer, 0, max(64, bytes))
    }

    /// Numbers between −1 and 1.
    convenience init(randomCount count: Int, _ type: ckernels_type) {
        self.init(bytes: count * type.size)
        var generator = SystemRandomNumberGenerator()
        let values = (0 ..< 4096).map { _ in Float.random(in: -1 ... 1, using: &generator) }
        for start in stride(from: 0, to: count, by: values.count) {
            ckernels_kernels()!.pointee.convert(
                values, CKERNELS_F32, pointer + start * type.size, type, min(values.count, count - start))
        }
    }

    deinit { pointer.deallocate() }

    var floats: UnsafeMutablePointer<Float> { pointer.assumingMemoryBound(to: Float.self) }
}

extension ckernels_type {
    /// Bytes an element.
    var size: Int { self == CKERNELS_F32 ? 4 : 2 }
}

/// The body for every index, spread over the threads.
func inParallel(_ count: Int, _ body: (Int) -> Void) {
    withoutActuallyEscaping(body) { body in
        var context = body
        withUnsafeMutablePointer(to: &context) { pointer in
            parallel_for(
                count, { $0!.assumingMemoryBound(to: ((Int) -> Void).self).pointee($1) }, pointer)
        }
    }
}

/// The median of eleven runs, or of as many as fit into two seconds, after one that is not counted.
func medianSeconds(_ body: () -> Void) -> Double {
    let clock = ContinuousClock()
    let start = clock.now
    body()
    var seconds: [Double] = []
    while seconds.count < 11, seconds.count < 3 || clock.now - start < .seconds(2) {
        let begin = clock.now
        body()
        seconds.append((clock.now - begin) / .seconds(1))
    }
    return seconds.sorted()[seconds.count / 2]
}
