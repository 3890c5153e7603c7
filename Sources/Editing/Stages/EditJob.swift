public import Diffusion
internal import ImageFiles
internal import Masking
internal import PlainText
internal import Raster

/// An edit from request to pictures in their place: load, plan, fill, denoise, composite, save. Of several pictures each is
/// delivered as soon as it is made.
public struct EditJob: Sendable {
    public var request: EditRequest
    public var delivery: Delivery

    public init(request: EditRequest, delivery: Delivery) {
        self.request = request
        self.delivery = delivery
    }

    /// With results in files.
    public init(request: EditRequest, output: OutputChoice) {
        self.init(request: request, delivery: .files(output))
    }

    /// Runs the edit. Every file is read and every name settled before the model is opened, so that what is wrong with
    /// the request is said at once.
    ///
    /// - Parameters:
    ///   - randomSeed: the seed where the request names none.
    ///   - loraLibrary: where LoRAs lie that a prompt calls by name; asked for where one does.
    ///   - openModel: gives the model, with LoRAs beside the user's others; not called where nothing is to be
    ///     repainted.
    ///   - observe: told of everything that happens; what it throws stops the edit. Pictures that are in place by then
    ///     stay.
    /// - Throws: `EditError`, `ImageFileError`, `MaskError`, `OutpaintError`, `ModelError` or what `observe` throws.
    public func run(
        randomSeed: UInt64, loraLibrary: () throws -> LoRALibrary = { try LoRALibrary(for: .embedded) },
        openModel: ([LoRAChoice]) throws -> any PictureModel, observe: @escaping (EditEvent) throws -> Void
    ) throws -> EditOutcome {
        try request.validate()
        let meter = ProgressMeter(observe: observe)
        var whole = self
        whole.request = try request.withPipesRead()
        let (job, tags, notes) = whole.withoutNotation()
        for note in notes { try meter.note(note) }
        // Before names are settled, as no result may replace these files; a library that cannot be opened is said when
        // the model is.
        let called: Result<(loras: [LoRAChoice], notes: [EditNote]), any Error>?
        var calledFiles: [ReadFile] = []
        do {
            let found = try tags.isEmpty ? nil : Self.files(of: tags, in: loraLibrary())
            calledFiles = found?.loras.map { ReadFile($0.path, .lora) } ?? []
            called = found.map { .success($0) }
        } catch {
            called = .failure(error)
        }
        return try job.run(randomSeed: randomSeed, written: request, calledFiles: calledFiles, meter: meter) {
            guard let called else { return try openModel([]) }
            let found = try called.get()
            for note in found.notes { try meter.note(note) }
            return try openModel(found.loras)
        }
    }

    /// - Parameters:
    ///   - written: the request as the user wrote it, for the record.
    ///   - calledFiles: those of the LoRAs that the prompt calls.
    private func run(
        randomSeed: UInt64, written: EditRequest, calledFiles: [ReadFile], meter: ProgressMeter,
        openModel: () throws -> any PictureModel
    ) throws -> EditOutcome {
        try meter.begin(.read)
        // Before it is read: whatever changes it from now on must not be lost by its replacement.
        let inputStamp = request.picture?.path.flatMap(FileSystem.Stamp.init)
        let inputs = try EditInputs(request)
        let outputs = try outputPlan(inputs, stamp: inputStamp, reads: request.maskFiles + calledFiles)
        if let size = inputs.picture?.size ?? request.size {
            try outputs.check(size: size)
            try outputs.checkRoom(for: size, source: inputs.source, input: request.picture)
        }
        let plain = ResultWriter(delivery: delivery, outputs: outputs, meter: meter, source: inputs.source)
        let unchanged = inputs.isUnchanged ? inputs.source : nil
        let isFileKept = unchanged.map { plain.keepsFile(of: $0) } ?? false
        // What the only file of it no longer holds is gone.
        let gone = outputs.replacesInput && !isFileKept ? inputs.companions : []
        func weighed(_ note: EditNote) -> EditNote {
            guard gone.contains(note) else { return note }
            return EditNote(note.sentence + "; the file is replaced, so what it held besides is lost", isWarning: true)
        }
        for note in inputs.notes { try meter.note(weighed(note)) }
        if !isFileKept { for note in inputs.losses { try meter.note(weighed(note)) } }
        if let unchanged { return try plain.writeUnchanged(unchanged, request: request) }

        try meter.begin(.load)
        let model = try openModel()
        let facts = model.facts
        if request.mode == .generate, facts.followsInstructions {
            throw ModelError.needsPicture(model: facts.name, family: facts.family)
        }
        try meter.begin(.plan)
        let settings = ResolvedSettings(
            for: request, facts: facts, randomSeed: randomSeed, hasLettering: inputs.hasLettering)
        let plan = try EditPlan(request, inputs: inputs, model: model, settings: settings)
        let prediction = facts.predictionReason.map { ", \(facts.prediction.rawValue), \($0)" } ?? ""
        try meter.note(EditNote("model: \(facts.name), \(facts.family)\(prediction)"))
        for note in notes(on: facts, settings: settings) + notes(on: inputs, settings: settings) {
            try meter.note(note)
        }
        try meter.note(EditNote("plan: \(plan.summary), seed \(settings.seeds[0])"))
        if let note = plan.memoryNote { try meter.note(EditNote(note, isWarning: true)) }

        var source = inputs.source
        if let margins = inputs.canvas?.margins, var changed = source, var samples = changed.metadata.associatedSource {
            (samples.x, samples.y) = (margins.left, margins.top)
            changed.metadata.associatedSource = samples
            source = changed
        }
        var writer = ResultWriter(delivery: delivery, outputs: outputs, meter: meter, source: source)
        // When the first picture is there: files of adapters are read for it.
        var known: GenerationParameters?
        try make(inputs, plan: plan, model: model, meter: meter) { picture in
            try meter.begin(.save)
            let record =
                known ?? GenerationParameters(request: written, plan: plan, facts: facts, isWritten: delivery.metadata)
            known = record
            try writer.write(picture, record: record)
        }
        guard let known else { preconditionFailure("an edit makes a picture") }
        return try writer.finish(record: known)
    }

