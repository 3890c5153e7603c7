public import Raster
internal import Tensors

/// A loaded model, ready to denoise: text encoder, autoencoder, denoiser and scheduler as one thing.
///
/// Every mode of editing is this one run with other values in its `DenoiseRequest`. The order in which noise is drawn, and
/// the arithmetic in f32, are those of diffusers' three Stable Diffusion pipelines (docs/numerics.md).
///
/// Not for use by two threads at once; a run uses all compute threads itself.
public final class DiffusionPipeline {
    public let facts: ModelFacts
    public let precision: Precision

    /// Bytes that the autoencoder's activations may take; larger pictures are encoded and decoded in tiles.
    public var autoencoderMemory = 3 << 30 {
        didSet { compute.activationMemory = autoencoderMemory }
    }

    /// Bytes of packed weights that may stay in memory between their uses; the rest is read from disk each time, or from
    /// what the system keeps of it. 1.9 GB for a large model. Setting it makes all else give memory back, too.
    public var weightMemory: Int {
        get { compute.weightMemory }
        set {
            compute.weightMemory = newValue
            compute.isMemoryShort = true
        }
    }

    /// The least that `autoencoderMemory` can ask for: the bytes that a smallest tile takes.
    public var smallestAutoencoderMemory: Int {
        let side = Tiling.smallestSide * facts.scaleFactor
        return side * side * autoencoder.activationBytes(elementSize: compute.type.size)
    }

    /// Whether candidates that follow the first are computed in a window. Tests compute them whole, with the same noise.
    var followsInWindow = true

    private let files: ModelFiles
    let compute: Compute
    private let scheduler: SchedulerConfiguration
    let promptEncoder: PromptEncoder
    let autoencoder: any PictureAutoencoder
    /// What previews are decoded with in place of `autoencoder`, with memory and packed weights of its own.
    let previewAutoencoder: (network: any PictureAutoencoder, compute: Compute)?
    let unet: UNet
    private let sources: [(part: String, weights: any WeightSource)]
    private var contexts: [(prompts: [String?], context: TextContext, pooled: [[Float]])] = []
    /// Whether a negative prompt that is empty is zeros (`force_zeros_for_empty_prompt`).
    private let zerosEmptyNegative: Bool
    /// Of the picture that an instructed denoiser takes.
    private let pictureScale: Float
    private static let rememberedContexts = 2

