internal import Diffusion
internal import PlainText

/// The models on this machine, each with what it is.
public struct ModelListing: Sendable {
    private struct Row: Sendable {
        var model: ModelLibrary.Model
        /// Or why it cannot be used.
        var family: String
        var isUsable: Bool
        var bytes: Int
    }

    private let rows: [Row]
    private let defaultName: String?

    /// Opens every model in turn; one that cannot be used is listed with the reason.
    ///
    /// - Parameter observe: called between models; what it throws ends the listing.
    /// - Throws: `ModelStoreError.badConfiguration`, or what `observe` throws.
    public init(observe: () throws -> Void) throws {
        defaultName = try UserConfiguration().defaultModel
        rows = try ModelLibrary().models.map { model in
            try observe()
            do {
                let facts = try ModelChoice(source: model.source).open().facts
                return Row(model: model, family: facts.family, isUsable: true, bytes: model.bytes)
            } catch {
                return Row(model: model, family: "\(error)", isUsable: false, bytes: model.bytes)
            }
        }
    }

    /// A model a line, under the place it lies in.
    public var text: String {
        var lines: [String] = []
        var place: ModelLibrary.Place?
        let width = min(60, rows.map(\.model.name.quotedIfUnclear.count).max() ?? 0)
        for row in rows {
            if row.model.place != place {
                place = row.model.place
                lines.append("\(row.model.place.title):")
            }
            let name = row.model.name.quotedIfUnclear
            let isDefault = row.model.name == (defaultName ?? ModelLibrary.embeddedName)
            let size = row.model.path == nil ? "" : ", \(Figures.bytes(row.bytes))"
            lines.append(
                "\(isDefault ? "*" : " ") \(name)\(String(repeating: " ", count: max(1, width + 2 - name.count)))"
                    + (row.isUsable ? row.family + size : "not usable: \(row.family)"))
        }
        return lines.joined(separator: "\n").withControlsShown
    }

    public var json: JSONObject {
        JSONObject([
            (
                "models",
                .list(
                    rows.map { row in
                        .object(
                            JSONObject([
                                ("name", .text(row.model.name)), ("place", .text(row.model.place.word)),
                                ("path", row.model.path.map { .text($0) } ?? .null),
                                ("layout", .text(row.model.isFolder ? "diffusers" : "single-file")),
                                ("usable", .flag(row.isUsable)),
                                ("family", row.isUsable ? .text(row.family) : .null),
                                ("reason", row.isUsable ? .null : .text(row.family)),
                                ("bytes", .integer(row.bytes)),
                            ]))
                    })
            ),
            ("default", .text(defaultName ?? ModelLibrary.embeddedName)),
        ])
    }
}

extension ModelLibrary.Place {
    /// As the heading of a list.
    var title: String {
        switch self {
        case .own: "in \(ModelLibrary.ownFolder ?? "the program's own folder")"
        case .huggingFaceCache: "in the Hugging Face cache"
        case .configured(let folder): "in \(folder)"
        case .embedded: "inside this program"
        }
    }

    /// In JSON.
    var word: String {
        switch self {
        case .own: "own"
        case .huggingFaceCache: "huggingFaceCache"
        case .configured: "configured"
        case .embedded: "embedded"
        }
    }
}
