internal import ImageFiles
internal import Masking
internal import Raster

/// Reads the masks of one picture.
struct MaskReader {
    let picture: Picture
    /// How messages call the picture.
    let name: String
    let meaning: MaskMeaning
    let fit: Bool
    let maximumPixels: Int

    /// The union of several masks; `nil` for none.
    ///
    /// - Throws: `ImageFileError`, or `EditError` for a mask of another size and for a picture without alpha.
    func union(_ sources: [MaskSource], notes: inout [EditNote]) throws -> Mask? {
        var result: Mask?
        for source in sources {
            let mask = try read(source, notes: &notes)
            // How one of them was read does not hold for all.
            result = result.map { Mask(coverage: $0.union(mask).coverage) } ?? mask
        }
        return result
    }

    func read(_ source: MaskSource, notes: inout [EditNote]) throws -> Mask {
        switch source {
        case .shape(let shape): return shape.mask(size: picture.size)
        case .ownAlpha:
            guard let mask = Mask(alphaOf: picture, meaning: meaning) else { throw EditError.noAlpha(picture: name) }
            return mask
        case .picture(let input):
            let file = try PictureFile.read(input, maximumPixels: maximumPixels)
            notes += file.notes.map { EditNote("\(input.name): \($0)") }
            do {
                return try Mask(file.picture, meaning: meaning, for: picture.size, fit: fit)
            } catch {
                throw EditError.unfitMask(file: input.name, picture: name, reason: error)
            }
        }
    }
}
