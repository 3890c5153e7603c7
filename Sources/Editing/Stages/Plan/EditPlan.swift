internal import Diffusion
public import Masking
public import PlainText
public import Raster

/// What an edit will do, settled before the network runs.
public struct EditPlan: Sendable {
    public let settings: ResolvedSettings
    /// Of the result.
    public let size: PixelSize
    /// The mask that the network works with, on the canvas; `nil` for a picture from text alone.
    public let denoiseMask: Mask?
    /// What is filled before that: the mask as it was given, or the hull of a stencil less what is protected. A fill that
    /// reached further would no longer meet the known pixels where the patch is pasted.
    public let hole: Mask?
    /// What the network sees of the picture; `nil` for a picture from text alone.
    public let crop: CropPlan?
    /// The size at which a picture from text alone is made: the result's, rounded up to the model's multiple.
    public let generatedSize: PixelSize
    /// What a run of the model may take; `nil` for the model's own limits, and where each piece has its own plan.
    let memory: MemoryLimits?
    /// The pieces of an outpaint that is worked one after the other, each a plan of its own; empty for all else.
    let pieces: [OutpaintPiece]
    /// Denoising steps of each pass of each piece.
    private let stepsOfPieces: [[Int]]

    /// The axes along which the network takes the picture as repeating.
    public let wraps: WrappedAxes

    /// Whether there are pixels that the edit promises not to change.
    public let keepsPixels: Bool

    /// What a limit on memory changes of the crop, and so of the picture; `nil` where it changes nothing.
    public let memoryNote: Sentence?

    /// The length of a panel over that by which it overlaps others.
    private static let overlapOfPanel = 4

    /// - Throws: `EditError.overMemoryLimit`, `EditError.untileable`.
    public init(
        _ request: EditRequest, inputs: EditInputs, model: any PictureModel, settings: ResolvedSettings
    ) throws(EditError) {
        let nativeSize = model.facts.nativeSize
        if let canvas = inputs.canvas {
            let length =
                request.settings.panel
                ?? OutpaintPlan.defaultPanelLength(source: canvas.sourceSize, nativeSide: nativeSize)
            // Wide enough for whatever context the panel's own plan chooses.
            // A fill that says nothing of what goes on leaves each panel to itself: only where two mix is there no line.
            let overlap = settings.fill.isPlaceholder ? length / Self.overlapOfPanel : 0
            let panels = canvas.panels(length: length, context: 2 * length, overlap: overlap)
            if panels.count > 1 {
                let marked = inputs.mask?.cropped(to: canvas.sourceRect)
                let first = marked.flatMap { mask in
                    mask.bounds.map { _ in OutpaintPiece.marked(mask, window: canvas.sourceRect) }
                }
                try self.init(
                    [first].compactMap(\.self) + panels.map { .panel($0) }, inputs: inputs, size: canvas.canvasSize,
                    request: request, model: model, settings: settings)
                return
            }
        }
        try self.init(
            request, size: inputs.picture?.size, mask: inputs.mask, protected: inputs.protected,
            wraps: inputs.mask == nil ? settings.tileable : inputs.wraps, model: model, settings: settings)
    }

    /// The plan of one piece of an outpaint, on the piece's window.
    ///
    /// - Parameter inputs: of the whole edit.
    /// - Throws: `EditError.overMemoryLimit`.
    init(
        _ piece: OutpaintPiece, inputs: EditInputs, request: EditRequest, model: any PictureModel,
        settings: ResolvedSettings
    ) throws(EditError) {
        try self.init(
            request, size: piece.window.size, mask: piece.mask, protected: inputs.protected?.cropped(to: piece.window),
            model: model, settings: settings)
    }

