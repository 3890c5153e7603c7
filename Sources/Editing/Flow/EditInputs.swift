public import ImageFiles
public import Masking
public import Raster

/// The files of an edit, read and brought to one canvas.
public struct EditInputs: Sendable {
    /// The picture as its file held it; `nil` where there is none.
    public let source: LoadedImage?
    /// The picture on the canvas of the result. Panels that outpainting added are black and opaque.
    public let picture: Picture?
    /// What its samples mean.
    public var colorSpace: ColorSpace { source?.colorSpace ?? .assumed }
    /// What is repainted, and how strongly, on the canvas; `nil` where everything is and no mask was given.
    public let mask: Mask?
    public let notes: [EditNote]

    /// Reads what the request names.
    ///
    /// - Throws: `ImageFileError`, `MaskError`, `OutpaintError`, or `EditError` for a picture or mask that is not there.
    public init(_ request: EditRequest) throws {
        guard request.mode != .generate else {
            source = nil
            picture = nil
            mask = nil
            notes = []
            return
        }
        guard let input = request.picture else { throw EditError.missingInput(mode: request.mode, what: "a picture") }
        let loaded = try PictureFile.read(input, maximumPixels: request.settings.maximumPixels)
        var notes = loaded.notes.map { EditNote("\(input.name): \($0)") }
        source = loaded
        if !loaded.colorSpace.isSRGB {
            notes.append(
                EditNote(
                    "\(input.name): its colours are \(loaded.colorSpace.name); they are converted for the model and back"
                ))
        }

        switch request.mode {
        case .outpaint:
            guard let canvas = request.canvas else {
                throw EditError.missingInput(mode: .outpaint, what: "how far to extend the picture")
            }
            let plan = try canvas.plan(for: loaded.picture.size)
            picture = plan.canvas(of: loaded.picture)
            mask = plan.mask
            notes.append(
                EditNote("canvas: \(plan.canvasSize), the picture at \(plan.margins.left),\(plan.margins.top)"))
        case .inpaint, .erase, .remix:
            picture = loaded.picture
            if let maskInput = request.mask {
                let file = try PictureFile.read(maskInput, maximumPixels: request.settings.maximumPixels)
                notes += file.notes.map { EditNote("\(maskInput.name): \($0)") }
                let read: Mask
                do {
                    read = try Mask(
                        file.picture, meaning: request.settings.maskMeans, for: loaded.picture.size,
                        fit: request.settings.fitMask)
                } catch {
                    throw EditError.unfitMask(file: maskInput.name, picture: input.name, reason: error)
                }
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
        }
        self.notes = notes
    }

    /// Whether there is nothing to repaint, so that the result is the picture itself.
    public var isUnchanged: Bool { mask?.bounds == nil && mask != nil }
}
