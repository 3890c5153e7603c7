internal import Diffusion
internal import ImageFiles
internal import Masking
public import PlainText
internal import Raster

/// What a picture, a mask or a model is.
public struct FileReport: Sendable {
    /// A fact in words, and in JSON.
    struct Entry: Sendable {
        var label: String
        var text: Sentence
        var name: String
        var value: JSONObject.Value

        init(label: String, text: some StringProtocol, name: String, value: JSONObject.Value) {
            self.init(label: label, sentence: Sentence(text), name: name, value: value)
        }

        init(label: String, sentence: Sentence, name: String, value: JSONObject.Value) {
            self.label = label
            text = sentence
            self.name = name
            self.value = value
        }

        /// The text as a terminal may show it: what a file says can hold control codes. The bytes of paths stay, for
        /// whoever copies them.
        func shownText(namedBy naming: some SettingNaming) -> String {
            let text = text.worded(by: naming)
            if name == "file" || name == "path" { return text.lineWithControlsShown }
            return String(text.map { $0 == "\r\n" ? "\n" : $0 }).printable
        }
    }

    private let entries: [Entry]

    /// Reads the file, or the model. Throws `ImageFileError` or `ModelError`.
    public init(of input: PictureInput) throws {
        if case .file(let path) = input, FileSystem.isFolder(path) || Self.isModelFile(path) {
            let file = Entry(label: "file", text: path, name: "file", value: .text(path))
            entries =
                [file] + (try Self.partEntries(of: path) ?? ModelChoice(source: .path(path)).open().facts.entries)
        } else {
            entries = Self.entries(of: try PictureFile.read(input), name: input.name)
        }
    }

    /// What is added to a model or put in the place of a part: a LoRA, an embedding, an autoencoder; `nil` for others.
    static func partEntries(of path: String) throws -> [Entry]? {
        if let autoencoder = try AutoencoderFacts.read(path) { return autoencoder.entries }
        guard !FileSystem.isFolder(path) else { return nil }
        return try AdapterFacts.read(path)?.entries ?? EmbeddingFacts.read(path)?.entries
    }

    /// Whether a file is a model's by its name: what it is in truth, its bytes say. A picture's name says otherwise.
    private static func isModelFile(_ path: String) -> Bool {
        [".safetensors", ".ckpt", ".pth", ".pt", ".bin", ".gguf"].contains { path.lowercased().hasSuffix($0) }
    }

    /// One fact a line.
    public func text(namedBy naming: some SettingNaming = .keys) -> String { Self.text(of: entries, namedBy: naming) }
    public var json: JSONObject { Self.json(of: entries) }

    static func text(of entries: [Entry], namedBy naming: some SettingNaming) -> String {
        let width = (entries.map(\.label.count).max() ?? 0) + 2
        let lineStart = "\n" + String(repeating: " ", count: width + 1)
        return entries.map { entry in
            // A file's words may be one Character of any length.
            let lines = entry.shownText(namedBy: naming).unicodeScalars.split(
                separator: "\n", omittingEmptySubsequences: false)
            let text = lines.map { String($0) }.joined(separator: lineStart)
            return entry.label + ":" + String(repeating: " ", count: width - entry.label.count) + text
        }.joined(separator: "\n")
    }

    static func json(of entries: [Entry]) -> JSONObject { JSONObject(entries.map { ($0.name, $0.value) }) }

