public import Raster

/// One run of the denoising pipeline: everything the user's wish comes down to once masks, crops and pre-fills are
/// settled. Model facts (channels, scale factor, prediction type) are the pipeline's own.
public struct DenoiseRequest: Sendable {
    /// What stands in the latents before the first step, and how the known region is held.
    public enum Conditioning: Sendable {
        /// Text to image: pure noise of that size.
        case text(size: PixelSize)
        /// The picture is the start, everything may change (`remix`). Same as `masked` with a mask of ones, but for a
        /// network that was made for inpainting.
        case picture(RGBImage)
        /// The picture, pre-filled where the hole is, and the mask: 1 repaints, 0 keeps, between is the strength of
        /// change of that pixel (differential diffusion). Both have the same size.
        case masked(RGBImage, mask: Plane)
    }

    /// How a network that was made for inpainting is told what is known.
    public enum KnownLatents: String, Sendable, CaseIterable {
        /// Known latents are written back after every step, whatever the network's channels.
        case reimpose
        /// Only through the network's own mask channels, as the reference's inpainting pipeline does; on a network
        /// without such channels the same as `reimpose`.
        case channels
    }

    /// How what is painted comes to fit what is held.
    public enum CoherenceMethod: String, Sendable, CaseIterable {
        /// Each step is taken again, from its own result with the step's noise added anew (Lugmayr et al. 2022, arXiv
        /// 2201.09865).
        case repaint
        /// Langevin iterations before each step but the last (`InnerLangevin`; Zheng et al. 2025, arXiv 2502.03491).
        case lanpaint
    }

    public var conditioning: Conditioning
    /// What a denoiser that is shown what fills the hole (`ModelFacts.MaskedImage.filled`) sees there, where the start
    /// is not to be seen; of the start's size. `nil` shows the start.
    public var guess: RGBImage?
    public var prompt: String
    public var negativePrompt: String
    /// One picture is made for each seed.
    public var seeds: [UInt64]
    /// So many of them are computed at once, at least 1: a little faster, in more memory. Other kernels suit a larger batch, so
    /// that a picture then differs by rounding from the one that its seed gives alone.
    public var batchSize: Int
    /// Denoising steps asked for, at least 1. With `strength` < 1 only the last `strength · steps` of them are run.
    public var steps: Int
    /// Classifier-free guidance scale; 1 and below runs the network once a step instead of twice.
    public var guidance: Float
    /// How closely an instructed model (InstructPix2Pix) keeps to the picture, 1 and up; below 1 it is not guided at all.
    public var imageGuidance: Float
    /// 0…1: how far what guidance makes of a prediction is brought back to the spread of the one for the prompt, so that strong
    /// guidance does not darken or oversaturate a picture (Lin et al. 2024, "Common Diffusion Noise Schedules and Sample Steps Are
    /// Flawed", arXiv:2305.08891, §3.4, whose authors take 0.7). 0 leaves it as it is.
    public var guidanceRescale: Float
    /// The shares of the run, 0 (noise) to 1 (picture), between which guidance applies; outside, the prompt alone is
    /// followed, by one call of the network (Kynkäänniemi et al. 2024, "Applying Guidance in a Limited Interval",
    /// arXiv:2404.07724, whose interval is one of noise levels).
    public var guidanceInterval: ClosedRange<Float>
    /// The denoiser's coarser levels are computed at every so many steps only, and their result used again between (Ma et
    /// al. 2024, "DeepCache", arXiv:2312.00858). 1 computes them always.
    public var deepFeatureInterval: Int
    /// All but the first of several seeds are computed only around what the mask lets change, and take the rest from the
    /// first, whose noise they share there (`KnownActivations`). An approximation; where the mask covers most of the
    /// picture, or the network's sizes do not halve evenly, all are computed whole.
    public var reusesKnown: Bool
    /// 0 < strength ≤ 1: the share of the noise schedule that is run.
    public var strength: Float
    /// `nil` takes what the model's scheduler_config.json names.
    public var sampler: SamplerKind?
    /// `nil` takes what the model's scheduler_config.json names.
    public var schedule: ScheduleType?
    public var randomSource: RandomSource
    public var knownLatents: KnownLatents
    /// How many more times the network is asked at each step, so that what is painted and what is held come to fit each
    /// other. Where nothing is held it does nothing.
    public var coherence: Int
    public var coherenceMethod: CoherenceMethod
    /// At every so many steps the run tells what picture it expects (`DenoiseProgress.preview`); 0 is never. It takes the
    /// time of that picture, and changes nothing.
    public var previewInterval: Int
    /// The axes along which the pictures repeat: the network sees what lies beyond the opposite border. The sides along
    /// them must be multiples of the model's `pixelMultiple`.
    public var wraps: WrappedAxes

