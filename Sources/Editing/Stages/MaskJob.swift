internal import CleanUp
internal import ImageFiles
public import Masking
internal import Parallel
internal import PlainText
internal import Raster

/// Makes or repairs one mask and writes it: an 8-bit grey PNG, white repaints.
public struct MaskJob: Sendable {
    public var task: MaskTask
    /// The picture that a maker looks at, or the mask that a repair starts from.
    public var input: PictureInput
    /// How masks are read.
    public var meaning: MaskMeaning
    /// Scale further masks of another size.
    public var fit: Bool
    public var output: OutputChoice
    /// The largest picture that is read, in pixels.
    public var maximumPixels: Int
    /// Whether an overlay is written beside the mask.
    public var writesPreview: Bool

    public init(
        task: MaskTask, input: PictureInput, meaning: MaskMeaning = .repaint, fit: Bool = false,
        output: OutputChoice = OutputChoice(), maximumPixels: Int = EditSettings.defaultMaximumPixels,
        writesPreview: Bool = false
    ) {
        self.task = task
        self.input = input
        self.meaning = meaning
        self.fit = fit
        self.output = output
        self.maximumPixels = maximumPixels
        self.writesPreview = writesPreview
    }

    /// Reads, makes, writes.
    ///
    /// - Parameter observe: told of notes and of the saved file; what it throws stops the work, and no file is left.
    /// - Throws: `EditError`, `ImageFileError`, `MaskShapeError`, `SelectionError`, `TextShapeError` or what `observe`
    ///   throws.
    public func run(observe: (EditEvent) throws -> Void) throws -> MaskOutcome {
        var job = self
        job.input = try PictureFile.held(input, maximumPixels: maximumPixels)
        return try job.runHeld(observe: observe)
    }

    private func runHeld(observe: (EditEvent) throws -> Void) throws -> MaskOutcome {
        let start = ContinuousClock.now
        if let path = output.path, path != "-", !path.hasSuffix("/"), !FileSystem.isFolder(path),
            ImageFormat(pathExtensionOf: path) != .png
        {
            throw EditError.maskFormat(path: path)
        }
        try observe(.stage(.read))
        let loaded = try PictureFile.read(input, maximumPixels: maximumPixels)
        var notes =
            task.looksAtColors
            ? loaded.pixelNotes.map { EditNote("\(input.name): \($0)") }
            : MaskReader.notes(on: loaded, of: input.name)
        let fonts = try fonts()
        let readFiles = readFiles(fonts: fonts?.fonts ?? [])
        let outputs = try OutputPlan(
            output, suffix: task.suffix, count: 1, input: (input, .png), protected: readFiles)
        let mask = try made(from: loaded, fonts: fonts, notes: &notes) { try observe(.stage(.plan)) }
        try Cancellation.check()
        // As it is written: what rounds to 0 keeps.
        let samples = mask.coverage.values.map { quantized($0) as UInt8 }
        let picture = Picture(size: mask.size, layout: .gray, samples: .eight(samples))
        var metadata = ImageMetadata()
        if mask.isLettering { metadata.text = [ImageMetadata.lettering] }
        let written = Mask(picture)
        notes.append(EditNote(written.summary.verdict))
        let warnings = written.summary.warnings.map { warning -> Sentence in
            warning == .empty && task.isRepair ? "the mask is empty: nothing is left of it" : warning.sentence
        }
        notes += warnings.map { EditNote($0, isWarning: true) }
        for note in notes { try observe(.note(note)) }

        try Cancellation.check()
        try observe(.stage(.save))
        var path = outputs.paths.first ?? "-"
        let bytes = try ImageFile.encode(picture, format: .png, metadata: metadata, name: path).bytes
        var report = MaskOutcome(
            path: path, mask: written, standardOutput: output.isStandardOutput ? bytes : nil, seconds: 0,
            picture: loaded.picture)
        try Cancellation.check()
        if !output.isStandardOutput {
            let placed = try outputs.place(bytes, as: .mask, at: path)
            path = placed.path
            report.path = path
            try observe(.saved(SavedPicture(path: path, seed: 0)))
            if let note = placed.note { try observe(.note(note)) }
        }
        if writesPreview {
            let beside: PictureInput = output.isStandardOutput ? input : .file(path: path)
            let place = try OutputPlan(
                OutputChoice(force: output.force), suffix: "preview", count: 1, input: (beside, .png),
                protected: readFiles)
            if let preview = place.paths.first {
                let overlay = try ImageFile.encode(report.overlay, format: .png, name: preview).bytes
                report.preview = try place.place(overlay, as: .preview, at: preview).path
            }
        }
        let elapsed = start.duration(to: .now).components
        report.seconds = Double(elapsed.seconds) + Double(elapsed.attoseconds) * 1e-18
        return report
    }

