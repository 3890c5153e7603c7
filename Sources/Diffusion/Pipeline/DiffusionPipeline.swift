public import Raster
internal import Tensors

/// A loaded model, ready to denoise: text encoder, autoencoder, denoiser and scheduler as one thing.
///
/// Every mode of editing is this one run with other values in its `DenoiseRequest`, whatever the model's family
/// (`ModelFamily`). The order in which noise is drawn is that of diffusers' three Stable Diffusion pipelines
/// (docs/numerics.md).
///
/// Everything that computes runs on the engine's thread, one request after the other: two pipelines may be used by two
/// threads at once, and share what packed weights they have in common. One pipeline is not for two threads at once.
public final class DiffusionPipeline {
    public let facts: ModelFacts
    public let precision: Precision

    /// What its runs may take of the memory; of weights at first 1.9 GB for a large model.
    public var memoryLimits = MemoryLimits() {
        didSet {
            compute.activationMemory = memoryLimits.isShort ? memoryLimits.activations : .max
            compute.weightMemory = memoryLimits.weights
            compute.isMemoryShort = memoryLimits.isShort
        }
    }

    /// The least that `memoryLimits.activations` can ask for: the bytes that a smallest tile of the autoencoder takes.
    public var smallestActivationMemory: Int {
        let side = Tiling.smallestSide * facts.scaleFactor
        return side * side * autoencoder.activationBytes(elementSize: compute.type.size)
    }

    /// Whether candidates that follow the first are computed in a window. Tests compute them whole, with the same noise.
    var followsInWindow = true

    private let files: ModelFiles
    let compute: Compute
    let family: any ModelFamily
    let autoencoder: any PictureAutoencoder
    /// What previews are decoded with in place of `autoencoder`, with memory and packed weights of its own.
    let previewAutoencoder: (network: any PictureAutoencoder, compute: Compute)?
    private let check: NumberCheck

    /// Opens a model and checks that all its tensors are there and fit. Weights are mapped; they are packed for the CPU
    /// at first use.
    /// - Parameters:
    ///   - precision: `nil` for the best that the CPU computes natively.
    ///   - threads: `nil` for one a core.
    ///   - packedWeightFolder: where the packed weights of large models are kept between runs (`keepPackedWeights`).
    ///   - parametersWorthKeeping: how many a model must have for that. One of fewer than the default is packed in less
    ///     time than it takes to think of it.
    ///   - spillFolder: where packed weights go that are not kept, once memory for weights is limited.
    ///   - clipVocabulary: the path of CLIP's `bpe_simple_vocab_16e6.txt`, for a single file, which brings no tokenizer.
    ///   - autoencoder: the path of an autoencoder to take in place of the model's own.
    ///   - previewAutoencoder: the path of an autoencoder that decodes previews alone.
    ///   - adapters: taken into the weights as they are packed, and into the vocabulary.
    /// - Throws: `ModelError`, `AdapterError`, `WeightError`, `ConfigurationError` or `NetworkError`.
    public convenience init(
        model: ModelSource, precision: Precision? = nil, threads: Int? = nil, packedWeightFolder: String? = nil,
        parametersWorthKeeping: Int = 100_000_000, spillFolder: String? = nil, clipVocabulary: String? = nil,
        autoencoder: String? = nil,
        previewAutoencoder: String? = nil, adapters: Adapters = Adapters()
    ) throws {
        try self.init(
            on: .shared, model: model, precision: precision, threads: threads, packedWeightFolder: packedWeightFolder,
            parametersWorthKeeping: parametersWorthKeeping, spillFolder: spillFolder, clipVocabulary: clipVocabulary,
            autoencoder: autoencoder, previewAutoencoder: previewAutoencoder, adapters: adapters)
    }

