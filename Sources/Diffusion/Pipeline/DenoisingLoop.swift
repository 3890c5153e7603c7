internal import Raster
internal import Tensors

/// The denoising loop of candidates that go step by step together: those of a batch, or all where they share what is known.
struct DenoisingLoop<Family: ModelFamily> {
    private let pipeline: DiffusionPipeline
    private let family: Family
    private let request: DenoiseRequest
    private let guidance: Guidance<Family>
    /// Where candidates after the first are computed.
    private let region: MapRegion?
    /// A sampler that remembers no step.
    private let sampler: any Sampler
    private(set) var known: KnownPicture
    private var candidates: [Candidate]
    private var runs: [KnownPicture.Run]
    private var reused = ReusedFeatures()
    /// Whether the latest step was guided, of which `reused` is; `nil` before the first.
    private var wasGuided: Bool?
    /// Steps of the schedule that are run.
    private let steps: Range<Int>
    /// Which picture of the request the first candidate is.
    private let firstPicture: Int

    /// What one seed brings: a source of noise, and a sampler that remembers its steps.
    private struct Candidate {
        var generator: any RandomGenerator
        var sampler: any Sampler

        /// - Parameter sharing: makes of the noise that was drawn the noise to take.
        mutating func step(
            _ output: [Float], latents: [Float], index: Int, sharing: ([Float]) -> [Float]
        ) -> [Float] {
            sampler.step(modelOutput: output, latents: latents, index: index) {
                sharing(generator.normal(count: latents.count))
            }
        }
    }

    /// Draws where each seed starts.
    init(
        _ request: DenoiseRequest, seeds: [UInt64], firstPicture: Int, pipeline: DiffusionPipeline, family: Family,
        guidance: Guidance<Family>, known: KnownPicture, region: MapRegion?, sampler: any Sampler
    ) {
        self.request = request
        self.firstPicture = firstPicture
        self.pipeline = pipeline
        self.family = family
        self.guidance = guidance
        self.known = known
        self.region = region
        self.sampler = sampler
        var candidates = seeds.map { Candidate(generator: request.randomSource.generator(seed: $0), sampler: sampler) }
        var runs = candidates.indices.map {
            known.start(sampler: sampler, strength: request.strength, generator: &candidates[$0].generator)
        }
        if region != nil {
            for index in runs.indices.dropFirst() { runs[index] = known.share(runs[0], with: runs[index]) }
        }
        steps = runs[0].firstIndex ..< sampler.timesteps.count
        self.candidates = candidates
        self.runs = runs
    }

    /// Runs all steps.
    /// - Parameter progress: called before the first step and after each; what it throws ends the run.
    /// - Returns: the latents of each candidate.
    mutating func run(_ progress: (DenoiseProgress) throws -> Void) throws -> [Latents] {
        try report(progress, step: 0)
        for index in steps {
            if coherence > 0, request.coherenceMethod == .lanpaint, index + 1 < steps.upperBound,
                !candidates[0].sampler.isWithinStep
            {
                try encodeDeferred(progress)
                try iterate(before: index, progress)
            }
            let preview = try step(index, progress)
            try report(progress, step: index - steps.lowerBound + 1, preview: preview)
        }
        return runs.map(\.latents)
    }

    /// How often the network is asked again at each step; where nothing is held there is nothing to fit.
    private var coherence: Int { known.holds ? request.coherence : 0 }

    private func report(
        _ progress: (DenoiseProgress) throws -> Void, step: Int, preview: RGBImage? = nil
    ) throws {
        for picture in runs.indices {
            try progress(
                DenoiseProgress(
                    part: .denoise, picture: firstPicture + picture, step: step, steps: steps.count,
                    preview: picture == 0 ? preview : nil))
        }
    }

    private mutating func encodeDeferred(_ progress: (DenoiseProgress) throws -> Void) throws {
        guard known.isEncodingDeferred else { return }
        try progress(DenoiseProgress(part: .encode, picture: firstPicture, step: 0, steps: 0))
        try known.encodeDeferred(for: &runs) { [pipeline, request] in try pipeline.encode($0, wraps: request.wraps) }
    }

