internal import PlainText
public import Tensors

/// The weights of one part of a model (a folder in the diffusers layout), in one file or several.
///
/// A sharded part has an index, `<stem>.safetensors.index.json`, whose `weight_map` says which file holds which tensor
/// (https://huggingface.co/docs/safetensors, "sharded checkpoints"; `transformers/modeling_utils.py`).
public struct WeightFolder: WeightSource {
    /// The single file or the index that was opened.
    public let file: String
    /// Which file holds a tensor.
    private let shardOfTensor: [String: Int]
    private let shards: [any WeightSource]
    private let index: MappedFile?

    /// The stems that diffusers and transformers give to weight files.
    public static let stems = ["diffusion_pytorch_model", "model"]
    /// The same for PyTorch's pickles.
    static let pickleStems = ["diffusion_pytorch_model", "pytorch_model"]

    /// Opens the weights that lie in a folder, scales of 8-bit floats applied.
    ///
    /// - Throws: `WeightError`.
    static func open(_ folder: String) throws(WeightError) -> any WeightSource {
        try ScaledWeights.applied(to: WeightFolder(path: folder))
    }

    /// Opens the weights that lie in a folder, as they are stored.
    ///
    /// Tried in turn for each stem: the single file, then the index. With a `variant` (`fp16`, `non_ema` …) its file
    /// names are tried before the plain ones; without one, plain names come first, then the `fp16` and `bf16` variants,
    /// of which many published folders hold one alone.
    ///
    /// - Throws: `WeightError`.
    public init(path folder: String, variant: String? = nil) throws(WeightError) {
        let variants: [String?] = variant.map { [$0, nil] } ?? [nil, "fp16", "bf16"]
        var candidates: [String] = []
        for variant in variants {
            for stem in Self.stems {
                let suffix = variant.map { ".\($0)" } ?? ""
                // transformers names an index `model.safetensors.index.fp16.json`, diffusers once did
                // `diffusion_pytorch_model.fp16.safetensors.index.json`; both are published.
                candidates.append("\(stem)\(suffix).safetensors")
                candidates.append("\(stem).safetensors.index\(suffix).json")
                if !suffix.isEmpty { candidates.append("\(stem)\(suffix).safetensors.index.json") }
            }
        }
        // PyTorch's own files only where there is nothing better.
        for variant in variants {
            for stem in Self.pickleStems {
                let suffix = variant.map { ".\($0)" } ?? ""
                candidates.append("\(stem)\(suffix).bin")
                candidates.append("\(stem).bin.index\(suffix).json")
            }
        }
        for candidate in candidates {
            let path = "\(folder)/\(candidate)"
            guard MappedFile.exists(path) else { continue }
            if candidate.hasSuffix(".json") {
                try self.init(index: path, folder: folder)
            } else {
                try self.init(single: WeightFile.openPlain(path).weights)
            }
            return
        }
        throw .noWeights(
            folder: folder, lookedFor: Self.stems.map { "\($0).safetensors" } + Self.pickleStems.map { "\($0).bin" })
    }

    private init(single: any WeightSource) {
        file = single.file
        shards = [single]
        shardOfTensor = [:]
        index = nil
    }

    private init(index: String, folder: String) throws(WeightError) {
        let mapping = try MappedFile(path: index, limit: MappedFile.maximumText)
        defer { withExtendedLifetime(mapping) {} }
        let document: JSONValue
        do {
            document = try JSONValue(parsing: mapping.bytes, maximumDepth: 4)
        } catch {
            throw .badHeader(file: index, reason: error.reason(in: mapping.bytes))
        }
        guard case .object(let members) = document, case .object(let map)? = members["weight_map"] else {
            throw .badHeader(file: index, reason: "it has no weight_map")
        }
        var shards: [any WeightSource] = []
        var shardOfName: [String: Int] = [:]
        var shardOfTensor: [String: Int] = [:]
        for (tensor, value) in map.sorted(by: { $0.key < $1.key }) {
            guard case .string(let name) = value, !name.isTooLongForName, name.isPlainFileName else {
                throw .badTensor(file: index, tensor: tensor, reason: "is not in a file beside the index")
            }
            let shard: Int
            if let known = shardOfName[name] {
                shard = known
            } else {
                shard = shards.count
                shards.append(try WeightFile.openPlain("\(folder)/\(name)").weights)
                shardOfName[name] = shard
            }
            guard shards[shard].tensor(tensor) != nil || shards[shard].unusableElementType(tensor) != nil else {
                throw .missingTensors(file: shards[shard].file, count: 1, first: [tensor])
            }
            shardOfTensor[tensor] = shard
        }
        file = index
        self.shards = shards
        self.shardOfTensor = shardOfTensor
        self.index = mapping
    }

    public var files: [MappedFile] { (index.map { [$0] } ?? []) + shards.flatMap(\.files) }

    public var names: [String] {
        isSharded ? shardOfTensor.keys.filter { unusableElementType($0) == nil } : shards[0].names
    }

    private var isSharded: Bool { !shardOfTensor.isEmpty }

    private func shard(of name: String) -> (any WeightSource)? {
        isSharded ? shardOfTensor[name].map { shards[$0] } : shards.first
    }

    public func tensor(_ name: String) -> WeightTensor? { shard(of: name)?.tensor(name) }

    public var unusableNames: [String] {
        isSharded ? shardOfTensor.keys.filter { unusableElementType($0) != nil } : shards[0].unusableNames
    }

    public func unusableElementType(_ name: String) -> String? { shard(of: name)?.unusableElementType(name) }
}

extension String {
    /// Whether it names a file of the folder that it is looked up in: what a model's files name must not lead elsewhere on the
    /// disk.
    var isPlainFileName: Bool { !isEmpty && self != "." && self != ".." && !contains("/") && !contains("\\") }
}