    /// - Parameter engine: another than the process's, for tests.
    init(
        on engine: Engine, model: ModelSource, precision: Precision? = nil, threads: Int? = nil,
        packedWeightFolder: String? = nil, parametersWorthKeeping: Int = 100_000_000, spillFolder: String? = nil,
        clipVocabulary: String? = nil, autoencoder: String? = nil, previewAutoencoder: String? = nil,
        adapters: Adapters = Adapters()
    ) throws {
        let files = try ModelFiles(model, clipVocabulary: clipVocabulary, needsAutoencoder: autoencoder == nil)
        self.files = files
        let precision = precision ?? .automatic
        self.precision = precision
        guard Compute.canMultiply(precision.elementType, on: engine) else {
            throw ModelError.unsupportedPrecision(precision)
        }
        compute = Compute(type: precision.elementType, threads: threads, engine: engine)
        compute.spillFolder = spillFolder
        let index = try files.configuration("model_index.json")
        let kind = try ModelFamilies.family(of: files)
        let parts = kind.parts(of: files)
        let plain = try (parts.textEncoders + [parts.denoiser]).map { (part: $0, weights: try files.weights($0)) }
        let matched = try MatchedAdapters(
            adapters, parts: Dictionary(uniqueKeysWithValues: plain.map { ($0.part, $0.weights) }), model: files.name)
        let adapted = plain.map { matched.adapted($0.weights, part: $0.part) }
        let (textWeights, denoiserWeights) = (Array(adapted.dropLast()), adapted[adapted.count - 1])
        let usualScale = try kind.usualLatentScale(of: files)
        // Where another takes its place, a model may come without one, or with the configuration alone.
        let isReplaced = autoencoder != nil
        let stated =
            try isReplaced && !files.has("vae/config.json") ? nil : files.configuration("vae/config.json")
        let own =
            try isReplaced
            ? nil : stated.map { try AutoencoderFiles(configuration: $0, weights: files.weights("vae")) }
        let ownForm = try own.map { LatentForm($0.autoencoder) } ?? stated.map { try LatentForm($0) }
        let ownScale = ownForm?.scale ?? usualScale
        guard
            let chosen = try autoencoder.map({ try AutoencoderFiles(path: $0, modelScale: ownScale) }) ?? own
        else { preconditionFailure("no autoencoder was given for a model that has none") }
        self.autoencoder = chosen.autoencoder
        let preview = try previewAutoencoder.map { try AutoencoderFiles(path: $0, modelScale: ownScale) }
        for (path, found) in [(autoencoder, chosen), (previewAutoencoder, preview)] {
            guard let path, let found = found?.autoencoder else { continue }
            let expected = ownForm ?? LatentForm(chosen.autoencoder)
            guard found.latentChannels == expected.channels, found.scaleFactor == expected.scaleFactor else {
                throw ModelError.otherLatents(
                    autoencoder: path, channels: found.latentChannels, scaleFactor: found.scaleFactor,
                    model: files.name,
                    expected: expected.channels, factor: expected.scaleFactor)
            }
        }
        self.previewAutoencoder = preview.map {
            ($0.autoencoder, Compute(type: precision.elementType, threads: threads, engine: engine))
        }
        let sources: [(part: String, weights: any WeightSource)] =
            textWeights.map { ("text encoder", $0) } + chosen.weights.map { ("autoencoder", $0) }
            + [("denoiser", denoiserWeights)]
        check = NumberCheck(
            model: files.name, sources: sources, owners: autoencoder.map { ["autoencoder": $0] } ?? [:],
            compute: compute)
        family = try kind.init(
            FamilyOpening(
                files: files, index: index, textWeights: textWeights, denoiserWeights: denoiserWeights,
                adapters: matched, precision: precision, compute: compute, autoencoder: chosen.autoencoder,
                ownLatentScale: ownScale, parameters: sources.reduce(0) { $0 + $1.weights.parameterCount },
                check: check))
        var facts = family.facts
        facts.isEmbedded = model == .embedded
        if case .file(let path) = model { facts.file = path }
        if let autoencoder {
            let isFolder = MappedFile.exists(autoencoder + "/.")
            facts.autoencoder = isFolder ? autoencoder.titleOfFolder : autoencoder.titleOfFile
            facts.autoencoderFile = chosen.weights.last?.file
        }
        facts.adapters = matched.facts
        facts.embeddings = matched.embeddings
        self.facts = facts
        guard facts.parameters >= parametersWorthKeeping else { return }
        memoryLimits.weights = Self.usualWeightMemory
        compute.weightMemory = memoryLimits.weights
        if let packedWeightFolder {
            compute.packedWeightFile = files.packedWeightFile(
                in: packedWeightFolder, weights: sources, precision: precision)
        }
    }