    /// Opens a model and checks that all its tensors are there and fit. Weights are mapped; they are packed for the CPU
    /// at first use.
    /// - Parameters:
    ///   - precision: `nil` for the best that the CPU computes natively.
    ///   - threads: `nil` for one a core.
    ///   - packedWeightFolder: where the packed weights of large models are kept between runs (`keepPackedWeights`).
    ///   - parametersWorthKeeping: how many a model must have for that. One of fewer than the default is packed in less
    ///     time than it takes to think of it.
    ///   - spillFolder: where packed weights go that are not kept, once `weightMemory` is limited.
    ///   - clipVocabulary: the path of CLIP's `bpe_simple_vocab_16e6.txt`, for a single file, which brings no tokenizer.
    ///   - autoencoder: the path of an autoencoder to take in place of the model's own.
    ///   - previewAutoencoder: the path of an autoencoder that decodes previews alone.
    ///   - adapters: taken into the weights as they are packed, and into the vocabulary.
    /// - Throws: `ModelError`, `AdapterError`, `WeightError`, `ConfigurationError` or `NetworkError`.
    public init(
        model: ModelSource, precision: Precision? = nil, threads: Int? = nil, packedWeightFolder: String? = nil,
        parametersWorthKeeping: Int = 100_000_000, spillFolder: String? = nil, clipVocabulary: String? = nil,
        autoencoder: String? = nil,
        previewAutoencoder: String? = nil, adapters: Adapters = Adapters()
    ) throws {
        let files = try ModelFiles(model, clipVocabulary: clipVocabulary, needsAutoencoder: autoencoder == nil)
        self.files = files
        let precision = precision ?? .automatic
        self.precision = precision
        guard Compute.canMultiply(precision.elementType) else { throw ModelError.unsupportedPrecision(precision) }
        compute = Compute(type: precision.elementType, threads: threads)
        compute.spillFolder = spillFolder
        let index = try files.configuration("model_index.json")
        let plainText = try files.textEncoders.map { (part: $0, weights: try files.weights($0)) }
        let plainUNet = try files.weights("unet")
        let matched = try MatchedAdapters(
            adapters,
            parts: Dictionary(uniqueKeysWithValues: plainText.map { ($0.part, $0.weights) } + [("unet", plainUNet)]),
            model: files.name)
        let textWeights = plainText.map { matched.adapted($0.weights, part: $0.part) }
        let unetWeights = matched.adapted(plainUNet, part: "unet")
        let unetConfiguration = try UNetConfiguration(files.configuration("unet/config.json"))
        // Where another takes its place, a model may come without one, or with the configuration alone.
        let isReplaced = autoencoder != nil
        let stated =
            try isReplaced && !files.has("vae/config.json") ? nil : files.configuration("vae/config.json")
        let own =
            try isReplaced
            ? nil : stated.map { try AutoencoderFiles(configuration: $0, weights: files.weights("vae")) }
        let ownForm = try own.map { LatentForm($0.autoencoder) } ?? stated.map { try LatentForm($0) }
        let ownScale =
            ownForm?.scale ?? AutoencoderFiles.usualScale(isXL: unetConfiguration.addedCondition != nil)
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
            ($0.autoencoder, Compute(type: precision.elementType, threads: threads))
        }
        sources =
            textWeights.map { ("text encoder", $0) } + chosen.weights.map { ("autoencoder", $0) }
            + [("denoiser", unetWeights)]
        unet = try MissingTensors.counted(in: unetWeights) {
            try UNet(configuration: unetConfiguration, weights: $0, arithmetic: precision.denoiserArithmetic)
        }
        promptEncoder = try PromptEncoder(files: files, weights: textWeights, adapters: matched)
        try Self.check(unet.configuration, chosen.autoencoder, promptEncoder, model: files.name)
        let isXL = unet.configuration.addedCondition != nil
        var scheduler = try SchedulerConfiguration(files.configuration("scheduler/scheduler_config.json"))
        scheduler.isMended = !isXL && unet.configuration.inChannels != 2 * chosen.autoencoder.latentChannels
        self.scheduler = scheduler
        zerosEmptyNegative = try isXL && index.bool("force_zeros_for_empty_prompt") ?? true
        // It was trained with the picture in the scale of its own autoencoder.
        pictureScale =
            try (index.bool("is_cosxl_edit") == true ? ownScale : 1) * chosen.autoencoder.latentScale / ownScale
        var facts = try ModelFacts(
            files: files, index: index, unet: unet.configuration, latentChannels: chosen.autoencoder.latentChannels,
            scaleFactor: chosen.autoencoder.scaleFactor, scheduler: scheduler, predictionReason: files.predictionReason,
            parameters: sources.reduce(0) { $0 + $1.weights.parameterCount },
            textParameters: textWeights.reduce(0) { $0 + $1.parameterCount })
        facts.autoencoder = autoencoder.map { $0.split(separator: "/").last.map(String.init) ?? $0 }
        facts.adapters = matched.facts
        facts.embeddings = matched.embeddings
        self.facts = facts
        guard facts.parameters >= parametersWorthKeeping else { return }
        compute.weightMemory = Self.usualWeightMemory
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
        guard let file = compute.packedWeightFile, file.hasNews, file.save() else { return nil }
        return file.size
    }

    private static func check(
        _ unet: UNetConfiguration, _ autoencoder: any PictureAutoencoder, _ text: PromptEncoder, model: String
    ) throws {
        let c = autoencoder.latentChannels
        guard unet.outChannels == c, [c, 2 * c, 2 * c + 1].contains(unet.inChannels) else {
            throw ModelError.mismatch(
                model: model,
                reason: "the autoencoder has \(c) latent channels, the denoiser takes \(unet.inChannels) and gives "
                    + "\(unet.outChannels); expected \(c), \(2 * c) or \(2 * c + 1) in and \(c) out")
        }
        if let added = unet.addedCondition {
            let numbers = (added.channels - (text.pooledChannels ?? 0)) / added.channelsOfNumber
            guard let pooled = text.pooledChannels, [5, 6].contains(numbers),
                pooled + numbers * added.channelsOfNumber == added.channels
            else {
                throw ModelError.mismatch(
                    model: model,
                    reason: "the denoiser takes \(added.channels) channels beside the text, the text encoders give "
                        + "\(text.pooledChannels ?? 0), which leaves none for 5 or 6 numbers of \(added.channelsOfNumber)"
                )
            }
        } else if text.pooledChannels != nil {
            throw ModelError.mismatch(
                model: model, reason: "the text encoder is one of SDXL's, and the denoiser takes no pooled text")
        }
        guard unet.contextChannels.allSatisfy({ $0 == text.channels }) else {
            throw ModelError.mismatch(
                model: model,
                reason: "the text encoder gives \(text.channels) channels, the denoiser takes \(unet.contextChannels)")
        }
    }

    /// Makes one picture for each seed of the request, nominally 0…1, of the size of its conditioning.
    /// - Parameter progress: called between parts and after each step; what it throws ends the run.
    /// - Throws: `ModelError.notANumber` or `.needsPicture`, `SamplingError`, `ComputeError`, or what `progress` throws.
    public func run(
        _ request: DenoiseRequest, progress: (DenoiseProgress) throws -> Void = { _ in }
    ) throws -> [RGBImage] {
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
        let sampler = try makeSampler(request)

        try report(.text, 0)
        let words = try guidance(for: request)

        try report(.encode, 0)
        var known = try KnownPicture(
            request, facts: facts, drawsSamples: autoencoder.givesDistribution, pictureScale: pictureScale
        ) { try encode($0, wraps: request.wraps) }
        let isFollowed = request.reusesKnown && request.wraps.isEmpty
        let region = isFollowed ? known.changingRegion.flatMap(worthFollowing) : nil
        let pixelMargins = request.wraps.margins(DenoiseRequest.wrapMargin(facts))
        let latentMargins = DenoiseRequest.latentMargins(request.wraps, facts)
        // Candidates that share what is known all go step by step together; others as many as the request has in a batch.
        let batch = region == nil ? request.batchSize : request.seeds.count
        let groups = stride(from: 0, to: request.seeds.count, by: batch).map { request.seeds[$0...].prefix(batch) }
        var results: [RGBImage] = []
        for seeds in groups {
            let first = results.count
            var loop = DenoisingLoop(
                request, seeds: Array(seeds), firstPicture: first, pipeline: self, words: words, known: known,
                region: region,
                sampler: sampler)
            let latents = try loop.run(progress)
            known = loop.known
            results += try decode(latents.map { $0.wrapPadded(by: latentMargins) }, region: region) {
                try report(.decode, first + $0)
            }.map { $0.wrapPadded(by: pixelMargins.negated) }
        }
        return results
    }

    /// The picture through the autoencoder and back, with nothing changed between. Traps unless its sides are multiples
    /// of `facts.scaleFactor`.
    /// - Throws: `ModelError.notANumber` or `ComputeError`.
    public func reconstructed(_ picture: RGBImage) throws -> RGBImage { try decode(encode(picture).mode) }

    private func makeSampler(_ request: DenoiseRequest) throws -> any DenoisingSampler {
        // The reference's pipelines mend the configuration that a model comes with, and make any other sampler from the
        // mended one, as far as the file states a setting (docs/numerics.md).
        var configuration = scheduler
        let isOwn = request.sampler == nil || request.sampler == facts.sampler
        guard configuration.isMended else {
            return try Sampler.make(
                request.sampler, configuration: configuration, steps: request.steps, schedule: request.schedule)
        }
        if configuration.stepsOffset != nil { configuration.stepsOffset = 1 }
        if case .masked = request.conditioning {
            if isOwn || configuration.skipsRungeKuttaSteps != nil { configuration.skipsRungeKuttaSteps = true }
        } else if configuration.clipSample != nil {
            configuration.clipSample = false
        }
        return try Sampler.make(
            request.sampler, configuration: configuration, steps: request.steps, schedule: request.schedule)
    }

    // MARK: Networks

    /// What a request says in words, encoded.
    private func guidance(for request: DenoiseRequest) throws -> WordGuidance {
        let size = request.conditioning.size
        let rule = guidanceRule(for: request)
        let negative = request.negativePrompt.isEmpty && zerosEmptyNegative ? nil : request.negativePrompt
        var guided = try context(of: rule.branches.map { $0 == .prompt ? request.prompt : negative }, size: size)
        guided.blindPrompts = Set(rule.branches.indices.filter { rule.branches[$0] == .negativeWithoutPicture })
        return WordGuidance(
            guided: guided, unguided: rule.isPartial ? try context(of: [request.prompt], size: size) : guided,
            embedding: unet.configuration.guidanceChannels.map {
                Self.guidanceEmbedding(request.guidance - 1, channels: $0)
            }, rule: rule)
    }

    private func guidanceRule(for request: DenoiseRequest) -> GuidanceRule {
        // A distilled model takes the guidance scale as an input, and is not called twice.
        guard request.guidance > 1, unet.configuration.guidanceChannels == nil else { return .none }
        let kind: GuidanceRule.Kind
        if facts.followsInstructions {
            guard request.imageGuidance >= 1 else { return .none }
            kind = .instruction(text: request.guidance, picture: request.imageGuidance)
        } else {
            kind = .classifierFree(scale: request.guidance)
        }
        return GuidanceRule(kind: kind, rescale: request.guidanceRescale, interval: request.guidanceInterval)
    }

    /// What the text encoder makes of prompts. That of the last few is remembered: an edit in tiles, or of several
    /// candidates, is many runs.
    /// - Parameters:
    ///   - prompts: `nil` for zeros; where there are two, the first is the negative one.
    ///   - size: of the pictures, in pixels.
    func context(of prompts: [String?], size: PixelSize) throws -> TextContext {
        func sized(_ context: TextContext, _ pooled: [[Float]]) -> TextContext {
            guard let added = unet.configuration.addedCondition else { return context }
            return context.with(
                added: pooled.enumerated().map { index, pooled in
                    let isNegative = index == 0 && prompts.count == 2
                    return pooled + addedNumbers(added, pooled: pooled.count, size: size, isNegative: isNegative)
                })
        }
        if let known = contexts.first(where: { $0.prompts == prompts }) { return sized(known.context, known.pooled) }
        let encoded = try compute.withoutResidentWeights { try promptEncoder(prompts, compute) }
        _ = try numbers(encoded.states, part: "text encoder")
        let context = TextContext(states: encoded.states)
        contexts.append((prompts, context, encoded.pooled))
        if contexts.count > Self.rememberedContexts { contexts.removeFirst() }
        return sized(context, encoded.pooled)
    }

    /// What SDXL is told in numbers, as sines and cosines: the picture's size before it was cropped, where the crop begins,
    /// and its size after, here always the whole picture; the refiner takes an aesthetic score in place of the last size
    /// (`_get_add_time_ids`, diffusers 0.42.1, pipeline_stable_diffusion_xl_img2img.py).
    private func addedNumbers(
        _ added: UNetConfiguration.AddedCondition, pooled: Int, size: PixelSize, isNegative: Bool
    ) -> [Float] {
        let takesScore = added.channels - pooled == 5 * added.channelsOfNumber
        let score: Float = isNegative ? 2.5 : 6
        let (height, width) = (Float(size.height), Float(size.width))
        let numbers = [height, width, 0, 0] + (takesScore ? [score] : [height, width])
        return numbers.flatMap {
            TimeEmbedding.wave(
                $0, channels: added.channelsOfNumber, flip: unet.configuration.flipSinToCos,
                shift: unet.configuration.frequencyShift)
        }
    }

    /// A picture's latent distribution, where it repeats along some axes.
    func encode(_ picture: RGBImage, wraps: WrappedAxes) throws -> LatentDistribution {
        let margins = DenoiseRequest.latentMargins(wraps, facts)
        let padded = try encode(picture.wrapPadded(by: wraps.margins(DenoiseRequest.wrapMargin(facts))))
        return padded.cropped(by: margins)
    }

    /// A picture's latent distribution.
    func encode(_ picture: RGBImage) throws -> LatentDistribution {
        compute.releaseUnused()
        defer { compute.releaseUnused() }
        return try compute.withoutResidentWeights { try encodeTiles(picture) }
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
            return try numbers(tile, part: "autoencoder")
        }
        let planes = channelsFirst(moments, channels: encoded)
        let count = channels * height * width
        return LatentDistribution(
            channels: channels, height: height, width: width, mean: Array(planes[..<count]),
            logVariance: autoencoder.givesDistribution ? Array(planes[count...]) : nil,
            scale: autoencoder.latentScale, shift: autoencoder.latentShift)
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
                let picture = try numbers(
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
        compute.releaseUnused()
        return try compute.withoutResidentWeights { try decodeTiles(latents, autoencoder, compute) }
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
            return try numbers(tile, part: "autoencoder")
        }
        return RGBImage(
            size: PixelSize(width: latents.width * factor, height: latents.height * factor),
            values: picture.map { $0 / 2 + 0.5 })
    }

    /// `[height, width, channels]`, as the decoder takes them.
    private static func unscaled(_ latents: Latents, of autoencoder: any PictureAutoencoder) -> [Float] {
        channelsLast(latents.values, channels: latents.channels)
            .map { $0 / autoencoder.latentScale + autoencoder.latentShift }
    }

    /// Tiles of that many latent pixels that keep the autoencoder within `autoencoderMemory`; one where all fits.
    private func tiling(height: Int, width: Int) -> Tiling {
        let pixelBytes = autoencoder.activationBytes(elementSize: compute.type.size)
        let affordable = Double(autoencoderMemory) / Double(pixelBytes * facts.scaleFactor * facts.scaleFactor)
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

    /// The guidance scale as a distilled model wants it: sines and cosines of 1000 · w (`get_guidance_scale_embedding`,
    /// diffusers 0.42.1, pipeline_stable_diffusion.py).
    private static func guidanceEmbedding(_ scale: Float, channels: Int) -> [Float] {
        let half = channels / 2
        let step = Float(Scalar.log(10000.0)) / Float(half - 1)
        let angles = (0 ..< half).map { scale * 1000 * Scalar.exp(-Float($0) * step) }
        return angles.map(Scalar.sine) + angles.map { Scalar.cosine($0) } + [Float](repeating: 0, count: channels % 2)
    }

    // MARK: Not a number

    /// The values of what a part computed; throws where one is not a number.
    func numbers(_ tensor: Tensor, part: String) throws -> [Float] {
        let values = compute.floats(tensor)
        guard values.allSatisfy(\.isFinite) else { throw notANumber(part: part) }
        return values
    }

    /// The error for a part that gave a NaN or an infinity: names the tensor that holds one, if one does.
    private func notANumber(part: String) -> ModelError {
        for (found, weights) in sources where found == part {
            let culprit = weights.names.sorted().first { name in
                weights.tensor(name)?.isFinite == false
            }
            if let culprit { return .notANumber(model: files.name, part: part, tensor: culprit) }
        }
        return .notANumber(model: files.name, part: part, tensor: nil)
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
