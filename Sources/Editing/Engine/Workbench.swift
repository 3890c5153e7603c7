internal import Diffusion

/// Edits one after the other with models that stay open between them, found by what they were asked for.
///
/// A model is opened anew once one of its files is another than it was: its weights are never those of a file that is no
/// longer there. What open models have in common they share; packed weights of all together keep to the budget of the one
/// that computes (`MemoryLimits.weights`), so that an open model costs what it needs beside its weights.
///
/// Not for two threads at once; `EditQueue` gives one a thread of its own.
public final class Workbench {
    /// A model and what it was made of.
    private struct Place {
        let choice: ModelChoice
        let files: [String: FileSystem.Stamp]
        let model: any PictureModel
    }

    /// Which model was used last stands last.
    private var places: [Place] = []
    private let size: Int
    private let open: (ModelChoice) throws -> any PictureModel

    /// - Parameters:
    ///   - size: how many models stay open, 1 at least; beyond that the one that was not used for longest is closed.
    ///   - open: opens a model.
    public init(
        size: Int = 4, open: @escaping (ModelChoice) throws -> any PictureModel = { try $0.open() }
    ) {
        self.size = max(1, size)
        self.open = open
    }

    /// Runs an edit (`EditJob.run`) with that model, to which LoRAs that the prompt calls are added.
    /// - Throws: what `EditJob.run` throws. What is open stays open.
    public func run(
        _ job: EditJob, with choice: ModelChoice, randomSeed: UInt64,
        observe: @escaping (EditEvent) throws -> Void
    ) throws -> EditOutcome {
        try job.run(
            randomSeed: randomSeed, loraLibrary: { try LoRALibrary(for: choice.source) },
            openModel: { loras in
                var choice = choice
                choice.adapters.loras += loras
                return try model(for: choice)
            }, observe: observe)
    }

    /// The model, open: the one of before where its files are as they were.
    /// - Throws: `ModelError`, `AdapterError` or what opening it throws.
    public func model(for choice: ModelChoice) throws -> any PictureModel {
        // Before it is opened: what changes meanwhile is seen next time.
        let files = choice.fileStamps
        if let index = places.firstIndex(where: { $0.choice == choice }) {
            let place = places.remove(at: index)
            if place.files == files {
                places.append(place)
                return place.model
            }
        }
        if places.count >= size { places.removeFirst(places.count - size + 1) }
        let model = try open(choice)
        places.append(Place(choice: choice, files: files, model: model))
        return model
    }

    /// Writes the packed weights of the model that was used last to the user's cache folder, where it keeps them and they
    /// are not there yet: what an edit with it, once it is delivered, leaves to the next process.
    /// - Returns: the file's size in bytes; `nil` where none was written.
    @discardableResult
    public func keepPackedWeights() -> Int? { places.last?.model.keepPackedWeights() }

    /// How many models are open.
    public var openModels: Int { places.count }

    /// Closes all models.
    public func close() { places = [] }
}

extension ModelChoice {
    /// What the files are that the model is made of, by their paths: of a folder all that lie in it, as deep as its parts do.
    fileprivate var fileStamps: [String: FileSystem.Stamp] {
        var stamps: [String: FileSystem.Stamp] = [:]
        func add(_ path: String, depth: Int) {
            stamps[path] = FileSystem.Stamp(path)
            guard depth > 0, FileSystem.isFolder(path) else { return }
            for name in FileSystem.entries(of: path) { add(FileSystem.join(path, name), depth: depth - 1) }
        }
        for file in readFiles { add(file.path, depth: 2) }
        if let vocabulary = DataFolder.clipVocabulary { add(vocabulary, depth: 0) }
        return stamps
    }
}