    /// - Parameters:
    ///   - stamp: the edited file's, as it was read.
    ///   - reads: files of the request that nothing takes the place of.
    private func outputPlan(
        _ inputs: EditInputs, stamp: FileSystem.Stamp?, reads: [ReadFile]
    ) throws -> OutputPlan {
        let count = inputs.isUnchanged ? 1 : request.settings.count
        let input = inputs.source.flatMap { source in request.picture.map { ($0, source.formatOfResults) } }
        switch delivery {
        case .bytes(let choice, _): return OutputPlan(choice, mode: request.mode, count: count, input: input)
        case .files(let choice):
            if choice.isStandardOutput { throw EditError.outputFormatUnknown(path: "-") }
            let plan = try OutputPlan(
                choice, mode: request.mode, count: count, input: input, inputStamp: stamp, protected: reads)
            if let preview = choice.livePreview, plan.names(preview) { throw EditError.previewIsOutput(path: preview) }
            return plan
        }
    }

    /// What a model asks of its user, or takes upon itself.
    private func notes(on facts: ModelFacts, settings: ResolvedSettings) -> [EditNote] {
        var notes: [EditNote] = []
        if let autoencoder = facts.autoencoder {
            notes.append(EditNote("autoencoder: \(autoencoder), in place of the model's own"))
        }
        if let fewSteps = facts.fewSteps {
            notes.append(
                EditNote(
                    "\(fewSteps.kind.rawValue) model, \(fewSteps.reason): \(settings.steps.of("step")), guidance "
                        + "\(settings.guidance)"))
        }
        if facts.isRefiner, request.mode != .remix, request.mode != .variations {
            notes.append(
                EditNote(
                    "\(facts.name) is a refiner, made to rework pictures with little strength; use remix",
                    isWarning: true))
        }
        if request.settings.imageGuidance != nil, !facts.followsInstructions {
            notes.append(
                EditNote("\(.imageGuidance) has no effect: \(facts.name) does not follow instructions", isWarning: true)
            )
        }
        let unknown = facts.unknownWords(in: request.prompt)
        if !unknown.isEmpty, settings.colorWords.isEmpty, facts.adapters.isEmpty, facts.embeddings.isEmpty {
            let words = unknown.prefix(6).map { "'\($0.prefix(40))'" }.joined(separator: ", ")
            notes.append(
                EditNote(
                    "\(facts.name) was not taught \(words): expect something vague, or name a larger model with \(.model)\(facts.isEmbedded ? "" : " in its place")",
                    isWarning: true))
        }
        return notes + facts.adapterNotes + settings.notes
    }

    /// What of the picture and its mask stands against what was asked.
    private func notes(on inputs: EditInputs, settings: ResolvedSettings) -> [EditNote] {
        if settings.detail == .color, inputs.picture?.layout.colorChannels == 1 {
            return [
                EditNote("the picture has no colour channels, so it stays grey; save it as RGB first", isWarning: true)
            ]
        }
        guard request.mode == .inpaint, !request.prompt.isEmpty, request.settings.composite == nil,
            settings.composite.mode == .seamless, inputs.mask?.isThin == true
        else { return [] }
        return [
            EditNote(
                "the mask is thin: what is painted fades into its surroundings; \(.composite, "stencil") keeps the mask's shape"
            )
        ]
    }

