internal import ImageFiles
internal import Masking
internal import PlainText
internal import Raster

extension ImageMetadata {
    /// What the file of a mask says of it: that it shows words which were drawn to be read.
    static let lettering = TextEntry(keyword: "Mask", text: "lettering")

    var saysLettering: Bool { text.contains(Self.lettering) }
}

/// Reads the masks of one picture.
struct MaskReader {
    let picture: LoadedImage
    /// How messages call the picture.
    let name: String
    let meaning: MaskMeaning
    let fit: Bool
    let maximumPixels: Int
    /// Whether it matters that words are no longer told as such.
    var saysCoveredWords = false
    /// Whether `picture` is a mask, too, with which none can be swapped.
    var isOfMasks = false

    private var size: PixelSize { picture.picture.size }

    /// The union of several masks; `nil` for none.
    ///
    /// - Throws: `ImageFileError`, or `EditError` for a mask of another size or without a clear meaning, and for a
    ///   picture without alpha.
    func union(_ sources: [MaskSource], notes: inout [EditNote]) throws -> Mask? {
        var result: Mask?
        for source in sources {
            let mask = try read(source, notes: &notes)
            // How one of them was read does not hold for all.
            if sources.count > 1 { notes += Self.notes(on: mask, of: source.input?.name ?? name) }
            guard let others = result else {
                result = mask
                continue
            }
            let all = Self.union(others, mask)
            result = Mask(coverage: all.mask.coverage)
            result?.isLettering = all.mask.isLettering
            if all.coversWords, saysCoveredWords { notes.append(Self.coveredWords) }
        }
        return result
    }

    /// What either mask covers. It shows words where one of them does whose words can still be told.
    ///
    /// - Returns: also whether words can no longer be told.
    static func union(_ one: Mask, _ other: Mask) -> (mask: Mask, coversWords: Bool) {
        var mask = one.union(other)
        mask.isLettering =
            switch (one.isLettering, other.isLettering) {
            case (true, true): true
            case (true, false): one.areWordsSeen(beside: other)
            case (false, true): other.areWordsSeen(beside: one)
            case (false, false): false
            }
        return (mask, !mask.isLettering && (one.isLettering || other.isLettering))
    }

    static let coveredWords = EditNote(
        "another mask covers the words, so the mask no longer counts as words; inpaint with \(.composite, "stencil") keeps its shape all the same"
    )

    func read(_ source: MaskSource, notes: inout [EditNote]) throws -> Mask {
        switch source {
        case .shape(let shape): return try Self.mask(of: shape, size: size, notes: &notes)
        case .ownAlpha:
            guard let mask = Mask(alphaOf: picture.picture, meaning: meaning) else {
                throw EditError.noAlpha(picture: name)
            }
            return mask
        case .picture(let input):
            let file = try PictureFile.read(input, maximumPixels: maximumPixels)
            notes += Self.notes(on: file, of: input.name)
            let upright = upright(file, name: input.name, notes: &notes)
            do {
                var mask = try Mask(upright, meaning: meaning, isLossy: file.isLossy, for: size, fit: fit)
                mask.isLettering = file.metadata.saysLettering && meaning == .repaint
                if mask.reading?.findings.contains(.grayPicture) == true, looksLikeMask {
                    throw EditError.swapped(picture: name, mask: input.name)
                }
                return mask
            } catch let error as MaskError {
                switch error {
                case .sizeMismatch: throw EditError.unfitMask(file: input.name, picture: name, reason: error)
                case .picture, .colors:
                    guard !looksLikeMask else { throw EditError.swapped(picture: name, mask: input.name) }
                    throw EditError.unclearMask(file: input.name, reason: error)
                default: throw EditError.unclearMask(file: input.name, reason: error)
                }
            }
        }
    }

    /// A shape on a picture of that size. Throws `MaskShapeError` for one that lies outside.
    static func mask(of shape: MaskShape, size: PixelSize, notes: inout [EditNote]) throws(MaskShapeError) -> Mask {
        try check(shape, on: size, notes: &notes)
        return shape.mask(size: size)
    }

    /// Notes that a shape is cut off at the picture's border. Throws `MaskShapeError` where nothing of it is left.
    static func check(_ shape: MaskShape, on size: PixelSize, notes: inout [EditNote]) throws(MaskShapeError) {
        guard try shape.reachesBeyond(size) else { return }
        notes.append(EditNote("the \(shape.kind) reaches beyond the picture of \(size), where it is cut off"))
    }

    /// What is to be said of the file of a mask: nothing is carried over from it, and its samples are taken as they are.
    static func notes(on file: LoadedImage, of name: String) -> [EditNote] {
        file.pixelNotes.filter { !file.colorNotes.contains($0) }.map { EditNote("\(name): \($0)") }
    }

    /// What was seen in a mask and is not said with the verdict on it.
    static func notes(on mask: Mask, of name: String) -> [EditNote] {
        (mask.reading?.findings ?? []).map { EditNote("\(name): \($0)", isWarning: $0.isWarning) }
    }

    /// The mask's picture, turned as the picture is where it was made for the picture as it is stored.
    private func upright(_ file: LoadedImage, name: String, notes: inout [EditNote]) -> Picture {
        let (mask, stored) = (file.picture, picture.facts.storedSize)
        let orientation = picture.facts.orientation
        let isTurned = orientation >= 5 && file.facts.orientation == 1 && stored != size
        let fits = mask.size == stored || fit && mask.size.isScaled(stored) && !mask.size.isScaled(size)
        if isTurned, fits {
            notes.append(
                EditNote(
                    "\(name): it has the stored size of '\(self.name)' (\(mask.size)), not the size shown (\(size), EXIF orientation \(orientation)); it is turned with the picture",
                    isWarning: true))
            return mask.upright(from: orientation)
        }
        if fit, !mask.size.isScaled(size) {
            notes.append(
                EditNote(
                    "\(name): it is \(mask.size) and is stretched to \(size), which has another shape", isWarning: true)
            )
        }
        return mask
    }

    /// Whether the picture holds black and white alone, as far as compression lets it.
    private var looksLikeMask: Bool {
        guard !isOfMasks, let mask = try? Mask(reading: picture.picture, isLossy: picture.isLossy) else { return false }
        let values = mask.coverage.values
        return values.allSatisfy { $0 < 0.1 || $0 > 0.9 } && values.contains { $0 < 0.1 }
            && values.contains { $0 > 0.9 }
    }
}

extension PixelSize {
    /// Whether both have one shape, to within a pixel.
    fileprivate func isScaled(_ other: PixelSize) -> Bool {
        abs(width * other.height - height * other.width) <= max(max(width, height), max(other.width, other.height))
    }
}
