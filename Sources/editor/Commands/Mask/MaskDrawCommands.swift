internal import ArgumentParser
internal import Editing
internal import Masking

/// The picture that a mask is made for.
struct MaskPictureArgument: ParsableArguments {
    @Argument(help: "The picture that the mask is for; - for standard input.", completion: .file())
    var image: String

    func input() throws -> PictureInput { try InputResolver().picture(image) }
}

struct MaskBoxCommand: ParsableCommand, ReportsAsJSON {
    static let configuration = CommandConfiguration(
        commandName: "box", abstract: "Mask a rectangle.",
        usage: "editor mask box [<options>] <image> <x,y,w,h>")

    @OptionGroup var picture: MaskPictureArgument

    @Argument(help: ArgumentHelp("Left, top, width and height.", valueName: "x,y,w,h"))
    var box: String

    @OptionGroup(title: "Output") var output: MaskOutputOptions

    var reportsAsJSON: Bool { output.json }

    func validate() throws { _ = try shape }

    func run() throws { try MaskRun(output).run(.shape(shape), input: picture.input()) }

    private var shape: MaskShape {
        get throws { try named("<x,y,w,h>") { () throws(MaskShapeError) in try MaskShape(box: box) } }
    }
}

struct MaskEllipseCommand: ParsableCommand, ReportsAsJSON {
    static let configuration = CommandConfiguration(
        commandName: "ellipse", abstract: "Mask an ellipse.",
        usage: "editor mask ellipse [<options>] <image> <cx,cy,rx,ry>")

    @OptionGroup var picture: MaskPictureArgument

    @Argument(help: ArgumentHelp("Centre and radii.", valueName: "cx,cy,rx,ry"))
    var ellipse: String

    @OptionGroup(title: "Output") var output: MaskOutputOptions

    var reportsAsJSON: Bool { output.json }

    func validate() throws { _ = try shape }

    func run() throws { try MaskRun(output).run(.shape(shape), input: picture.input()) }

    private var shape: MaskShape {
        get throws { try named("<cx,cy,rx,ry>") { () throws(MaskShapeError) in try MaskShape(ellipse: ellipse) } }
    }
}

struct MaskPolygonCommand: ParsableCommand, ReportsAsJSON {
    static let configuration = CommandConfiguration(
        commandName: "polygon", abstract: "Mask a polygon.",
        usage: "editor mask polygon [<options>] <image> <points>")

    @OptionGroup var picture: MaskPictureArgument

    @Argument(help: ArgumentHelp("The corners, separated by spaces.", valueName: "\"x,y x,y …\""))
    var points: String

    @Flag(help: "Where the polygon overlaps itself there is a hole.")
    var evenOdd = false

    @OptionGroup(title: "Output") var output: MaskOutputOptions

    var reportsAsJSON: Bool { output.json }

    func validate() throws { _ = try shape }

    func run() throws { try MaskRun(output).run(.shape(shape), input: picture.input()) }

    private var shape: MaskShape {
        get throws {
            try named("<x,y …>") { () throws(MaskShapeError) in
                try MaskShape(polygon: points, rule: evenOdd ? .evenOdd : .nonZero)
            }
        }
    }
}

struct MaskPathCommand: ParsableCommand, ReportsAsJSON {
    static let configuration = CommandConfiguration(
        commandName: "path", abstract: "Mask the inside of an SVG path.",
        usage: "editor mask path [<options>] <image> <d>",
        discussion: "All commands of SVG's d attribute are read, M L H V C S Q T A Z, absolute and relative.")

    @OptionGroup var picture: MaskPictureArgument

    @Argument(help: ArgumentHelp("The path's data, in pixels: \"M10 10 H90 V90 Z\".", valueName: "d"))
    var path: String

    @Flag(help: "Where the path overlaps itself there is a hole.")
    var evenOdd = false

    @OptionGroup(title: "Output") var output: MaskOutputOptions

    var reportsAsJSON: Bool { output.json }

    func validate() throws { _ = try shape }

    func run() throws { try MaskRun(output).run(.shape(shape), input: picture.input()) }

    private var shape: MaskShape {
        get throws {
            try named("<d>") { () throws(MaskShapeError) in
                try MaskShape(svgPath: path, rule: evenOdd ? .evenOdd : .nonZero)
            }
        }
    }
}

struct MaskStrokeCommand: ParsableCommand, ReportsAsJSON {
    static let configuration = CommandConfiguration(
        commandName: "stroke", abstract: "Mask a line drawn with a round brush.",
        usage: "editor mask stroke [<options>] <image> <points>")

    @OptionGroup var picture: MaskPictureArgument

    @Argument(help: ArgumentHelp("The points it goes through, separated by spaces.", valueName: "\"x,y x,y …\""))
    var points: String

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Diameter of the brush, 0.1 to 10000 pixels. Default: 20.", valueName: "pixels"),
        transform: Form.number(SettingRange("pixels", MaskShape.strokeWidths), example: "20"))
    var width = 20.0

    @OptionGroup(title: "Output") var output: MaskOutputOptions

    var reportsAsJSON: Bool { output.json }

    func validate() throws {
        try check("--width", SettingRange("pixels", MaskShape.strokeWidths), width)
        _ = try shape
    }

    func run() throws { try MaskRun(output).run(.shape(shape), input: picture.input()) }

    private var shape: MaskShape {
        get throws {
            try named("<x,y …>") { () throws(MaskShapeError) in try MaskShape(stroke: points, width: width) }
        }
    }
}

struct MaskTextCommand: ParsableCommand, ReportsAsJSON {
    static let configuration = CommandConfiguration(
        commandName: "text", abstract: "Mask the shape of some words.",
        usage: "editor mask text [<options>] <image> <text>",
        discussion:
            "The words are as large as fit into the box. Letters join, and text runs from right to left, where the script does."
    )

    @OptionGroup var picture: MaskPictureArgument

    @Argument(help: "The words; a line break begins a line. At most 2000 characters and 200 lines.")
    var text: String

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Where the words stand.", valueName: "x,y,w,h"))
    var box = "10%,10%,80%,80%"

    @Option(
        help: ArgumentHelp(
            "A font file, or the name of an installed font: of its family, with or without the style, or of its file without the ending. Default: a plain bold one that has the characters. What it lacks comes from other installed fonts.",
            valueName: "font"), completion: .file())
    var font: String?

    @Option(
        help: "How lines stand above each other. Default: right where the text runs from right to left, else center.")
    var align: TextShape.Alignment?

    @OptionGroup(title: "Output") var output: MaskOutputOptions

    var reportsAsJSON: Bool { output.json }

    func validate() throws {
        _ = try shape
        do throws(TextShapeError) { try TextShape.check(text) } catch { throw ValidationError(error.description) }
    }

    func run() throws {
        try MaskRun(output).run(.text(text, font: font, alignment: align, box: shape), input: picture.input())
    }

    private var shape: MaskShape {
        get throws { try named("--box") { () throws(MaskShapeError) in try MaskShape(box: box) } }
    }
}
