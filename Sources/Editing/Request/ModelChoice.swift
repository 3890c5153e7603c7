public import Diffusion

/// Which model an edit uses, and how it is run.
public struct ModelChoice: Sendable {
    public var source: ModelSource
    /// `nil` for the fastest that this processor runs well.
    public var precision: Precision?
    /// `nil` for one a core.
    public var threads: Int?

    public init(source: ModelSource, precision: Precision? = nil, threads: Int? = nil) {
        self.source = source
        self.precision = precision
        self.threads = threads
    }

    /// Opens the model. Throws `ModelError`.
    public func open() throws -> any Denoiser {
        try DiffusionPipeline(model: source, precision: precision ?? .automatic, threads: threads)
    }
}
