/// Which of a repository's files a model needs.
struct PullSelection {
    let files: [ModelHub.File]

    /// The folders of a model in the diffusers layout that are read.
    private static let parts: Set = [
        "unet", "vae", "text_encoder", "text_encoder_2", "tokenizer", "tokenizer_2", "scheduler",
    ]
    /// Whether a path from a model's folder lies in one of its parts.
    static func isPart(_ path: String) -> Bool {
        let words = path.split(separator: "/")
        return words.count > 1 && parts.contains(String(words[0]))
    }

    /// Whether a path is one that a model in the diffusers layout is fetched with.
    static func belongsToModel(_ path: String) -> Bool {
        let name = path.uppercased()
        return isPart(path) || path == "model_index.json" || name == "README.MD"
            || name.hasPrefix("LICENSE") && !path.contains("/")
    }

    private static let stems = ["diffusion_pytorch_model", "model", "pytorch_model"]

    /// A file of weights by its name: `STEM[.VARIANT][-NNNNN-of-NNNNN].safetensors` with the two in either order, or the
    /// index of such files.
    private struct Weights {
        var variant: String?
        var isSafetensors: Bool
        /// A shard, or the index of shards.
        var isPiece: Bool

        init?(_ name: String) {
            var isPiece = false
            var words = name.split(separator: ".", omittingEmptySubsequences: false).map { word in
                // A shard's number is no part of the name.
                let pieces = word.split(separator: "-", omittingEmptySubsequences: false)
                let isShard = pieces.count > 3 && pieces[pieces.count - 2] == "of"
                if isShard { isPiece = true }
                return isShard ? pieces.dropLast(3).joined(separator: "-") : String(word)
            }
            guard let stem = words.first, stems.contains(stem) else { return nil }
            words.removeFirst()
            if words.last == "json", let index = words.firstIndex(of: "index") {
                words.removeLast()
                words.remove(at: index)
                isPiece = true
            }
            guard let kind = words.firstIndex(where: { $0 == "safetensors" || $0 == "bin" }) else { return nil }
            isSafetensors = words.remove(at: kind) == "safetensors"
            guard words.count <= 1 else { return nil }
            variant = words.first
            self.isPiece = isPiece
        }
    }

    /// - Parameters:
    ///   - file: one file of the repository, a whole model; `nil` for a model in the diffusers layout.
    ///   - variant: of which weights are taken where a part has it, else the plain ones. Without one, plain weights come
    ///     first, as in `WeightFolder`. Safetensors come before PyTorch's files.
    /// - Throws: `ModelStoreError`.
    init(_ listing: ModelHub.Listing, of what: String, file: String?, variant: String?) throws {
        let wholes = listing.files.map(\.path).filter { path in
            !path.contains("/") && [".safetensors", ".ckpt", ".gguf"].contains { path.lowercased().hasSuffix($0) }
        }
        if let file {
            // Hidden files are the program's own there.
            let isHidden = file.split(separator: "/").contains { $0.hasPrefix(".") }
            guard !isHidden, let found = listing.files.first(where: { $0.path == file }) else {
                throw ModelStoreError.noSuchFile(file, what: what, files: Array(wholes.prefix(10)))
            }
            files = [found]
            return
        }
        guard listing.files.contains(where: { $0.path == "model_index.json" }) else {
            throw ModelStoreError.noModelThere(what: what, files: Array(wholes.prefix(10)))
        }
        let paths = Set(listing.files.map(\.path))
        var chosen: [ModelHub.File] = []
        var weights: [String: [(file: ModelHub.File, weights: Weights)]] = [:]
        for file in listing.files {
            let words = file.path.split(separator: "/").map(String.init)
            if words.count == 1 {
                if Self.belongsToModel(file.path) { chosen.append(file) }
            } else if words.count == 2, Self.parts.contains(words[0]) {
                if let kind = Weights(words[1]) {
                    weights[words[0], default: []].append((file, kind))
                } else if [".json", ".txt"].contains(where: words[1].hasSuffix) {
                    // The same once more where both of these are there.
                    let isRepeated =
                        words[1] == "tokenizer.json"
                        && ["vocab.json", "merges.txt"].allSatisfy { paths.contains("\(words[0])/\($0)") }
                    if !isRepeated { chosen.append(file) }
                }
            }
        }
        var hasVariant = false
        for part in weights.values {
            let variants: [String?] = variant.map { [$0, nil] } ?? [nil, "fp16", "bf16"]
            let candidates = [true, false].flatMap { isSafetensors in variants.map { (isSafetensors, $0) } }
            for (isSafetensors, candidate) in candidates {
                let found = part.filter {
                    $0.weights.isSafetensors == isSafetensors && $0.weights.variant == candidate
                        && (isSafetensors || $0.file.path.contains("/pytorch_model")
                            || $0.file.path.contains("/diffusion_"))
                }
                guard !found.isEmpty else { continue }
                if candidate != nil, candidate == variant { hasVariant = true }
                // Where there are both, one file rather than shards, as the reader has it.
                let isWhole = found.contains { !$0.weights.isPiece }
                chosen += found.filter { !isWhole || !$0.weights.isPiece }.map(\.file)
                break
            }
        }
        if let variant, !hasVariant { throw ModelStoreError.noVariant(variant, what: what) }
        files = chosen.sorted { $0.path < $1.path }
    }
}