    public init(
        conditioning: Conditioning, prompt: String, negativePrompt: String = "", seeds: [UInt64] = [0],
        batchSize: Int = 1, steps: Int = 20, guidance: Float = 7.5, imageGuidance: Float = 1.5,
        guidanceRescale: Float = 0, guidanceInterval: ClosedRange<Float> = 0 ... 1, deepFeatureInterval: Int = 1,
        reusesKnown: Bool = false, strength: Float = 1, sampler: SamplerKind? = nil,
        schedule: ScheduleType? = nil, randomSource: RandomSource = .torch,
        knownLatents: KnownLatents = .reimpose, coherence: Int = 0,
        coherenceMethod: CoherenceMethod = .lanpaint, previewInterval: Int = 0, wraps: WrappedAxes = []
    ) {
        self.conditioning = conditioning
        self.prompt = prompt
        self.negativePrompt = negativePrompt
        self.seeds = seeds
        self.batchSize = batchSize
        self.steps = steps
        self.guidance = guidance
        self.imageGuidance = imageGuidance
        self.guidanceRescale = guidanceRescale
        self.guidanceInterval = guidanceInterval
        self.deepFeatureInterval = deepFeatureInterval
        self.reusesKnown = reusesKnown
        self.strength = strength
        self.sampler = sampler
        self.schedule = schedule
        self.randomSource = randomSource
        self.knownLatents = knownLatents
        self.coherence = coherence
        self.coherenceMethod = coherenceMethod
        self.previewInterval = previewInterval
        self.wraps = wraps
    }
}

extension DenoiseRequest {
    /// Pixels by which a picture that wraps is continued on each side before a network sees it: 8 latent pixels, rounded up
    /// to what the model takes.
    public static func wrapMargin(_ facts: ModelFacts) -> Int {
        let (length, multiple) = (8 * facts.scaleFactor, facts.pixelMultiple)
        return (length + multiple - 1) / multiple * multiple
    }

    /// The same in latent pixels, on the sides along the axes that repeat.
    static func latentMargins(_ wraps: WrappedAxes, _ facts: ModelFacts) -> Margins {
        wraps.margins(wrapMargin(facts) / facts.scaleFactor)
    }
}

/// Which generator draws the noise.
public enum RandomSource: String, Sendable, CaseIterable {
    /// The values that `torch.randn` draws on the CPU (Mersenne Twister).
    case torch
    /// The values that PyTorch's CUDA generator draws (Philox 4×32).
    case philox
}

/// Where a running edit stands. Sent after every denoising step, before each further call of the network within a step,
/// and at the start of each other part.
public struct DenoiseProgress: Sendable {
    public enum Part: String, Sendable {
        case text, encode, denoise, decode
        /// Within a step: the network is asked once more. Nothing to show, but a moment at which the run can be
        /// stopped.
        case askAgain
    }
    public var part: Part
    /// Which picture of the request, from 0.
    public var picture: Int
    /// Steps finished, of `steps` in all; both 0 outside `denoise`.
    public var step: Int
    public var steps: Int
    /// After some steps of the first picture (`DenoiseRequest.previewInterval`): what it is expected to become, with what is
    /// known in its place. Nominally 0…1; of the request's size, or a pixel for each latent pixel.
    public var preview: RGBImage?

    public init(part: Part, picture: Int, step: Int, steps: Int, preview: RGBImage? = nil) {
        self.preview = preview
        self.part = part
        self.picture = picture
        self.step = step
        self.steps = steps
    }
}
