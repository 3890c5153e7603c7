internal import ArgumentParser
internal import Editing

/// Turns the words of the command line into pictures' origins.
struct InputResolver {
    /// Whether to say which picture was taken, and how.
    private let notice: (String) -> Void
    /// Bytes taken from standard input.
    private let limit: Int

    init(_ output: OutputOptions? = nil, maximumPixels: Int = EditSettings.defaultMaximumPixels) {
        limit = PictureInput.maximumBytes(maximumPixels: maximumPixels)
        notice = output.map { output in { if !output.quiet && !output.json { Console.writeError($0) } } } ?? { _ in }
    }

    /// A path, or `-` for what is on standard input.
    ///
    /// - Parameter argument: where the word was given.
    func picture(_ word: String, as argument: String = "IMAGE") throws -> PictureInput {
        guard !word.isEmpty else { throw ValidationError("\(argument) is empty, expected the path of a picture") }
        guard word == "-" else { return .file(path: word) }
        let bytes = try Console.readInput(limit: limit)
        guard !bytes.isEmpty else { throw StreamError.inputIsEmpty }
        return .bytes(bytes, name: Self.standardInput)
    }

    /// The same; left out, what is piped in, else the last result made in this folder.
    func pictureOrLast(_ word: String?) throws -> PictureInput {
        if let word { return try picture(word) }
        if Console.inputIsPiped {
            let bytes = try Console.readInput(limit: limit)
            if !bytes.isEmpty {
                notice("using the picture on standard input")
                return .bytes(bytes, name: Self.standardInput)
            }
        }
        let path = try LastResult.inFolder(FileSystem.currentFolder)
        notice("continuing with the last result made in this folder, '\(path)'")
        return .file(path: path)
    }

    private static let standardInput = "standard input"
}

/// Throws a `ValidationError` where two pictures would be read from standard input.
func checkOneStandardInput(_ words: [String?]) throws {
    if words.count(where: { $0 == "-" }) > 1 {
        throw ValidationError("only one of the picture and its masks can come from standard input")
    }
}
