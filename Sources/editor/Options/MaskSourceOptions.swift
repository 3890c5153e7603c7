internal import ArgumentParser
internal import Editing
internal import Masking

/// A mask in place of MASK: shapes in numbers, further pictures, the picture's own transparency; and what must stay.
struct MaskSourceOptions: ParsableArguments {
    @Option(
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp(
            "Mask a rectangle: left, top, width, height, in pixels or with % of the side. May be repeated, as may the others here: all masks together count.",
            valueName: "x,y,w,h"))
    var box: [String] = []

    @Option(
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp("Mask an ellipse: its centre and two radii.", valueName: "cx,cy,rx,ry"))
    var ellipse: [String] = []

    @Option(
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp("Mask a polygon: its corners, separated by spaces.", valueName: "\"x,y x,y …\""))
    var polygon: [String] = []

    @Option(
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp(
            "Mask the inside of an SVG path in pixels, for example \"M10 10 H90 V90 Z\".", valueName: "d"))
    var svgPath: [String] = []

    @Flag(help: "Polygons and paths that overlap themselves have holes there (SVG's fill rule evenodd).")
    var evenOdd = false

    @Option(
        help: ArgumentHelp("Mask what this picture covers; - for standard input.", valueName: "path"),
        completion: .file())
    var mask: [String] = []

    @Flag(help: "Mask where the picture itself is transparent.")
    var ownAlpha = false

    @Option(
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp(
            "Never change what this mask covers, whatever else does; a picture, or a rectangle x,y,w,h. May be repeated.",
            valueName: "path"), completion: .file())
    var protect: [String] = []

    func validate() throws {
        _ = try shapes
        for word in protect { _ = try Self.protectedShape(word) }
    }

    /// Whether a mask is given here.
    var isGiven: Bool {
        ownAlpha || !(box.isEmpty && ellipse.isEmpty && polygon.isEmpty && svgPath.isEmpty && mask.isEmpty)
    }

    /// Words that may be `-`.
    var inputs: [String] { mask + protect }

    /// The masks, `positional` first.
    func sources(positional: String?, _ inputs: InputResolver) throws -> [MaskSource] {
        let first = try positional.map { MaskSource.picture(try inputs.picture($0, as: "MASK")) }
        let others = try mask.map { MaskSource.picture(try inputs.picture($0, as: "--mask")) }
        return try [first].compactMap(\.self) + others + shapes.map { .shape($0) } + (ownAlpha ? [.ownAlpha] : [])
    }

    func protectedSources(_ inputs: InputResolver) throws -> [MaskSource] {
        try protect.map { word in
            try Self.protectedShape(word).map { .shape($0) } ?? .picture(try inputs.picture(word, as: "--protect"))
        }
    }

    private var shapes: [MaskShape] {
        get throws {
            let rule: VectorPath.FillRule = evenOdd ? .evenOdd : .nonZero
            return try box.map { text in try named("--box") { () throws(MaskShapeError) in try MaskShape(box: text) } }
                + ellipse.map { text in
                    try named("--ellipse") { () throws(MaskShapeError) in try MaskShape(ellipse: text) }
                }
                + polygon.map { text in
                    try named("--polygon") { () throws(MaskShapeError) in try MaskShape(polygon: text, rule: rule) }
                }
                + svgPath.map { text in
                    try named("--svg-path") { () throws(MaskShapeError) in try MaskShape(svgPath: text, rule: rule) }
                }
        }
    }

    /// A rectangle, where the word is none of a file's.
    private static func protectedShape(_ word: String) throws -> MaskShape? {
        guard word != "-", !FileSystem.exists(word), word.split(separator: ",").count == 4 else { return nil }
        return try named("--protect") { () throws(MaskShapeError) in try MaskShape(box: word) }
    }
}

/// Turns what is wrong with a shape into a `ValidationError` that names where it was given.
func named<Value>(_ argument: String, _ make: () throws(MaskShapeError) -> Value) throws -> Value {
    do {
        return try make()
    } catch {
        throw ValidationError("\(argument): \(error)")
    }
}

/// MASK and PROMPT of a command whose MASK may be left out where options give a mask.
struct MaskedPositionals: Equatable {
    let mask: String?
    let prompt: String?

    /// Two words are mask and prompt. A single one is the mask, unless options give one: then it is the mask where it
    /// is `-`, names a file or ends as a picture's name does, else the prompt.
    init(_ first: String?, _ second: String?, hasOtherMasks: Bool) {
        if second != nil || !hasOtherMasks {
            mask = first
            prompt = second
        } else {
            let words = Positionals(first, nil)
            mask = words.image
            prompt = words.prompt
        }
    }

    /// Throws a `ValidationError` where there is no mask at all, or a single word that is no picture's name in its place.
    func check(hasOtherMasks: Bool) throws {
        guard !hasOtherMasks else { return }
        var reason = ""
        if let mask {
            guard !mask.isEmpty else { throw ValidationError("MASK is empty, expected the path of a mask picture") }
            guard prompt == nil, Positionals(mask, nil).image == nil else { return }
            reason =
                FileSystem.isFolder(mask)
                ? "'\(mask.prefix(60))' is a folder; " : "there is no file '\(mask.prefix(60))'; "
        }
        throw ValidationError(
            "Missing expected argument '<mask>': \(reason)name a mask picture, or give a shape with --box, --ellipse, --polygon or --svg-path"
        )
    }
}