    /// The fonts that set words; `nil` for a mask of something else.
    private func fonts() throws(EditError) -> FontFinder.Choice? {
        guard case .text(let text, let font, _, _) = task else { return nil }
        return try FontFinder.fonts(for: text, named: font)
    }

    /// What is read, and so never written to.
    private func readFiles(fonts: [String]) -> [ReadFile] {
        let masks = task.others.compactMap { $0.input.flatMap { ReadFile($0, .mask) } }
        return [ReadFile(input, .input)].compactMap(\.self) + masks + fonts.map { ReadFile($0, .font) }
    }

    private func made(
        from loaded: LoadedImage, fonts: FontFinder.Choice?, notes: inout [EditNote], observe: () throws -> Void
    ) throws -> Mask {
        let (picture, colorSpace) = (loaded.picture, loaded.colorSpace)
        // What is found by its colours is found by those that it shows.
        lazy var seen = colorSpace.isSRGB ? picture : Picture(colorSpace.toSRGB(RGBImage(picture)))
        let reader = MaskReader(
            picture: loaded, name: input.name, meaning: meaning, fit: fit,
            maximumPixels: maximumPixels, isOfMasks: task.isRepair)
        switch task {
        case .shape(let shape): return try MaskReader.mask(of: shape, size: picture.size, notes: &notes)
        case .text(let text, let font, let alignment, let box):
            guard let choice = fonts else { preconditionFailure("words have fonts") }
            guard choice.missing.isEmpty else {
                throw EditError.noGlyphs(characters: choice.missing, font: choice.fonts[0])
            }
            let shape = try TextShape(text, fonts: choice.fonts, alignment: alignment)
            notes.append(EditNote("font: \(choice.fonts.joined(separator: ", "))"))
            if font != nil, choice.fonts.count > 1 {
                let lacking = TextShape.missingCharacters(of: text, in: choice.fonts[0])
                notes.append(
                    EditNote(
                        "'\(choice.fonts[0])' has no glyph for \(EditError.listed(lacking)), which come from other fonts",
                        isWarning: true))
            }
            if !shape.missingCharacters.isEmpty {
                throw EditError.noGlyphs(characters: shape.missingCharacters, font: choice.fonts[0])
            }
            try MaskReader.check(box, on: picture.size, notes: &notes)
            guard let rect = box.pixelRect(in: picture.size) else { return .uniform(0, size: picture.size) }
            var mask = Mask(
                shape.fitted(
                    x: Double(rect.x), y: Double(rect.y), width: Double(rect.width), height: Double(rect.height)),
                size: picture.size)
            mask.isLettering = true
            return mask
        case .color(let selection, let colors, let places, let radius):
            let found = try places.map { place in
                let pixel = try place.pixel(in: picture.size)
                return ColorSelection.color(of: seen, x: pixel.x, y: pixel.y, radius: radius)
            }
            return selection.mask(of: seen, colors: colors + found)
        case .wand(let selection, let places, let radius, let diagonal):
            let points = try places.map { try $0.pixel(in: picture.size) }
            return selection.flood(of: seen, points: points, radius: radius, diagonal: diagonal)
        case .alpha(let isOpaque):
            guard let mask = Mask(alphaOf: picture, meaning: isOpaque ? .opaque : .transparent) else {
                throw EditError.noAlpha(picture: input.name)
            }
            notes += MaskReader.notes(on: mask, of: input.name)
            return mask
        case .luminance(let range, let softness):
            return Mask(lightnessOf: seen, in: range, softness: softness)
        case .edges(let detector, let radius): return detector.mask(of: seen).grown(by: radius)
        case .select(let selection, let box, let include, let exclude):
            let foreground = try reader.union(include, notes: &notes)
            let background = try reader.union(exclude, notes: &notes)
            guard let rect = box.pixelRect(in: picture.size) else {
                throw SelectionError.boxOutside(picture: picture.size)
            }
            return try selection.mask(
                of: seen, in: rect, foreground: foreground, background: background, observe: observe)
        case .grow(let radius): return reworked(try own(loaded, notes: &notes).grown(by: radius), from: loaded)
        case .shrink(let radius): return reworked(try own(loaded, notes: &notes).shrunk(by: radius), from: loaded)
        case .feather(let sigma): return reworked(try own(loaded, notes: &notes).feathered(sigma: sigma), from: loaded)
        case .fillHoles: return reworked(try own(loaded, notes: &notes).holesFilled(), from: loaded)
        case .invert: return try own(loaded, notes: &notes).inverted
        case .threshold(let from, let to):
            let maximum = picture.maximum
            for (key, value) in [(SettingKey.from, from), (.to, to)] {
                guard let value, value > maximum else { continue }
                throw EditError.outOfRange(
                    key, allowed: "0 to \(maximum) for the \(picture.depth)-bit samples of '\(input.name)'",
                    found: "\(value)")
            }
            let least = from ?? (to == nil ? maximum / 2 + 1 : 0)
            let mask = Mask(picture, meaning: .white).thresholded(least ... (to ?? maximum), maximum: maximum)
            // Without its brightest part a mask of words is their ground, or their outline.
            return to == nil && least > 0 ? reworked(mask, from: loaded) : mask
        case .combine(let combination, let others):
            var result = try own(loaded, notes: &notes)
            var areLettering = isLettering(loaded)
            for other in others {
                let mask = try reader.read(other, notes: &notes)
                notes += MaskReader.notes(on: mask, of: other.input?.name ?? input.name)
                result.isLettering = areLettering
                switch combination {
                case .union:
                    let all = MaskReader.union(result, mask)
                    (result, areLettering) = (all.mask, all.mask.isLettering)
                    if all.coversWords { notes.append(MaskReader.coveredWords) }
                case .intersect:
                    areLettering = areLettering || mask.isLettering
                    result = result.intersection(mask)
                case .subtract: result = result.subtracting(mask)
                }
            }
            result.isLettering = areLettering
            return result
        }
    }

    /// The input as a mask.
    private func own(_ loaded: LoadedImage, notes: inout [EditNote]) throws(EditError) -> Mask {
        do {
            let mask = try Mask(reading: loaded.picture, meaning: meaning, isLossy: loaded.isLossy)
            notes += MaskReader.notes(on: mask, of: input.name)
            return mask
        } catch {
            throw .unclearMask(file: input.name, reason: error)
        }
    }

    /// Words stay words when they grow thicker or thinner, or their edges sharper.
    private func reworked(_ mask: Mask, from loaded: LoadedImage) -> Mask {
        var result = mask
        result.isLettering = isLettering(loaded)
        return result
    }

    /// Whether the input shows words, and they are what it marks.
    private func isLettering(_ loaded: LoadedImage) -> Bool { loaded.metadata.saysLettering && meaning == .repaint }
}
