public import ImageFiles
public import Masking
public import Raster

/// The files of an edit, read and brought to one canvas.
public struct EditInputs: Sendable {
    /// The picture as its file held it; `nil` where there is none.
    public let source: LoadedImage?
    /// The picture on the canvas of the result. Panels that outpainting added are black and opaque.
    public let picture: Picture?
    /// What is repainted, and how strongly, on the canvas; `nil` where everything is and no mask was given.
    public let mask: Mask?
    /// What must not change, on the canvas; the mask has been weakened by it already.
    public let protected: Mask?
    public let notes: [EditNote]

    /// Reads what the request names.
    ///
    /// - Throws: `ImageFileError`, `MaskError`, `OutpaintError`, or `EditError` for a picture or mask that is not there.
    public init(_ request: EditRequest) throws {
        guard request.mode != .generate else {
            source = nil
            picture = nil
            mask = nil
            protected = nil
            notes = []
            return
        }
        guard let input = request.picture else { throw EditError.missingInput(mode: request.mode, what: "a picture") }
        let loaded = try PictureFile.read(input)
        var notes = loaded.notes.map { EditNote("\(input.name): \($0)") }
        source = loaded

        switch request.mode {
        case .outpaint:
            guard let canvas = request.canvas else {
                throw EditError.missingInput(mode: .outpaint, what: "how far to extend the picture")
            }
            let plan = try canvas.plan(for: loaded.picture.size)
            picture = plan.canvas(of: loaded.picture)
            mask = plan.mask
            protected = nil
            notes.append(
                EditNote("canvas: \(plan.canvasSize), the picture at \(plan.margins.left),\(plan.margins.top)"))
        case .inpaint, .erase, .remix:
            picture = loaded.picture
            let reader = MaskReader(
                picture: loaded.picture, name: input.name, meaning: request.settings.maskMeans,
                fit: request.settings.fitMask)
            let marked = try reader.union(request.masks, notes: &notes)
            protected = try reader.union(request.protected, notes: &notes)
            if marked != nil || protected != nil && request.mode == .remix {
                var read = marked ?? .uniform(1, size: loaded.picture.size)
                if let protected { read = read.subtracting(protected) }
                mask = read
                let summary = read.summary
                notes.append(EditNote(summary.verdict))
                if let warning = summary.warning { notes.append(EditNote("\(warning)", isWarning: true)) }
            } else if request.mode == .remix {
                mask = nil
            } else {
                throw EditError.missingInput(mode: request.mode, what: "a mask")
            }
        case .variations, .generate:
            picture = loaded.picture
            mask = nil
            protected = nil
        }
        self.notes = notes
    }

    /// Whether there is nothing to repaint, so that the result is the picture itself.
    public var isUnchanged: Bool { mask?.bounds == nil && mask != nil }
}
