public import ImageFiles
public import Masking
internal import PlainText
public import Raster

/// The files of an edit, read and brought to one canvas.
public struct EditInputs: Sendable {
    /// The picture as its file held it; `nil` where there is none.
    public let source: LoadedImage?
    /// The picture on the canvas of the result. Panels that outpainting added are black and opaque.
    public let picture: Picture?
    /// What its samples mean.
    public let colorSpace: ColorSpace
    /// What is repainted, and how strongly, on the canvas; `nil` where everything is and no mask was given.
    public let mask: Mask?
    /// Where the picture stands on the canvas of an outpaint.
    let canvas: OutpaintPlan?
    /// How far right and down the picture and the mask are rolled, so that the border of a picture that repeats lies where
    /// the mask does not touch it.
    let roll: (x: Int, y: Int)
    /// Whether the masks show words that were drawn to be read.
    let hasLettering: Bool
    /// The axes along which the picture is worked as repeating, since the mask leaves nowhere to cut it open.
    let wraps: WrappedAxes
    /// What must not change, on the canvas; the mask has been weakened by it already.
    public let protected: Mask?
    public let notes: [EditNote]
    /// How a file made of the picture will differ, where it is not the picture's own file.
    let losses: [EditNote]
    /// Those of the notes and losses that tell of more than the picture in its file (`LoadedImage.companions`).
    let companions: [EditNote]

    /// A picture and its mask that are no files.
    init(picture: Picture, mask: Mask, protected: Mask?, colorSpace: ColorSpace) {
        source = nil
        self.colorSpace = colorSpace
        self.picture = picture
        self.mask = mask
        canvas = nil
        roll = (0, 0)
        wraps = []
        self.protected = protected
        hasLettering = false
        notes = []
        losses = []
        companions = []
    }

    /// Reads what the request names.
    ///
    /// - Throws: `ImageFileError`, `MaskError`, `OutpaintError`, or `EditError` for a picture or mask that is not there.
    public init(_ request: EditRequest) throws {
        guard request.mode != .generate else {
            source = nil
            colorSpace = .assumed
            picture = nil
            mask = nil
            canvas = nil
            roll = (0, 0)
            wraps = []
            protected = nil
            hasLettering = false
            notes = []
            losses = []
            companions = []
            return
        }
        guard let input = request.picture else { throw EditError.missingInput(mode: request.mode, what: "a picture") }
        let loaded = try PictureFile.read(input, maximumPixels: request.settings.maximumPixels)
        var notes = loaded.pixelNotes.map { EditNote("\(input.name): \($0)") }
        losses = loaded.losses.map { EditNote("\(input.name): \($0)") }
        companions = loaded.companions.map { EditNote("\(input.name): \($0)") }
        source = loaded
        colorSpace = loaded.colorSpace
        if !loaded.colorSpace.isSRGB {
            notes.append(
                EditNote(
                    "\(input.name): its colours are \(loaded.colorSpace.name); they are converted for the model and back"
                ))
        }

        var canvas: OutpaintPlan?
        var picture = loaded.picture
        let reader = MaskReader(
            picture: loaded, name: input.name, meaning: request.settings.maskMeans,
            fit: request.settings.fitMask, maximumPixels: request.settings.maximumPixels,
            saysCoveredWords: request.mode == .inpaint && !request.prompt.isEmpty
                && request.settings.composite == nil)
        var mask = try reader.union(request.masks, notes: &notes)
        hasLettering = mask?.isLettering ?? false
        let protectionReader = MaskReader(
            picture: loaded, name: input.name, meaning: request.settings.maskMeans.unreversed,
            fit: request.settings.fitMask, maximumPixels: request.settings.maximumPixels)
        var protected = try protectionReader.union(request.protected, notes: &notes)
        if let protected {
            if request.protected.count == 1 {
                notes += MaskReader.notes(on: protected, of: request.protected[0].input?.name ?? input.name)
            }
            if protected.bounds == nil {
                notes.append(EditNote("\(.protected) covers nothing, so nothing is protected", isWarning: true))
            }
        }
        if protected?.bounds != nil, request.mode == .remix || request.mode == .variations {
            mask = mask ?? .uniform(1, size: loaded.picture.size)
        }
        if let read = mask {
            let marked = protected.map { read.subtracting($0) } ?? read
            mask = marked
            let summary = marked.summary
            notes.append(EditNote(summary.verdict))
            if read.bounds != nil, marked.bounds == nil {
                notes.append(
                    EditNote(
                        "\(.protected) covers the whole mask, so nothing is repainted", isWarning: true))
            } else if request.mode != .outpaint || summary.warning != .empty {
                notes += summary.advice.map { EditNote($0, isWarning: true) }
            }
        }
        switch request.mode {
        case .outpaint:
            guard let change = request.canvas else {
                throw EditError.missingInput(mode: .outpaint, what: "how far to extend the picture")
            }
            let plan = try change.plan(for: loaded.picture.size)
            canvas = plan
            picture = plan.canvas(of: loaded.picture)
            mask = mask.map { plan.mask.union(plan.canvas(of: $0)) } ?? plan.mask
            protected = protected.map { plan.canvas(of: $0) }
            notes.append(
                EditNote("canvas: \(plan.canvasSize), the picture at \(plan.margins.left),\(plan.margins.top)"))
        case .inpaint, .erase:
            guard mask != nil else { throw EditError.missingInput(mode: request.mode, what: "a mask") }
        case .remix, .variations, .generate:
            break
        }
        var roll = (x: 0, y: 0)
        var wraps = WrappedAxes()
        if let whole = mask, whole.bounds != nil {
            (roll, wraps) = try whole.rollOffBorder(request.settings.tileable)
            picture = picture.rolled(x: roll.x, y: roll.y)
            mask = whole.rolled(x: roll.x, y: roll.y)
            protected = protected?.rolled(x: roll.x, y: roll.y)
        }
        if let what = request.continuesPicture, mask?.coverage.values.contains(0) != true {
            throw EditError.nothingKept(what: what)
        }
        self.picture = picture
        self.mask = mask
        self.protected = protected
        self.roll = roll
        self.wraps = wraps
        self.canvas = canvas
        self.notes = notes
    }

