internal import PlainText

/// What a file of tensors holds, by their names.
struct LDMContents {
    private let names: [String]

    init(names: [String]) { self.names = names.sorted() }

    /// The parts of an original checkpoint and how their tensors' names begin.
    private static let parts = [
        ("the denoiser", "model.diffusion_model."), ("the autoencoder", "first_stage_model."),
    ]
    private static let textPrefix = "cond_stage_model."
    /// Of SDXL, beside sizes and scores, which have no tensors.
    private static let textPrefixOfXL = "conditioner.embedders."

    /// Throws `ModelError.notACheckpoint` unless all three parts of Stable Diffusion 1.x, 2.x or XL are there, the
    /// autoencoder only where it is needed.
    func check(_ source: any WeightSource, needsAutoencoder: Bool = true) throws(ModelError) {
        func refusal(_ reason: Sentence) -> ModelError { .notACheckpoint(path: source.file, reason: reason) }
        guard !names.isEmpty else { throw refusal("it has no tensors") }
        switch WeightKind(source) {
        case .lora?:
            throw refusal("it is a LoRA of \(names.count.of("tensor")), which \(.lora) takes beside a model")
        case .autoencoder?:
            throw refusal(
                "it is an autoencoder alone (\(names.count.of("tensor"))), which \(.vae) takes beside a model")
        case .embedding?: throw refusal("it is an embedding, which \(.embedding) takes beside a model")
        case .textEncoder?: throw refusal("it is a text encoder alone (\(names.count.of("tensor")))")
        case .model?, .denoiser?, .part?, nil: break
        }
        if let part { throw refusal(Sentence(part)) }
        if let other { throw refusal("\(other), and that is not read yet") }
        let textPrefix = count(Self.textPrefixOfXL) > 0 ? Self.textPrefixOfXL : Self.textPrefix
        let parts =
            Self.parts.filter { needsAutoencoder || $0.0 != "the autoencoder" } + [
                ("the text encoder", textPrefix)
            ]
        let counts = parts.map { part in (part.0, part.1, count(part.1)) }
        let missing = counts.filter { $0.2 == 0 }
        if missing.count == parts.count {
            throw refusal(
                "none of its \(names.count.of("tensor")) is one of Stable Diffusion's; the first are \(first)")
        }
        if !missing.isEmpty {
            let found = counts.filter { $0.2 > 0 }.map { "\($0.2.of("tensor")) of \($0.0)" }.joined(separator: " and ")
            let lacks = missing.map { "\($0.0) (no tensor's name begins with \($0.1))" }.joined(separator: " and ")
            let isAllElse = missing.count == 1 && missing[0].0 == "the autoencoder"
            throw refusal("it holds \(found), and lacks \(lacks)" + (isAllElse ? "; \(.vae) can name one" : ""))
        }
        guard LDMTextEncoder.Place.allCases.contains(where: { count($0.rawValue) > 0 }) else {
            let text = names.filter { $0.hasPrefix(textPrefix) }.prefix(3).joined(separator: ", ")
            throw refusal("its text encoder is neither CLIP nor OpenCLIP; its first tensors are \(text)")
        }
        let (first, second) = (LDMTextEncoder.Place.firstOfXL.rawValue, LDMTextEncoder.Place.secondOfXL.rawValue)
        if count(first) > 0, count(second) == 0 {
            throw refusal("it lacks the second text encoder (no tensor's name begins with \(second))")
        }
        if count(second) > 0, count(first) == 0 {
            throw refusal("it lacks the first text encoder (no tensor's name begins with \(first))")
        }
    }

    /// The name of a known kind that is no Stable Diffusion 1.x, 2.x or XL, as a clause.
    private var other: String? {
        func any(_ text: String) -> Bool { names.contains { $0.contains(text) } }
        if names.contains("edm_mean") || count("edm_vpred") > 0 {
            return "it is an SDXL checkpoint with the noise levels of EDM (Playground 2.5, CosXL)"
        }
        if any("joint_blocks.") { return "it is a Stable Diffusion 3 checkpoint" }
        if any("double_blocks.") { return "it is a Flux checkpoint" }
        if count("control_model.") > 0 { return "it is a ControlNet" }
        if count("embedder.") > 0, any("label_emb.") { return "it is an unCLIP checkpoint" }
        return nil
    }

    /// What part of a model it is, as a clause; `nil` for others.
    private var part: String? {
        if count("down_blocks.") > 0, names.contains(where: { $0.contains("conv_in.") }) {
            return
                "it is a denoiser alone (\(names.count.of("tensor")) in the names of diffusers); name the folder around it"
        }
        if count("input_blocks.") > 0, count("output_blocks.") > 0 {
            return
                "it is a denoiser alone (\(names.count.of("tensor"))), as ComfyUI-GGUF writes it, whose text encoder and autoencoder lie in other files"
        }
        return nil
    }

    private func count(_ prefix: String) -> Int { names.count { $0.hasPrefix(prefix) } }

    private var first: String { names.prefix(3).map { "'\($0.prefix(60))'" }.joined(separator: ", ") }
}
