internal import Tensors

/// Weights of another source that are stored divided by a scale of their layer, as 8-bit floats mostly are.
///
/// ComfyUI (`comfy/ops.py`, `comfy/utils.py`: `scaled_fp8`) writes `LAYER.scale_weight` beside `LAYER.weight`, a single
/// f32, and newer files `LAYER.weight_scale`, a single one or one an output channel. Scales of activations and marks
/// that say how to compute are left aside, as nothing is computed in 8-bit floats here.
struct ScaledWeights: WeightSource {
    let base: any WeightSource
    /// By the weights' names.
    private let scales: [String: WeightScale]
    /// What says something of other tensors and is none of a network's.
    private let hidden: Set<String>

    private static let endings = [".scale_weight", ".weight_scale"]
    private static let others = [".scale_input", ".input_scale", ".comfy_quant"]

    /// The source itself where nothing is scaled.
    ///
    /// - Throws: `WeightError` for a scale that is none.
    static func applied(to base: any WeightSource) throws(WeightError) -> any WeightSource {
        var scales: [String: WeightScale] = [:]
        var hidden: Set<String> = []
        // In one order, so that errors name the same tensor each time.
        for name in base.allNames.sorted() {
            if name == "scaled_fp8" || name.hasSuffix(".scaled_fp8") || others.contains(where: name.hasSuffix) {
                hidden.insert(name)
                continue
            }
            guard let ending = endings.first(where: name.hasSuffix) else { continue }
            let weight = name.dropLast(ending.count) + ".weight"
            guard let tensor = base.tensor(String(weight)) else { continue }
            hidden.insert(name)
            func failure(_ reason: String) -> WeightError {
                .badTensor(file: base.file, tensor: base.nameInFile(name), reason: reason)
            }
            guard scales[String(weight)] == nil else { throw failure("is a second scale of one tensor") }
            guard let scale = base.tensor(name) else {
                throw .unsupportedElementType(
                    file: base.file, tensor: base.nameInFile(name), found: base.unusableElementType(name) ?? "nothing")
            }
            let rows = tensor.shape.first ?? 1
            guard scale.count == 1 || scale.count == rows && scale.shape.first == rows else {
                throw failure("is a scale of shape \(scale.shape) for weights of shape \(tensor.shape)")
            }
            let values = scale.floats()
            guard values.allSatisfy(\.isFinite) else { throw failure("is a scale that is no finite number") }
            scales[String(weight)] = WeightScale(values)
        }
        guard !hidden.isEmpty else { return base }
        return ScaledWeights(base: base, scales: scales, hidden: hidden)
    }

    var file: String { base.file }
    var files: [MappedFile] { base.files }
    var names: [String] { base.names.filter { !hidden.contains($0) } }
    var unusableNames: [String] { base.unusableNames.filter { !hidden.contains($0) } }
    func nameInFile(_ name: String) -> String { base.nameInFile(name) }

    func unusableElementType(_ name: String) -> String? {
        hidden.contains(name) ? nil : base.unusableElementType(name)
    }

    func tensor(_ name: String) -> WeightTensor? {
        guard !hidden.contains(name), let tensor = base.tensor(name) else { return nil }
        return scales[name].map { tensor.corrected(by: $0) } ?? tensor
    }
}

/// What a tensor's elements are multiplied by: one number, or one for each row.
final class WeightScale: WeightCorrection {
    private let values: [Float]
    let isOfFile = true
    var identity: CorrectionIdentity { CorrectionIdentity(kind: "scale", numbers: values) }

    init(_ values: [Float]) { self.values = values }

    func apply(to elements: inout [Float]) {
        let length = elements.count / max(values.count, 1)
        for (row, scale) in values.enumerated() {
            for index in row * length ..< (row + 1) * length { elements[index] *= scale }
        }
    }

    /// That of one of equal parts of the rows.
    func part(_ index: Int, of count: Int) -> WeightScale {
        guard values.count > 1 else { return self }
        let length = values.count / count
        return WeightScale(Array(values[index * length ..< (index + 1) * length]))
    }
}