    /// Whether there is nothing to repaint, so that the result is the picture itself.
    public var isUnchanged: Bool { mask?.bounds == nil && mask != nil }
}

extension EditRequest {
    /// What of the request, as the user calls it, goes on from what is kept of the picture; `nil` where nothing does.
    ///
    /// Words say what to paint where nothing is known, and a fill of noise or of one colour, or the picture itself, what
    /// to begin with.
    fileprivate var continuesPicture: Sentence? {
        switch settings.fill {
        case .patchmatch: return "\(.fill, "patchmatch")"
        case .noise, .color, .original: return nil
        case .blurred, nil: break
        }
        return switch mode {
        case .erase, .outpaint: Sentence(mode.rawValue)
        case .inpaint: prompt.isEmpty ? "an inpaint without a prompt" : nil
        case .remix, .variations, .generate: nil
        }
    }
}

extension Mask {
    /// How far to roll a picture that repeats so that what is marked is in the middle of it, along the given axes: the
    /// border lies in the middle of the widest gap that the mask leaves; where it leaves none, half-way, and the
    /// picture wraps.
    ///
    /// - Throws: `EditError.nothingRepeats` where nothing is left of the picture.
    fileprivate func rollOffBorder(
        _ axes: WrappedAxes
    ) throws(EditError) -> (roll: (x: Int, y: Int), wraps: WrappedAxes) {
        guard !axes.isEmpty else { return ((0, 0), []) }
        guard coverage.values.contains(0) else { throw .nothingRepeats }
        var isFreeColumn = [Bool](repeating: true, count: size.width)
        var isFreeRow = [Bool](repeating: true, count: size.height)
        for y in 0 ..< size.height {
            for x in 0 ..< size.width where coverage.values[y * size.width + x] > 0 {
                isFreeColumn[x] = false
                isFreeRow[y] = false
            }
        }
        let x = axes.contains(.x) ? rollIntoGap(isFreeColumn) : 0
        let y = axes.contains(.y) ? rollIntoGap(isFreeRow) : 0
        var wraps = WrappedAxes()
        if x == nil { wraps.insert(.x) }
        if y == nil { wraps.insert(.y) }
        return ((x ?? size.width / 2, y ?? size.height / 2), wraps)
    }
}

/// How far lines that repeat are rolled so that their border lies in the middle of the widest gap; `nil` where no line
/// is free.
private func rollIntoGap(_ isFree: [Bool]) -> Int? {
    let count = isFree.count
    var widest = (start: 0, length: 0)
    var length = 0
    // A gap may lie across the border: it is followed around, and something ends it.
    for index in 0 ..< 2 * count {
        length = isFree[index % count] ? length + 1 : 0
        if length > widest.length { widest = (index - length + 1, length) }
    }
    guard widest.length > 0 else { return nil }
    return (count - (widest.start + widest.length / 2) % count) % count
}
