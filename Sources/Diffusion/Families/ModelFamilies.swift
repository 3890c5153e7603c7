internal import PlainText

/// The families that models are looked for in.
enum ModelFamilies {
    private static var all: [any ModelFamily.Type] { [StableDiffusion.self] }

    /// The first family that recognises a model.
    /// - Throws: `ModelError.notAModel` where none does; `ConfigurationError` or `WeightError` where a file cannot be
    ///   read.
    static func family(of files: ModelFiles) throws -> any ModelFamily.Type {
        for family in all where try family.recognises(files) { return family }
        let missing = all.map { $0.parts(of: files).denoiser + "/config.json" }.joined(separator: " or ")
        let kind =
            try files.configuration("model_index.json").string("_class_name").map { "a \($0.prefix(80))" }
            ?? "a model of an unknown kind"
        throw ModelError.notAModel(path: files.name, reason: "it is \(kind), and has no \(missing)")
    }
}