    private static func entries(of image: LoadedImage, name: String) -> [Entry] {
        let picture = image.picture
        let facts = image.facts
        var entries = [
            Entry(label: "file", text: name, name: "file", value: .text(name)),
            Entry(label: "format", text: image.format.displayName, name: "format", value: .text(image.format.rawValue)),
            Entry(
                label: "size", text: "\(picture.size) pixels", name: "size",
                value: .list([.integer(picture.width), .integer(picture.height)])),
            Entry(
                label: "samples", text: "\(facts.colorType.rawValue), \(facts.bitDepth) bits", name: "samples",
                value: .object(
                    JSONObject([("color", .text(facts.colorType.rawValue)), ("bits", .integer(facts.bitDepth))]))),
        ]
        if facts.orientation != 1 {
            entries.append(
                Entry(
                    label: "turned", text: "EXIF orientation \(facts.orientation), stored as \(facts.storedSize)",
                    name: "orientation", value: .integer(facts.orientation)))
        }
        let space = image.colorSpace.name + (image.colorSpace.isStated ? "" : " (nothing usable is stated)")
        entries.append(Entry(label: "colours", text: space, name: "colorSpace", value: .text(image.colorSpace.name)))
        let profile = image.metadata.iccProfile.map { "ICC, \($0.count.of("byte"))" } ?? "none"
        entries.append(
            Entry(
                label: "profile", text: profile, name: "profileBytes",
                value: image.metadata.iccProfile.map { .integer($0.count) } ?? .null))
        if let coding = image.metadata.jpegCoding {
            let sampling = coding.subsampling.map { ", chroma \($0)" } ?? ""
            entries.append(
                Entry(
                    label: "quality", text: "about \(coding.estimatedQuality)\(sampling)", name: "quality",
                    value: .integer(coding.estimatedQuality)))
        }
        if let mask = maskVerdict(of: image) {
            entries.append(Entry(label: "as a mask", sentence: mask, name: "mask", value: .sentence(mask)))
        }
        if let type = image.provenance?.digitalSourceType {
            entries.append(Entry(label: "source", text: type.uri, name: "digitalSourceType", value: .text(type.uri)))
        }
        if let infotext = image.provenance?.infotext {
            let parameters = JSONObject(
                [("prompt", .text(infotext.prompt)), ("negativePrompt", .text(infotext.negativePrompt))]
                    + infotext.parameters.map { ($0.key, .text($0.value)) })
            entries.append(
                Entry(label: "made with", text: infotext.rendered, name: "parameters", value: .object(parameters)))
        }
        let earlier = image.metadata.earlierRecords
        if !earlier.isEmpty {
            entries.append(
                Entry(
                    label: "made before", text: earlier.joined(separator: "\n"), name: "earlierParameters",
                    value: .list(earlier.map { .text($0) })))
        }
        if let comment = image.metadata.comment {
            entries.append(Entry(label: "comment", text: comment, name: "comment", value: .text(comment)))
        } else if let (code, bytes) = image.metadata.unreadComment {
            entries.append(
                Entry(
                    label: "comment", text: "\(bytes.of("byte")) in \(code), which cannot be shown; an edit keeps them",
                    name: "commentCode", value: .text(code)))
        }
        for note in image.notes {
            entries.append(Entry(label: "note", text: note, name: "note", value: .text(note)))
        }
        return entries
    }

    /// How the picture reads as a mask, where it looks like one: grey throughout, of one colour, or with transparency
    /// that varies.
    private static func maskVerdict(of image: LoadedImage) -> Sentence? {
        let mask: Mask
        do {
            mask = try Mask(reading: image.picture, isLossy: image.isLossy)
        } catch .picture {
            return nil
        } catch {
            // A drawing in flat colours is hardly meant as a mask.
            if case .colors = error { return nil }
            return "not clear: it \(error)"
        }
        if mask.reading?.source == .luma, !image.picture.isGray { return nil }
        if mask.reading?.findings.contains(.grayPicture) == true { return nil }
        let summary = mask.summary
        return summary.advice.reduce(summary.finding) { $0 + "; \($1)" }
    }
}

extension Picture {
    /// Whether every pixel's colour channels are equal.
    fileprivate var isGray: Bool {
        guard layout.colorChannels == 3 else { return true }
        let channels = layout.channels
        func check<Sample: Equatable>(_ samples: [Sample]) -> Bool {
            for start in stride(from: 0, to: samples.count, by: channels) {
                if samples[start] != samples[start + 1] || samples[start] != samples[start + 2] { return false }
            }
            return true
        }
        return switch samples {
        case .eight(let values): check(values)
        case .sixteen(let values): check(values)
        }
    }
}
