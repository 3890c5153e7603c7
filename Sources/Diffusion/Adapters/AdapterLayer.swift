internal import Tensors

/// What an adapter does to one layer's weights: ΔW as a product of small tensors, and the magnitude that DoRA gives the
/// sum.
struct AdapterLayer: Sendable {
    /// Names are those of the papers and of LyCORIS; shapes are PyTorch's, kernels last and square.
    enum Form: Sendable {
        /// ΔW = up · down (Hu et al. 2021, arXiv 2106.09685); `up` `[out, r, 1, 1]`, `down` `[r, in, k, k]`, or with
        /// `mid` `[r, r, k, k]` between them, `down` `[r, in, 1, 1]`.
        case lowRank(up: WeightTensor, down: WeightTensor, mid: WeightTensor?)
        /// ΔW = (a₁ b₁) ⊙ (a₂ b₂) (FedPara, arXiv 2108.06098; "LoHa"); `a` `[out, r]`, `b` `[r, in·k·k]`, or with cores
        /// `[r, r, k, k]`, `a` `[r, out]`, `b` `[r, in]`.
        case hadamard(a: [WeightTensor], b: [WeightTensor], cores: [WeightTensor])
        /// ΔW = w₁ ⊗ w₂ (Kronecker; "LoKr", arXiv 2309.14859), each whole or as a product.
        case kronecker(Factor, Factor)
        /// ΔW itself.
        case whole(WeightTensor)
    }

    /// One side of a Kronecker product.
    enum Factor: Sendable {
        case whole(WeightTensor)
        /// `a` `[out, r]`, `b` `[r, in, k, k]` or `[r, in·k·k]`; with `core` `[r, r, k, k]`, `a` `[r, out]` and `b` `[r, in]`.
        case product(a: WeightTensor, b: WeightTensor, core: WeightTensor?)
    }

    let form: Form
    let alpha: Float?
    /// DoRA's (arXiv 2402.09353): `[out]`, `[out, 1, …]`, or `[1, in, …]` for one of input channels.
    let magnitude: WeightTensor?
    /// What an alpha is divided by: the rank, unless the file's metadata say otherwise.
    var alphaDivisor: Float?

    var algorithm: String {
        let name =
            switch form {
            case .lowRank(_, let down, let mid):
                mid != nil || down.shape.count > 2 && down.shape[2] > 1 ? "LoCon" : "LoRA"
            case .hadamard: "LoHa"
            case .kronecker: "LoKr"
            case .whole: "differences"
            }
        return magnitude == nil ? name : name + " with DoRA"
    }

    /// `nil` where nothing is of low rank.
    var rank: Int? {
        switch form {
        case .lowRank(_, let down, _): down.shape.first
        case .hadamard(_, let b, _): b[0].shape.first
        case .kronecker(let first, let second): second.rank ?? first.rank
        case .whole: nil
        }
    }

    /// What ΔW is multiplied by before the user's weight.
    var scale: Float {
        guard let alpha, let divisor = alphaDivisor ?? rank.map({ Float($0) }), divisor > 0 else { return 1 }
        return alpha / divisor
    }

    /// Sorts a layer's tensors; `nil` where they make no layer together.
    init?(_ tensors: [LoRAKey.Role: WeightTensor], alpha: Float?) {
        // A rank of 0 is no change, and could not be divided by.
        guard tensors.values.allSatisfy({ $0.count > 0 }) else { return nil }
        self.alpha = alpha
        magnitude = tensors[.magnitude]
        if let up = tensors[.up], let down = tensors[.down] {
            form = .lowRank(up: up, down: down, mid: tensors[.mid])
        } else if let a1 = tensors[.hadamard1A], let b1 = tensors[.hadamard1B], let a2 = tensors[.hadamard2A],
            let b2 = tensors[.hadamard2B]
        {
            let cores = [tensors[.hadamard1Core], tensors[.hadamard2Core]].compactMap { $0 }
            guard cores.count != 1 else { return nil }
            form = .hadamard(a: [a1, a2], b: [b1, b2], cores: cores)
        } else if let first = Factor(tensors[.kronecker1], tensors[.kronecker1A], tensors[.kronecker1B], nil),
            let second = Factor(
                tensors[.kronecker2], tensors[.kronecker2A], tensors[.kronecker2B], tensors[.kronecker2Core])
        {
            form = .kronecker(first, second)
        } else if let difference = tensors[.difference] {
            form = .whole(difference)
        } else {
            return nil
        }
        guard changedShape != nil else { return nil }
    }

    /// The name of a tensor that holds something else than finite numbers; `alphaName` for the scale.
    func notFinite(alphaName: String) -> String? {
        tensors.first { !$0.isFinite }?.name ?? (scale.isFinite ? nil : alphaName)
    }