    /// Mapping weights again that lie in the page cache costs a step 1 % a gigabyte; room for them costs whoever else is at
    /// work on the machine, or the edit itself where there is none.
    private static let usualWeightMemory = 1_900_000_000

    /// Writes the weights that were packed since the model was opened to the file that the next process maps.
    /// - Returns: the file's size in bytes; `nil` where nothing is new, none is kept, or it could not be written.
    public func keepPackedWeights() -> Int? {
        guard let file = compute.packedWeightFile else { return nil }
        // Without a thread there is nothing that was packed.
        return (try? compute.perform { file.hasNews && file.save() ? file.size : nil }) ?? nil
    }

    /// One picture for each seed of the request, nominally 0…1, of the size of its conditioning.
    /// - Parameter progress: called between parts and after each step; what it throws ends the run.
    /// - Throws: `ModelError.notANumber` or `.needsPicture`, `SamplingError`, `ComputeError`, or what `progress` throws.
    public func run(
        _ request: DenoiseRequest, progress: (DenoiseProgress) throws -> Void = { _ in }
    ) throws -> [RGBImage] {
        var pictures: [RGBImage] = []
        try run(request, progress: progress) { pictures.append($0) }
        return pictures
    }

    /// Makes one picture for each seed of the request, nominally 0…1, of the size of its conditioning.
    /// - Parameters:
    ///   - progress: called between parts and after each step; what it throws ends the run.
    ///   - finished: gets the pictures in the order of the seeds: each when it is made, or with its batch; where they share
    ///     what is known, all at the end.
    /// - Throws: `ModelError.notANumber` or `.needsPicture`, `SamplingError`, `ComputeError`, or what `progress` or
    ///   `finished` throws.
    public func run(
        _ request: DenoiseRequest, progress: (DenoiseProgress) throws -> Void, finished: (RGBImage) throws -> Void
    ) throws {
        try compute.perform { try run(request, family: family, progress: progress, finished: finished) }
    }

    private func run<Family: ModelFamily>(
        _ request: DenoiseRequest, family: Family, progress: (DenoiseProgress) throws -> Void,
        finished: (RGBImage) throws -> Void
    ) throws {
        let size = request.conditioning.size
        precondition(
            size.width % facts.scaleFactor == 0 && size.height % facts.scaleFactor == 0,
            "\(size) is not a multiple of \(facts.scaleFactor)")
        func report(_ part: DenoiseProgress.Part, _ picture: Int) throws {
            try progress(DenoiseProgress(part: part, picture: picture, step: 0, steps: 0))
        }
        // What makes no sense should fail before anything is computed.
        if facts.followsInstructions, case .text = request.conditioning {
            throw ModelError.needsPicture(model: facts.name, family: facts.family)
        }
        let sampler = try family.sampler(for: request)

        try report(.text, 0)
        let guidance = try Guidance(family, request)

        try report(.encode, 0)
        var known = try KnownPicture(request, facts: facts, drawsSamples: autoencoder.givesDistribution) {
            try encode($0, wraps: request.wraps)
        }
        let isFollowed = request.reusesKnown && request.wraps.isEmpty
        let region = isFollowed ? known.changingRegion.flatMap(followed) : nil
        let pixelMargins = request.wraps.margins(DenoiseRequest.wrapMargin(facts))
        let latentMargins = DenoiseRequest.latentMargins(request.wraps, facts)
        // Candidates that share what is known all go step by step together; others as many as the request has in a batch.
        let batch = region == nil ? request.batchSize : request.seeds.count
        let groups = stride(from: 0, to: request.seeds.count, by: batch).map { request.seeds[$0...].prefix(batch) }
        var first = 0
        for seeds in groups {
            var loop = DenoisingLoop(
                request, seeds: Array(seeds), firstPicture: first, pipeline: self, family: family,
                guidance: guidance, known: known, region: region, sampler: sampler)
            let latents = try loop.run(progress)
            known = loop.known
            let pictures = try decode(latents.map { $0.wrapPadded(by: latentMargins) }, region: region) {
                try report(.decode, first + $0)
            }
            for picture in pictures { try finished(picture.wrapPadded(by: pixelMargins.negated)) }
            first += seeds.count
        }
    }