    /// - Parameters:
    ///   - size: of the picture; `nil` for a picture from text alone.
    ///   - mask: of that size; `nil` where everything may change.
    ///   - protected: what must not change, of that size.
    ///   - wraps: the axes along which the picture is worked as repeating.
    private init(
        _ request: EditRequest, size pictureSize: PixelSize?, mask: Mask?, protected: Mask? = nil,
        wraps: WrappedAxes = [], model: any PictureModel, settings: ResolvedSettings
    ) throws(EditError) {
        self.settings = settings
        pieces = []
        stepsOfPieces = []
        let facts = model.facts
        let memory = MemoryEstimate(
            model, limit: request.settings.memoryLimit, batchSize: settings.batchSize,
            reusesKnown: settings.reusesKnown)
        let (geometry, least) = try memory.geometry()
        var budget = least
        size = pictureSize ?? request.size ?? PixelSize(width: facts.nativeSize, height: facts.nativeSize)
        self.wraps = wraps
        let fitting = wraps.fitting(size, multiple: facts.pixelMultiple)
        guard fitting.contains(size) else {
            throw .untileable(size: size, multiple: facts.pixelMultiple, nearest: fitting)
        }
        let wrapMargins = wraps.margins(DenoiseRequest.wrapMargin(facts))

        guard pictureSize != nil else {
            denoiseMask = nil
            hole = nil
            crop = nil
            keepsPixels = false
            memoryNote = nil
            generatedSize = PixelSize(width: geometry.roundedUp(size.width), height: geometry.roundedUp(size.height))
            try memory.check(onePass: generatedSize.padded(by: wrapMargins), &budget)
            self.memory = budget
            return
        }
        generatedSize = size
        // A stencil cuts its shape out of a picture that was painted as if there were none.
        let marked = settings.composite.mode == .stencil ? mask?.hull : mask
        let whole = marked ?? .uniform(1, size: size)
        // The union: blurring must not weaken what the user marked.
        let reach = settings.grow + Int((3 * settings.feather).rounded(.up))
        var denoise =
            marked?.repeating(along: wraps, reach: reach) {
                $0.grown(by: settings.grow).feathered(sigma: settings.feather).union($0)
            } ?? whole
        if let protected { denoise = denoise.subtracting(protected) }
        denoiseMask = denoise
        hole = protected.map { whole.subtracting($0) } ?? whole
        keepsPixels = settings.composite.mode != .raw && mask?.coverage.values.contains(0) ?? false
        let crop = CropPlan(
            mask: denoise, model: geometry, area: wraps.isEmpty ? settings.area : .whole,
            contextPadding: settings.padding)
        let unlimited = CropPlan(
            mask: denoise, model: ModelGeometry(nativeSide: facts.nativeSize, multiple: facts.pixelMultiple),
            area: wraps.isEmpty ? settings.area : .whole, contextPadding: settings.padding)
        memoryNote = crop == unlimited ? nil : Self.memoryNote(crop, inPlaceOf: unlimited)
        if !crop.isCoarseToFine { try memory.check(onePass: crop.paddedSize.padded(by: wrapMargins), &budget) }
        self.memory = budget
        self.crop = crop
    }

    private init(
        _ pieces: [OutpaintPiece], inputs: EditInputs, size: PixelSize, request: EditRequest, model: any PictureModel,
        settings: ResolvedSettings
    ) throws(EditError) {
        self.settings = settings
        self.pieces = pieces
        self.size = size
        generatedSize = size
        wraps = []
        denoiseMask = nil
        hole = nil
        crop = nil
        // The picture that is extended.
        keepsPixels = settings.composite.mode != .raw
        memory = nil
        var memoryNote: Sentence?
        var steps: [[Int]] = []
        for piece in pieces {
            let plan = try EditPlan(piece, inputs: inputs, request: request, model: model, settings: settings)
            steps.append(plan.stepsOfPasses)
            memoryNote = memoryNote ?? plan.memoryNote
        }
        self.memoryNote = memoryNote
        stepsOfPieces = steps
    }

    private static func memoryNote(_ crop: CropPlan, inPlaceOf unlimited: CropPlan) -> Sentence {
        func phrase(_ crop: CropPlan) -> String {
            let tiles = crop.tiles.isEmpty ? "" : " in \(crop.tiles.count.of("tile"))"
            return "a crop of \(crop.crop.size)\(crop.coarse.map { " at \($0.size)" } ?? "")\(tiles)"
        }
        return
            "\(.maxMemory) leaves room for \(phrase(crop)) in place of \(phrase(unlimited)), which gives another picture than with more memory"
    }

    /// Runs of the network before each piece.
    var passesBeforePieces: [Int] {
        var sum = 0
        return stepsOfPieces.map { steps in
            defer { sum += steps.count }
            return sum
        }
    }

    /// Runs of the network for each picture.
    public var passes: Int { stepsOfPasses.count }

    /// Whether tiles at full resolution make the picture.
    private var isTiled: Bool { crop?.isCoarseToFine == true && settings.detail == .model }

