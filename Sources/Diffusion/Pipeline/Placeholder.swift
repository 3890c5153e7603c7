public import Raster
internal import Tensors

// Stands in until the pipeline lands; same surface.

public enum ModelSource: Sendable, Equatable {
    case folder(String)
    case embedded
}

public enum Precision: String, Sendable, CaseIterable {
    case f32, bf16
    public static var automatic: Precision { Compute.hasNativeBFloat16 ? .bf16 : .f32 }
}

public struct SchedulerConfiguration {
    public enum Prediction: String, Sendable { case epsilon, velocity = "v_prediction", sample }
}

public struct ModelFacts: Sendable {
    public let name: String
    public let family: String
    public let summary: String?
    public let latentChannels: Int
    public let inputChannels: Int
    public let scaleFactor: Int
    public let pixelMultiple: Int
    public let nativeSize: Int
    public let prediction: SchedulerConfiguration.Prediction
    public let sampler: Sampler.Kind?
    public let parameters: Int
    public let defaults: EditDefaults
    public var isInpainting: Bool { inputChannels == 2 * latentChannels + 1 }
}

public struct EditDefaults: Sendable, Equatable {
    public var steps: Int?
    public var guidance: Float?
    public var strength: Float?
    public var fill: String?
    public init(steps: Int? = nil, guidance: Float? = nil, strength: Float? = nil, fill: String? = nil) {
        self.steps = steps
        self.guidance = guidance
        self.strength = strength
        self.fill = fill
    }
}

public enum ModelError: Error, CustomStringConvertible {
    case notThere(path: String)
    case noEmbeddedModel
    public var description: String {
        switch self {
        case .notThere(let path): "There is no model at \(path)."
        case .noEmbeddedModel: "This build has no model inside; name one with --model."
        }
    }
}

public final class DiffusionPipeline {
    public let facts: ModelFacts
    public init(model: ModelSource, precision: Precision, threads: Int?) throws {
        switch model {
        case .folder(let path): throw ModelError.notThere(path: path)
        case .embedded: throw ModelError.noEmbeddedModel
        }
    }
    public func run(_ request: DenoiseRequest, progress: (DenoiseProgress) throws -> Void) throws -> [RGBImage] { [] }
}