    /// All of them, in an order that is the same for each `kind`.
    var tensors: [WeightTensor] {
        let own: [WeightTensor] =
            switch form {
            case .lowRank(let up, let down, let mid): [up, down] + (mid.map { [$0] } ?? [])
            case .hadamard(let a, let b, let cores): a + b + cores
            case .kronecker(let first, let second): first.tensors + second.tensors
            case .whole(let tensor): [tensor]
            }
        return own + (magnitude.map { [$0] } ?? [])
    }

    /// What the roles of `tensors` are.
    var kind: String {
        let name =
            switch form {
            case .lowRank(_, _, let mid): mid == nil ? "low rank" : "low rank with a core"
            case .hadamard(_, _, let cores): "Hadamard, \(cores.count)"
            case .kronecker(let first, let second): "Kronecker, \(first.tensors.count) and \(second.tensors.count)"
            case .whole: "whole"
            }
        return magnitude == nil ? name : name + ", magnitude"
    }

    /// A difference of a bias.
    init(bias: WeightTensor) {
        (form, alpha, magnitude) = (.whole(bias), nil, nil)
    }

    /// The shape of the weights that this fits, without kernels of 1×1: `[out, in]` or `[out, in, k, k]`; `nil` where the
    /// tensors do not fit each other.
    var changedShape: [Int]? {
        switch form {
        case .whole(let difference): return difference.shape.droppingSmallKernel
        case .lowRank(let up, let down, let mid):
            let (up, down) = (up.shape.droppingSmallKernel, down.shape.droppingSmallKernel)
            guard up.count == 2, down.count == 2 || down.count == 4, up[1] == down[0] else { return nil }
            guard let mid = mid?.shape else { return [up[0]] + down[1...] }
            guard mid.count == 4, mid[0] == up[1], mid[1] == down[0], down.count == 2 else { return nil }
            return ([up[0], down[1]] + mid[2...]).droppingSmallKernel
        case .hadamard(let a, let b, let cores):
            let shapes = (0 ..< 2).map { index in
                Factor.product(a: a[index], b: b[index], core: cores.isEmpty ? nil : cores[index]).shape
            }
            return shapes[0] == shapes[1] ? shapes[0] : nil
        case .kronecker(let first, let second):
            guard let first = first.shape, first.count == 2, let second = second.shape, second.count >= 2 else {
                return nil
            }
            let (rows, rowsOverflow) = first[0].multipliedReportingOverflow(by: second[0])
            let (columns, columnsOverflow) = first[1].multipliedReportingOverflow(by: second[1])
            guard !rowsOverflow, !columnsOverflow else { return nil }
            return ([rows, columns] + second[2...]).droppingSmallKernel
        }
    }

    /// Whether this fits weights of that shape. LoHa and LoKr may know a convolution's kernel by the size of it all only.
    func fits(_ shape: [Int]) -> Bool {
        let shape = shape.droppingSmallKernel
        guard let own = changedShape, !shape.isEmpty, WeightTensor.elementCount(shape) ?? 0 > 0 else { return false }
        if let magnitude, magnitude.count != shape[0] {
            guard shape.count > 1, magnitude.count == shape[1] else { return false }
        }
        return own == shape || own == [shape[0], shape.dropFirst().reduce(1, *)]
    }

    /// Adds this layer's share, at the user's weight, to the elements of weights of that shape, which it fits.
    func apply(to values: inout [Float], shape: [Int], weight: Float) {
        let rows = shape[0]
        let columns = values.count / max(rows, 1)
        guard let magnitude else { return add(to: &values, rows: rows, columns: columns, scale: weight * scale) }
        // The sum's rows (or columns, of all kernel places) get the learned length; a weight other than 1 goes that
        // share of the way.
        var merged = values
        add(to: &merged, rows: rows, columns: columns, scale: scale)
        let lengths = magnitude.floats()
        // A square layer says by its shape which way round it is.
        let isOfInputs =
            magnitude.shape.count > 1 ? magnitude.shape[0] == 1 && magnitude.shape[1] > 1 : false
        let kernel = shape.dropFirst(2).reduce(1, *)
        func group(_ index: Int) -> Int { isOfInputs ? index % columns / kernel : index / columns }
        var squares = [Double](repeating: 0, count: lengths.count)
        for index in merged.indices { squares[group(index)] += Double(merged[index]) * Double(merged[index]) }
        let factors = zip(lengths, squares).map { $0 / (Float($1.squareRoot()) + Float.ulpOfOne) }
        for index in values.indices {
            values[index] += weight * (merged[index] * factors[group(index)] - values[index])
        }
    }

