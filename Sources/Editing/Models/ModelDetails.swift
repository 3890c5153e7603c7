internal import Diffusion
public import PlainText

/// All there is to say of a model: what it is, where it lies, what it takes.
public struct ModelDetails: Sendable {
    private let entries: [FileReport.Entry]

    /// One fact a line.
    public func text(namedBy naming: some SettingNaming = .keys) -> String {
        FileReport.text(of: entries, namedBy: naming)
    }
    public var json: JSONObject { FileReport.json(of: entries) }

    /// Opens the model, reads a single file through for its hash, and puts the networks together at each precision.
    ///
    /// - Parameter observe: called while the file is read; what it throws ends that.
    /// - Throws: `ModelError`, `WeightError` and their like for a model that cannot be used, or what `observe` throws.
    public init(of model: ModelLibrary.Model, observe: () throws -> Void) throws {
        if let path = model.path, let part = try FileReport.partEntries(of: path) {
            entries = [.init(label: "place", text: path, name: "path", value: .text(path))] + part
            return
        }
        let facts = try ModelChoice(source: model.source).open().facts
        let contents = try ModelContents(model.source)
        var entries: [FileReport.Entry] = [
            .init(label: "name", text: model.name, name: "name", value: .text(model.name)),
            .init(
                label: "place", text: model.path ?? "inside this program", name: "path",
                value: model.path.map { .text($0) } ?? .null),
        ]
        entries += facts.entries
        entries.append(Self.stored(contents))
        if let own = contents.ownLoRA { entries.append(own.ownEntry) }
        let licence = Self.licence(model, metadata: contents.metadata)
        entries.append(
            .init(
                label: "licence", text: licence ?? "not stated", name: "license",
                value: licence.map { .text($0) } ?? .null))
        if let path = model.path {
            let bytes = model.bytes
            entries.append(
                .init(label: "on disk", text: Figures.bytes(bytes), name: "bytes", value: .integer(bytes)))
            if !model.isFolder {
                // AUTOMATIC1111 and Civitai (AutoV2) name a file by the first ten digits.
                let hash = try FileHash.of(file: path) { _ in try observe() }
                entries += [
                    .init(
                        label: "model hash", text: String(hash.prefix(10)), name: "modelHash",
                        value: .text(String(hash.prefix(10)))),
                    .init(label: "SHA-256", text: hash, name: "sha256", value: .text(hash)),
                ]
            }
        }
        entries.append(try Self.memory(model))
        self.entries = entries
    }

    private static func stored(_ contents: ModelContents) -> FileReport.Entry {
        let names = [
            "unet": "denoiser", "vae": "autoencoder", "text_encoder": "text encoder",
            "text_encoder_2": "second text encoder",
        ]
        let types = contents.parts.map { part in
            (part.name, part.elementTypes.map(\.name))
        }
        let all = Set(types.map { $0.1.joined(separator: " and ") })
        let text =
            all.count == 1
            ? all.joined()
            : types.map { "\(names[$0.0] ?? $0.0) \($0.1.joined(separator: " and "))" }.joined(separator: ", ")
        return .init(
            label: "stored as", text: text, name: "elementTypes",
            value: .object(JSONObject(types.map { ($0.0, .list($0.1.map { .text($0) })) })))
    }

    /// The least that an edit at the native size takes at each precision that this processor has.
    private static func memory(_ model: ModelLibrary.Model) throws -> FileReport.Entry {
        var figures: [(Precision, Int)] = []
        for precision in Precision.allCases {
            do {
                let denoiser = try ModelChoice(source: model.source, precision: precision).open()
                let side = denoiser.facts.nativeSize
                figures.append((precision, MemoryEstimate(denoiser, limit: nil).bytes(pixels: side * side)))
            } catch ModelError.unsupportedPrecision {}
        }
        let text = figures.map { "\($0.rawValue) \(Figures.bytes($1))" }.joined(separator: ", ")
        return .init(
            label: "memory", sentence: "at least about \(text) for an edit at the native size (\(.maxMemory))",
            name: "memoryBytes", value: .object(JSONObject(figures.map { ($0.rawValue, .integer($1)) })))
    }

    /// What the model says of its licence: in a single file's metadata, or at the head of its README.md.
    static func licence(_ model: ModelLibrary.Model, metadata: [String: String]) -> String? {
        for key in ["modelspec.license", "general.license"] {
            if let stated = metadata[key], !stated.isEmpty { return String(stated.unicodeScalars.prefix(200)) }
        }
        guard let path = model.path else { return "Apache-2.0" }
        let folder = model.isFolder ? path : FileSystem.folder(of: path)
        guard let readme = FileSystem.text(of: folder + "/README.md") else { return nil }
        var stated: [String: String] = [:]
        for line in readme.split(separator: "\n", omittingEmptySubsequences: false).dropFirst() {
            if line.hasPrefix("---") { break }
            let parts = line.split(separator: ":", maxSplits: 1)
            if parts.count == 2 {
                stated[String(parts[0])] = String(
                    parts[1].drop(while: \.isWhitespace).filter { $0 != "\"" && $0 != "'" && !$0.isNewline })
            }
        }
        guard readme.hasPrefix("---") else { return nil }
        let name = stated["license"] == "other" ? stated["license_name"] : nil
        return (name ?? stated["license"]).flatMap { $0.isEmpty ? nil : $0 }
    }
}
