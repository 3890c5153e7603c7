internal import ArgumentParser
internal import Diffusion
internal import Editing
internal import Raster

struct BenchCommand: ParsableCommand, ReportsAsJSON {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Time the parts of an edit with a model on this machine.",
        usage: "editor bench [<options>]",
        discussion: """
            Each part is run once to warm up and then timed; the median counts. "product" is a plain product of \
            matrices: what this machine can do at most. Operations are counted as the networks define them, so that \
            a part whose operations were saved can pass it.
            """)

    @OptionGroup(title: "Model and machine") var machine: MachineOptions

    @Option(
        help: ArgumentHelp("Size of the picture. Default: 512x512.", valueName: "WxH"), transform: SizeArgument.parse)
    var size: SizeArgument?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("How often each part is timed, 1 to 100. Default: 3.", valueName: "count"),
        transform: Form.whole(SettingRange("times", 1 ... 100), example: 3))
    var repeats = 3

    @Option(help: "A part to time; may be given several times. Default: all.")
    var part: [PartTiming.Part] = []

    @Flag(help: "One JSON object a part instead of a table.")
    var json = false

    var reportsAsJSON: Bool { json }

    func validate() throws {
        _ = try size?.checked(option: "--size")
        guard 1 ... 100 ~= repeats else { throw ValidationError("--repeats must be 1 to 100, found \(repeats)") }
    }

    func run() throws {
        let size = try size?.checked(option: "--size") ?? PixelSize(width: 512, height: 512)
        let bench = try BenchReport(
            model: machine.modelChoice(), size: size, repeats: repeats,
            parts: part.isEmpty ? PartTiming.Part.allCases : part)
        if !json { try Console.writeOutput(bench.heading) }
        try bench.run(
            observe: { try Interruption.check() },
            line: { line in try Console.writeOutput(json ? line.json.line(namedBy: .options) : line.text) })
    }
}