    private func add(to values: inout [Float], rows: Int, columns: Int, scale: Float) {
        switch form {
        case .whole(let difference):
            let difference = difference.floats()
            for index in values.indices { values[index] += scale * difference[index] }
        case .lowRank(let up, let down, nil):
            addProduct(
                up.floats(), down.floats(), rows: rows, inner: down.shape[0], columns: columns, scale: scale,
                to: &values)
        case .lowRank(let up, let down, .some(let mid)):
            let inner = mid.shape[0]
            let right = Self.joined(core: mid, down)
            addProduct(up.floats(), right, rows: rows, inner: inner, columns: columns, scale: scale, to: &values)
        case .hadamard(let a, let b, let cores):
            let sides = (0 ..< 2).map { index in
                Factor.product(a: a[index], b: b[index], core: cores.isEmpty ? nil : cores[index]).values()
            }
            for index in values.indices { values[index] += scale * sides[0][index] * sides[1][index] }
        case .kronecker(let first, let second):
            guard let firstShape = first.shape, let secondShape = second.shape else { return }
            let (one, two) = (first.values(), second.values())
            let (secondRows, secondColumns) = (secondShape[0], secondShape[1])
            let kernel = secondShape.dropFirst(2).reduce(1, *)
            // Row (i, k), column (j, l) is w₁[i, j] · w₂[k, l].
            for row in 0 ..< rows {
                for j in 0 ..< firstShape[1] {
                    let factor = scale * one[row / secondRows * firstShape[1] + j]
                    let source = row % secondRows * secondColumns * kernel
                    let target = row * columns + j * secondColumns * kernel
                    for index in 0 ..< secondColumns * kernel { values[target + index] += factor * two[source + index] }
                }
            }
        }
    }

    /// `core` `[r, s, k, k]` and `b` `[s, in]` as `[r, in·k·k]`.
    fileprivate static func joined(core: WeightTensor, _ b: WeightTensor) -> [Float] {
        let (outer, inner) = (core.shape[0], core.shape[1])
        let kernel = core.shape.dropFirst(2).reduce(1, *)
        let channels = b.count / max(b.shape[0], 1)
        let (core, b) = (core.floats(), b.floats())
        var result = [Float](repeating: 0, count: outer * channels * kernel)
        for i in 0 ..< outer {
            for j in 0 ..< inner {
                for channel in 0 ..< channels {
                    let factor = b[j * channels + channel]
                    for place in 0 ..< kernel {
                        result[(i * channels + channel) * kernel + place] +=
                            factor * core[(i * inner + j) * kernel + place]
                    }
                }
            }
        }
        return result
    }
}

extension AdapterLayer.Factor {
    fileprivate var tensors: [WeightTensor] {
        switch self {
        case .whole(let tensor): [tensor]
        case .product(let a, let b, let core): [a, b] + (core.map { [$0] } ?? [])
        }
    }

    fileprivate init?(_ whole: WeightTensor?, _ a: WeightTensor?, _ b: WeightTensor?, _ core: WeightTensor?) {
        if let whole {
            self = .whole(whole)
        } else if let a, let b {
            self = .product(a: a, b: b, core: core)
        } else {
            return nil
        }
    }

    fileprivate var rank: Int? {
        if case .product(_, let b, _) = self { b.shape.first } else { nil }
    }

    /// Of the whole, `nil` where its tensors do not fit each other.
    fileprivate var shape: [Int]? {
        switch self {
        case .whole(let tensor): return tensor.shape.droppingSmallKernel
        case .product(let a, let b, nil):
            let (a, b) = (a.shape.droppingSmallKernel, b.shape.droppingSmallKernel)
            guard a.count == 2, b.count >= 2, a[1] == b[0] else { return nil }
            return [a[0]] + b[1...]
        case .product(let a, let b, .some(let core)):
            let (a, b) = (a.shape.droppingSmallKernel, b.shape.droppingSmallKernel)
            guard a.count == 2, b.count == 2, core.shape.count == 4, core.shape[0] == a[0], core.shape[1] == b[0] else {
                return nil
            }
            return ([a[1], b[1]] + core.shape[2...]).droppingSmallKernel
        }
    }

    /// The whole, row-major.
    fileprivate func values() -> [Float] {
        switch self {
        case .whole(let tensor): return tensor.floats()
        case .product(let a, let b, let core):
            let inner = core == nil ? b.shape[0] : a.shape[0]
            let rows = a.count / inner
            let right = core.map { AdapterLayer.joined(core: $0, b) } ?? b.floats()
            var left = a.floats()
            if core != nil {
                // `[r, out]` to `[out, r]`.
                let plain = left
                for row in 0 ..< rows {
                    for index in 0 ..< inner { left[row * inner + index] = plain[index * rows + row] }
                }
            }
            let columns = right.count / inner
            var result = [Float](repeating: 0, count: rows * columns)
            addProduct(left, right, rows: rows, inner: inner, columns: columns, scale: 1, to: &result)
            return result
        }
    }
}

extension [Int] {
    /// A 1×1 convolution's shape as a linear layer's.
    var droppingSmallKernel: [Int] { count == 4 && self[2] == 1 && self[3] == 1 ? Array(prefix(2)) : self }
}
