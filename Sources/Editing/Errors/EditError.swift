public import ImageFiles
public import Masking
public import PlainText
public import Raster

/// What can be wrong with an edit, apart from its files (`ImageFiles`) and its model (`Diffusion`).
public enum EditError: Failing, Equatable {
    case outOfRange(SettingKey, allowed: String, found: String)
    /// A value of another form than the setting's, at a place of a request in JSON.
    case wrongForm(Sentence, expected: Sentence, found: String)
    /// A name in a request that is none of a setting's; `near` resembles it.
    case unknownKey(String, near: String?)
    /// Numbers at a place of a request that make no shape.
    case badShape(Sentence, MaskShapeError)
    /// What was to be a request in JSON.
    case badRequest(name: String, reason: String)
    case noRequest(path: String)
    /// A side of a generated picture.
    case sideOutOfRange(PixelSize)
    case tooManyMasks(SettingKey, count: Int)
    /// A setting of other modes.
    case notForMode(SettingKey, mode: EditMode)
    /// How far a picture is to be extended is said in several ways, in none, or comes to nothing.
    case severalCanvases
    case noCanvas
    case nothingExtended
    /// The four sides say where the picture stays.
    case anchorOfSides(OutpaintPlan.Anchor)
    case promptTooLong(bytes: Int, limit: Int)
    case missingInput(mode: EditMode, what: String)
    /// No earlier result is known for the folder, or it is `gone`.
    case nothingToContinue(folder: String, gone: String?)
    /// The mask does not fit the picture.
    case unfitMask(file: String, picture: String, reason: MaskError)
    /// The mask can be read in several ways, or is none.
    case unclearMask(file: String, reason: MaskError)
    /// What was given as the mask looks like a picture, and the picture like a mask.
    case swapped(picture: String, mask: String)
    /// The picture's own transparency was asked for, and it has none.
    case noAlpha(picture: String)
    /// Something is to be protected, and the network's picture to be written unpasted.
    case protectionImpossible
    /// What is painted is to fit what is held, and nothing is to be held.
    case nothingHeld
    /// A fill that must not be seen would be kept: by the choice of detail, or by too little strength.
    case placeholderKept(fill: String, detail: Detail)
    case noiseKept(strength: Float)
    /// Light and texture of the picture would be kept where they have been filled over.
    case colorOfFill(mode: EditMode)
    /// There is no shape to cut out, or nothing that is painted anew to cut it from.
    case stencilWithoutShape(mode: EditMode)
    case maskFormat(path: String)
    /// Where previews are to go is neither the terminal nor a PNG file.
    case notAPreview(found: String)
    /// Previews would go where a result goes.
    case previewIsOutput(path: String)
    case noFont(name: String?)
    /// Characters that no font of the machine's has, `font` included.
    case noGlyphs(characters: [Unicode.Scalar], font: String)
    case unreadable(path: String)
    /// More memory is needed than the user allows, in bytes.
    case overMemoryLimit(what: String, needed: Int, limit: Int)
    /// A picture whose sides are no multiples of what the model works in cannot repeat; the nearest sizes can.
    case untileable(size: PixelSize, multiple: Int, nearest: [PixelSize])
    /// A picture of which the mask leaves nothing cannot go on across its border.
    case nothingRepeats
    /// Nothing of the picture is kept from which `what`, a mode or an option, could continue it.
    case nothingKept(what: Sentence)
    case outputIsInput(path: String)
    /// A result, or a preview, would take the place of a file that is read and stays.
    case outputIsRead(path: String, role: ReadFile.Role)
    /// The format cannot hold a picture of that size; `others` can.
    case outputTooLarge(path: String, format: ImageFormat, size: PixelSize, others: [ImageFormat])
    /// In bytes.
    case diskFull(path: String, free: Int, needed: Int)
    case outputExists(path: String)
    case outputFolderMissing(path: String)
    case outputFormatUnknown(path: String)
    case outputNotWritable(path: String, reason: Sentence)
    case tooManyPicturesForStandardOutput(count: Int)
    /// The model returned something that it must not.
    case wrongPictureCount(expected: Int, found: Int)
    case wrongPicture(expected: PixelSize, found: PixelSize)
    case notFinite(stage: String)
}

