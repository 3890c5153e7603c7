internal import CleanUp
internal import Diffusion
internal import ImageFiles
internal import Parallel
internal import PlainText
internal import Raster

/// Delivers the pictures of an edit, each when it is made.
struct ResultWriter {
    let delivery: Delivery
    let outputs: OutputPlan
    let meter: ProgressMeter
    /// The picture that was edited; `nil` where there was none.
    let source: LoadedImage?
    private var pictures: [Picture] = []
    private var saved: [SavedPicture] = []

    init(delivery: Delivery, outputs: OutputPlan, meter: ProgressMeter, source: LoadedImage?) {
        self.delivery = delivery
        self.outputs = outputs
        self.meter = meter
        self.source = source
    }

    /// Writes the next picture, which is that of the next seed of the record's plan.
    mutating func write(_ picture: Picture, record: GenerationParameters) throws {
        let index = pictures.count
        let seed = record.plan.settings.seeds[index]
        let path = outputs.name(of: index)
        let encoded = try ImageFile.encode(
            picture, format: outputs.format, metadata: source?.metadata ?? ImageMetadata(),
            provenance: delivery.metadata ? record.provenance(seed: seed) : nil,
            jpegSource: source?.jpegSource, name: path)
        for note in encoded.notes { try meter.note(EditNote("\(path): \(note)")) }
        if index == 0 {
            if let blocks = encoded.blocks {
                try meter.note(
                    EditNote(
                        "JPEG: \(blocks.all - blocks.changed) of \(blocks.all.of("block")) \(blocks.all.verb("is", "are")) the input's own; those that the edit touches were encoded anew with its tables"
                    ))
            } else if outputs.format == .jpeg, record.plan.keepsPixels {
                try meter.note(Self.jpegNote)
            }
        }
        pictures.append(picture)
        saved.append(try deliver(encoded.bytes, of: picture.size, as: SavedPicture(path: path, seed: seed)))
    }

    private func deliver(_ bytes: [UInt8], of size: PixelSize, as picture: SavedPicture) throws -> SavedPicture {
        switch delivery {
        case .files: return try place(bytes, as: picture)
        case .bytes(_, let take):
            try take(
                EncodedPicture(
                    name: picture.path, bytes: bytes, format: outputs.format, size: size, seed: picture.seed))
            return SavedPicture(path: "-", seed: picture.seed)
        }
    }

    /// Writes a contact sheet of several pictures, and tells what was done. Traps where none was written.
    func finish(record: GenerationParameters) throws -> EditOutcome {
        let seeds = record.plan.settings.seeds
        let colorSpace = source?.colorSpace ?? .assumed
        var saved = saved
        if let path = outputs.contactSheet {
            let bytes = try ImageFile.encode(
                ContactSheet.make(of: pictures, colorSpace: colorSpace), format: outputs.format,
                provenance: delivery.metadata ? record.provenance(seed: seeds[0]) : nil, name: path
            ).bytes
            saved.append(try place(bytes, as: SavedPicture(path: path, seed: seeds[0], isContactSheet: true)))
        }
        return report(
            saved: saved, pictures: pictures, seeds: seeds, model: record.facts.name,
            steps: record.plan.settings.steps, colorSpace: colorSpace)
    }

    /// Whether the file of a picture in which nothing changes is its result. A JPEG keeps its orientation; others are
    /// turned upright.
    func keepsFile(of source: LoadedImage) -> Bool {
        source.format == outputs.format && (source.facts.orientation == 1 || source.format == .jpeg)
    }

    /// Writes the input as it is: its own bytes where the format stays, else its samples in the other one.
    func writeUnchanged(_ source: LoadedImage, request: EditRequest) throws -> EditOutcome {
        try meter.begin(.save)
        let path = outputs.name(of: 0)
        let bytes: [UInt8]
        if keepsFile(of: source), let input = request.picture {
            bytes = try PictureFile.bytes(of: input)
        } else {
            let encoded = try ImageFile.encode(
                source.picture, format: outputs.format, metadata: source.metadata, name: path)
            for note in encoded.notes { try meter.note(EditNote("\(path): \(note)")) }
            bytes = encoded.bytes
        }
        let seed = request.settings.seed ?? 0
        let saved = try deliver(bytes, of: source.picture.size, as: SavedPicture(path: path, seed: seed))
        return report(
            saved: [saved], pictures: [source.picture], seeds: request.settings.seed.map { [$0] } ?? [], model: nil,
            steps: 0, colorSpace: source.colorSpace)
    }

    /// Writes a picture and says so. Its path is the settled one, or the next free where another program took that
    /// meanwhile.
    private func place(_ bytes: [UInt8], as settled: SavedPicture) throws -> SavedPicture {
        try Cancellation.check()
        var picture = settled
        let placed = try outputs.place(
            bytes, as: settled.isContactSheet ? .contactSheet : .picture, at: settled.path)
        picture.path = placed.path
        try meter.saved(picture)
        if let note = placed.note { try meter.note(note) }
        return picture
    }

    private func report(
        saved: [SavedPicture], pictures: [Picture], seeds: [UInt64], model: String?, steps: Int,
        colorSpace: ColorSpace
    ) -> EditOutcome {
        meter.end()
        return EditOutcome(
            saved: saved, pictures: pictures, colorSpace: colorSpace, seeds: seeds, model: model,
            size: pictures[0].size,
            stepsDone: meter.stepsDone, steps: steps, secondsPerStep: meter.secondsPerStep, seconds: meter.seconds,
            peakMemoryBytes: ProcessMemory.peakBytes)
    }

    private static let jpegNote = EditNote(
        "JPEG stores every pixel anew, so those outside the mask are close to the input's but not identical; write a PNG (\(.output, "name.png")) to keep them exactly"
    )
}