    /// The region in which candidates after the first are computed; `nil` where all are computed whole.
    private func followed(_ region: MapRegion) -> MapRegion? {
        guard family.follows(region) else { return nil }
        guard !followsInWindow else { return region }
        return MapRegion(
            height: region.height, width: region.width,
            inner: MapWindow(rows: 0 ..< region.height, columns: 0 ..< region.width))
    }

    /// The picture through the autoencoder and back, with nothing changed between. Traps unless its sides are multiples
    /// of `facts.scaleFactor`.
    /// - Throws: `ModelError.notANumber` or `ComputeError`.
    public func reconstructed(_ picture: RGBImage) throws -> RGBImage {
        try compute.perform { try decode(encode(picture).mode) }
    }

    // MARK: Autoencoder

    /// A picture's latent distribution, where it repeats along some axes.
    func encode(_ picture: RGBImage, wraps: WrappedAxes) throws -> LatentDistribution {
        let margins = DenoiseRequest.latentMargins(wraps, facts)
        let padded = try encode(picture.wrapPadded(by: wraps.margins(DenoiseRequest.wrapMargin(facts))))
        return padded.cropped(by: margins)
    }

    /// A picture's latent distribution.
    func encode(_ picture: RGBImage) throws -> LatentDistribution {
        try compute.perform {
            compute.releaseUnused()
            defer { compute.releaseUnused() }
            return try compute.withoutResidentWeights { try encodeTiles(picture) }
        }
    }

    private func encodeTiles(_ picture: RGBImage) throws -> LatentDistribution {
        let factor = facts.scaleFactor
        let (height, width, channels) = (picture.height / factor, picture.width / factor, facts.latentChannels)
        let values = picture.values.map { 2 * $0 - 1 }
        let encoded = autoencoder.encodedChannels
        let moments = try tiling(height: height, width: width).mixed(channels: encoded, scale: 1) {
            rows, columns in
            let part = Self.part(
                values, width: picture.width, channels: 3, rows: rows.scaled(by: factor),
                columns: columns.scaled(by: factor))
            let tile = try autoencoder.encode(
                try compute.tensor(part, shape: [1, rows.count * factor, columns.count * factor, 3]), compute)
            return try check.numbers(tile, part: "autoencoder")
        }
        let planes = channelsFirst(moments, channels: encoded)
        let count = channels * height * width
        return LatentDistribution(
            channels: channels, height: height, width: width, mean: Array(planes[..<count]),
            logVariance: autoencoder.givesDistribution ? Array(planes[count...]) : nil,
            normalization: autoencoder.latentNormalization)
    }

