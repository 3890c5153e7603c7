internal import Tensors

/// The tensors of another source, some with adapters' shares in them.
///
/// Nothing is computed here: a product's weights take the shares in when they are packed, in f32 and rounded once, one
/// tensor at a time.
struct AdaptedWeights: WeightSource {
    let base: any WeightSource
    /// The files whose shares are in it.
    let adapters: Set<String>
    /// By the tensors' names.
    private let corrections: [String: Correction]

    init(_ base: any WeightSource, shares: [String: [Share]]) {
        self.base = base
        adapters = Set(shares.values.flatMap { $0.map(\.file) })
        corrections = shares.mapValues { Correction(shares: $0) }
    }

    /// What one adapter adds to a tensor, at the user's weight.
    struct Share: Sendable {
        /// The adapter's.
        let file: String
        let layer: AdapterLayer
        let shape: [Int]
        let weight: Float
    }

    private final class Correction: WeightCorrection {
        private let shares: [Share]

        init(shares: [Share]) { self.shares = shares }

        /// In the order of the shares, which matters to DoRA.
        var identity: CorrectionIdentity {
            CorrectionIdentity(
                kind: shares.map(\.layer.kind).joined(separator: ", "), tensors: shares.flatMap(\.layer.tensors),
                numbers: shares.flatMap { [$0.weight, $0.layer.scale] })
        }

        func apply(to values: inout [Float]) {
            for share in shares { share.layer.apply(to: &values, shape: share.shape, weight: share.weight) }
        }
    }

    var file: String { base.file }
    var files: [MappedFile] { base.files }
    var names: [String] { base.names }
    var unusableNames: [String] { base.unusableNames }
    func unusableElementType(_ name: String) -> String? { base.unusableElementType(name) }
    func nameInFile(_ name: String) -> String { base.nameInFile(name) }

    func tensor(_ name: String) -> WeightTensor? {
        guard let tensor = base.tensor(name) else { return nil }
        return corrections[name].map { tensor.corrected(by: $0) } ?? tensor
    }
}