    /// - Parameter finished: gets the picture of each seed, in their order, as soon as it is made.
    private func make(
        _ inputs: EditInputs, plan: EditPlan, model: any PictureModel, meter: ProgressMeter,
        finished: (Picture) throws -> Void
    ) throws {
        meter.expect(plan)
        if let canvas = inputs.picture, !plan.pieces.isEmpty {
            return try extend(
                canvas, inputs: inputs, plan: plan, model: model, meter: meter, finished: finished)
        }
        var prefill = Prefill(plan)
        // What is marked of the picture itself goes on from all that is around it.
        if plan.settings.fill == .patchmatch, let canvas = inputs.canvas, let source = inputs.source,
            inputs.mask == canvas.mask
        {
            let sources = ExtensionSources(
                inputs.colorSpace.toSRGB(RGBImage(source.picture)), sides: canvas.margins)
            let whole = PixelRect(canvas.canvasSize)
            prefill.excluded = canvas.excluded(sources, area: whole, window: whole)
            prefill.confined = canvas.confined(sources, window: whole)
        }
        let runner = PassRunner(
            plan: plan, model: model, meter: meter, colorSpace: inputs.colorSpace, prompt: request.prompt,
            prefill: prefill)
        var placement: PatchPlacement?
        func place(_ patch: RGBImage) throws {
            try meter.begin(.composite)
            let place = placement ?? PatchPlacement(plan, inputs: inputs)
            placement = place
            try finished(place.picture(of: patch))
        }
        guard let picture = inputs.picture, let mask = plan.denoiseMask, let hole = plan.hole, let crop = plan.crop
        else { return try runner.generated(finished: place) }
        let start = try repeating(picture, inputs: inputs, plan: plan, meter: meter)
        try runner.patches(
            of: start, mask: mask, hole: hole, crop: crop, hasMask: inputs.mask != nil, finished: place)
    }

    /// Piece by piece, each an edit of its window. Holds one canvas, and what an edit of one window takes.
    private func extend(
        _ canvas: Picture, inputs: EditInputs, plan: EditPlan, model: any PictureModel, meter: ProgressMeter,
        finished: (Picture) throws -> Void
    ) throws {
        let (extent, colorSpace) = (inputs.canvas, inputs.colorSpace)
        // A panel that is filled from those before it alone repeats them, and soon a single stripe of them.
        func samples(of picture: Picture) -> RGBImage? {
            extent.map { colorSpace.toSRGB(RGBImage(picture.cropped(to: $0.sourceRect))) }
        }
        let copies = plan.settings.fill == .patchmatch
        var unchanged: RGBImage?
        if copies, case .panel? = plan.pieces.first { unchanged = samples(of: canvas) }
        var sourcesOfSides: [Margins: ExtensionSources] = [:]
        for (index, seed) in plan.settings.seeds.enumerated() {
            var picture = canvas
            var samplesOfSeed = unchanged
            // What was repainted of the picture first is another picture for each seed.
            if unchanged == nil { sourcesOfSides = [:] }
            for (number, piece) in plan.pieces.enumerated() {
                if copies, samplesOfSeed == nil, case .panel = piece { samplesOfSeed = samples(of: picture) }
                var settings = plan.settings
                // Noise of its own, or every panel would show the same figure.
                settings.seeds = [seed &+ UInt64(number) &* 1_000_003]
                let piecePlan = try EditPlan(
                    piece, inputs: inputs, request: request, model: model, settings: settings)
                guard let mask = piecePlan.denoiseMask, let hole = piecePlan.hole, let crop = piecePlan.crop else {
                    preconditionFailure("a piece has a mask")
                }
                let inputs = EditInputs(
                    picture: picture.cropped(to: piece.window), mask: piece.mask,
                    protected: inputs.protected?.cropped(to: piece.window), colorSpace: colorSpace)
                var prefill = Prefill(piecePlan)
                if case .panel(let panel) = piece, let extent, let samples = samplesOfSeed {
                    let sides = extent.sides(of: panel.area)
                    let sources = sourcesOfSides[sides] ?? ExtensionSources(samples, sides: sides)
                    sourcesOfSides[sides] = sources
                    prefill.excluded = extent.excluded(sources, area: panel.area, window: panel.window)
                    prefill.confined = extent.confined(sources, window: panel.window)
                    prefill.samples = FillSamples(
                        image: samples, row: extent.margins.top - panel.window.y, excluded: sources.excluded,
                        confined: sources.subjectCells)
                }
                let runner = PassRunner(
                    plan: piecePlan, model: model, meter: meter, colorSpace: colorSpace, prompt: request.prompt,
                    prefill: prefill, passesBefore: plan.passesBeforePieces[number], picturesBefore: index)
                let placement = PatchPlacement(piecePlan, inputs: inputs)
                try runner.patches(
                    of: inputs.picture ?? picture, mask: mask, hole: hole, crop: crop, hasMask: true
                ) { patch in
                    try meter.begin(.composite)
                    picture.paste(placement.picture(of: patch), x: piece.window.x, y: piece.window.y)
                }
            }
            try finished(picture)
        }
    }
}