    /// One step of each candidate; with RePaint's coherence taken several times.
    /// - Returns: what the first is expected to become, where the request wants to see it.
    private mutating func step(_ index: Int, _ progress: (DenoiseProgress) throws -> Void) throws -> RGBImage? {
        // Of pictures that go together the first; the last step's is soon there in full.
        let isShown =
            request.previewInterval > 0 && (index - steps.lowerBound + 1) % request.previewInterval == 0
            && index + 1 < steps.upperBound
        var preview: RGBImage?
        let repeats = request.coherenceMethod == .repaint ? coherence : 0
        for round in 0 ... repeats {
            let before = candidates.map(\.sampler)
            let outputs = try predictions(at: index)
            if isShown, round == repeats {
                let expected = sampler.expected(outputs[0], latents: runs[0].latents.values, index: index)
                preview = pipeline.preview(known.withKnown(expected, in: runs[0]))
            }
            let sharedPicture = sharedPicture
            var shared: [Float]?
            for picture in runs.indices {
                runs[picture].latents.values = candidates[picture].step(
                    outputs[picture], latents: runs[picture].latents.values, index: index
                ) { Self.shared($0, &shared, known: sharedPicture) }
            }
            try encodeDeferred(progress)
            for picture in runs.indices {
                known.reimpose(on: &runs[picture], after: index, sampler: candidates[picture].sampler)
            }
            guard round < repeats, goBack(to: index, samplers: before) else { break }
            try progress(DenoiseProgress(part: .askAgain, picture: firstPicture, step: 0, steps: 0))
        }
        return preview
    }

    /// Adds a step's noise anew, so that it can be taken again.
    /// - Parameter samplers: the candidates' before that step.
    /// - Returns: whether the sampler has steps that can be.
    private mutating func goBack(to index: Int, samplers: [any Sampler]) -> Bool {
        var shared: [Float]?
        var isBack = false
        for picture in runs.indices {
            let renoised = sampler.renoised(runs[picture].latents.values, index: index) { noise(picture, &shared) }
            guard let renoised else { break }
            isBack = true
            runs[picture].latents.values = renoised
            known.reimpose(on: &runs[picture], after: index - 1, sampler: candidates[picture].sampler)
            candidates[picture].sampler = samplers[picture]
            candidates[picture].sampler.forgetLatents()
        }
        return isBack
    }

    /// LanPaint's iterations before a step.
    private mutating func iterate(before index: Int, _ progress: (DenoiseProgress) throws -> Void) throws {
        var inner: [InnerLangevin?] = []
        for picture in runs.indices {
            known.reimpose(on: &runs[picture], after: index - 1, sampler: sampler)
            candidates[picture].sampler.forgetLatents()
            inner.append(known.innerLangevin(in: runs[picture], before: index, sampler: sampler))
        }
        for _ in 0 ..< coherence {
            try progress(DenoiseProgress(part: .askAgain, picture: firstPicture, step: 0, steps: 0))
            var shared: [Float]?
            for picture in runs.indices {
                let latents = runs[picture].latents.values
                runs[picture].latents.values =
                    inner[picture]?.latentsToAsk(latents) { noise(picture, &shared) } ?? latents
            }
            let outputs = try predictions(at: index)
            shared = nil
            for picture in runs.indices {
                let latents = runs[picture].latents.values
                runs[picture].latents.values =
                    inner[picture]?.finished(latents, modelOutput: outputs[picture]) { noise(picture, &shared) }
                    ?? latents
            }
        }
    }

    /// What the candidates share, where they do.
    private var sharedPicture: KnownPicture? { region == nil ? nil : known }

    /// Noise for a candidate; those that share what is known share the first's where nothing may change.
    private mutating func noise(_ picture: Int, _ shared: inout [Float]?) -> [Float] {
        Self.shared(
            candidates[picture].generator.normal(count: runs[picture].latents.count), &shared, known: sharedPicture)
    }

    /// The noise drawn, with the first candidate's, `shared`, where nothing of what they share may change; the first's as it is.
    private static func shared(_ drawn: [Float], _ shared: inout [Float]?, known: KnownPicture?) -> [Float] {
        guard let known else { return drawn }
        defer { shared = shared ?? drawn }
        return shared.map { known.changing(drawn, known: $0) } ?? drawn
    }

    /// What is followed of the denoiser's outputs, for each candidate.
    private mutating func predictions(at index: Int) throws -> [[Float]] {
        let share = (Float(index - steps.lowerBound) + 0.5) / Float(steps.count)
        let isGuided = guidance.rule.applies(at: share)
        // What is reused is mixed with features of the step's own branches.
        let isWhole = (index - steps.lowerBound) % request.deepFeatureInterval == 0 || wasGuided != isGuided
        if isWhole { reused = ReusedFeatures() }
        wasGuided = isGuided
        // A picture that repeats is seen with margins in which it does.
        let margins = DenoiseRequest.latentMargins(request.wraps, pipeline.facts)
        let wrapped = known.latentSize.padded(by: margins)
        let inputs = zip(candidates, runs).map {
            wrapPaddedPlanes(
                $0.sampler.scaleInput($1.latents.values, index: index) + $1.extraPlanes, of: known.latentSize,
                by: margins)
        }
        return try family.predict(
            DenoiserInput(
                candidates: inputs, height: wrapped.height, width: wrapped.width, timestep: sampler.timesteps[index],
                region: region), conditioning: isGuided ? guidance.guided : guidance.unguided, reused: &reused
        ).map {
            let output = wrapPaddedPlanes($0, of: wrapped, by: margins.negated)
            return isGuided ? guidance.rule.followed(output) : output
        }
    }
}
