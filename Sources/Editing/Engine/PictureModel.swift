public import Diffusion
public import Raster

/// What `Editing` needs of the denoising engine. `DiffusionPipeline` is the one that edits pictures; tests bring
/// deterministic ones of their own.
public protocol PictureModel: AnyObject {
    /// What the model is, and what it asks of pictures.
    var facts: ModelFacts { get }

    /// What the network computes in, and so how much memory it takes.
    var precision: Precision { get }

    /// What its runs may take of the memory. An edit lowers them for its runs, and gives back what they were (`within`).
    var memoryLimits: MemoryLimits { get set }

    /// The least bytes of activations that it can do with.
    var smallestActivationMemory: Int { get }

    /// Makes one picture for each of the request's seeds, nominally 0…1 and of the conditioning's size.
    ///
    /// `finished` gets them in the order of the seeds, each as soon as it is made. What it or `progress` throws stops the
    /// run, within a step, and is thrown on.
    func run(
        _ request: DenoiseRequest, progress: (DenoiseProgress) throws -> Void, finished: (RGBImage) throws -> Void
    ) throws

    /// The picture after the model's autoencoder and back: what the model makes of it when it changes nothing. Sides must
    /// be multiples of `facts.scaleFactor`.
    func reconstructed(_ picture: RGBImage) throws -> RGBImage

    /// Writes the file of packed weights where runs packed some that it does not hold: its size in bytes, `nil` where
    /// none was written.
    func keepPackedWeights() -> Int?
}

extension PictureModel {
    public func keepPackedWeights() -> Int? { nil }

    /// Does something within limits, after which the model has its own again. `nil` changes nothing.
    func within<Value>(_ limits: MemoryLimits?, _ work: () throws -> Value) rethrows -> Value {
        guard var limits else { return try work() }
        let own = memoryLimits
        defer { memoryLimits = own }
        limits.activations = min(own.activations, limits.activations)
        memoryLimits = limits
        return try work()
    }
}

extension DiffusionPipeline: PictureModel {}
