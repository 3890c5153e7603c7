internal import Tensors

/// What the files of a model hold, without its networks.
public struct ModelContents: Sendable {
    public struct Part: Sendable {
        /// The part's folder in the diffusers layout, such as `unet`, `vae` or `text_encoder`.
        public let name: String
        public let weights: any WeightSource

        /// How many elements the tensors of each type have together, by the type's name, the most first.
        public var elementTypes: [(name: String, elements: Int)] {
            var counts: [String: Int] = [:]
            for name in weights.names {
                if let tensor = weights.tensor(name) { counts[tensor.elementType.rawValue, default: 0] += tensor.count }
            }
            return counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { ($0.key, $0.value) }
        }

        /// The names of tensors that hold something else than finite numbers.
        ///
        /// - Parameter observe: called with each tensor's bytes; what it throws ends the search.
        public func notFinite(observe: (Int) throws -> Void) rethrows -> [String] {
            try weights.names.sorted().filter { name in
                guard let tensor = weights.tensor(name) else { return false }
                try observe(tensor.bytes.count)
                return !tensor.isFinite
            }
        }
    }

    public let parts: [Part]
    /// The LoRA that the model brings along; the parts' weights have it in them.
    public let ownLoRA: AdapterFacts?
    /// What a single file says of itself beside its tensors: safetensors' and GGUF's metadata, a pickle's numbers.
    public let metadata: [String: String]

    /// Maps a model's files. Throws `ModelError` or `WeightError`.
    public init(_ source: ModelSource) throws {
        let files = try ModelFiles(source)
        let family = try ModelFamilies.family(of: files).parts(of: files)
        parts = try ([family.denoiser, "vae"] + family.textEncoders).filter {
            // A part without a configuration is none of the model's.
            (try? files.configuration("\($0)/config.json")) != nil
        }.map { Part(name: $0, weights: try files.weights($0)) }
        ownLoRA = files.ownLoRA.map(AdapterFacts.init)
        if case .file(let path) = source { metadata = try WeightFile.open(path).hints } else { metadata = [:] }
    }
}
