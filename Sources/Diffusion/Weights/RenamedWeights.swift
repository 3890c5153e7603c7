internal import Tensors

/// Tensors of another source under the names that a network asks for. Nothing is copied, but for transposed matrices: a part
/// of a fused tensor is a view of the same bytes.
struct RenamedWeights: WeightSource {
    /// Where a tensor comes from.
    struct Origin: Sendable, Equatable {
        var name: String
        /// Which of how many equal parts, along the outermost dimension; `nil` for the whole tensor.
        var part: Part?
        /// Rows for columns, of a matrix: the only change for which elements are copied.
        var isTransposed = false

        struct Part: Sendable, Equatable {
            var index: Int
            var count: Int
        }

        init(_ name: String, part: Part? = nil, isTransposed: Bool = false) {
            self.name = name
            self.part = part
            self.isTransposed = isTransposed
        }
    }

    private let base: any WeightSource
    /// By the new names.
    let origins: [String: Origin]

    init(_ base: any WeightSource, origins: [String: Origin]) {
        self.base = base
        self.origins = origins
    }

    var file: String { base.file }
    var files: [MappedFile] { base.files }
    var names: [String] { origins.filter { base.unusableElementType($0.value.name) == nil }.map(\.key) }

    var unusableNames: [String] { origins.filter { base.unusableElementType($0.value.name) != nil }.map(\.key) }

    func unusableElementType(_ name: String) -> String? {
        origins[name].flatMap { base.unusableElementType($0.name) }
    }

    func tensor(_ name: String) -> WeightTensor? {
        guard let origin = origins[name], let whole = base.tensor(origin.name) else { return nil }
        if origin.isTransposed, whole.shape.count == 2 { return whole.transposed.renamed(name) }
        // One that does not split evenly keeps its shape, and is refused for that.
        guard let part = origin.part, let rows = whole.shape.first, rows % part.count == 0,
            whole.elementType.bytes(count: whole.count / part.count) != nil
        else {
            return whole.renamed(name)
        }
        let size = whole.bytes.count / part.count
        let shape = [rows / part.count] + whole.shape.dropFirst()
        let bytes = UnsafeRawBufferPointer(rebasing: whole.bytes[size * part.index ..< size * (part.index + 1)])
        let tensor = WeightTensor(
            name: name, shape: shape, elementType: whole.elementType, bytes: bytes, owner: whole.owner,
            isMapped: whole.isMapped, origin: whole.origin.advanced(by: size * part.index))
        // Adapters come behind new names; what a file itself says of its elements is by rows.
        return whole.corrections.reduce(tensor) { tensor, correction in
            guard let scale = correction as? WeightScale else { preconditionFailure("a part of an adapted tensor") }
            return tensor.corrected(by: scale.part(part.index, of: part.count))
        }
    }

    /// The file's name for a tensor; that of a missing one is told from its neighbour's in the same layer.
    func nameInFile(_ name: String) -> String {
        if let origin = origins[name] { return origin.name }
        guard let end = name.lastIndex(of: ".") else { return name }
        for sibling in ["weight", "bias"] {
            guard let origin = origins[name[..<end] + "." + sibling], let dot = origin.name.lastIndex(of: ".") else {
                continue
            }
            if origin.part != nil {
                // in_proj_weight and in_proj_bias.
                let end = origin.name.lastIndex(of: "_") ?? dot
                return String(origin.name[...end]) + (sibling == "weight" ? "bias" : "weight")
            }
            return String(origin.name[...dot]) + name[name.index(after: end)...]
        }
        return name
    }
}

extension WeightTensor {
    /// A matrix, rows for columns, copied. Traps for other shapes.
    var transposed: WeightTensor {
        precondition(shape.count == 2, "\(name) is no matrix")
        let (rows, columns) = (shape[0], shape[1])
        // Blocks that share scales lie along the rows, and corrections are of rows and columns as they were.
        let isPlain = elementType.blockLength == 1 && corrections.isEmpty
        let owner =
            !isPlain
            ? floats().withUnsafeBytes { TransposedMatrix($0, size: 4, rows: rows, columns: columns) }
            : TransposedMatrix(bytes, size: elementType.size, rows: rows, columns: columns)
        return WeightTensor(
            name: name, shape: [columns, rows], elementType: isPlain ? elementType : .float32,
            bytes: UnsafeRawBufferPointer(owner.bytes), owner: owner)
    }
}

/// The elements of a matrix, rows for columns.
private final class TransposedMatrix: @unchecked Sendable {
    // Sendable: written in `init` only.
    let bytes: UnsafeMutableRawBufferPointer

    init(_ source: UnsafeRawBufferPointer, size: Int, rows: Int, columns: Int) {
        bytes = .allocate(byteCount: source.count, alignment: 64)
        for column in 0 ..< columns {
            for row in 0 ..< rows {
                let to = (column * rows + row) * size
                let from = (row * columns + column) * size
                UnsafeMutableRawBufferPointer(rebasing: bytes[to ..< to + size]).copyMemory(
                    from: UnsafeRawBufferPointer(rebasing: source[from ..< from + size]))
            }
        }
    }

    deinit { bytes.deallocate() }
}