    /// The picture of each; with a region, the first whole, the others in that region only, the rest the first's.
    private func decode(_ all: [Latents], region: MapRegion?, report: (Int) throws -> Void) throws -> [RGBImage] {
        guard let region, all.count > 1, tiling(height: region.height, width: region.width).isWhole else {
            return try all.enumerated().map { index, latents in
                try report(index)
                return try decode(latents)
            }
        }
        try report(0)
        let (first, known) = try compute.recording(region) { try decode(all[0]) }
        let window = known.window(height: region.height, width: region.width)
        let pixels = known.window(height: first.height, width: first.width)
        return try [first]
            + all.dropFirst().enumerated().map { index, latents in
                try report(index + 1)
                let whole = MapWindow(rows: 0 ..< latents.height, columns: 0 ..< latents.width)
                let part = Latents(
                    channels: latents.channels, height: window.height, width: window.width,
                    values: window.cut(latents.values, from: whole))
                let shape = [1, window.height, window.width, latents.channels]
                let picture = try check.numbers(
                    compute.following(known) {
                        try autoencoder.decode(
                            compute.tensor(Self.unscaled(part, of: autoencoder), shape: shape), compute)
                    }, part: "autoencoder"
                ).map { $0 / 2 + 0.5 }
                var result = first
                for row in 0 ..< pixels.height {
                    let to = 3 * ((pixels.rows.lowerBound + row) * first.width + pixels.columns.lowerBound)
                    result.values.replaceSubrange(
                        to ..< to + 3 * pixels.width,
                        with: picture[3 * row * pixels.width ..< 3 * (row + 1) * pixels.width])
                }
                return result
            }
    }

    func decode(_ latents: Latents) throws -> RGBImage {
        try compute.perform {
            compute.releaseUnused()
            return try compute.withoutResidentWeights { try decodeTiles(latents, autoencoder, compute) }
        }
    }

    func decodeTiles(
        _ latents: Latents, _ autoencoder: any PictureAutoencoder, _ compute: Compute
    ) throws -> RGBImage {
        let (factor, channels) = (facts.scaleFactor, latents.channels)
        let values = Self.unscaled(latents, of: autoencoder)
        let picture = try tiling(height: latents.height, width: latents.width).mixed(channels: 3, scale: factor) {
            rows, columns in
            let part = Self.part(values, width: latents.width, channels: channels, rows: rows, columns: columns)
            let tile = try autoencoder.decode(
                try compute.tensor(part, shape: [1, rows.count, columns.count, channels]), compute)
            return try check.numbers(tile, part: "autoencoder")
        }
        return RGBImage(
            size: PixelSize(width: latents.width * factor, height: latents.height * factor),
            values: picture.map { $0 / 2 + 0.5 })
    }

    /// `[height, width, channels]`, as the decoder takes them.
    private static func unscaled(_ latents: Latents, of autoencoder: any PictureAutoencoder) -> [Float] {
        channelsLast(
            autoencoder.latentNormalization.restored(latents.values, channels: latents.channels),
            channels: latents.channels)
    }

    /// Tiles of that many latent pixels that keep the autoencoder within its limit; one where all fits.
    private func tiling(height: Int, width: Int) -> Tiling {
        let pixelBytes = autoencoder.activationBytes(elementSize: compute.type.size)
        let affordable = Double(memoryLimits.activations) / Double(pixelBytes * facts.scaleFactor * facts.scaleFactor)
        let side = height * width <= Int(affordable) ? max(height, width) : Int(affordable.squareRoot())
        return Tiling(height: height, width: width, side: max(Tiling.smallestSide, side))
    }

    /// Some rows and columns of `[height, width, channels]`.
    private static func part(
        _ values: [Float], width: Int, channels: Int, rows: Range<Int>, columns: Range<Int>
    ) -> [Float] {
        if columns.count == width {
            return Array(values[rows.lowerBound * width * channels ..< rows.upperBound * width * channels])
        }
        return rows.flatMap { row in
            values[(row * width + columns.lowerBound) * channels ..< (row * width + columns.upperBound) * channels]
        }
    }
}

extension DenoiseRequest.Conditioning {
    /// The size of the pictures that come out.
    public var size: PixelSize {
        switch self {
        case .text(let size): size
        case .picture(let picture): picture.size
        case .masked(let picture, _): picture.size
        }
    }
}

extension Range<Int> {
    fileprivate func scaled(by factor: Int) -> Range<Int> { lowerBound * factor ..< upperBound * factor }
}

extension WeightSource {
    /// Elements of all tensors together.
    var parameterCount: Int { names.reduce(0) { $0 + (tensor($1)?.count ?? 0) } }
}
