internal import CParallel

/// oneDNN's primitives and our own kernels' plans by their shapes, of which those not used for longest leave where all
/// take more than a number of bytes. One that is in use, or held by somebody else, lives on for as long.
///
/// oneDNN's own cache of primitives, which counts them instead of their bytes, is held to a few.
final class PrimitiveCache {
    /// How the work is divided depends on the threads, so that two numbers of them have two primitives.
    private struct Key: Hashable {
        let shape: Product.Shape
        let threads: Int32
    }

    private struct Entry {
        let product: Product
        var lastUse: Int
    }

    let limit: Int
    /// What they take together, by `Product.estimatedBytes`.
    private(set) var bytes = 0
    private var entries: [Key: Entry] = [:]
    private var uses = 0

    var count: Int { entries.count }

    /// - Parameter limit: bytes that those which are kept may take; the latest is kept in any case.
    init(limit: Int) { self.limit = limit }

    /// The primitive of a shape, made now where it is not kept.
    /// - Throws: `ComputeError`.
    func product(_ shape: Product.Shape) throws -> Product {
        uses += 1
        let key = Key(shape: shape, threads: parallel_threads())
        if let index = entries.index(forKey: key) {
            entries.values[index].lastUse = uses
            return entries.values[index].product
        }
        let product = try Product(shape)
        bytes += product.estimatedBytes
        entries[key] = Entry(product: product, lastUse: uses)
        while bytes > limit, entries.count > 1, let oldest = entries.min(by: { $0.value.lastUse < $1.value.lastUse }) {
            bytes -= oldest.value.product.estimatedBytes
            entries[oldest.key] = nil
        }
        return product
    }
}
