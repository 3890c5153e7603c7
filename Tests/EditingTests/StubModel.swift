import Editing
import Raster

@testable import Diffusion

/// A denoiser whose picture is known: it changes what it was given by a function, so that whatever else changed was
/// the pipeline's doing.
final class StubModel: PictureModel {
    let facts: ModelFacts
    let precision = Precision.bf16
    var memoryLimits = MemoryLimits(activations: 1 << 30)
    let smallestActivationMemory = 1 << 20
    private let change: (RGBImage, UInt64) -> RGBImage
    private(set) var requests: [DenoiseRequest] = []
    /// What it might take of the memory, at each call.
    private(set) var limits: [MemoryLimits] = []

    init(
        nativeSize: Int = 64, multiple: Int = 8, defaults: EditDefaults = EditDefaults(),
        change: @escaping (RGBImage, UInt64) -> RGBImage = { image, _ in image }
    ) {
        facts = ModelFacts(
            name: "stub", family: "made for a test", summary: nil, latentChannels: 4, inputChannels: 9,
            pictureInput: .masked, scaleFactor: 8,
            pixelMultiple: multiple, nativeSize: nativeSize, prediction: .epsilon, sampler: .ddim, parameters: 0,
            defaults: defaults)
        self.change = change
    }

    func run(
        _ request: DenoiseRequest, progress: (DenoiseProgress) throws -> Void, finished: (RGBImage) throws -> Void
    ) throws {
        requests.append(request)
        limits.append(memoryLimits)
        let start: RGBImage =
            switch request.conditioning {
            case .text(let size): RGBImage(size: size, repeating: (0.5, 0.5, 0.5))
            case .picture(let picture): picture
            case .masked(let picture, _): picture
            }
        for (index, seed) in request.seeds.enumerated() {
            try progress(DenoiseProgress(part: .encode, picture: index, step: 0, steps: 0))
            let steps = max(1, Int(Float(request.steps) * request.strength))
            for step in 1 ... steps {
                try progress(DenoiseProgress(part: .denoise, picture: index, step: step, steps: steps))
            }
            try progress(DenoiseProgress(part: .decode, picture: index, step: 0, steps: 0))
            try finished(change(start, seed))
        }
    }

    func reconstructed(_ picture: RGBImage) throws -> RGBImage {
        limits.append(memoryLimits)
        return picture
    }

    /// Every value replaced by one colour.
    static func painting(red: Float, green: Float, blue: Float) -> (RGBImage, UInt64) -> RGBImage {
        { image, _ in RGBImage(size: image.size, repeating: (red, green, blue)) }
    }
}