    /// How many pictures are filled, and given to the network, together. It makes them one after the other, or as many
    /// at once as the batch has.
    ///
    /// A fill that is drawn at random is drawn for each seed, so that a seed gives the same picture whether it is the
    /// first of several or alone; but those that share what is known share it, and so does a batch. Of tiles a picture
    /// takes many runs: it is finished before the next begins.
    var picturesTogether: Int {
        guard !settings.reusesKnown else { return settings.seeds.count }
        return settings.fill.isRandom || isTiled ? settings.batchSize : settings.seeds.count
    }

    /// How often a hole is filled, for all pictures.
    var fills: Int {
        let pictures = settings.seeds.count
        return pieces.isEmpty ? (pictures + picturesTogether - 1) / picturesTogether : pieces.count * pictures
    }

    /// Runs of the network for all pictures.
    var runs: Int {
        let pictures = settings.seeds.count
        guard pieces.isEmpty else { return passes * pictures }
        guard isTiled, let crop else { return fills }
        return (hasCoarsePass ? fills : 0) + pictures * crop.tiles.count
    }

    /// Whether the whole crop is composed at the model's own size before tiles refine it. A strength that refines at
    /// most changes no composition: the tiles then start from the filled picture.
    public var hasCoarsePass: Bool {
        crop?.isCoarseToFine == true && settings.strength > CropPlan.maximumRefinementStrength
    }

    /// How tiles are refined: never so hard that neighbours drift apart.
    public var refinementStrength: Float { min(settings.strength, CropPlan.maximumRefinementStrength) }

    /// Denoising steps of one pass, as the engine counts them (the last `strength · steps` of the schedule).
    public func steps(strength: Float) -> Int { max(1, min(settings.steps, Int(Float(settings.steps) * strength))) }

    /// Denoising steps of each pass of one picture.
    public var stepsOfPasses: [Int] {
        if !stepsOfPieces.isEmpty { return stepsOfPieces.flatMap(\.self) }
        // Kept detail is there at full resolution already, and needs no tiles to make it.
        guard isTiled, let crop else { return [steps(strength: settings.strength)] }
        return (hasCoarsePass ? [steps(strength: settings.strength)] : [])
            + [Int](repeating: steps(strength: refinementStrength), count: crop.tiles.count)
    }

    /// Denoising steps of all passes of one picture.
    public var stepsPerPicture: Int { stepsOfPasses.reduce(0, +) }

    /// What will be done, in a line: "crop of 640×512 at 100,40, 20 steps".
    public var summary: String {
        if case .marked? = pieces.first {
            return "what is marked, then \((pieces.count - 1).of("panel")), \(stepsPerPicture.of("step")) in all"
        }
        if !pieces.isEmpty { return "\(pieces.count.of("panel")), \(stepsPerPicture.of("step")) in all" }
        guard let crop else { return "picture of \(size), \(stepsPerPicture.of("step"))" }
        let place =
            crop.crop == PixelRect(size)
            ? "whole picture" : "crop of \(crop.crop.size) at \(crop.crop.x),\(crop.crop.y)"
        guard let coarse = crop.coarse else { return "\(place), \(stepsPerPicture.of("step"))" }
        guard settings.detail == .model else { return "\(place) at \(coarse.size), \(stepsPerPicture.of("step"))" }
        let tiles = crop.tiles.count.of("tile")
        guard hasCoarsePass else {
            return "\(place): \(tiles) at full resolution, \(stepsPerPicture.of("step")) in all"
        }
        return
            "\(place): first at \(coarse.size), then \(tiles) at full resolution, \(stepsPerPicture.of("step")) in all"
    }
}

extension WrappedAxes {
    /// The size itself where its sides along these axes are multiples of a number, else the nearest sizes of which they
    /// are, the smaller one first where there is one.
    fileprivate func fitting(_ size: PixelSize, multiple: Int) -> [PixelSize] {
        let sizes = [0, multiple - 1].map { rounding in
            PixelSize(
                width: contains(.x) ? (size.width + rounding) / multiple * multiple : size.width,
                height: contains(.y) ? (size.height + rounding) / multiple * multiple : size.height)
        }
        return sizes[0] == sizes[1] || sizes[0].area == 0 ? [sizes[1]] : sizes
    }
}