extension EditError: Worded {
    public var sentence: Sentence {
        switch self {
        case .outOfRange(let key, let allowed, let found):
            "\(key) must be \(allowed), found \(found)"
        case .wrongForm(let place, let expected, let found):
            "\(place) must be \(expected), found \(found)"
        case .unknownKey(let key, let near):
            "'\(key.prefix(60))' is no setting" + (near.map { "; did you mean '\($0)'?" } ?? "")
        case .badShape(let place, let reason): "\(place): \(reason)"
        case .badRequest(let name, let reason):
            "'\(name)' is no request: \(reason)"
        case .noRequest(let path): "'\(path)' does not exist; a request in JSON was expected there"
        case .sideOutOfRange(let size):
            "\(.size) must have sides of \(EditSettings.sides.allowed), found \(size.width)x\(size.height)"
        case .tooManyMasks(let key, let count):
            "\(key) has \(count) entries, expected at most \(EditSettings.maskLimit)"
        case .notForMode(.strength, .generate):
            "\(.strength) says how far a picture is changed; generate starts from none, leave it out"
        case .notForMode(let key, let mode):
            "\(key) has no meaning for \(mode.rawValue), leave it out"
        case .severalCanvases:
            "\(.size), \(.aspect), \(.zoomOut) and the four sides exclude each other; give one of the four"
        case .noCanvas:
            "outpaint needs to know how far to extend: give \(.left), \(.right), \(.top) or \(.bottom), or \(.size), \(.aspect) or \(.zoomOut)"
        case .nothingExtended:
            "nothing would be added: give one of \(.left), \(.right), \(.top), \(.bottom) above 0"
        case .anchorOfSides(let anchor):
            "\(.anchor, anchor.rawValue) is for \(.size), \(.aspect) and \(.zoomOut); the four sides already say where the picture stays"
        case .promptTooLong(let bytes, let limit):
            "the prompt is \(bytes.of("byte")) long, expected at most \(limit)"
        case .missingInput(let mode, let what):
            "\(mode.rawValue) needs \(what)"
        case .nothingToContinue(let folder, nil):
            "no picture was named, none is piped in, and no earlier result is known in '\(folder)'"
        case .nothingToContinue(_, let gone?):
            "no picture was named, none is piped in, and the last result '\(gone)' is gone"
        case .unfitMask(let file, let picture, .sizeMismatch(let mask, let size)):
            "the mask '\(file)' is \(mask) but the picture '\(picture)' is \(size), expected the same size; \(.fitMask) scales the mask"
        case .unfitMask(let file, _, let reason), .unclearMask(let file, let reason):
            "the mask '\(file)' \(reason)"
        case .swapped(let picture, let mask):
            "'\(mask)' looks like a picture and '\(picture)' like a mask; the picture is named first, then the mask: were they swapped?"
        case .noAlpha(let picture):
            "'\(picture)' has no transparency to take a mask from"
        case .protectionImpossible:
            "\(.composite, "raw") writes every pixel anew, so nothing can be protected; leave one of \(.protected) and raw out"
        case .nothingHeld:
            "\(.coherence) fits what is painted to the known latents that are held, and with \(.knownLatents, "channels") an inpainting model holds none; leave one of them out"
        case .placeholderKept(let fill, let detail):
            "\(.detail, detail.rawValue) would show the fill, and \(fill) must not show; leave one of the two out, or use \(.detail, "model")"
        case .noiseKept(let strength):
            "\(.strength, strength.shortText) leaves some of \(.fill, "noise") to be seen, expected a strength of 1; leave one of them out"
        case .colorOfFill(let mode):
            "\(.detail, "color") keeps the picture's light and texture, which \(mode.rawValue) fills over; use remix, or \(.fill, "original")"
        case .stencilWithoutShape(let mode):
            "\(.composite, "stencil") cuts what is painted by the shape of a mask, which is for inpaint, found \(mode.rawValue)"
        case .notAPreview(let found):
            "\(.livePreview) must be 'terminal' or the name of a .png file, found '\(found)'"
        case .previewIsOutput(let path):
            "'\(path)' is where a result will be written; give \(.livePreview) another name"
        case .maskFormat(let path):
            "'\(path)' would not keep a mask exactly; masks are written as PNG, expected a name that ends in .png"
        case .noFont(let name):
            name.map { name -> Sentence in
                "there is no font '\(name)' on this machine, expected the path of a font file or the name of an installed font"
            }
                ?? "no font was found on this machine; name a font file with \(.font)"
        case .noGlyphs(let characters, let font):
            "neither '\(font)' nor another font of this machine has a glyph for \(Self.listed(characters)); name a font file that has them with \(.font)"
        case .unreadable(let path):
            "'\(path)' can no longer be read"
        case .overMemoryLimit(let what, let needed, let limit):
            "\(what) needs about \(Figures.bytes(needed)) of memory, expected at most \(Figures.bytes(limit)) (\(.maxMemory))"
        case .untileable(let size, let multiple, let nearest):
            "a picture of \(size) cannot be tiled by this model, expected sides that are multiples of \(multiple) along the axes of \(.tileable): \(nearest.map { "\($0)" }.joined(separator: " or "))"
        case .nothingRepeats:
            "the mask covers the whole picture, so there is nothing for \(.tileable) to continue; to rework the whole picture use remix or variations without a mask"
        case .nothingKept(let what):
            "nothing of the picture is kept, so there is nothing for \(what) to continue; mask less of it, or rework the whole picture with remix or variations, without a mask and \(.fill)"
        case .outputIsInput(let path):
            "'\(path)' is an input, which only \(.force) overwrites; choose another output name"
        case .outputIsRead(let path, let role):
            role == .input
                ? "'\(path)' is the input, which is never overwritten; choose another output name"
                : "'\(path)' is read as \(role.rawValue) and is never overwritten; choose another output name"
        case .outputTooLarge(let path, let format, let size, let others):
            "'\(path)' cannot hold a picture of \(size): sides of a \(format.displayName) have at most \(format.longestSide) pixels; "
                + (others.isEmpty
                    ? "make the picture smaller"
                    : "give \(.output) a name that ends in \(others.map { "." + $0.fileExtension }.joined(separator: " or "))")
        case .diskFull(let path, let free, let needed):
            "'\(path)' cannot be written: no space is left on its disk (\(Figures.bytes(free)) are free, about \(Figures.bytes(needed)) are needed)"
        case .outputExists(let path):
            "'\(path)' exists already; choose another output name, or overwrite it with \(.force)"
        case .outputFolderMissing(let path):
            "'\(path)' cannot be created: its folder does not exist"
        case .outputFormatUnknown(let path):
            "'\(path)' has no ending that says what to write, expected .png, .jpg, .jpeg, .webp, .tif or .tiff"
        case .outputNotWritable(let path, let reason):
            "'\(path)' cannot be created: \(reason)"
        case .tooManyPicturesForStandardOutput(let count):
            "standard output takes one picture, found a count of \(count)"
        case .wrongPictureCount(let expected, let found):
            "the model returned \(found.of("picture")), expected \(expected)"
        case .wrongPicture(let expected, let found):
            "the model returned a picture of \(found), expected \(expected)"
        case .notFinite(let stage):
            "a value that is not a number came out of \(stage)"
        }
    }

