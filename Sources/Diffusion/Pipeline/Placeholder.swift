public import Raster

// Stands in until the pipeline lands; same surface.

public enum ModelSource: Sendable {
    case folder(String)
    case embedded
}

public enum Precision: String, Sendable, CaseIterable {
    case f32, bf16, int8
}

public struct ModelFacts: Sendable {
    public var name: String
    public var summary: String
    public var latentChannels: Int
    public var inputChannels: Int
    public var scaleFactor: Int
    public var pixelMultiple: Int
    public var nativeSize: Int
    public var predictionType: String
    public var hash: String?
    public init(
        name: String, summary: String, latentChannels: Int, inputChannels: Int, scaleFactor: Int, pixelMultiple: Int,
        nativeSize: Int, predictionType: String, hash: String? = nil
    ) {
        self.name = name
        self.summary = summary
        self.latentChannels = latentChannels
        self.inputChannels = inputChannels
        self.scaleFactor = scaleFactor
        self.pixelMultiple = pixelMultiple
        self.nativeSize = nativeSize
        self.predictionType = predictionType
        self.hash = hash
    }
}

public enum ModelError: Error, CustomStringConvertible {
    case missing(String)
    public var description: String {
        switch self { case .missing(let what): what }
    }
}

public final class DiffusionPipeline {
    public let facts: ModelFacts
    public init(model: ModelSource, precision: Precision?, threads: Int?) throws {
        switch model {
        case .folder(let path): throw ModelError.missing("'\(path)' cannot be used as a model: this build has no engine yet")
        case .embedded: throw ModelError.missing("this build has no embedded model; name one with --model")
        }
    }
    public func run(_ request: DenoiseRequest, progress: (DenoiseProgress) throws -> Void) throws -> [RGBImage] { [] }
}
