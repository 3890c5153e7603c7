/// A model's `model_index.json`: which class each part of the folder holds.
public struct PipelineConfiguration: Sendable, Equatable {
    /// The library and the class that wrote a part, as `diffusers` and `UNet2DConditionModel`.
    public struct Part: Sendable, Equatable {
        public var library: String
        public var className: String
    }

    /// The pipeline it was published for, as `StableDiffusionInpaintPipeline`.
    public let className: String
    /// The parts by the names of their folders; parts that the model does without are left out.
    public let parts: [String: Part]

    /// - Throws: `ConfigurationError`.
    public init(_ json: JSONConfiguration, names: [String] = Self.names) throws(ConfigurationError) {
        className = try json.required("_class_name", json.string("_class_name"))
        var parts: [String: Part] = [:]
        for name in names {
            guard case .array(let pair)? = json.value(name) else {
                guard !json.has(name) else {
                    throw .mistyped(
                        file: json.file, key: name, expected: "a library and a class", found: "something else")
                }
                continue
            }
            guard pair.count == 2 else {
                throw .outOfRange(
                    file: json.file, key: name, expected: "a library and a class", found: "\(pair.count) values")
            }
            if case .string(let library) = pair[0], case .string(let className) = pair[1] {
                parts[name] = Part(library: library, className: className)
            }
        }
        self.parts = parts
    }

    /// Reads the file at a path.
    public init(path: String) throws { try self.init(JSONConfiguration(path: path)) }

    /// The parts that an edit uses.
    public static let names = ["unet", "vae", "text_encoder", "tokenizer", "scheduler"]
}