    /// "'ש' (U+05E9), 'ל' (U+05DC) and 3 more".
    static func listed(_ characters: [Unicode.Scalar]) -> String {
        func code(_ scalar: Unicode.Scalar) -> String {
            let digits = String(scalar.value, radix: 16, uppercase: true)
            return "U+" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
        }
        let named = characters.prefix(6).map { "'\($0)' (\(code($0)))" }.joined(separator: ", ")
        return characters.count > 6 ? "\(named) and \(characters.count - 6) more" : named
    }

    public var kind: FailureKind {
        switch self {
        case .outOfRange, .wrongForm, .unknownKey, .badShape, .tooManyMasks, .sideOutOfRange, .notForMode,
            .severalCanvases, .noCanvas, .nothingExtended, .anchorOfSides, .promptTooLong, .missingInput, .untileable,
            .nothingRepeats, .nothingKept, .outputFormatUnknown, .outputIsInput, .outputIsRead, .outputTooLarge,
            .tooManyPicturesForStandardOutput, .protectionImpossible,
            .nothingHeld, .placeholderKept, .noiseKept, .colorOfFill, .stencilWithoutShape, .maskFormat,
            .notAPreview, .previewIsOutput:
            .usage
        case .noFont, .noGlyphs, .noRequest: .noInput
        case .badRequest, .unfitMask, .unclearMask, .swapped, .noAlpha: .badData
        case .unreadable, .diskFull: .inputOutput
        case .nothingToContinue: .noInput
        case .outputExists, .outputFolderMissing, .outputNotWritable: .cannotCreate
        case .overMemoryLimit: .modelUnusable
        case .wrongPicture, .wrongPictureCount: .internalFault
        case .notFinite: .modelUnusable
        }
    }
}
